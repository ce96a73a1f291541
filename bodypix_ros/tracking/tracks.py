"""The people who are followed, as arrays, and how they change from image to image."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, kernel
from bodypix_ros.tracking.appearance import SHAPE, Looks, mix
from bodypix_ros.tracking.motion import correct, predict
from bodypix_ros.tracking.sightings import GRID, Sightings

_TORSO, _BOX = 0.06, 0.15
"""Standard deviations of where somebody is seen, by torso and by box, in square roots of the box's area."""
_ACCELERATION, _SPEED = 1.0, 0.5
"""How much a speed changes within a second, and what it is at first, in the same measure per second."""
_LOST_S = 0.3
"""Whoever was not seen for longer is as fast as somebody new: how far they got meanwhile would be a speed
with which somebody who stands still again was soon elsewhere."""
_GROW, _SHRINK = 0.3, 0.1
"""Share of a size that is seen in the one that is remembered."""
_UNKNOWN: Looks = np.zeros((0, *SHAPE))
"""Stands for how people look where that is not known."""


@dataclass(slots=True, eq=False)
class Tracks:
    """N people.

    Attributes:
        states: float64 (N, 4), x and y of the torso in pixels, and their speeds per second.
        covariances: float64 (N, 4, 4).
        sizes: float64 (N, 2), width and height of the box; slow, since others hide parts of people.
        offsets: float64 (N, 2), from the torso to the middle of the box.
        keypoints: float64 (N, K, 3), as seen last, relative to the torso.
        boxes: float64 (N, 4), the same.
        shapes: bool (N, GRID, GRID), in that box.
        looks: float64 (N, REGIONS, BINS).
        since_s: float64 (N,), when each was seen first.
        seen_s: float64 (N,), when each was seen last.
        ids: int64 (N,), 0 until somebody was seen twice.
    """

    states: npt.NDArray[np.float64]
    covariances: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]
    keypoints: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64]
    shapes: npt.NDArray[np.bool_]
    looks: Looks
    since_s: npt.NDArray[np.float64]
    seen_s: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.states)

    def predict(self, step_s: float) -> None:
        """Go on in time.

        Args:
            step_s: Seconds, at least 0.
        """
        _predict(self.states, self.covariances, self.sizes, step_s)

    def renew(
        self,
        rows: npt.NDArray[np.int64],
        sightings: Sightings,
        seen: npt.NDArray[np.int64],
        looks: Looks | None,
        stamp_s: float,
    ) -> None:
        """Take in what was seen of people.

        Args:
            rows: int64 (n,), whose.
            sightings: What was seen.
            seen: int64 (n,), which of them.
            looks: How they all look, where that is known.
            stamp_s: When, in seconds.
        """
        _renew(
            self.states, self.covariances, self.sizes, self.offsets, self.keypoints, self.boxes, self.shapes,
            self.looks, self.seen_s, rows, seen, sightings.keypoints, sightings.boxes, sightings.torsos,
            sightings.shapes, _UNKNOWN if looks is None else looks, stamp_s,
        )  # fmt: skip

    def keep(self, rows: npt.NDArray[np.bool_]) -> "Tracks":
        """Some of them, bool (N,)."""
        return Tracks(*(getattr(self, field.name)[rows] for field in fields(self)))

    def and_also(self, others: "Tracks") -> "Tracks":
        """These, then others."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in fields(self))
        return Tracks(*(np.concatenate(pair) for pair in pairs))


def begin(sightings: Sightings, chosen: npt.NDArray[np.int64], looks: Looks | None, stamp_s: float) -> Tracks:
    """Tracks of people who are seen for the first time.

    Args:
        sightings: What was seen.
        chosen: int64 (n,), which of them.
        looks: How they all look, where that is known.
        stamp_s: When, in seconds.
    """
    count, boxes, torsos = len(chosen), sightings.boxes[chosen], sightings.torsos[chosen]
    middles, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    torsos = np.where(np.isnan(torsos), middles, torsos)
    states = np.concatenate([torsos, np.zeros((count, 2))], axis=1)
    areas = sizes[:, 0] * sizes[:, 1]
    covariances = np.zeros((count, 4, 4))
    covariances[:, [0, 1], [0, 1]] = (_TORSO**2 * areas)[:, None]
    covariances[:, [2, 3], [2, 3]] = (_SPEED**2 * areas)[:, None]
    keypoints = sightings.keypoints[chosen].copy()
    keypoints[:, :, :2] -= torsos[:, None]
    look = np.zeros((count, *SHAPE)) if looks is None else looks[chosen]
    return Tracks(
        states, covariances, sizes, middles - torsos, keypoints, boxes - np.tile(torsos, 2),
        sightings.shapes[chosen], look, np.full(count, stamp_s), np.full(count, stamp_s),
        np.zeros(count, np.int64),
    )  # fmt: skip


def nobody(points: int) -> Tracks:
    """No tracks, of people with so many keypoints."""
    empty = np.zeros((0, 4))
    return Tracks(
        empty, np.zeros((0, 4, 4)), empty[:, :2].copy(), empty[:, :2].copy(), np.zeros((0, points, 3)), empty,
        np.zeros((0, GRID, GRID), np.bool_), np.zeros((0, *SHAPE)), empty[:, 0].copy(),
        empty[:, 0].copy(), np.zeros(0, np.int64),
    )  # fmt: skip


@kernel("void(float64[:, ::1], float64[:, :, ::1], float64[:, ::1], float64)")
def _predict(states: Array, covariances: Array, sizes: Array, step: float) -> None:
    for i in range(len(states)):
        scale = np.sqrt(sizes[i, 0] * sizes[i, 1])
        predict(states[i], covariances[i], step, np.full(2, _ACCELERATION * scale))


@kernel(
    "void(float64[:, ::1], float64[:, :, ::1], float64[:, ::1], float64[:, ::1], float64[:, :, ::1],"
    " float64[:, ::1], boolean[:, :, ::1], float64[:, :, ::1], float64[::1], int64[::1], int64[::1],"
    " float64[:, :, ::1], float64[:, ::1], float64[:, ::1], boolean[:, :, ::1], float64[:, :, ::1], float64)"
)
def _renew(
    states: Array,
    covariances: Array,
    sizes: Array,
    offsets: Array,
    keypoints: Array,
    boxes: Array,
    shapes: Array,
    looks: Array,
    seen_s: Array,
    rows: Array,
    seen: Array,
    seen_keypoints: Array,
    seen_boxes: Array,
    seen_torsos: Array,
    seen_shapes: Array,
    seen_looks: Array,
    stamp_s: float,
) -> None:
    for n in range(len(rows)):
        i, k = rows[n], seen[n]
        box, torso = seen_boxes[k], seen_torsos[k].copy()
        middle = (box[:2] + box[2:]) / 2
        scale, hidden = np.sqrt(sizes[i, 0] * sizes[i, 1]), 1.0
        for axis in range(2):
            size = max(box[2 + axis] - box[axis], 1.0)
            hidden *= np.sqrt(max(sizes[i, axis] / size, 1.0))
            sizes[i, axis] += (_GROW if size > sizes[i, axis] else _SHRINK) * (size - sizes[i, axis])
        if np.isnan(torso[0]):
            torso, noise = middle - offsets[i], _BOX
        else:
            offsets[i], noise = middle - torso, _TORSO
        noise *= scale * hidden
        correct(states[i], covariances[i], torso, np.diag(np.full(2, noise * noise)))
        if stamp_s - seen_s[i] > _LOST_S:
            states[i, 2:] = 0.0
            covariances[i, 2:], covariances[i, :, 2:] = 0.0, 0.0
            covariances[i, 2, 2] = covariances[i, 3, 3] = (_SPEED * scale) ** 2
        keypoints[i] = seen_keypoints[k]
        keypoints[i, :, 0] -= states[i, 0]
        keypoints[i, :, 1] -= states[i, 1]
        boxes[i, :2], boxes[i, 2:] = box[:2] - states[i, :2], box[2:] - states[i, :2]
        shapes[i] = seen_shapes[k]
        if len(seen_looks):
            mix(looks[i], seen_looks[k], stamp_s - seen_s[i])
        seen_s[i] = stamp_s
