"""The message classes that everything here builds with, and the protocols of what is read."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class MessageTypes:
    """The message classes to build with; each gives a message with default values when called."""

    Image: Any
    CompressedImage: Any
    Detection2DArray: Any
    Detection2D: Any
    Detection3DArray: Any
    Detection3D: Any
    ObjectHypothesisWithPose: Any
    LabelInfo: Any
    VisionClass: Any


def ros_types() -> MessageTypes:
    """Give the classes of the ROS 2 that is sourced.

    Raises:
        ImportError: There is none, or a package is missing; names what to install.
    """
    try:
        sensor, vision = import_module("sensor_msgs.msg"), import_module("vision_msgs.msg")
    except ImportError as error:
        package = (error.name or "sensor_msgs").split(".")[0]
        raise ImportError(
            f"the ROS 2 package {package} is not here: source ROS 2's setup.bash, or install it with "
            f"sudo apt install ros-$ROS_DISTRO-{package.replace('_', '-')}"
        ) from error
    return MessageTypes(
        Image=sensor.Image,
        CompressedImage=sensor.CompressedImage,
        Detection2DArray=vision.Detection2DArray,
        Detection2D=vision.Detection2D,
        Detection3DArray=vision.Detection3DArray,
        Detection3D=vision.Detection3D,
        ObjectHypothesisWithPose=vision.ObjectHypothesisWithPose,
        LabelInfo=vision.LabelInfo,
        VisionClass=vision.VisionClass,
    )
