"""The renderer node: images, masks, persons and keypoints in, pictures out, while somebody looks.

It wires parameters and topics; what belongs together is decided in `joining`, what is shown in `drawing`.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_updater import Updater
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from bodypix_ros.errors import StartError
from bodypix_ros.ros.messages import markers as skeletons
from bodypix_ros.ros.messages.types import ros_types
from bodypix_ros.ros.renderer import drawing
from bodypix_ros.ros.renderer.joining import IMAGE, Joiner
from bodypix_ros.ros.renderer.options import DETECTIONS, FIELDS, RendererOptions, inputs_of, required_of
from bodypix_ros.ros.shared import waiting
from bodypix_ros.ros.shared.node import Log, declare, fill, newest, run

LOOK_S = 0.25
"""Seconds between two looks at whether anybody subscribes (Humble does not tell)."""


class RendererNode(Node):  # type: ignore[misc]
    """See the README's table of topics and parameters."""

    def __init__(self, **arguments: Any) -> None:
        """Publish; nothing is subscribed to yet.

        Args:
            arguments: For `rclpy.node.Node`.

        Raises:
            StartError: A parameter has a wrong type or value.
        """
        super().__init__("renderer", **arguments)
        self.failure: str | None = None
        try:
            self._options = RendererOptions().changed(declare(self, FIELDS.values()))
        except ValueError as error:
            raise StartError(str(error)) from error
        options = self._options
        self._topics = [_Topics(self, name, options) for name in options.camera_names]
        cameras = [topics.camera for topics in self._topics]
        self._painter = drawing.Painter(cameras, options, ros_types(), Log(self.get_logger()))
        self.add_on_set_parameters_callback(self._on_set)
        # Not the node's clock: simulated time may stand still, and people look all the same.
        self.create_timer(LOOK_S, self._on_look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._updater = Updater(self)
        self._updater.setHardwareID("none")
        for topics in self._topics:
            self._updater.add(topics.title, partial(_report, topics))

    async def autostart(self) -> None:
        """There is nothing to start: the node listens once somebody looks."""

    def end(self) -> None:
        """The process ends: draw no more. ROS may be down already."""
        self._painter.stop()

    @property
    def min_keypoint_score(self) -> float:
        """The parameter."""
        return self._options.min_keypoint_score

    def _on_set(self, parameters: list[Any]) -> Any:
        """Check and take over. Nobody can refuse after this, and Humble has no callback that comes later."""
        try:
            self._options = self._options.changed({p.name: p.value for p in parameters})
        except (ValueError, TypeError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._painter.options = self._options
        for topics in self._topics:
            topics.camera.joiner.wait_s = self._options.wait_s
            topics.camera.joiner.capacity = self._options.buffer_size
        return SetParametersResult(successful=True)

    def _on_look(self) -> None:
        for topics in self._topics:
            topics.look(self._options.mode, self._painter)
            topics.look_at_skeletons()


def _report(topics: "_Topics", entry: Any) -> Any:
    return fill(
        entry, drawing.status(topics.camera, waiting=topics.outage_text, listening=topics.is_listening)
    )


class _Topics:
    """The topics of one camera."""

    def __init__(self, node: RendererNode, name: str, options: RendererOptions) -> None:
        self._node = node
        self._prefix = f"{name}/" if name else ""
        self._compressed = options.input_transport == "compressed"
        self.title = f"camera {name}" if name else "camera"
        self.camera = drawing.Camera(name, self, Joiner(options.buffer_size, options.wait_s))
        self.outage_text = ""
        self._outage = waiting.Outage(time.monotonic())
        self._quiet_since_s = 0.0
        self._absent: list[str] | None = None
        self._wanted: tuple[str, ...] = ()
        self._mode = options.mode
        self._subscriptions: dict[str, Any] = {}
        self._skeletons = skeletons.Skeletons(skeletons.ros_types())
        self._placed: Any = None
        self._markers = node.create_publisher(
            MarkerArray,
            self._prefix + skeletons.TOPIC,
            newest(),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publishers = {
            topic: node.create_publisher(
                kind,
                self._prefix + topic,
                newest(),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for topic, kind in ((drawing.RAW, Image), (drawing.COMPRESSED, CompressedImage))
        }

    @property
    def is_listening(self) -> bool:
        """Whether the inputs are subscribed to."""
        return bool(self._subscriptions)

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""
        count: int = self._publishers[topic].get_subscription_count()
        return count

    def publish(self, topic: str, message: Any) -> None:
        """Publish a message."""
        self._publishers[topic].publish(message)

    def look(self, mode: str, painter: drawing.Painter) -> None:
        """Subscribe to what is needed now, and see to frames that have waited long enough."""
        wanted = inputs_of(mode) if any(map(self.listeners, self._publishers)) else ()
        if wanted != self._wanted or mode != self._mode:
            self._listen(wanted, mode, painter)
        if not wanted:
            return
        now_s = time.monotonic()
        self._hand_on(self.camera.joiner.check(now_s), now_s, painter)
        missing_s = self._outage.check(now_s)
        if missing_s is not None:
            self._quiet_since_s = now_s - missing_s
        if self._outage.said:
            self._say_what_is_absent(now_s)

    def look_at_skeletons(self) -> None:
        """Listen to people in 3-D while somebody wants to see their skeletons, whatever the mode."""
        wanted = self._markers.get_subscription_count() > 0
        if wanted and self._placed is None:
            self._placed = self._node.create_subscription(
                Detection3DArray,
                self._prefix + skeletons.INPUT,
                self._on_placed,
                newest(ReliabilityPolicy.BEST_EFFORT),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        elif not wanted and self._placed is not None:
            self._node.destroy_subscription(self._placed)
            self._placed = None

    def _on_placed(self, message: Any) -> None:
        self._markers.publish(self._skeletons.markers(message, self._node.min_keypoint_score))

    def _listen(self, wanted: tuple[str, ...], mode: str, painter: drawing.Painter) -> None:
        joiner = self.camera.joiner
        joiner.expect(wanted, required_of(mode))
        self._wanted, self._mode = wanted, mode
        self._outage, self.outage_text, self._absent = waiting.Outage(time.monotonic()), "", None
        for name in self._subscriptions.keys() - set(wanted):
            self._node.destroy_subscription(self._subscriptions.pop(name))
        for name in wanted:
            if name not in self._subscriptions:
                self._subscriptions[name] = self._node.create_subscription(
                    self._type(name),
                    self._prefix + self._topic(name),
                    self._receiver(name, painter),
                    # Best effort hears everybody. A depth of a few, as several messages make one frame.
                    QoSProfile(
                        history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
                    ),
                    qos_overriding_options=QoSOverridingOptions.with_default_policies(),
                )

    def _receiver(self, name: str, painter: drawing.Painter) -> Callable[[Any], None]:
        joiner = self.camera.joiner

        def on_message(message: Any) -> None:
            now_s = time.monotonic()
            stamp = message.header.stamp
            self._hand_on(joiner.add(name, (stamp.sec, stamp.nanosec), message, now_s), now_s, painter)

        return on_message

    def _hand_on(self, frame: Any, now_s: float, painter: drawing.Painter) -> None:
        if frame is None:
            return
        if self._outage.frame(now_s):
            self.outage_text, self._absent = "", None
        painter.put(self.camera, frame)

    def _topic(self, name: str) -> str:
        return f"{name}/compressed" if name == IMAGE and self._compressed else name

    def _type(self, name: str) -> Any:
        if name in DETECTIONS:
            return Detection2DArray
        return CompressedImage if name == IMAGE and self._compressed else Image

    def _say_what_is_absent(self, now_s: float) -> None:
        """Say why there is no picture, and again when the reason changes."""
        coming = self.camera.joiner.is_coming
        absent = [name for name in required_of(self._mode) if not coming(name, now_s)]
        if absent == self._absent:
            return
        self._absent = absent
        seconds = now_s - self._quiet_since_s
        self.outage_text = self._why_absent(absent[0], seconds) if absent else self._why_not_joined(seconds)
        self._node.get_logger().warning(self.outage_text)

    def _why_not_joined(self, seconds: float) -> str:
        topics = ", ".join(subscription.topic_name for subscription in self._subscriptions.values())
        return (
            f"no picture for {seconds:.0f} s: messages come on some of {topics}, but none with the stamp of "
            "an image; the segmenter must read the very images that this node reads"
        )

    def _why_absent(self, name: str, seconds: float) -> str:
        subscription, kind = self._subscriptions[name], self._type(name)
        topic = subscription.topic_name
        publishers = [waiting.Publisher.of(info) for info in self._node.get_publishers_info_by_topic(topic)]
        if name != IMAGE and not publishers:
            return (
                f"{self._mode} shows nothing without {name}: nobody publishes {topic}; start the segmenter "
                f"with a model that has parts, or remap {self._prefix}{name}"
            )
        other = topic.removesuffix("/compressed") if self._compressed else f"{topic}/compressed"
        text = waiting.describe(
            self._prefix + self._topic(name),
            topic,
            f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}",
            subscription.qos_profile.reliability.name,
            publishers,
            seconds,
            [other] if name == IMAGE and self._node.count_publishers(other) else [],
        )
        return text if name == IMAGE else f"{self._mode} shows nothing without {name}: {text}"


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop, and return the exit code."""
    return run(RendererNode, args)


if __name__ == "__main__":
    sys.exit(main())
