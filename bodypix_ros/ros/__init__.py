"""ROS 2: messages, parameters, nodes and bags. Only the nodes import rclpy."""
