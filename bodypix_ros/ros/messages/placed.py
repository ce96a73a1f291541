"""Persons in metres -> messages, and the table of the topics that are filled with them.

The node, the bag tool, the SROS 2 policy's test and the documentation read the table.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages import clouds
from bodypix_ros.ros.messages.ids import number_of
from bodypix_ros.ros.messages.stencil import Varying
from bodypix_ros.ros.messages.types import Header, Message
from bodypix_ros.scene import Scene
from bodypix_ros.space.frames import Frame, quaternion, rotation_of
from bodypix_ros.space.lens import Lens, Points

if TYPE_CHECKING:  # it compiles kernels, which who reads the table need not
    from bodypix_ros.space.crowd import Found
    from bodypix_ros.space.world import Track

Give = Callable[[str], Message]
"""A type's name, as in "sensor_msgs/msg/Image" -> its class, which gives a message of default values."""

_UNKNOWN_TURN: Final = np.pi**2
"""Variance of an orientation that nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """What messages are made of: everybody in one image.

    Attributes:
        header: The image's.
        found: Who was placed.
        names: Of the keypoints.
        target: The frame of the outputs.
        fixed: The frame of the tracks; None: there are none.
        tracks: Who is followed through time.
        followed: Who is to be followed; empty: nobody.
        scene: What was seen; for clouds.
        depth: float32 (h, w), metres; None: not known, or not needed.
        lens: The camera's; None: not needed.
        image: uint8 (H, W, 3), BGR; None: not there.
        stride: A cloud has one of so many pixels across and down,
        organized: or all of them, in their order.
    """

    header: Header
    found: "Sequence[Found]"
    names: Sequence[str]
    target: Frame
    fixed: Frame | None = None
    tracks: "Sequence[Track]" = ()
    followed: str = ""
    scene: Scene | None = None
    depth: npt.NDArray[np.float32] | None = None
    lens: Lens | None = None
    image: npt.NDArray[np.uint8] | None = None
    stride: int = 4
    organized: bool = False


@dataclass(frozen=True, slots=True)
class PlacedOutput:
    """One topic.

    Attributes:
        topic: Its name, relative to the camera's.
        kind: The messages' type.
        text: What is in it.
        make: Makes the message; None where this image gives none.
        tracked: Whether it needs ids, and is about people through time.
        pixels: Whether it needs every pixel: colours and parts.
        skeletal: Whether it needs keypoints.
        varying: What differs from message to message, where it is worth filling in only that (`Stencils`).
    """

    topic: str
    kind: str
    text: str
    make: Callable[[Give, People], Message]
    tracked: bool = False
    pixels: bool = False
    skeletal: bool = False
    varying: Varying[People] | None = None


def label_of(name: str) -> int:
    """The number of an id as clouds have it, 7 of "front7"; 0 where there is none."""
    return (number_of(name) or 0) % 2**32


def header_of(give: Give, header: Header, frame: str) -> Message:
    """A header of the same stamp in another frame."""
    made = give("std_msgs/msg/Header")()
    made.stamp, made.frame_id = header.stamp, frame
    return made


def persons_3d(give: Give, people: People) -> Message:
    """Make the vision_msgs/Detection3DArray `persons_3d`: one result, ("person", score), per placed person.

    The box lies along the image's axes: width, height and depth are its size in x, y and z.
    """
    message = give(DETECTIONS)()
    message.header = header = header_of(give, people.header, people.target.name)
    new_detection, new_result = give("vision_msgs/msg/Detection3D"), give(_RESULT)
    message.detections = detections = []
    for person, numbers in zip(people.found, _numbers(people), strict=True):
        score, position, spread, center, turn, size = np.split(numbers, _ENDS)
        detection, result = new_detection(), new_result()
        detection.header, detection.id = header, person.id
        result.hypothesis.class_id, result.hypothesis.score = "person", float(score[0])
        _set(result.pose.pose.position, position)
        covariance = np.diag([_UNKNOWN_TURN] * 6)
        covariance[:3, :3] = spread.reshape(3, 3)
        result.pose.covariance = covariance.ravel()
        detection.results = [result]
        box = detection.bbox
        _set(box.center.position, center)
        way = box.center.orientation
        way.x, way.y, way.z, way.w = turn.tolist()
        _set(box.size, size)
        detections.append(detection)
    return message


_ENDS: Final = (1, 4, 13, 16, 20)
"""In a row of `_numbers`: of score, position, covariance, the box's middle and turn; its size is the rest."""


def _numbers(people: People) -> npt.NDArray[np.float64]:
    """float64 (P, 23), what differs from person to person in `persons_3d`, in the order of the message."""
    target = people.target
    rows = np.empty((len(people.found), 23))
    for row, person in zip(rows, people.found, strict=True):
        placed = person.placed
        row[0], row[1:4], row[13:16], row[20:] = person.score, placed.position, placed.center, placed.size
        row[4:13] = target.covariance(placed.covariance).ravel()
    rows[:, 1:4], rows[:, 13:16] = target.points(rows[:, 1:4]), target.points(rows[:, 13:16])
    rows[:, 16:20] = quaternion(target.rotation)
    return rows


def _who(people: People) -> Hashable:
    return people.target.name, tuple(person.id for person in people.found)


def _probe(people: People) -> People:
    target = Frame(people.target.name, rotation_of(0.1, 0.2, 0.3, 0.9))
    found = []
    for k, person in enumerate(people.found):
        values = np.pi * np.arange(1 + 18 * k, 19 + 18 * k, dtype=np.float64)
        placed = replace(
            person.placed,
            position=values[:3],
            covariance=values[3:12].reshape(3, 3),
            center=values[12:15],
            size=values[15:],
        )
        found.append(replace(person, score=k + 1 / 7, placed=placed))
    return replace(people, target=target, found=found)


PERSONS_3D: Final = Varying(_who, lambda people: _numbers(people).ravel(), _probe)


def keypoints(give: Give, people: People) -> Message:
    """Make the vision_msgs/Detection3DArray `persons_3d/keypoints`: a result per keypoint that is placed."""
    message = give(DETECTIONS)()
    message.header = header = header_of(give, people.header, people.target.name)
    new_detection, new_result = give("vision_msgs/msg/Detection3D"), give(_RESULT)
    message.detections = detections = []
    for person in people.found:
        detection = new_detection()
        detection.header, detection.id = header, person.id
        points = person.placed.keypoints
        known = points[:, 3] > 0
        places = people.target.points(points[known, :3].astype(np.float64))
        if len(places):
            low, high = places.min(axis=0), places.max(axis=0)
            _set(detection.bbox.center.position, (low + high) / 2)
            _set(detection.bbox.size, high - low)
        detection.results = results = []
        names = [name for name, there in zip(people.names, known, strict=False) if there]
        for name, place, score in zip(names, places.tolist(), points[known, 3].tolist(), strict=True):
            result = new_result()
            result.hypothesis.class_id, result.hypothesis.score = name, score
            position = result.pose.pose.position
            position.x, position.y, position.z = place
            results.append(result)
        detections.append(detection)
    return message


def tracks(give: Give, people: People) -> Message:
    """Make the sensor_msgs/PointCloud2 `persons_3d/tracks`: a point per track."""
    if people.fixed is None:
        return None
    rows = np.zeros(len(people.tracks), clouds.TRACK)
    for row, one in zip(rows, people.tracks, strict=True):
        row["x"], row["y"], row["z"] = one.position
        row["vx"], row["vy"], row["vz"] = one.velocity
        row["score"], row["id"] = one.score, label_of(one.id)
    return clouds.cloud(give, header_of(give, people.header, people.fixed.name), rows)


def points(give: Give, people: People) -> Message:
    """Make the sensor_msgs/PointCloud2 `persons_3d/points`: people's pixels."""
    if people.scene is None or people.depth is None or people.lens is None:
        return None
    rows = clouds.pixels(
        people.scene,
        people.depth,
        people.lens,
        [(one.value, label_of(one.id), *one.placed.depths) for one in people.found],
        people.target.points,
        people.image,
        1 if people.organized else people.stride,
    )
    if not people.organized:
        rows = rows[np.isfinite(rows["z"])]
    return clouds.cloud(give, header_of(give, people.header, people.target.name), rows)


def followed(give: Give, people: People) -> Message:
    """Make the geometry_msgs/PoseStamped `followed`; None where nobody is followed.

    Its orientation says nothing.
    """
    if people.fixed is None or not people.followed:
        return None
    track = next((one for one in people.tracks if one.id == people.followed), None)
    if track is None:
        return None
    message = give("geometry_msgs/msg/PoseStamped")()
    message.header = header_of(give, people.header, people.fixed.name)
    _set(message.pose.position, track.position)
    message.pose.orientation.w = 1.0
    return message


def _set(target: Message, values: Points) -> None:
    target.x, target.y, target.z = (float(value) for value in values)


DETECTIONS: Final = "vision_msgs/msg/Detection3DArray"
_RESULT: Final = "vision_msgs/msg/ObjectHypothesisWithPose"

PLACED_OUTPUTS: Final[Mapping[str, PlacedOutput]] = {
    output.topic: output
    for output in (
        PlacedOutput(
            "persons_3d",
            DETECTIONS,
            "one detection per person who has a place: id (may be empty), class_id person, score, pose with "
            "covariance, size in metres",
            persons_3d,
            varying=PERSONS_3D,
        ),
        PlacedOutput(
            "followed",
            "geometry_msgs/msg/PoseStamped",
            "who is to be followed, in `fixed_frame`; nothing while nobody is",
            followed,
            tracked=True,
        ),
        PlacedOutput(
            "persons_3d/tracks",
            clouds.CLOUD,
            "one point per track, in `fixed_frame`: x, y, z, vx, vy, vz (metres, metres per second), score "
            "(float32), id (uint32, the number at the id's end)",
            tracks,
            tracked=True,
        ),
        PlacedOutput(
            "persons_3d/keypoints",
            DETECTIONS,
            "the same persons, one result per keypoint that is seen: name, score, metres",
            keypoints,
            skeletal=True,
        ),
        PlacedOutput(
            "persons_3d/points",
            clouds.CLOUD,
            "people's pixels: x, y, z, rgb, id (uint32), part (uint8: id + 1); one of `stride` across and "
            "down, or with `organized` in the image's size, NaN elsewhere",
            points,
            pixels=True,
        ),
    )
}
"""By topic, in the order of publishing; whatever takes longest comes last."""
