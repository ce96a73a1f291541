"""A picture, a folder, a video or a camera, the segmenter, and the pictures that the renderer draws.

ros2 launch bodypix_ros demo.launch.py source:=film.mp4 mode:=parts rviz:=true
"""

from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from bodypix_ros.ros.shared import launching

_CONFIG = PathJoinSubstitution([FindPackageShare("bodypix_ros"), "config"])


def _start(context: Any) -> list[Any]:
    values = context.launch_configurations
    shows = launching.flag(context, "rviz")
    if shows:
        launching.check_package(context, "rviz2", "rviz:=true")
    launching.check_files(context, "renderer_params_file")
    simulated = launching.flag(context, "use_sim_time")
    time = {} if simulated is None else {"use_sim_time": simulated}

    def node(executable: str, *parameters: Any, arguments: tuple[Any, ...] = (), **more: Any) -> Any:
        name = executable.removesuffix("_node")
        return Node(
            executable=executable,
            namespace=values["namespace"],
            parameters=[*parameters, time],
            arguments=[*arguments, *launching.ros_arguments(context, name)],
            output="screen",
            **launching.lifetime(context),
            **{"package": "bodypix_ros", **more},
        )

    # A text, even where it is a camera's index; a camera that stands somewhere, so that tf knows its frame.
    source = {"source": launching.text(values["source"]), "parent_frame": "map"}
    mode = {"mode": launching.text(values["mode"])} if values["mode"] else {}
    best = {} if values["preset"] else _best_for(values["mode"])
    nodes = [
        node("source_node", source, emulate_tty=True),
        launching.segmenter(context, [], **best),
        node("renderer_node", values["renderer_params_file"], mode, emulate_tty=True),
    ]
    if shows:
        # The topics in it are relative to the namespace.
        view = PathJoinSubstitution([_CONFIG, "bodypix.rviz"])
        nodes.append(node("rviz2", package="rviz2", arguments=("-d", view)))
    return nodes


def _best_for(mode: str) -> dict[str, str]:
    """The preset that a mode is best drawn of, where it has one."""
    if not mode:
        return {}
    from bodypix_ros.rendering import MODES  # it brings OpenCV, which a launch without a mode has no use for

    return {"preset": MODES[mode].preset} if mode in MODES and MODES[mode].preset else {}


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; the arguments stand at top level, so that --show-args lists them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "source",
                default_value="0",
                description="a picture, a folder of pictures, a video, or the index of a camera",
            ),
            DeclareLaunchArgument(
                "mode",
                default_value="",
                description="what is drawn: instances, parts, skeleton, ...; empty: what the file says",
            ),
            DeclareLaunchArgument(
                "renderer_params_file",
                default_value=PathJoinSubstitution([_CONFIG, "renderer.yaml"]),
                description="parameters of the renderer in YAML; mode goes before it",
            ),
            DeclareLaunchArgument("rviz", default_value="false", description="true: start rviz2, too"),
            *launching.arguments("segmenter.yaml"),
            OpaqueFunction(function=_start),
        ]
    )
