"""The messages' types for the `rosbags` package: ROS 2's own, and those of vision_msgs 4."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.interfaces.typing import FieldDesc
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from bodypix_ros.ros.messages.types import Message, MessageTypes, types_of

VISION_MSGS = {
    "Point2D": "float64 x\nfloat64 y\n",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta\n",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
    "ObjectHypothesis": "string class_id\nfloat64 score\n",
    "ObjectHypothesisWithPose": (
        "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n"
    ),
    "Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id\n"
    ),
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections\n",
    "BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size\n",
    "Detection3D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox3D bbox\nstring id\n"
    ),
    "Detection3DArray": "std_msgs/Header header\nvision_msgs/Detection3D[] detections\n",
    "VisionClass": "uint16 class_id\nstring class_name\n",
    "LabelInfo": "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n",
}
"""The definitions that the outputs need; the same from Humble to Lyrical."""


def typestore() -> Typestore:
    """Make a store that knows every type this package reads and writes."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, definition in VISION_MSGS.items():
        store.register(get_types_from_msg(definition, f"vision_msgs/msg/{name}"))
    return store


def giver(store: Typestore) -> Callable[[str], Message]:
    """What gives the message classes of a store by their names; see `rosbags_types`.

    Args:
        store: From `typestore`.
    """
    return lambda name: partial(default_message, store, name)


def rosbags_types(store: Typestore) -> MessageTypes:
    """Give the message classes of a store.

    Its own want every field when they are made; these fill in default values as those of rclpy do.

    Args:
        store: From `typestore`.
    """
    return types_of(giver(store))


def default_message(store: Typestore, name: str) -> Message:
    """Make a message of a store with default values."""
    _, fields = store.fielddefs[name]
    message: Message = store.types[name](**{field: _value(store, kind) for field, kind in fields})
    if name == "geometry_msgs/msg/Quaternion":
        message.w = 1.0  # the one default in ROS's definitions that is not zero
    return message


def _value(store: Typestore, kind: FieldDesc) -> Any:
    if kind[0] == Nodetype.NAME:
        return default_message(store, kind[1])
    if kind[0] == Nodetype.BASE:
        name = kind[1][0]
        return "" if name == "string" else np.zeros((), name).item()
    element, count = kind[1]
    count = count if kind[0] == Nodetype.ARRAY else 0  # of a sequence it is the limit
    if element[0] == Nodetype.BASE and element[1][0] != "string":
        return np.zeros(count, element[1][0])
    return [_value(store, element) for _ in range(count)]
