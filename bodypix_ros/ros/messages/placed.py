"""Persons in metres -> messages, and the table of the topics that are filled with them.

The node, the bag tool, the SROS 2 policy's test and the documentation read the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages import clouds
from bodypix_ros.ros.messages.ids import number_of
from bodypix_ros.ros.messages.types import Header, Message
from bodypix_ros.scene import Scene
from bodypix_ros.space.frames import Frame, quaternion
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
    """

    topic: str
    kind: str
    text: str
    make: Callable[[Give, People], Message]
    tracked: bool = False
    pixels: bool = False
    skeletal: bool = False


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
    turn = quaternion(people.target.rotation).tolist()
    message.detections = detections = []
    for person in people.found:
        placed = person.placed
        detection, result = new_detection(), new_result()
        detection.header, detection.id = header, person.id
        result.hypothesis.class_id, result.hypothesis.score = "person", float(person.score)
        _set(result.pose.pose.position, people.target.points(placed.position))
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = people.target.covariance(placed.covariance)
        covariance[range(3, 6), range(3, 6)] = _UNKNOWN_TURN
        result.pose.covariance = covariance.ravel()
        detection.results = [result]
        box = detection.bbox
        _set(box.center.position, people.target.points(placed.center))
        way = box.center.orientation
        way.x, way.y, way.z, way.w = turn
        _set(box.size, placed.size)
        detections.append(detection)
    return message


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
