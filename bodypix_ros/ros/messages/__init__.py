"""Messages: images, people, labels and markers, without rclpy; the message classes are given."""
