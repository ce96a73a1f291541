"""The source node: plays pictures, a video or a camera as the topic of a camera."""

import sys
import threading
from typing import Any

from ament_index_python.packages import get_package_share_directory
from rclpy.node import Node

from bodypix_ros.errors import MediaError, StartError
from bodypix_ros.media import find_sources
from bodypix_ros.options import options_of
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.types import message_class, ros_types
from bodypix_ros.ros.shared.node import NodeLog, NodeWiring, declare, run
from bodypix_ros.ros.source.options import SourceOptions
from bodypix_ros.ros.source.playing import Pace, play
from bodypix_ros.space import calibration
from bodypix_ros.space.calibration import Calibration

_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"

_TRANSFORMS = "tf2_msgs/msg/TFMessage"

HEIGHT_M = 1.0
"""How high the camera stands in its `parent_frame`, metres."""

OPTICAL = (-0.5, 0.5, -0.5, 0.5)
"""REP-103's optical frame (z forward, x right, y down) in one with x forward, z up: quaternion x, y, z, w."""

_TICK_S = 0.005
"""Simulated time is looked at so often: how fast it goes is not known."""


class SourceNode(Node):  # type: ignore[misc]
    """Its topics and parameters are in docs/nodes.md."""

    def __init__(self, **arguments: Any) -> None:
        """Find what is to be played, and begin.

        Args:
            arguments: For `rclpy.node.Node`.

        Raises:
            StartError: A parameter has a wrong type or value, or names something that is not there.
        """
        super().__init__("source", **arguments)
        self.failure: str | None = None
        self._log = NodeLog(self.get_logger())
        values = declare(self, options_of(SourceOptions).values())
        try:
            self._options = SourceOptions(**values | {"source": str(values["source"])})
            self._sources = find_sources([self._options.source], note=self._log.warning)
            # An address may hold a password; its name does not.
            self._name = self._sources[0].name if len(self._sources) == 1 else self._options.source
            url = self._options.camera_info_url
            self._calibration = (
                calibration.read(calibration.path_of(url, get_package_share_directory)) if url else None
            )
        except (ValueError, MediaError) as error:
            raise StartError(str(error)) from error
        self._types = ros_types()
        self._new_info = message_class(_CAMERA_INFO)
        self._image, self._camera_info = (
            # As sensors do it; a subscriber that wants it reliable needs an override here.
            NodeWiring(self).publisher(kind, topic, depth=5, reliable=False)
            for kind, topic in (("sensor_msgs/msg/Image", "image"), (_CAMERA_INFO, "camera_info"))
        )
        self._transform = self._place() if self._options.parent_frame else None
        self._misfit_said = False
        self._ending = threading.Event()
        self._wake = self.create_guard_condition(lambda: None)
        # A thread, as a camera may take its time, or never answer.
        self._thread = threading.Thread(target=self._play, name="play", daemon=True)

    async def autostart(self) -> None:
        """Begin to play."""
        self._log.info(f"playing {self._name} on {self._image.topic_name}")
        self._thread.start()

    def end(self) -> None:
        """The process ends: play no more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(0.5)

    def _place(self) -> Any:
        """Say where the camera stands, once and for whoever comes later. Returns the publisher."""
        publisher = NodeWiring(self).publisher(_TRANSFORMS, "/tf_static", latched=True)
        transform = message_class("geometry_msgs/msg/TransformStamped")()
        transform.header.stamp = self.get_clock().now().to_msg()
        transform.header.frame_id = self._options.parent_frame
        transform.child_frame_id = self._options.frame_id
        transform.transform.translation.z = HEIGHT_M
        turn = transform.transform.rotation
        turn.x, turn.y, turn.z, turn.w = OPTICAL
        publisher.publish(message_class(_TRANSFORMS)(transforms=[transform]))
        return publisher

    def _play(self) -> None:
        options, pace = self._options, Pace()
        shots = play(
            self._sources,
            rate=options.rate,
            loop=options.loop,
            complain=self._log.warning,
            stopped=self._ending.is_set,
        )
        try:
            for image, period_s in shots:
                if not self._wait(pace):
                    return
                pace.played(self._now_s(), period_s)
                self._publish(image)
            self._log.info(f"{self._name} has ended")
            self._wait(pace)  # as long as the last frame lasts
            self.context.try_shutdown()
        except Exception as error:  # noqa: BLE001 - the node ends, and says why
            if not self._ending.is_set() and self.context.ok():
                self.failure = str(error)
                self._wake.trigger()

    def _now_s(self) -> float:
        now_ns: int = self.get_clock().now().nanoseconds
        return now_ns / 1e9

    def _wait(self, pace: Pace) -> bool:
        """Wait until the next frame is due, and simulated time ticks. False: the node ends."""
        while not self._ending.is_set() and self.context.ok():
            now_s = self._now_s()
            left_s = pace.left_s(now_s) if now_s > 0 else _TICK_S
            if left_s == 0:
                return True
            simulated = self.get_clock().ros_time_is_active
            self._ending.wait(_TICK_S if simulated else left_s)
        return False

    def _publish(self, image: images.Pixels) -> None:
        height, width = image.shape[:2]
        known = self._calibration or calibration.guess(width, height, self._options.fov)
        message = self._new_info()
        header = message.header
        header.stamp = self.get_clock().now().to_msg()
        header.frame_id = self._options.frame_id
        self._image.publish(images.bgr_image(self._types, header, image))
        if (known.width, known.height) == (width, height):
            self._camera_info.publish(_fill(message, known))
        elif not self._misfit_said:
            self._misfit_said = True
            self._log.warning(
                f"no camera_info: {self._options.camera_info_url} is of {known.width}x{known.height}, but "
                f"{self._name} gives {width}x{height}; calibrate for that size, or leave it empty"
            )


def _fill(message: Any, known: Calibration) -> Any:
    message.width, message.height = known.width, known.height
    message.distortion_model = known.model
    message.d, message.k, message.r, message.p = (list(v) for v in (known.d, known.k, known.r, known.p))
    return message


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop, and return the exit code."""
    return run(SourceNode, args)


if __name__ == "__main__":
    sys.exit(main())
