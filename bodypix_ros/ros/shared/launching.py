"""What the launch files share: their arguments, and the node that follows from them."""

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

_OVERRIDES = ("model", "device", "model_dir", "input_transport", "use_sim_time", "autostart")
"""Arguments that, unless empty, go before what the parameter file says."""


def arguments(config: str) -> list[DeclareLaunchArgument]:
    """The arguments of every launch file.

    Args:
        config: The file of `config/` that `params_file` is by default.
    """
    share = FindPackageShare("bodypix_ros")
    return [
        DeclareLaunchArgument("namespace", default_value="", description="of the node and its topics"),
        DeclareLaunchArgument("name", default_value="segmenter", description="of the node"),
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([share, "config", config]),
            description="parameters in YAML; the arguments below go before it",
        ),
        DeclareLaunchArgument(
            "model", default_value="", description="`bodypix models` lists them; empty: as in params_file"
        ),
        DeclareLaunchArgument(
            "device",
            default_value="",
            description="AUTO, GPU, NPU, CPU or an order like GPU,CPU; empty: as in params_file",
        ),
        DeclareLaunchArgument(
            "model_dir",
            default_value="",
            description="folder to look for model files in before the usual ones",
        ),
        DeclareLaunchArgument(
            "input_transport", default_value="", description="raw or compressed; empty: as in params_file"
        ),
        DeclareLaunchArgument(
            "use_sim_time",
            default_value="",
            description="true: time comes from /clock; empty: as in params_file",
        ),
        DeclareLaunchArgument(
            "autostart", default_value="", description="false: wait for lifecycle transitions"
        ),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error"),
        DeclareLaunchArgument(
            "enclaves",
            default_value="",
            description="SROS 2: where the nodes' enclaves are; /bodypix_ros: segmenter in "
            "/bodypix_ros/segmenter; empty: all in /",
        ),
    ]


def ros_arguments(context: LaunchContext, name: str) -> list[str]:
    """What a node gets on its command line: how much it logs and, if asked for, its SROS 2 enclave.

    Args:
        context: The launch context, for the arguments' values.
        name: Of the node, and of its enclave.
    """
    values = context.launch_configurations
    enclave = ["--enclave", f"{values['enclaves'].rstrip('/')}/{name}"] if values["enclaves"] else []
    return ["--ros-args", "--log-level", values["log_level"], *enclave]


def image_remaps(image: str, topic: str) -> list[tuple[str, str]]:
    """Read `topic` where the node says `image`, whichever the transport, and the camera_info beside it."""
    infos = [name[: name.rfind("/") + 1] + "camera_info" for name in (image, topic)]
    return [(image, topic), (f"{image}/compressed", f"{topic}/compressed"), (infos[0], infos[1])]


def segmenter(context: LaunchContext, remaps: list[tuple[str, str]], **parameters: object) -> Node:
    """The node.

    Args:
        context: The launch context, for the arguments' values.
        remaps: Of topics.
        parameters: Go before all others.
    """
    values = context.launch_configurations
    given = {name: values[name] for name in _OVERRIDES if values[name]}
    for name in ("use_sim_time", "autostart"):
        if name in given:
            given[name] = given[name].lower() in ("true", "1", "yes", "on")
    return Node(
        package="bodypix_ros",
        executable="segmenter_node",
        name=values["name"],
        namespace=values["namespace"],
        parameters=[values["params_file"], {**given, **parameters}],
        remappings=remaps,
        arguments=ros_arguments(context, values["name"]),
        output="screen",
        emulate_tty=True,
    )
