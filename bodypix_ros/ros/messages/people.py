"""Persons of a Scene -> detection messages."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_KEYPOINTS
from bodypix_ros.ros.messages.ids import text_of
from bodypix_ros.ros.messages.stencil import Varying
from bodypix_ros.ros.messages.types import Header, Message, MessageTypes
from bodypix_ros.scene import Box, Person, Scene
from bodypix_ros.space.pose import Placed

_SCORE_X_Y: Final = np.array([2, 0, 1])


def persons(types: MessageTypes, header: Header, scene: Scene, id_prefix: str = "") -> Message:
    """Make the vision_msgs/Detection2DArray `persons`: one result, ("person", score), per person.

    Args:
        types: The message classes.
        header: Handed through.
        scene: Whose persons.
        id_prefix: Of their ids.
    """
    message = types.Detection2DArray()
    message.header = header
    message.detections = detections = []
    for person in scene.persons:
        detection = _detection(types, header, person.box, text_of(person.track_id, id_prefix))
        detection.results = [_result(types, "person", person.score)]
        detections.append(detection)
    return message


def faces(types: MessageTypes, header: Header, scene: Scene) -> Message:
    """Make the vision_msgs/Detection2DArray `faces`: one result, ("face", score), per face, without an id.

    Args:
        types: The message classes.
        header: Handed through.
        scene: Whose faces.
    """
    message = types.Detection2DArray()
    message.header = header
    message.detections = detections = []
    for face in scene.faces:
        detection = _detection(types, header, face.box, "")
        detection.results = [_result(types, "face", face.score)]
        detections.append(detection)
    return message


def keypoints(types: MessageTypes, header: Header, scene: Scene, id_prefix: str = "") -> Message:
    """Make the vision_msgs/Detection2DArray `keypoints`: one result per keypoint of every person.

    A result's class_id is the keypoint's name, its position the keypoint's x and y in image pixels. A person
    without a pose has no results.

    Args:
        types: The message classes.
        header: Handed through.
        scene: Whose persons.
        id_prefix: Of their ids.
    """
    message = types.Detection2DArray()
    message.header = header
    message.detections = detections = []
    new_result = types.ObjectHypothesisWithPose
    for person in scene.persons:
        detection = _detection(types, header, person.box, text_of(person.track_id, id_prefix))
        detection.results = results = []
        detections.append(detection)
        if not person.has_pose:
            continue
        # tolist: rclpy's setters want Python's floats, and numpy gives them fastest in one go.
        for name, (x, y, score) in zip(scene.keypoint_names, person.keypoints.tolist(), strict=False):
            result = new_result()
            hypothesis, position = result.hypothesis, result.pose.pose.position
            hypothesis.class_id = name
            hypothesis.score = score
            position.x = x
            position.y = y
            results.append(result)
    return message


def hands(types: MessageTypes, header: Header, scene: Scene, id_prefix: str = "") -> Message:
    """Make the vision_msgs/Detection2DArray `hands`: per hand one result for each of its 21 keypoints.

    A result's class_id is the side and the keypoint's name, as in `left_index_finger_tip`, its position x and
    y in image pixels; the box holds all keypoints. The id is that of the hand's person, without a track the
    index in `persons`.

    Args:
        types: The message classes.
        header: Handed through.
        scene: Whose hands.
        id_prefix: Of people's ids.
    """
    message = types.Detection2DArray()
    message.header = header
    message.detections = detections = []
    for index, person in enumerate(scene.persons):
        name = text_of(person.track_id, id_prefix) or str(index)
        for hand in person.hands:
            low, high = hand.keypoints[:, :2].min(axis=0), hand.keypoints[:, :2].max(axis=0)
            (x0, y0), (x1, y1) = np.floor(low).astype(int).tolist(), np.floor(high).astype(int).tolist()
            detection = _detection(types, header, (x0, y0, x1 + 1, y1 + 1), name)
            detection.results = results = []
            for keypoint, (x, y, score) in zip(HAND_KEYPOINTS, hand.keypoints.tolist(), strict=True):
                result = _result(types, f"{hand.side}_{keypoint}", score)
                result.pose.pose.position.x, result.pose.pose.position.y = x, y
                results.append(result)
            detections.append(detection)
    return message


def keypoints_3d(
    types: MessageTypes, header: Header, names: Sequence[str], people: Sequence[Placed], id_prefix: str = ""
) -> Message:
    """Make the vision_msgs/Detection3DArray `keypoints_3d`: one result per keypoint of every placed person.

    A result's class_id is the keypoint's name, its position is in metres in the image's optical frame; the
    box holds all keypoints.

    Args:
        types: The message classes.
        header: Handed through.
        names: Of the keypoints.
        people: Those who were placed.
        id_prefix: Of their ids.
    """
    message = types.Detection3DArray()
    message.header = header
    message.detections = detections = []
    for person in people:
        detection = types.Detection3D()
        detection.header = header
        detection.id = text_of(person.track_id, id_prefix)
        low, high = person.points[:, :3].min(axis=0), person.points[:, :3].max(axis=0)
        position, size = detection.bbox.center.position, detection.bbox.size
        position.x, position.y, position.z = ((low + high) / 2).tolist()
        size.x, size.y, size.z = (high - low).tolist()
        detection.results = results = []
        for name, (x, y, z, score) in zip(names, person.points.tolist(), strict=True):
            result = types.ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = name, score
            position = result.pose.pose.position
            position.x, position.y, position.z = x, y, z
            results.append(result)
        detections.append(detection)
    return message


def _who(scene: Scene) -> Hashable:
    people = tuple((person.track_id, person.has_pose) for person in scene.persons)
    return people, scene.keypoint_names, scene.persons[0].keypoints.shape


def _probe(scene: Scene) -> Scene:
    shape = scene.persons[0].keypoints.shape
    points = np.pi * np.arange(1, 1 + len(scene.persons) * shape[0] * shape[1], dtype=np.float32)
    probes = [
        Person(
            k + 1 / 7,
            (5 * k + 1, 7 * k + 2, 117 * k + 30, 131 * k + 45),
            keypoints * person.has_pose,
            None,
            person.track_id,
        )
        for k, (keypoints, person) in enumerate(
            zip(points.reshape(len(scene.persons), *shape), scene.persons, strict=True)
        )
    ]
    return replace(scene, persons=tuple(probes))


def _person_numbers(scene: Scene) -> npt.NDArray[np.float64]:
    return np.array([(person.score, *_middle(person)) for person in scene.persons], np.float64).ravel()


def _keypoint_numbers(scene: Scene) -> npt.NDArray[np.float64]:
    numbers: list[npt.ArrayLike] = [()]
    for person in scene.persons:
        if person.has_pose:
            numbers.append(person.keypoints[:, _SCORE_X_Y].ravel())
        numbers.append(_middle(person))
    return np.concatenate(numbers, dtype=np.float64)


def _middle(person: Person) -> tuple[float, float, float, float]:
    """Of the box: middle, width and height."""
    x0, y0, x1, y1 = person.box
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


PERSONS: Final = Varying(_who, _person_numbers, _probe)
KEYPOINTS: Final = Varying(_who, _keypoint_numbers, _probe)
"""Of `persons` and `keypoints`."""


def _result(types: MessageTypes, name: str, score: float) -> Message:
    result = types.ObjectHypothesisWithPose()
    result.hypothesis.class_id = name
    result.hypothesis.score = float(score)
    return result


def _detection(types: MessageTypes, header: Header, bounds: Box, id_: str) -> Message:
    """A Detection2D with everything but its results."""
    detection = types.Detection2D()
    detection.header = header
    x0, y0, x1, y1 = bounds
    box, position = detection.bbox, detection.bbox.center.position
    position.x, position.y = (x0 + x1) / 2, (y0 + y1) / 2
    box.size_x, box.size_y = float(x1 - x0), float(y1 - y0)
    detection.id = id_
    return detection
