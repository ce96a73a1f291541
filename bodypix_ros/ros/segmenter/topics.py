"""The part of the segmenter node that is one camera: its topics."""

import time
from typing import Any

from rclpy.qos import ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from vision_msgs.msg import Detection2DArray, Detection3DArray, LabelInfo

from bodypix_ros.ros.segmenter.parameters import NodeOptions
from bodypix_ros.ros.segmenter.pipeline import (
    KEYPOINTS_3D,
    LABEL_INFOS,
    OUTPUTS,
    Camera,
    Frame,
    Pipeline,
    absent,
)
from bodypix_ros.ros.shared import outage
from bodypix_ros.ros.shared.node import newest

_TYPES: dict[str, Any] = {
    "persons": Detection2DArray,
    "keypoints": Detection2DArray,
    KEYPOINTS_3D: Detection3DArray,
    **dict.fromkeys(LABEL_INFOS, LabelInfo),
}


class Topics:
    """The topics of one camera."""

    def __init__(self, node: Any, name: str, options: NodeOptions) -> None:
        """Make the publishers.

        Args:
            node: The lifecycle node.
            name: Of the camera: the prefix of its topics.
            options: The node's parameters.
        """
        self._node, self._compressed = node, options.input_transport == "compressed"
        self._absent = absent(options.model)
        self._prefix = f"{name}/" if name else ""
        self._image = self._prefix + ("image/compressed" if self._compressed else "image")
        self.title = f"camera {name}" if name else "camera"
        self.camera = Camera(name, self)
        self.outage_text = ""
        self._outage = outage.Outage(time.monotonic())
        self._subscription: Any = None
        self._calibration: Any = None
        self._publishers = {
            topic: node.create_lifecycle_publisher(
                _TYPES.get(topic, Image),
                self._prefix + topic,
                newest(ReliabilityPolicy.RELIABLE, latched=topic in LABEL_INFOS),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for topic in (*OUTPUTS, KEYPOINTS_3D, *LABEL_INFOS)
            if topic.removesuffix("/label_info") not in self._absent
        }

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""
        count: int = self._publishers[topic].get_subscription_count()
        return count

    def publish(self, topic: str, message: Any) -> None:
        """Publish a message, or one that is serialised already."""
        self._publishers[topic].publish(message)

    def listen(self, pipeline: Pipeline) -> None:
        """Subscribe to the images."""
        camera, mailboxes = self.camera, pipeline.mailboxes
        statistics = camera.statistics
        camera.announced = None
        self._outage, self.outage_text = outage.Outage(time.monotonic()), ""

        def on_image(message: Any) -> None:
            now_s = time.monotonic()
            if mailboxes.put(camera.name, Frame(message, now_s)):
                statistics.counts.replaced += 1
            statistics.counts.received += 1
            statistics.received.add(now_s)
            if self._outage.frame(now_s):
                self.outage_text = ""
            # The worker may have the interpreter now: the executor would keep it until it waits again.
            time.sleep(0)

        self._subscription = self._node.create_subscription(
            CompressedImage if self._compressed else Image,
            self._image,
            on_image,
            newest(ReliabilityPolicy.BEST_EFFORT),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

        if KEYPOINTS_3D not in self._absent:
            self._calibration = self._node.create_subscription(
                CameraInfo,
                f"{self._prefix}camera_info",
                camera.calibrate,
                newest(ReliabilityPolicy.BEST_EFFORT),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

    def notes(self) -> dict[str, str]:
        """Why nothing is published on a topic, by topic."""
        notes = dict(self._absent)
        if self.camera.lens_error:
            notes[KEYPOINTS_3D] = self.camera.lens_error
        elif KEYPOINTS_3D not in notes and self.camera.lens is None:
            topic = self._calibration.topic_name if self._calibration else f"{self._prefix}camera_info"
            notes[KEYPOINTS_3D] = f"waiting for {topic.lstrip('/')}"
        return notes

    def stop_listening(self) -> None:
        """Unsubscribe."""
        for subscription in (self._subscription, self._calibration):
            if subscription is not None:
                self._node.destroy_subscription(subscription)
        self._subscription = self._calibration = None

    def destroy(self) -> None:
        """Take the publishers away."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    def check_outage(self) -> None:
        """Say, once, when frames stay away."""
        missing_s = self._outage.check(time.monotonic())
        if missing_s is None:
            return
        topic = self._subscription.topic_name
        other = topic.removesuffix("/compressed") if self._compressed else f"{topic}/compressed"
        self.outage_text = outage.describe(
            self._image,
            topic,
            f"sensor_msgs/msg/{'CompressedImage' if self._compressed else 'Image'}",
            self._subscription.qos_profile.reliability.name,
            [outage.Publisher.of(info) for info in self._node.get_publishers_info_by_topic(topic)],
            missing_s,
            [other] if self._node.count_publishers(other) else [],
        )
        self._node.get_logger().warning(self.outage_text)
