"""ROS 2: nodes, what they decide, messages. Only `*_node.py` and `shared/node.py` import rclpy."""
