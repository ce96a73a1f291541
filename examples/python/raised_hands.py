"""Who raises a hand, how far away, and how much of the picture they fill: places, keypoints and masks.

python3 raised_hands.py    # beside ros2 launch bodypix_ros people.launch.py
"""

import message_filters
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, Detection3DArray


class RaisedHands(Node):
    """Joins three topics of one image by their stamp, which is exactly the image's."""

    def __init__(self):
        super().__init__("raised_hands")
        topics = {"persons_3d": Detection3DArray, "keypoints": Detection2DArray, "instance_mask": Image}
        inputs = [
            message_filters.Subscriber(self, kind, topic, qos_profile=qos_profile_sensor_data)
            for topic, kind in topics.items()
        ]
        self.joined = message_filters.TimeSynchronizer(inputs, 10)
        self.joined.registerCallback(self.on_people)

    def on_people(self, places, keypoints, mask):
        """Say it of everybody in an image."""
        labels = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.step)[:, : mask.width]
        # The k-th of keypoints is k + 1 in the mask; only who has a place is in persons_3d.
        people = {one.id: (k + 1, one) for k, one in enumerate(keypoints.detections) if one.id}
        for place in places.detections:
            if place.id not in people:
                continue
            value, person = people[place.id]
            y = {
                r.hypothesis.class_id: r.pose.pose.position.y
                for r in person.results
                if r.hypothesis.score > 0.3
            }
            raised = any(
                y.get(f"{side}_wrist", np.inf) < y.get(f"{side}_shoulder", -np.inf)
                for side in ("left", "right")
            )
            at, fills = place.results[0].pose.pose.position, (labels == value).mean()
            metres = np.linalg.norm([at.x, at.y, at.z])
            text = f"{place.id}: {metres:.2f} m away, fills {fills:.0%} of the picture"
            self.get_logger().info(text + ", raises a hand" * raised)


def main():
    """Run until stopped."""
    rclpy.init()
    rclpy.spin(RaisedHands())


if __name__ == "__main__":
    main()
