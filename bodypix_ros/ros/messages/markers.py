"""`keypoints_3d` -> markers for rviz: bones and joints of every person who was placed. Without rclpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bodypix_ros.anatomy import SKELETON, person_color
from bodypix_ros.ros.messages.ids import number_of
from bodypix_ros.ros.messages.types import Header, Message, message_class

TOPIC: Final = "skeletons"
INPUT: Final = "keypoints_3d"

BONES, JOINTS = "bones", "joints"
"""The namespaces of the markers; a marker's id is the person's number, or place in the message."""

LIFETIME_NS: Final = 500_000_000
"""A marker that is not renewed is shown for so long."""

BONE_M: Final = 0.03
JOINT_M: Final = 0.05
"""Thickness of bones and diameter of joints, metres."""

_KINDS: Final = {BONES: ("LINE_LIST", BONE_M), JOINTS: ("SPHERE_LIST", JOINT_M)}

Position = tuple[float, float, float]


@dataclass(frozen=True)
class MarkerTypes:
    """The message classes to build with; each gives a message with default values when called.

    Attributes:
        codes: visualization_msgs/Marker, for the numbers of its kinds and actions.
    """

    MarkerArray: Any
    Marker: Any
    Point: Any
    ColorRGBA: Any
    codes: Any


def ros_types() -> MarkerTypes:
    """Give the classes of the ROS 2 that is sourced."""
    marker = message_class("visualization_msgs/msg/Marker")
    return MarkerTypes(
        message_class("visualization_msgs/msg/MarkerArray"),
        marker,
        message_class("geometry_msgs/msg/Point"),
        message_class("std_msgs/msg/ColorRGBA"),
        marker,
    )


class Skeletons:
    """Makes the markers of one camera, and takes away those of people who are gone."""

    def __init__(self, types: MarkerTypes) -> None:
        """Nothing is shown yet."""
        self._types = types
        self._shown: set[tuple[str, int]] = set()

    def markers(self, message: Message, min_keypoint_score: float) -> Message:
        """Make a visualization_msgs/MarkerArray of a vision_msgs/Detection3DArray.

        Args:
            message: Persons in the camera's optical frame, one result per keypoint.
            min_keypoint_score: Keypoints below this score are not shown.
        """
        array = self._types.MarkerArray()
        array.markers = markers = []
        shown = set()
        for index, detection in enumerate(message.detections):
            number = _number(detection.id, index)
            points = _points(detection, min_keypoint_score)
            bones = [end for bone in SKELETON if points.keys() >= set(bone) for end in map(points.get, bone)]
            for space, ends in ((BONES, bones), (JOINTS, list(points.values()))):
                if ends and (space, number) not in shown:
                    markers.append(self._marker(message.header, space, number, ends))
                    shown.add((space, number))
        for space, number in sorted(self._shown - shown):
            gone = self._new(message.header, space, number)
            gone.action = self._types.codes.DELETE
            markers.append(gone)
        self._shown = shown
        return array

    def _marker(self, header: Header, space: str, number: int, ends: list[Message]) -> Message:
        kind, size = _KINDS[space]
        marker = self._new(header, space, number)
        marker.type, marker.action = getattr(self._types.codes, kind), self._types.codes.ADD
        marker.scale.x = marker.scale.y = marker.scale.z = size
        marker.lifetime.nanosec = LIFETIME_NS
        colour = self._types.ColorRGBA()
        # As the renderer's pictures have it.
        colour.r, colour.g, colour.b = (part / 255 for part in person_color(number))
        colour.a = 1.0
        marker.color = colour
        marker.points = points = []
        for end in ends:
            point = self._types.Point()
            point.x, point.y, point.z = end
            points.append(point)
        return marker

    def _new(self, header: Header, space: str, number: int) -> Message:
        marker = self._types.Marker()
        marker.header, marker.ns, marker.id = header, space, number
        return marker


def _number(text: str, index: int) -> int:
    number = number_of(text)
    return index if number is None else number % 2**31


def _points(detection: Message, least: float) -> Mapping[str, Position]:
    found = {}
    for result in detection.results:
        if result.hypothesis.score >= least:
            position = result.pose.pose.position
            found[result.hypothesis.class_id] = (position.x, position.y, position.z)
    return found
