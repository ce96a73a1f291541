"""What the launch files of people in metres share: cameras by name, the segmenter and people_node."""

from typing import Any, Final, NamedTuple

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from bodypix_ros.ros.shared import launching


class Camera(NamedTuple):
    """The topics of a camera of colour and depth, under the default names of its driver."""

    image: str
    camera_info: str
    depth: str
    depth_info: str


CAMERAS: Final = {
    "": Camera("image", "camera_info", "depth/image", "depth/camera_info"),
    "realsense": Camera(
        "/camera/camera/color/image_raw",
        "/camera/camera/color/camera_info",
        "/camera/camera/aligned_depth_to_color/image_raw",
        "/camera/camera/aligned_depth_to_color/camera_info",
    ),
    "oak": Camera(
        "/oak/rgb/image_raw", "/oak/rgb/camera_info", "/oak/stereo/image_raw", "/oak/stereo/camera_info"
    ),
    "zed": Camera(
        "/zed/zed_node/rgb/image_rect_color",
        "/zed/zed_node/rgb/camera_info",
        "/zed/zed_node/depth/depth_registered",
        "/zed/zed_node/depth/camera_info",
    ),
}
"""By name: realsense2_camera with align_depth.enable, depthai_ros_driver, zed_wrapper."""

_TEXTS: Final = ("follow", "target_frame", "fixed_frame")
_FLAGS: Final = ("publish_tf", "ros4hri", "organized")
"""Arguments that, unless empty, go before what the parameter file says."""


def arguments() -> list[DeclareLaunchArgument]:
    """The arguments beside those of `launching.arguments`."""
    config = PathJoinSubstitution([FindPackageShare("bodypix_ros"), "config", "people.yaml"])
    said = {
        "camera": f"whose topics are read: {', '.join(filter(None, CAMERAS))}; empty: image, depth/image",
        "image": "topic of the colour images; empty: the camera's",
        "camera_info": "how they are seen; empty: the camera's",
        "depth": "topic of the depth, registered to them; empty: the camera's",
        "depth_info": "how the depth is seen; empty: the camera's",
        **dict.fromkeys((*_TEXTS, *_FLAGS), "parameter of people_node; empty: as in people_params_file"),
    }
    return [
        *(DeclareLaunchArgument(name, default_value="", description=text) for name, text in said.items()),
        DeclareLaunchArgument(
            "segmenter", default_value="true", description="false: the segmenter runs already"
        ),
        DeclareLaunchArgument(
            "people_params_file", default_value=config, description="parameters of people_node in YAML"
        ),
    ]


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes.

    Args:
        context: The launch context, for the arguments' values.

    Raises:
        ValueError: An argument has a value that it cannot have.
    """
    values = context.launch_configurations
    launching.check_files(context, "people_params_file")
    if values["camera"] not in CAMERAS:
        known = ", ".join(filter(None, CAMERAS))
        raise ValueError(f"camera is {values['camera']!r}, but must be one of {known}, or empty")
    preset = CAMERAS[values["camera"]]
    camera = Camera(*(values[name] or getattr(preset, name) for name in Camera._fields))
    given: dict[str, Any] = {name: launching.text(values[name]) for name in _TEXTS if values[name]}
    flags = (*_FLAGS, "use_sim_time", "autostart")
    given |= {name: value for name in flags if (value := launching.flag(context, name)) is not None}
    seen = [("image", camera.image), ("image/compressed", f"{camera.image}/compressed")]
    seen.append(("camera_info", camera.camera_info))
    people = Node(
        package="bodypix_ros",
        executable="people_node",
        name="people",
        namespace=values["namespace"],
        parameters=[values["people_params_file"], given],
        remappings=[*seen, ("depth/image", camera.depth), ("depth/camera_info", camera.depth_info)],
        arguments=launching.ros_arguments(context, "people"),
        **launching.lifetime(context),
        output="screen",
        emulate_tty=True,
    )
    if launching.flag(context, "segmenter") is False:
        return [people]
    return [launching.segmenter(context, seen), people]
