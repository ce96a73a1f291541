"""Messages -> Scene: the way back of `messages`, for who draws what another node saw. Without rclpy."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_KEYPOINTS, PARTS, SIDES
from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages.ids import number_of
from bodypix_ros.ros.messages.images import to_image
from bodypix_ros.ros.messages.labels import MAX_LABEL
from bodypix_ros.ros.messages.types import Message
from bodypix_ros.scene import Box, Face, Hand, Person, Scene

_LABELS = ("mono8", "8UC1")
_MOST = {"instance_mask": MAX_LABEL, "part_mask": len(PARTS)}


def to_scene(
    size: tuple[int, int],
    *,
    instance_mask: Message = None,
    part_mask: Message = None,
    persons: Message = None,
    keypoints: Message = None,
    hands: Message = None,
    faces: Message = None,
) -> Scene:
    """Put a Scene together from messages of one image; any of them may be missing.

    What nobody publishes stays empty: `confidence`, metres, and without any mask `person_mask`. Without
    `persons` a person's score is the mean of the keypoints' scores; without `keypoints` there are none.

    Args:
        size: Height and width of the image.
        instance_mask: sensor_msgs/Image, 0 nobody, k + 1 on the k-th of the persons.
        part_mask: sensor_msgs/Image, 0 background, part id + 1.
        persons: vision_msgs/Detection2DArray.
        keypoints: vision_msgs/Detection2DArray, the same persons in the same order.
        hands: vision_msgs/Detection2DArray; those of nobody among the persons are left out.
        faces: vision_msgs/Detection2DArray.

    Raises:
        MessageError: A mask is no whole mono8 image of that size, or the two lists of persons do not fit.
    """
    instances = None if instance_mask is None else to_labels("instance_mask", instance_mask, size)
    parts = None if part_mask is None else to_labels("part_mask", part_mask, size)
    people, names = _people(size, persons, keypoints)
    if hands is not None:
        people = _with_hands(people, names, hands.detections)
    if instances is None:
        instances = np.zeros(size, np.uint8)
    # The parts cover people of whom no person was made; the instances do not.
    person_mask = (instances if parts is None else parts) > 0
    found = () if faces is None else tuple(_face(detection, size) for detection in faces.detections)
    return Scene(person_mask, instances, parts, None, people, names, faces=found)


def to_labels(name: str, message: Message, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
    """Take the labels out of a mask's message.

    Args:
        name: "instance_mask" or "part_mask".
        message: sensor_msgs/Image.
        size: Height and width of the image that it must fit; None: of none.

    Returns:
        uint8 (H, W).

    Raises:
        MessageError: It is no whole mono8 image, is of another size, or holds labels that there are none of.
    """
    if message.encoding not in _LABELS:
        raise MessageError(f"{name} is {message.encoding}, but a label image must be mono8")
    if size is not None and (message.height, message.width) != size:
        raise MessageError(
            f"{name} is {message.width}x{message.height}, but the image of its stamp is {size[1]}x{size[0]}: "
            "both must come from one camera"
        )
    labels, _ = to_image(message)
    most = _MOST[name]
    if labels.max() > most:
        raise MessageError(f"{name} holds the label {labels.max()}, but labels go from 0 to {most}")
    return np.ascontiguousarray(labels)


def _people(
    size: tuple[int, int], persons: Message, keypoints: Message
) -> tuple[tuple[Person, ...], tuple[str, ...]]:
    """The persons, and the names of their keypoints."""
    first, second = (None if m is None else list(m.detections) for m in (persons, keypoints))
    if first is not None and second is not None and len(first) != len(second):
        raise MessageError(
            f"persons holds {len(first)} and keypoints {len(second)}, but both must be of one frame"
        )
    detections = first or second or []
    names, rows = _points(second or [])
    people = []
    for k, detection in enumerate(detections):
        points = rows[k] if rows else np.zeros((0, 3), np.float32)
        mean = float(points[:, 2].mean()) if len(points) else 0.0
        score = mean if first is None else _score(detection)
        people.append(Person(score, _box(detection.bbox, size), points, None, number_of(detection.id)))
    return tuple(people), names


def _with_hands(
    people: tuple[Person, ...], names: tuple[str, ...], detections: Sequence[Message]
) -> tuple[Person, ...]:
    """The persons, each with the hands that have the person's id; without a track that is the index.

    An index may be the number of somebody else's track: then it is whose wrist is nearer to the hand's.
    """
    ids: dict[int, list[int]] = {}
    for k, person in enumerate(people):
        ids.setdefault(k if person.track_id is None else person.track_id, []).append(k)
    found: dict[int, dict[str, Hand]] = {}
    for detection in detections:
        number, hand = number_of(detection.id), _hand(detection)
        if number is None or hand is None:
            continue
        free = [k for k in ids.get(number, ()) if hand.side not in found.get(k, {})]
        if free:
            owner = min(free, key=lambda k: _apart(people[k], names, hand))
            found.setdefault(owner, {})[hand.side] = hand
    return tuple(
        replace(person, hands=tuple(known[side] for side in SIDES if side in known))
        for person, known in zip(people, (found.get(k, {}) for k in range(len(people))), strict=True)
    )


def _apart(person: Person, names: tuple[str, ...], hand: Hand) -> float:
    """How far a hand is from a person's wrist; without keypoints from the person's box, in pixels."""
    wrist, name = hand.keypoints[0, :2], f"{hand.side}_wrist"
    if name in names and person.has_pose:
        return float(np.hypot(*(person.keypoints[names.index(name), :2] - wrist)))
    low, high = np.array(person.box[:2]), np.array(person.box[2:])
    return float(np.hypot(*np.maximum(np.maximum(low - wrist, wrist - high), 0)))


def _hand(detection: Message) -> Hand | None:
    """One hand, whose metres nobody publishes; None where keypoints are missing."""
    names, (points,) = _points([detection])
    for side in SIDES:
        if names == tuple(f"{side}_{keypoint}" for keypoint in HAND_KEYPOINTS):
            return Hand(side, _score(detection), points, np.zeros((len(names), 3), np.float32))
    return None


def _face(detection: Message, size: tuple[int, int]) -> Face:
    return Face(_box(detection.bbox, size), _score(detection))


def _score(detection: Message) -> float:
    return float(detection.results[0].hypothesis.score) if detection.results else 0.0


def _points(detections: Sequence[Message]) -> tuple[tuple[str, ...], list[npt.NDArray[np.float32]]]:
    """The names of all keypoints, and a row per name for every person: score 0 for one that is not there."""
    found = []
    for detection in detections:
        points = {}
        for result in detection.results:
            position = result.pose.pose.position
            points[result.hypothesis.class_id] = (position.x, position.y, result.hypothesis.score)
        found.append(points)
    names = tuple(dict.fromkeys(name for points in found for name in points))
    absent = (0.0, 0.0, 0.0)
    rows = [[points.get(name, absent) for name in names] for points in found]
    return names, [np.array(row, np.float32).reshape(-1, 3) for row in rows]


def _box(bbox: Message, size: tuple[int, int]) -> Box:
    """Half open and inside the image; zeros where that leaves nothing."""
    x, y, height, width = bbox.center.position.x, bbox.center.position.y, *size
    if not math.isfinite(x + y + bbox.size_x + bbox.size_y):
        return (0, 0, 0, 0)
    x0, x1 = (min(max(round(x + way * bbox.size_x / 2), 0), width) for way in (-1, 1))
    y0, y1 = (min(max(round(y + way * bbox.size_y / 2), 0), height) for way in (-1, 1))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else (0, 0, 0, 0)
