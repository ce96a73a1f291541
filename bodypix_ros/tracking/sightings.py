"""What tracking looks at in a Scene: places, sizes, poses and coarse shapes of its persons, as arrays."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import LEAST_WITHOUT_POSE, Scene

GRID = 16
"""A person's shape is looked at in so many rows and columns of the box."""
_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_SEEN = 0.2
"""Least score of a keypoint that says where somebody is."""
_LARGE = 0.05
"""Share of the picture from which a person without a pose counts as sure."""
_NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """The M persons of one Scene.

    Attributes:
        keypoints: float64 (M, K, 3), x, y in pixels and score.
        boxes: float64 (M, 4), x0, y0, x1, y1.
        torsos: float64 (M, 2), x and y of the middle of the torso, NaN where it is not seen.
        shapes: bool (M, GRID, GRID), whether points of the box are the person's pixels.
        sure: bool (M,), whether it takes no track to believe in them.
        doubtful: bool (M,), whether no track is enough for that.
        labels: uint8 (H, W), the Scene's instance mask.
    """

    keypoints: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64]
    torsos: npt.NDArray[np.float64]
    shapes: npt.NDArray[np.bool_]
    sure: npt.NDArray[np.bool_]
    doubtful: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.boxes)


def look(scene: Scene, sure_score: float) -> Sightings:
    """Take from a Scene what tracking looks at.

    Args:
        scene: From a model; at most 254 persons.
        sure_score: Least score of a person, with a pose where the model has poses, who counts as sure.
    """
    persons, points = scene.persons, len(scene.keypoint_names)
    count = len(persons)
    keypoints = np.array([person.keypoints for person in persons], np.float64).reshape(count, points, 3)
    boxes = np.array([person.box for person in persons], np.float64).reshape(count, 4)
    scores = np.array([person.score for person in persons], np.float64)
    sure, doubtful = scores >= sure_score, np.zeros(count, np.bool_)
    torsos, shapes = np.empty((count, 2)), np.empty((count, GRID, GRID), np.bool_)
    rows, large = _torso_rows(scene.keypoint_names), _LARGE * scene.person_mask.size
    _look(scene.instance_mask, keypoints, boxes, scores, rows, large, torsos, shapes, sure, doubtful)
    return Sightings(keypoints, boxes, torsos, shapes, sure, doubtful, scene.instance_mask)


@lru_cache(maxsize=8)
def _torso_rows(names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """int64 (4,), the keypoints around the torso; empty where there are not all of them."""
    if not set(_TORSO) <= set(names):
        return _NO_ROWS
    return np.array([names.index(name) for name in _TORSO])


@kernel(inline=True)
def sample(labels: Array, x: Float, y: Float) -> Any:
    """The label at x, y in pixels; 0 outside."""
    column, row = int(np.floor(x)), int(np.floor(y))
    if 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]:
        return np.int64(labels[row, column])
    return np.int64(0)


@kernel(
    "void(Array(uint8, 2, 'A', readonly=True), float64[:, :, ::1], float64[:, ::1], float64[::1],"
    " int64[::1], float64, float64[:, ::1], boolean[:, :, ::1], boolean[::1], boolean[::1])"
)
def _look(
    labels: Array,
    keypoints: Array,
    boxes: Array,
    scores: Array,
    rows: Array,
    large: float,
    torsos: Array,
    shapes: Array,
    sure: Array,
    doubtful: Array,
) -> None:
    for k in range(len(boxes)):
        width, height = boxes[k, 2] - boxes[k, 0], boxes[k, 3] - boxes[k, 1]
        if keypoints.shape[1] > 0 and keypoints[k, :, 2].max() <= 0:
            doubtful[k] = scores[k] < LEAST_WITHOUT_POSE
            sure[k] = width * height >= large and not doubtful[k]
        for row in range(GRID):
            y = boxes[k, 1] + (row + 0.5) / GRID * height
            for column in range(GRID):
                x = boxes[k, 0] + (column + 0.5) / GRID * width
                shapes[k, row, column] = sample(labels, x, y) == k + 1
        torsos[k] = 0.0
        for half in range(2):
            seen, x, y = 0, 0.0, 0.0
            for row in rows[2 * half : 2 * half + 2]:
                if keypoints[k, row, 2] >= _SEEN:
                    seen, x, y = seen + 1, x + keypoints[k, row, 0], y + keypoints[k, row, 1]
            torsos[k, 0] += x / (2 * seen) if seen else np.nan
            torsos[k, 1] += y / (2 * seen) if seen else np.nan
