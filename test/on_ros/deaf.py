"""A subscriber that is there and never reads: it stops itself once it is seen."""

import os
import signal
import sys

import rclpy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("deaf")
subscription = node.create_subscription(Image, sys.argv[1], lambda message: None, QoSProfile(depth=1))
while not node.count_publishers(sys.argv[1]):
    rclpy.spin_once(node, timeout_sec=0.1)
rclpy.spin_once(node, timeout_sec=3.0)  # a message: the publisher knows of it
print("deaf from now on", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
