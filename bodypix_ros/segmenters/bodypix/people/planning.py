"""Which crops to look at: around people who are too small in the pass of the whole picture."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.people.decoding import bounds, extent
from bodypix_ros.segmenters.bodypix.people.views import CROP, View, crop

_LEAST_SCORE = 0.04
"""Mean score of a pose's keypoints from which it may be somebody."""
_SMALL = 200.0
"""Pixels of input below which a person is worth a crop."""
_WANTED = 224.0
"""Pixels of input that a person shall have in the crop."""
_ZOOMS = (0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Pixels of input to a pixel of the picture; enlarging more finds nobody else."""
_ALIKE = (0.6, 1.7)
"""Ratios of the zooms that people want within which one crop serves them."""
_USED = 0.96
"""Share of a crop's side that people's boxes may take."""


class Worth(NamedTuple):
    """What makes somebody worth a crop.

    Attributes:
        gain: A crop enlarges at least so much more than the pass of the whole picture.
        later_score: Mean score of a pose's keypoints from which it is worth more than the first crop.
    """

    gain: float
    later_score: float


USUAL = Worth(1.4, 0.06)
EVERYBODY = Worth(1.2, _LEAST_SCORE)
"""A quarter more crops, for who hides faces and overlooks nobody for the time it takes."""


def plan(
    poses: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    base: View,
    shape: tuple[int, int],
    most: int,
    worth: Worth = USUAL,
) -> list[View]:
    """Choose crops: the best pose's first, and into it whoever else fits.

    Args:
        poses: float32 (N, 17, 3), x, y in picture pixels, score.
        scores: float32 (N,), how much each is worth a crop.
        base: What the pass of the whole picture saw.
        shape: Rows and columns of the picture.
        most: At most so many crops.
        worth: Who gets one.
    """
    out = np.empty((most, 3), np.float64)
    count = _plan(poses, scores, np.array(_ZOOMS), 1 / base.step, *shape, *worth, out)
    return [crop(top, left, zoom) for top, left, zoom in out[:count].tolist()]


@kernel(inline=True)
def person_box(pose: Array, size: Float) -> tuple[Float, Float, Float, Float]:
    """x0, y0, x1, y1 around a whole person: keypoints end before heads, hands and feet do."""
    x0, y0, x1, y1 = bounds(pose)
    side = max(size, np.float32(6))
    around, above = np.float32(0.2) * side, np.float32(0.25) * side
    return x0 - around, y0 - above, x1 + around, y1 + around


@kernel(inline=True)
def _first(middle: Float, half: Float, size: int) -> Float:
    """First pixel of a crop along an axis: within the picture, where that is the larger one."""
    last = size - 1 - half
    middle = min(max(middle, half), last) if last > half else (size - 1) / 2
    first: Float = np.round(middle - half)
    return first


@kernel(
    "intp(Array(float32, 3, 'A', readonly=True), Array(float32, 1, 'A', readonly=True),"
    " float64[::1], float64, intp, intp, float64, float64, float64[:, ::1])"
)
def _plan(
    poses: Array, scores: Array, zooms: Array, base: Float, height: int, width: int, gain: Float,
    later_score: Float, out: Array,
) -> int:  # fmt: skip
    people = poses.shape[0]
    box = np.empty((people, 4))
    zoom = np.zeros(people)  # wanted; 0: none, or done
    for n in range(people):
        size = extent(poses[n])
        if scores[n] < _LEAST_SCORE or size * base >= _SMALL:
            continue
        box[n] = person_box(poses[n], size)
        wanted = np.log(min(_WANTED / max(size, np.float32(6)), zooms[-1]))
        nearest = zooms[0]
        for candidate in zooms:
            if abs(np.log(candidate) - wanted) < abs(np.log(nearest) - wanted):
                nearest = candidate
        if nearest > gain * base:
            zoom[n] = nearest
    count = 0
    while count < out.shape[0]:
        best = -1
        for n in range(people):
            if zoom[n] > 0 and (best < 0 or scores[n] > scores[best]):
                best = n
        if best < 0 or scores[best] < (later_score if count else _LEAST_SCORE):
            break
        z = zoom[best]
        x0, y0, x1, y1 = box[best]
        zoom[best] = 0
        side = CROP / z * _USED
        tried = np.zeros(people, np.bool_)
        while True:
            other = -1
            for n in range(people):
                fits = zoom[n] > 0 and not tried[n] and _ALIKE[0] <= zoom[n] / z <= _ALIKE[1]
                if fits and (other < 0 or scores[n] > scores[other]):
                    other = n
            if other < 0:
                break
            tried[other] = True
            left, right = min(x0, box[other, 0]), max(x1, box[other, 2])
            top, bottom = min(y0, box[other, 1]), max(y1, box[other, 3])
            if max(right - left, bottom - top) <= side:
                x0, y0, x1, y1 = left, top, right, bottom
                zoom[other] = 0
        half = (CROP - 1) / 2 / z
        out[count, 0] = _first((y0 + y1) / 2, half, height)
        out[count, 1] = _first((x0 + x1) / 2, half, width)
        out[count, 2] = z
        count += 1
    return count
