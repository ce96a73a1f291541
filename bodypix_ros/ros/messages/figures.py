"""People in metres -> markers for rviz: bones and joints, ids, arrows of velocity. Without rclpy."""

from typing import Any, Final

from bodypix_ros.anatomy import person_color
from bodypix_ros.ros.messages.markers import LIFETIME_NS, MarkerTypes, Skeletons
from bodypix_ros.ros.messages.placed import Give, People, header_of, keypoints, label_of
from bodypix_ros.ros.messages.types import Header, Message

TOPIC: Final = "persons_3d/markers"
KIND: Final = "visualization_msgs/msg/MarkerArray"

_TEXT_M: Final = 0.15
_SHAFT_M: Final = 0.04
_LEAST_SPEED: Final = 0.1
"""Metres per second, below which somebody stands."""
_MIN_SCORE: Final = 0.3


class Figures:
    """Makes the markers of one camera."""

    def __init__(self, types: MarkerTypes) -> None:
        """Nothing is shown yet."""
        self._types, self._skeletons = types, Skeletons(types)

    def markers(self, give: Give, people: People) -> Message:
        """Make a visualization_msgs/MarkerArray of everybody."""
        array = self._skeletons.markers(keypoints(give, people), _MIN_SCORE)
        header = header_of(give, people.header, people.target.name)
        for index, person in enumerate(people.found):
            marker = self._marker(
                header, "ids", label_of(person.id) or index, self._types.codes.TEXT_VIEW_FACING
            )
            name = f"{person.id}  " if person.id else ""
            marker.text = f"{name}{person.placed.distance:.1f} m"
            marker.scale.z = _TEXT_M
            x, y, z = people.target.points(person.placed.center).tolist()
            marker.pose.position.x, marker.pose.position.y, marker.pose.position.z = x, y, z
            array.markers.append(marker)
        if people.fixed is None:
            return array
        fixed = header_of(give, people.header, people.fixed.name)
        for track in people.tracks:
            if track.velocity @ track.velocity < _LEAST_SPEED**2:
                continue
            marker = self._marker(fixed, "velocities", label_of(track.id), self._types.codes.ARROW)
            marker.scale.x, marker.scale.y = _SHAFT_M, 2 * _SHAFT_M
            marker.points = [self._point(track.position), self._point(track.position + track.velocity)]
            array.markers.append(marker)
        return array

    def _marker(self, header: Header, space: str, number: int, kind: int) -> Message:
        marker = self._types.Marker()
        marker.header, marker.ns, marker.id, marker.type = header, space, number % 2**31, kind
        marker.action = self._types.codes.ADD
        marker.lifetime.nanosec = LIFETIME_NS
        marker.pose.orientation.w = 1.0
        red, green, blue = (part / 255 for part in person_color(number))
        marker.color.r, marker.color.g, marker.color.b, marker.color.a = red, green, blue, 1.0
        return marker

    def _point(self, place: Any) -> Message:
        point = self._types.Point()
        point.x, point.y, point.z = place.tolist()
        return point
