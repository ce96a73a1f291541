"""One camera.

ros2 launch bodypix_ros segmenter.launch.py image:=/camera/image_raw
"""

from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction

from bodypix_ros.ros.shared import launching


def _start(context: Any) -> list[Any]:
    topic = context.launch_configurations["image"]
    remaps = launching.image_remaps("image", topic) if topic != "image" else []
    return [launching.segmenter(context, remaps)]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; the arguments stand at top level, so that --show-args lists them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "image", default_value="image", description="the camera's topic, without /compressed"
            ),
            *launching.arguments("segmenter.yaml"),
            OpaqueFunction(function=_start),
        ]
    )
