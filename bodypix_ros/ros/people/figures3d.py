"""People who the segmenter has placed by the model's own metres: `keypoints_3d` -> placed persons."""

from typing import Any

import numpy as np

from bodypix_ros.scene import Scene
from bodypix_ros.space.placing import PlacedPerson, of_points


def from_metres(scene: Scene, ids: list[str], message: Any) -> tuple[PlacedPerson, ...]:
    """Whom a vision_msgs/Detection3DArray `keypoints_3d` places.

    Args:
        scene: What was seen.
        ids: Of its persons.
        message: Of the same image: some of its persons, in their order.

    Returns:
        One for each person; those who are not in the message have no place.
    """
    detections = list(message.detections)
    if len(detections) == len(scene.persons):
        partners = dict(enumerate(detections))
    else:
        by_id = {detection.id: detection for detection in detections if detection.id}
        partners = {k: by_id[name] for k, name in enumerate(ids) if name in by_id}
    return tuple(_placed(scene, partners.get(k)) for k in range(len(scene.persons)))


def _placed(scene: Scene, detection: Any) -> PlacedPerson:
    results = detection.results if detection is not None else ()
    known = {result.hypothesis.class_id: result for result in results}
    names = scene.keypoint_names or tuple(known)
    points = np.full((len(names), 4), np.nan, np.float32)
    points[:, 3] = 0
    for row, name in enumerate(names):
        if name in known:
            position, score = known[name].pose.pose.position, known[name].hypothesis.score
            points[row] = position.x, position.y, position.z, score
    return of_points(points)
