"""The passes of one image, side by side in one array, so that kernels read any number of them."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.segmenters.bodypix.people.views import CROP, View

_CHANNELS: Final = 1 + len(PARTS) + 2 * len(KEYPOINTS)
SEGMENT, PART, OFFSET, LEADER, POINTS_Y, POINTS_X = range(6)
TOP, LEFT, STEP, POINT = range(4)


class Tables(NamedTuple):
    """What kernels need of the passes, in the order of their arguments. The first saw the whole picture.

    Attributes:
        values: float32 (n,), the grids of all passes, each C-contiguous (points_y, points_x, channels).
        leaders: uint32 (m,), of the cell below and right of each point: a bit for each part that may lead
            somewhere in it.
        at: int64 (P, 6): where in `values` the logits of person, those of the parts and the long offsets
            begin, where in `leaders` the pass does, rows and columns of the grid.
        place: float64 (P, 4): picture row and column of the first point, picture pixels to a pixel of input
            and to a point.
    """

    values: npt.NDArray[np.float32]
    leaders: npt.NDArray[np.uint32]
    at: npt.NDArray[np.int64]
    place: npt.NDArray[np.float64]


class Passes:
    """Keeps a copy of what the masks are made of, so that a pass's request may serve the next one."""

    def __init__(self, base: View, stride: int, crops: int) -> None:
        """Make room.

        Args:
            base: That of the whole picture, which comes first.
            stride: Pixels of input between two points.
            crops: How many may follow.
        """
        self._stride = stride
        points = _points(base.height, stride) * _points(base.width, stride)
        points += crops * _points(CROP, stride) ** 2
        self._values = np.empty(points * _CHANNELS, np.float32)
        self._leaders = np.empty(points, np.uint32)
        self._at = np.empty((1 + crops, 6), np.int64)
        self._place = np.empty((1 + crops, 4))
        self._count = self._used = 0

    def add(self, view: View) -> int:
        """Keep the place of a pass, and say its number."""
        rows, columns = _points(view.height, self._stride), _points(view.width, self._stride)
        points, begin, number = rows * columns, self._used * _CHANNELS, self._count
        self._at[number] = begin, begin + points, begin + points * (1 + len(PARTS)), self._used, rows, columns
        self._place[number] = view.top, view.left, view.step, view.step * self._stride
        self._used += points
        self._count += 1
        return number

    def take(
        self,
        number: int,
        segments: npt.NDArray[np.float32],
        parts: npt.NDArray[np.float32],
        long_offsets: npt.NDArray[np.float32],
    ) -> None:
        """Copy a pass into its place.

        Args:
            number: That `add` gave.
            segments: float32 (points_y, points_x, 1), logits of person.
            parts: float32 (points_y, points_x, 24), logits of the parts.
            long_offsets: float32 (points_y, points_x, 34), dy then dx, pixels of input.
        """
        begin, middle, end, leader, rows, columns = self._at[number].tolist()
        points = rows * columns
        self._values[begin:middle] = segments.reshape(-1)
        self._values[middle:end] = parts.reshape(-1)
        self._values[end : begin + points * _CHANNELS] = long_offsets.reshape(-1)
        _lead(parts, self._leaders[leader : leader + points].reshape(rows, columns))

    @property
    def tables(self) -> Tables:
        """Those that were taken."""
        return Tables(self._values, self._leaders, self._at[: self._count], self._place[: self._count])


def _points(side: int, stride: int) -> int:
    return (side - 1) // stride + 1


@kernel("void(Array(float32, 3, 'C', readonly=True), uint32[:, ::1])")
def _lead(parts: Array, leaders: Array) -> None:
    """Find the parts that may lead in each cell.

    What is bilinear is a mean of the cell's corners: a part that a corner's leader beats at all of them leads
    nowhere.
    """
    points_y, points_x, channels = parts.shape
    leader = np.empty((points_y, points_x), np.intp)
    for y in range(points_y):
        for x in range(points_x):
            best = 0
            for c in range(1, channels):
                if parts[y, x, c] > parts[y, x, best]:
                    best = c
            leader[y, x] = best
    free = np.empty(channels, np.uint8)
    for y in range(points_y - 1):
        for x in range(points_x - 1):
            corners = leader[y, x], leader[y, x + 1], leader[y + 1, x], leader[y + 1, x + 1]
            one = np.uint32(1)
            mask = np.uint32(0)
            for d in corners:
                mask |= one << np.uint32(d)
            if mask & (mask - one):
                free[:] = 1
                for d in corners:
                    v0, v1 = parts[y, x, d], parts[y, x + 1, d]
                    v2, v3 = parts[y + 1, x, d], parts[y + 1, x + 1, d]
                    for c in range(channels):
                        free[c] &= (
                            (parts[y, x, c] > v0)
                            | (parts[y, x + 1, c] > v1)
                            | (parts[y + 1, x, c] > v2)
                            | (parts[y + 1, x + 1, c] > v3)
                        )
                for c in range(channels):
                    mask |= np.uint32(free[c]) << np.uint32(c)
            leaders[y, x] = mask
