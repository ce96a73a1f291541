"""How well each track goes with each sighting: by pose, shape, place and looks."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.tracking.appearance import Looks, alike
from bodypix_ros.tracking.sightings import GRID, Sightings, sample
from bodypix_ros.tracking.tracks import Tracks

_POSE, _SHAPE, _PLACE = 0.3, 0.3, 0.4
"""What pose, shape and place are worth where they fit perfectly. Any of these numbers may be a fifth more or
less: measured on made films, it is the sum that counts."""
_LOOKS, _LIKENESS = 1.0, 0.6
"""What looks are worth, and how much alike different people are: more speaks for a pair, less against it."""
_LEAST, _UNSEEN, _UNSURE = 0.25, 0.1, 0.3
"""What a pair must be worth, how much more it must be at the end of `max_age`, and how much more where only
the track speaks for the sighting."""
_FADE, _RISE = 0.6, 2.5
"""By the end of `max_age` pose and shape count so much less, and looks so much more."""
_FORGIVING = 0.1
"""Standard deviation of places beside the filter's, in square roots of a person's area."""
_FARTHEST = 1e-4
"""Places that are less likely, of both torso and box, are somebody else's, however alike they look. Where one
person's limbs are taken for another's the torso leaps, and the box stays."""
_NEVER = 10.0
_NEW, _KNOWN_S = 0.4, 1.0
"""Share of a gain that counts for somebody who was just met, and seconds after which all of it does. Two in
one place who look alike are one person whom the model saw twice: the first one's id stays."""
_COCO_SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
"""COCO's standard deviations of annotated keypoints, in square roots of a person's area."""
_SIGMA = 0.07
"""Of points that COCO does not have."""
_WIDER = 2.0
"""People move between two frames: so much wider than two annotators' keypoints theirs may be apart."""
_LEAST_SCORE = 0.2
"""Keypoints that score less say nothing."""
_LEAST_COMMON = 3
"""Fewer common keypoints are no pose."""


@lru_cache(maxsize=8)
def sigmas(names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """The spread of each keypoint from frame to frame, in square roots of a person's area: float64 (K,)."""
    known = (next((s for part, s in _COCO_SIGMAS.items() if part in name), _SIGMA) for name in names)
    return _WIDER * np.array(list(known), np.float64)


def gains(
    tracks: Tracks,
    sightings: Sightings,
    names: tuple[str, ...],
    looks: Looks | None,
    ages: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """What it is worth to take a sighting for a track, beside beginning a new one.

    Args:
        tracks: N people, where they are expected now.
        sightings: M persons.
        names: Of their keypoints.
        looks: How those of the sightings look, where that is known.
        ages: float64 (N,), for how long each was not seen, in shares of the longest.

    Returns:
        float64 (N, M).
    """
    worth = np.empty((len(tracks), len(sightings)))
    _gains(
        tracks.states, tracks.covariances, tracks.sizes, tracks.offsets, tracks.keypoints, tracks.boxes,
        tracks.shapes, ages, sightings.keypoints, sightings.boxes, sightings.torsos, sightings.shapes,
        sightings.labels, sigmas(names), worth,
    )  # fmt: skip
    if looks is not None:
        _add_looks(tracks.looks, looks, ages, worth)
    known = np.minimum((tracks.seen_s - tracks.since_s) / _KNOWN_S, 1.0)
    worth *= np.where(worth > 0, _NEW + (1 - _NEW) * known[:, np.newaxis], 1.0)
    worth[:, ~sightings.sure] -= _UNSURE
    worth[:, sightings.doubtful] = -_NEVER
    return worth


@kernel("void(float64[:, :, ::1], float64[:, :, ::1], float64[::1], float64[:, ::1])")
def _add_looks(tracked: Array, seen: Array, ages: Array, worth: Array) -> None:
    for i in range(len(tracked)):
        weight = _LOOKS * (1 + _RISE * ages[i])
        for j in range(len(seen)):
            if worth[i, j] < -_NEVER / 2:  # too far away to look at
                continue
            like = alike(tracked[i], seen[j])
            if not np.isnan(like):
                worth[i, j] += weight * (like - _LIKENESS)


@kernel(inline=True)
def _pose(tracked: Array, x: float, y: float, seen: Array, area: float, spread: Array) -> float:
    """Object keypoint similarity as COCO defines it, over the keypoints that both have; below 0: too few."""
    total, common = 0.0, 0
    for k in range(len(spread)):
        if tracked[k, 2] >= _LEAST_SCORE and seen[k, 2] >= _LEAST_SCORE:
            dx, dy = tracked[k, 0] + x - seen[k, 0], tracked[k, 1] + y - seen[k, 1]
            width = 2 * spread[k]
            total += np.exp(-(dx * dx + dy * dy) / (2 * area * width * width))
            common += 1
    return total / common if common >= _LEAST_COMMON else -1.0


@kernel(inline=True)
def _place(x: Float, y: Float, covariance: Array, noise: Float) -> Float:
    """exp(-d^2 / 2) of a difference, d being Mahalanobis' distance."""
    a, b, c = covariance[0, 0] + noise, covariance[0, 1], covariance[1, 1] + noise
    return np.exp(-(c * x * x - 2 * b * x * y + a * y * y) / (2 * (a * c - b * b)))


@kernel(
    "void(float64[:, ::1], float64[:, :, ::1], float64[:, ::1], float64[:, ::1], float64[:, :, ::1],"
    " float64[:, ::1], boolean[:, :, ::1], float64[::1], float64[:, :, ::1], float64[:, ::1],"
    " float64[:, ::1], boolean[:, :, ::1], Array(uint8, 2, 'A', readonly=True), float64[::1],"
    " float64[:, ::1])"
)
def _gains(
    states: Array,
    covariances: Array,
    sizes: Array,
    offsets: Array,
    keypoints: Array,
    boxes: Array,
    shapes: Array,
    ages: Array,
    seen_keypoints: Array,
    seen_boxes: Array,
    seen_torsos: Array,
    seen_shapes: Array,
    labels: Array,
    spread: Array,
    worth: Array,
) -> None:
    common = np.empty(256)
    areas = np.empty(len(seen_boxes))
    for j in range(len(seen_boxes)):
        box = seen_boxes[j]
        areas[j] = seen_shapes[j].sum() * (box[2] - box[0]) * (box[3] - box[1]) / GRID**2
    for i in range(len(states)):
        x, y, area = states[i, 0], states[i, 1], sizes[i, 0] * sizes[i, 1]
        width, height = boxes[i, 2] - boxes[i, 0], boxes[i, 3] - boxes[i, 1]
        cell = width * height / GRID**2
        common[:] = 0.0
        for row in range(GRID):
            at_y = y + boxes[i, 1] + (row + 0.5) / GRID * height
            for column in range(GRID):
                if shapes[i, row, column]:
                    common[sample(labels, x + boxes[i, 0] + (column + 0.5) / GRID * width, at_y)] += cell
        own = shapes[i].sum() * cell
        for j in range(len(seen_boxes)):
            box = seen_boxes[j]
            dx = (box[0] + box[2]) / 2 - x - offsets[i, 0]
            dy = (box[1] + box[3]) / 2 - y - offsets[i, 1]
            middle = place = _place(dx, dy, covariances[i], _FORGIVING**2 * area)
            if not np.isnan(seen_torsos[j, 0]):
                dx, dy = seen_torsos[j, 0] - x, seen_torsos[j, 1] - y
                place = _place(dx, dy, covariances[i], _FORGIVING**2 * area)
            both = common[j + 1]
            shape = both / max(own + areas[j] - both, 1.0)
            pose = _pose(keypoints[i], x, y, seen_keypoints[j], area, spread)
            if pose < 0:
                pose = shape
            still = (_POSE * pose + _SHAPE * shape) * (1 - _FADE * ages[i])
            worth[i, j] = still + _PLACE * place - _LEAST - _UNSEEN * ages[i]
            if max(place, middle) < _FARTHEST:
                worth[i, j] -= _NEVER
