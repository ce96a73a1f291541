"""Image -> network input in one pass: resize, colour order, float, normalisation."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.pixels import as_line
from bodypix_ros.kernels import Array, Float, kernel, prefetch

_STRIP = 384
"""Bytes of a row, more or less, that are worked on at a time: with what they become they stay in the first
cache, and no more cache lines are asked for at once than a processor can wait for."""
_LINE = np.uint64(64)
"""Bytes of a cache line."""


class Samples(NamedTuple):
    """Of which image pixels the n input pixels along an axis are made.

    Attributes:
        source: int32 (n, 2), two image pixels, neither ever falling from one input pixel to the next.
        weight: float32 (n, 2), their weights.
    """

    source: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]


def resize(
    image: npt.NDArray[np.uint8],
    channels: tuple[int, int, int],
    rows: Samples,
    columns: Samples,
    scale: float,
    bias: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Fill the network's input.

    The result stays float: rounding it to uint8 costs BodyPix IoU and moves its keypoints.

    Args:
        image: uint8 (H, W, C), read-only and strided arrays welcome.
        channels: Which of the C channels are red, green and blue.
        rows: Of the h rows, within H.
        columns: Of the w columns, within W.
        scale: Factor of a pixel value.
        bias: float32 (3,), added to red, green and blue.
        out: float32 (h, w, 3), overwritten.
    """
    count = image.shape[2]
    line, step = as_line(image)
    red, _, blue = channels
    _resize(
        line, step, image.shape[1] * count, count, red, blue, *rows, *columns, np.float32(scale), bias, out,
    )  # fmt: skip


@kernel(inline=True)
def _across(
    blend: Array, left: Array, right: Array, weight: Array, bias: Array, r: int, g: int, b: int,
    begin: int, end: int, row: Array,
) -> None:  # fmt: skip
    """Widen a strip to the network's columns; r, g and b are constants at each call.

    Four values are written for each pixel, so that they are one vector; the next pixel overwrites the fourth.
    """
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    bias_r, bias_g, bias_b = bias[0], bias[1], bias[2]
    last = left.size - 1
    for j in range(np.uint64(begin), np.uint64(min(end, last))):
        p, q, u, v = left[j], right[j], weight[j, 0], weight[j, 1]
        at = three * j
        first = u * blend[p + r] + (v * blend[q + r] + bias_r)
        second = u * blend[p + g] + (v * blend[q + g] + bias_g)
        third = u * blend[p + b] + (v * blend[q + b] + bias_b)
        fourth = u * blend[p + three] + (v * blend[q + three] + bias_b)
        row[at + zero], row[at + one], row[at + two], row[at + three] = first, second, third, fourth
    if end > last:
        p, q, u, v = left[last], right[last], weight[last, 0], weight[last, 1]
        row[3 * last] = u * blend[p + r] + (v * blend[q + r] + bias_r)
        row[3 * last + 1] = u * blend[p + g] + (v * blend[q + g] + bias_g)
        row[3 * last + 2] = u * blend[p + b] + (v * blend[q + b] + bias_b)


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), intp, intp, intp, intp, intp, int32[:, ::1],"
    " float32[:, ::1], int32[:, ::1], float32[:, ::1], float32, float32[::1], float32[:, :, ::1])",
    superwords=True,
)
def _resize(
    line: Array, step: int, row_bytes: int, count: int, red: int, blue: int,
    source_y: Array, weight_y: Array, source_x: Array, weight_x: Array, scale: Float, bias: Array, out: Array,
) -> None:  # fmt: skip
    # Strip by strip: down first, along the row, as vector code; then across, for the columns needed.
    # Rows of a large image lie far apart in memory: beside each strip that of the next rows is fetched.
    # Unsigned indices spare numba's check for negative ones.
    columns = out.shape[1]
    per_strip = max(_STRIP * columns // row_bytes, 1)
    # Of each column: where its left and right pixels begin in its strip.
    left, right = np.empty(columns, np.uint64), np.empty(columns, np.uint64)
    longest = 0
    for begin in range(0, columns, per_strip):
        end = min(begin + per_strip, columns)
        first = source_x[begin, 0]
        for j in range(begin, end):
            left[j], right[j] = (source_x[j, 0] - first) * count, (source_x[j, 1] - first) * count
        longest = max(longest, (source_x[end - 1, 1] + 1 - first) * count)
    blend = np.zeros(longest + 3, np.float32)  # a pixel's fourth value may lie behind the strip
    flat = out.reshape(-1)
    for i in range(out.shape[0]):
        w_upper, w_lower = weight_y[i, 0] * scale, weight_y[i, 1] * scale
        following = min(i + 1, out.shape[0] - 1)
        row = flat[i * columns * 3 : (i + 1) * columns * 3]
        for begin in range(0, columns, per_strip):
            end = min(begin + per_strip, columns)
            first = source_x[begin, 0] * count
            length = np.uint64((source_x[end - 1, 1] + 1) * count - first)
            upper, next_upper = source_y[i, 0] * step + first, source_y[following, 0] * step + first
            lower, next_lower = source_y[i, 1] * step + first, source_y[following, 1] * step + first
            for x in range(np.uint64(0), length, _LINE):
                prefetch(line, np.uint64(next_upper) + x)
                prefetch(line, np.uint64(next_lower) + x)
            for x in range(length):
                a, b = line[np.uint64(upper) + x], line[np.uint64(lower) + x]
                blend[x] = w_upper * np.float32(a) + w_lower * np.float32(b)
            zero, one, two = np.uint64(0), np.uint64(1), np.uint64(2)
            if red == blue:
                _across(blend, left, right, weight_x, bias, zero, zero, zero, begin, end, row)
            elif red == 0:
                _across(blend, left, right, weight_x, bias, zero, one, two, begin, end, row)
            else:
                _across(blend, left, right, weight_x, bias, two, one, zero, begin, end, row)
