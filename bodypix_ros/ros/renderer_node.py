"""The renderer node: images, masks, persons and keypoints in, pictures out, while somebody looks.

It wires parameters; what is listened to is decided in `renderer.topics`, what belongs together in `joining`,
what is shown in `drawing`.
"""

import sys
from functools import partial
from typing import Any

from diagnostic_updater import Updater
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from bodypix_ros.errors import StartError
from bodypix_ros.ros.messages import markers
from bodypix_ros.ros.messages.types import ros_types
from bodypix_ros.ros.renderer import drawing
from bodypix_ros.ros.renderer.options import RendererOptions, parameters
from bodypix_ros.ros.renderer.topics import Topics
from bodypix_ros.ros.shared.node import NodeLog, NodeWiring, declare, fill, name_entries, run

LOOK_S = 0.25
"""Seconds between two looks at whether anybody subscribes (Humble does not tell)."""


class RendererNode(Node):  # type: ignore[misc]
    """Its topics and parameters are in docs/nodes.md."""

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
            self._options = RendererOptions().changed(declare(self, parameters().values()))
        except ValueError as error:
            raise StartError(str(error)) from error
        options, wiring, log = self._options, NodeWiring(self), NodeLog(self.get_logger())
        self._topics = [
            Topics(wiring, name, options, markers.Skeletons(markers.ros_types()), log)
            for name in options.camera_names
        ]
        cameras = [topics.camera for topics in self._topics]
        self._painter = drawing.Painter(cameras, options, ros_types(), log)
        self.add_on_set_parameters_callback(self._on_set)
        # Not the node's clock: simulated time may stand still, and people look all the same.
        self.create_timer(LOOK_S, self._on_look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._updater = Updater(self)
        name_entries(self._updater, self)
        self._updater.setHardwareID("none")
        for topics in self._topics:
            self._updater.add(topics.title, partial(_report, topics))

    async def autostart(self) -> None:
        """There is nothing to start: the node listens once somebody looks."""

    def end(self) -> None:
        """The process ends: draw no more. ROS may be down already."""
        self._painter.stop()

    def _on_set(self, changed: list[Any]) -> Any:
        """Check and take over. Nobody can refuse after this, and Humble has no callback that comes later."""
        try:
            self._options = self._options.changed({p.name: p.value for p in changed})
        except (ValueError, TypeError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._painter.options = self._options
        for topics in self._topics:
            topics.change(self._options)
        return SetParametersResult(successful=True)

    def _on_look(self) -> None:
        for topics in self._topics:
            topics.look(self._painter)


def _report(topics: Topics, entry: Any) -> Any:
    return fill(
        entry, drawing.status(topics.camera, waiting=topics.outage_text, listening=topics.is_listening)
    )


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop, and return the exit code."""
    return run(RendererNode, args)


if __name__ == "__main__":
    sys.exit(main())
