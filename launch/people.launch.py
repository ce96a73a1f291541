"""A camera of colour and depth: the segmenter, and people in metres.

ros2 launch bodypix_ros people.launch.py camera:=realsense
ros2 launch bodypix_ros people.launch.py image:=/rgb/image depth:=/depth/image camera_info:=/rgb/camera_info
"""

from typing import Any

from launch import LaunchDescription
from launch.actions import OpaqueFunction

from bodypix_ros.ros.shared import launching, places


def _start(context: Any) -> list[Any]:
    return places.nodes(context)


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; the arguments stand at top level, so that --show-args lists them."""
    return LaunchDescription(
        [
            *places.arguments(),
            *launching.arguments("segmenter.yaml"),
            OpaqueFunction(function=_start),
        ]
    )
