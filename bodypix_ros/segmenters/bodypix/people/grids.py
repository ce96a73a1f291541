"""Grids of a pass, or lattices of a person, read along rows of pixels. Helpers of kernels."""

import numpy as np

from bodypix_ros.kernels import Array, Float, kernel

FEATHER = 24.0
"""Pixels of input over which a crop fades in where nobody says whose the pixels are."""


@kernel(inline=True)
def least_and_largest(
    values: Array, begin: int, columns: int, a0: int, a1: int, b0: int, b1: int
) -> tuple[Float, Float]:
    """Least and largest of a grid's points in rows a0 to a1 and columns b0 to b1, both included."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for a in range(a0, a1 + 1):
        at = begin + a * columns
        for q in range(np.uint64(at + b0), np.uint64(at + b1 + 1)):
            low, high = min(low, values[q]), max(high, values[q])
    return low, high


@kernel(inline=True)
def points_around(first: Float, apart: Float, size: int, begin: int, end: int) -> tuple[int, int]:
    """The points of an axis between which the pixels begin to end lie: the first and the last."""
    low = min(max(int(np.floor((begin - first) / apart)), 0), size - 1)
    high = min(max(int(np.ceil((end - 1 - first) / apart)), 0), size - 1)
    return low, high


@kernel(inline=True)
def spread(
    first: Float, apart: Float, size: int, begin: int, end: int, cell: Array, fraction: Array, ends: Array
) -> None:
    """Write of the pixels begin to end the point before, how far on they are, where the next one follows."""
    for p in range(end - begin):
        at = min(max(np.float32((begin + p - first) / apart), np.float32(0)), np.float32(size - 1))
        cell[p] = min(np.int32(at), np.int32(size - 2))
        fraction[p] = at - np.float32(cell[p])
    for p in range(end - begin - 1, -1, -1):
        same = p + 1 < end - begin and cell[p + 1] == cell[p]
        ends[p] = ends[p + 1] if same else p + 1


@kernel(inline=True)
def along(
    values: Array, begin: int, columns: int, i: int, fy: Float, cell: Array, fraction: Array, ends: Array,
    j0: int, j1: int, out: Array,
) -> None:  # fmt: skip
    """Write a grid at the columns j0 to j1 of a row of pixels, `fy` on from its row i."""
    upper = begin + i * columns
    lower = upper + columns
    j = j0
    while j < j1:  # cell by cell: in each it is a straight line
        b = cell[j]
        start = values[upper + b] + (values[lower + b] - values[upper + b]) * fy
        b += 1
        rise = values[upper + b] + (values[lower + b] - values[upper + b]) * fy - start
        end = min(ends[j], j1)
        for p in range(np.uint64(j), np.uint64(end)):
            out[p - np.uint64(j0)] = start + rise * fraction[p]
        j = end


@kernel(inline=True)
def seen_pixels(first: Float, point: Float, points: int, size: int) -> tuple[int, int]:
    """The picture's pixels along an axis that a pass saw, half open."""
    return max(int(np.ceil(first)), 0), min(int(np.floor(first + (points - 1) * point)) + 1, size)


@kernel(inline=True)
def fade(begin: int, end: int, step: Float, pixel: int, size: int) -> Float:
    """How much a crop counts at a pixel along an axis: less towards an edge that is not the picture's."""
    if pixel < begin or pixel >= end:
        return np.float32(0)
    share = np.float32(1)
    if begin > 0:
        share = min(share, np.float32((pixel - begin + 1) / step / FEATHER))
    if end < size:
        share = min(share, np.float32((end - pixel) / step / FEATHER))
    return share


@kernel(inline=True)
def include(box: Array, i0: int, j0: int, i1: int, j1: int) -> None:
    """Grow a box, x0, y0, x1, y1, to hold the rows i0 to i1 and columns j0 to j1."""
    if box[2] == 0:
        box[0], box[1], box[2], box[3] = j0, i0, j1, i1
    else:
        box[0], box[1] = min(box[0], j0), min(box[1], i0)
        box[2], box[3] = max(box[2], j1), max(box[3], i1)
