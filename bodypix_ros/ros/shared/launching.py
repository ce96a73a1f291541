"""What the launch files share: their arguments, and the node that follows from them."""

from pathlib import Path
from typing import Any, List  # noqa: UP035 - launch compares with typing's own

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, Shutdown
from launch.substitutions import PathJoinSubstitution, SubstitutionFailure
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

_TEXTS = ("model", "preset", "device", "model_dir", "input_transport")
_FLAGS = ("use_sim_time", "autostart")
"""Arguments that, unless empty, go before what the parameter file says."""

_WORDS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)

RESPAWN_S = 2.0
"""Seconds until a node that ended is started again, where that was asked for."""


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
            "preset",
            default_value="",
            description="settings by name: near, far, fast, original, faces; empty: as in params_file",
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
        DeclareLaunchArgument(
            "respawn", default_value="false", description="true: a node that ends is started again"
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


def flag(context: LaunchContext, name: str) -> bool | None:
    """An argument that is true or false; None where it is empty.

    Raises:
        ValueError: It is something else.
    """
    word = context.launch_configurations[name].strip().lower()
    if word and word not in _WORDS:
        raise ValueError(f"{name} is {word!r}, but must be true or false")
    return _WORDS.get(word)


def text(value: str) -> ParameterValue:
    """A parameter that stays a text, even where YAML would take it for a number or for true."""
    return ParameterValue(value, value_type=str)


def texts(values: list[str]) -> ParameterValue:
    """A parameter that stays a list of texts."""
    return ParameterValue(values, value_type=List[str])  # noqa: UP006 - see above


def check_files(context: LaunchContext, *names: str) -> None:
    """Look for the files that arguments name, before anything starts.

    Raises:
        ValueError: One is not there.
    """
    for name in names:
        path = Path(context.launch_configurations[name])
        if not path.is_file():
            raise ValueError(f"{name}: there is no file {path}")


def check_package(context: LaunchContext, name: str, what: str) -> None:
    """Look for a package, before anything starts.

    Args:
        context: The launch context.
        name: The package.
        what: Asks for it, as in "rviz:=true".

    Raises:
        ValueError: It is not installed.
    """
    try:
        FindPackagePrefix(name).perform(context)
    except (SubstitutionFailure, LookupError) as error:
        raise ValueError(
            f"{what} needs {name}, which is not here: sudo apt install "
            f"ros-$ROS_DISTRO-{name.replace('_', '-')}, or leave it away"
        ) from error


def lifetime(context: LaunchContext) -> dict[str, Any]:
    """What happens when a node ends, as arguments of launch's Node.

    It is started again where the argument `respawn` says so. Else, where it failed, the others end, too.
    """
    if flag(context, "respawn"):
        return {"respawn": True, "respawn_delay": RESPAWN_S}
    return {"on_exit": _end_all}


def _end_all(event: Any, context: LaunchContext) -> list[Shutdown]:
    return [Shutdown()] if event.returncode and not context.is_shutdown else []


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
    check_files(context, "params_file")
    given: dict[str, object] = {name: text(values[name]) for name in _TEXTS if values[name]}
    given |= {name: value for name in _FLAGS if (value := flag(context, name)) is not None}
    return Node(
        package="bodypix_ros",
        executable="segmenter_node",
        name=values["name"],
        namespace=values["namespace"],
        parameters=[values["params_file"], {**given, **parameters}],
        remappings=remaps,
        arguments=ros_arguments(context, values["name"]),
        **lifetime(context),
        output="screen",
        emulate_tty=True,
    )
