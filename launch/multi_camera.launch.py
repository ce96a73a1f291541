"""Several cameras on one model.

ros2 launch bodypix_ros multi_camera.launch.py cameras:=front,rear images:=/cam0/image_raw,/cam1/image_raw
"""

from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction

from bodypix_ros.ros.shared import launching


def _start(context: Any) -> list[Any]:
    values = context.launch_configurations
    cameras, images = (
        [name.strip() for name in values[key].split(",") if name.strip()] for key in ("cameras", "images")
    )
    if images and len(images) != len(cameras):
        raise ValueError(
            f"{len(cameras)} cameras and {len(images)} images are given, but there must be as many"
        )
    remaps: list[tuple[str, str]] = []
    for camera, topic in zip(cameras, images, strict=False):
        remaps += launching.image_remaps(f"{camera}/image", topic)
    return [launching.segmenter(context, remaps, cameras=launching.texts(cameras))]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; the arguments stand at top level, so that --show-args lists them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "cameras",
                default_value="front,rear",
                description="topic prefixes with commas between; front reads front/image",
            ),
            DeclareLaunchArgument(
                "images",
                default_value="",
                description="the cameras' topics in the same order; empty: front/image, ...",
            ),
            *launching.arguments("multi_camera.yaml"),
            OpaqueFunction(function=_start),
        ]
    )
