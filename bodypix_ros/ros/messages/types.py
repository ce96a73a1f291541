"""The message classes that everything here builds with, and the protocols of what is read."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

Message = Any
"""A message of ROS, or the class of one: rclpy's, rosbags', or a stand-in with the same fields."""


class Stamp(Protocol):
    """A builtin_interfaces/Time."""

    sec: int
    nanosec: int


def nanoseconds(stamp: Stamp) -> int:
    """A stamp as one number."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


class Header(Protocol):
    """A std_msgs/Header."""

    stamp: Stamp
    frame_id: str


class ImageMessage(Protocol):
    """A sensor_msgs/Image."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any
    """array('B'), bytes, a numpy array or a list of bytes."""


class CompressedImageMessage(Protocol):
    """A sensor_msgs/CompressedImage."""

    header: Header
    format: str
    data: Any
    """array('B'), bytes, a numpy array or a list of bytes."""


@dataclass(frozen=True)
class MessageTypes:
    """The message classes to build with; each gives a message with default values when called."""

    Image: Message
    CompressedImage: Message
    Detection2DArray: Message
    Detection2D: Message
    Detection3DArray: Message
    Detection3D: Message
    ObjectHypothesisWithPose: Message
    LabelInfo: Message
    VisionClass: Message


def message_class(name: str) -> Message:
    """Give the class of a message type, of the ROS 2 that is sourced.

    Args:
        name: As in "sensor_msgs/msg/Image".

    Raises:
        ImportError: There is none, or a package is missing; names what to install.
    """
    package, _, kind = name.split("/")
    try:
        return getattr(import_module(f"{package}.msg"), kind)
    except ImportError as error:
        missing = (error.name or package).split(".")[0]
        raise ImportError(
            f"the ROS 2 package {missing} is not here: source ROS 2's setup.bash, or install it with "
            f"sudo apt install ros-$ROS_DISTRO-{missing.replace('_', '-')}"
        ) from error


def types_of(give: Callable[[str], Message]) -> MessageTypes:
    """Give the classes to build with.

    Args:
        give: A type's name, as in "sensor_msgs/msg/Image" -> its class.
    """
    return MessageTypes(
        Image=give("sensor_msgs/msg/Image"),
        CompressedImage=give("sensor_msgs/msg/CompressedImage"),
        Detection2DArray=give("vision_msgs/msg/Detection2DArray"),
        Detection2D=give("vision_msgs/msg/Detection2D"),
        Detection3DArray=give("vision_msgs/msg/Detection3DArray"),
        Detection3D=give("vision_msgs/msg/Detection3D"),
        ObjectHypothesisWithPose=give("vision_msgs/msg/ObjectHypothesisWithPose"),
        LabelInfo=give("vision_msgs/msg/LabelInfo"),
        VisionClass=give("vision_msgs/msg/VisionClass"),
    )


def ros_types() -> MessageTypes:
    """Give the classes of the ROS 2 that is sourced.

    Raises:
        ImportError: There is none, or a package is missing; names what to install.
    """
    return types_of(message_class)
