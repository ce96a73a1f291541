"""Persons -> what ROS4HRI (REP-155) says of bodies. Without rclpy."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.placed import Give, header_of
from bodypix_ros.ros.messages.types import Header, Message, types_of
from bodypix_ros.scene import Person
from bodypix_ros.space.frames import quaternion
from bodypix_ros.space.lens import Points

TRACKED: Final = "/humans/bodies/tracked"
IDS: Final = "hri_msgs/msg/IdsList"

BODY_TOPICS: Final = {
    "roi": "hri_msgs/msg/NormalizedRegionOfInterest2D",
    "cropped": "sensor_msgs/msg/Image",
    "skeleton2d": "hri_msgs/msg/Skeleton2D",
    "position": "geometry_msgs/msg/PointStamped",
    "velocity": "geometry_msgs/msg/TwistStamped",
}
"""The topics of one body, under /humans/bodies/<id>/, and their types."""

SKELETON: Final = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "left_eye", "right_eye", "left_ear", "right_ear",
)  # fmt: skip
"""The 18 points of hri_msgs/Skeleton2D; the neck is between the shoulders."""


def body_id(name: str) -> str:
    """An id as REP-155 wants it: of letters, digits and _, beginning with a letter."""
    clean = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return clean if clean[:1].isalpha() else f"b{clean}"


def tracked(give: Give, header: Header, ids: Sequence[str]) -> Message:
    """Make the hri_msgs/IdsList of bodies."""
    message = give(IDS)()
    message.header, message.ids = header, list(ids)
    return message


def roi(give: Give, header: Header, person: Person, size: tuple[int, int]) -> Message:
    """Make the hri_msgs/NormalizedRegionOfInterest2D of a person in an image of height and width `size`."""
    message = give(BODY_TOPICS["roi"])()
    message.header = header
    x0, y0, x1, y1 = person.box
    height, width = size
    message.xmin, message.ymin = x0 / width, y0 / height
    message.xmax, message.ymax = x1 / width, y1 / height
    message.c = float(person.score)
    return message


def cropped(give: Give, header: Header, person: Person, image: npt.NDArray[np.uint8]) -> Message:
    """Make the sensor_msgs/Image of a person's box; None where that is empty."""
    x0, y0, x1, y1 = person.box
    if x0 >= x1 or y0 >= y1:
        return None
    return images.bgr_image(types_of(give), header, image[y0:y1, x0:x1])


def skeleton2d(
    give: Give, header: Header, person: Person, names: Sequence[str], size: tuple[int, int]
) -> Message:
    """Make the hri_msgs/Skeleton2D of a person: coordinates of 0..1; points that are not known have c = 0."""
    height, width = size
    points: dict[str, Points] = {
        name: point.astype(np.float64) for name, point in zip(names, person.keypoints, strict=False)
    }
    shoulders = [points[name] for name in ("left_shoulder", "right_shoulder") if name in points]
    if len(shoulders) == 2:
        (*middle, _), score = np.mean(shoulders, axis=0), min(point[2] for point in shoulders)
        points["neck"] = np.array([*middle, score])
    message = give(BODY_TOPICS["skeleton2d"])()
    message.header = header
    new_point, skeleton = give("hri_msgs/msg/NormalizedPointOfInterest2D"), []
    for name in SKELETON:
        made = new_point()
        if name in points and points[name][2] > 0:
            x, y, score = points[name]
            made.x, made.y, made.c = float(x / width), float(y / height), float(score)
        skeleton.append(made)
    message.skeleton = skeleton
    return message


def position(give: Give, header: Header, frame: str, place: Points) -> Message:
    """Make the geometry_msgs/PointStamped of a place in a frame."""
    message = give(BODY_TOPICS["position"])()
    message.header = header_of(give, header, frame)
    message.point.x, message.point.y, message.point.z = place.tolist()
    return message


def velocity(give: Give, header: Header, frame: str, speed: Points) -> Message:
    """Make the geometry_msgs/TwistStamped of a velocity in a frame."""
    message = give(BODY_TOPICS["velocity"])()
    message.header = header_of(give, header, frame)
    linear = message.twist.linear
    linear.x, linear.y, linear.z = speed.tolist()
    return message


def transform(give: Give, header: Header, name: str, origin: Points, axes: Points) -> Message:
    """Make the geometry_msgs/TransformStamped of a body: child body_<name> of the header's frame."""
    message: Any = give("geometry_msgs/msg/TransformStamped")()
    message.header, message.child_frame_id = header, f"body_{name}"
    shift, turn = message.transform.translation, message.transform.rotation
    shift.x, shift.y, shift.z = origin.tolist()
    turn.x, turn.y, turn.z, turn.w = quaternion(axes).tolist()
    return message
