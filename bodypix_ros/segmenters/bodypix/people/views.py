"""What a pass of the network sees of a picture: a rectangle of it, at a zoom.

Pixel (i, j) of the network's input lies at picture pixel (top + i * step, left + j * step). What it sees
beyond the picture is black, as the original pads.
"""

import math
from dataclasses import dataclass

import numpy as np

from bodypix_ros.imaging.resize import Samples
from bodypix_ros.kernels import Array, Float, kernel

CROP = 385
"""Side of a crop in pixels of the network's input. 257 is too small: what is around people counts."""
_MULTIPLE = 32
"""The sides of a pass are a multiple of this and 1: every output stride divides it."""


@dataclass(frozen=True, slots=True)
class View:
    """One pass.

    Attributes:
        top: Picture row of the first row of the input.
        left: Picture column of the first column.
        step: Picture pixels from one pixel of the input to the next.
        height: Rows of the input.
        width: Columns of the input.
    """

    top: float
    left: float
    step: float
    height: int
    width: int

    def samples(self, height: int, width: int) -> tuple[Samples, Samples]:
        """Of which pixels of a picture of height x width the rows and columns of the input are made."""
        return _axis(self.top, self.step, self.height, height), _axis(self.left, self.step, self.width, width)


def whole(height: int, width: int, base_size: int) -> View:
    """The whole picture, its longer side `base_size` pixels of the network's input, or a little less."""
    step = max(height, width) / (side(base_size) - 1)
    rows, columns = side(height / step), side(width / step)
    top = (height - 1) / 2 - (rows - 1) / 2 * step
    left = (width - 1) / 2 - (columns - 1) / 2 * step
    return View(top, left, step, rows, columns)


def crop(top: float, left: float, zoom: float) -> View:
    """A square of CROP pixels of input.

    Args:
        top: Picture row of its first row.
        left: Picture column of its first column.
        zoom: Pixels of input to a pixel of the picture.
    """
    return View(top, left, 1 / zoom, CROP, CROP)


def side(pixels: float) -> int:
    """The size that a pass can have nearest to `pixels`; a quarter of the multiple may be lost."""
    return max(math.ceil((pixels - 1) / _MULTIPLE - 0.25), 1) * _MULTIPLE + 1


def _axis(first: float, step: float, count: int, size: int) -> Samples:
    source, weight = np.empty((count, 2), np.int32), np.empty((count, 2), np.float32)
    _sample(first, step, size, source, weight)
    return Samples(source, weight)


@kernel("void(float64, float64, intp, int32[:, ::1], float32[:, ::1])")
def _sample(first: Float, step: Float, size: int, source: Array, weight: Array) -> None:
    for i in range(source.shape[0]):
        at = first + i * step
        low = np.floor(at)
        for side_ in range(2):
            pixel = int(low) + side_
            share = at - low if side_ else 1 - (at - low)
            source[i, side_] = min(max(pixel, 0), size - 1)
            weight[i, side_] = share if 0 <= pixel < size else 0.0
