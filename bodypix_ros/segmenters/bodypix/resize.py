"""Image -> network input in one pass: pad, resize, colour order, float, normalisation."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.geometry import Geometry


def resize(
    image: npt.NDArray[np.uint8],
    channels: tuple[int, int, int],
    geometry: Geometry,
    scale: float,
    bias: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Fill the network's input.

    The result stays float: rounding it to uint8 before the network costs IoU and moves keypoints.

    Args:
        image: uint8 (H, W, C), read-only and strided arrays welcome.
        channels: Which of the C channels are red, green and blue.
        geometry: Of H x W.
        scale: Factor of a pixel value.
        bias: float32 (3,), added to red, green and blue.
        out: float32 (h, w, 3), overwritten.
    """
    y, x = geometry.y, geometry.x
    height, width, count = image.shape
    row_bytes = width * count
    step, along, across = image.strides
    line: npt.NDArray[np.uint8]
    if image.flags.c_contiguous:
        line, step = image.reshape(-1), row_bytes
    elif step >= row_bytes and along == count and across in (0, 1):  # rows with padding between them
        shape = ((height - 1) * step + row_bytes,)
        line = np.lib.stride_tricks.as_strided(image, shape, (1,), writeable=False)
    else:
        line, step = np.ascontiguousarray(image).reshape(-1), row_bytes
    red, green, blue = channels
    _resize(
        line, step, row_bytes, count, red, green, blue, y.source, y.weight, x.source, x.weight,
        np.float32(scale), bias, out,
    )  # fmt: skip


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), intp, intp, intp, intp, intp, intp, int32[:, ::1],"
    " float32[:, ::1], int32[:, ::1], float32[:, ::1], float32, float32[::1], float32[:, :, ::1])"
)
def _resize(
    line: Array, step: int, row_bytes: int, count: int, red: int, green: int, blue: int,
    source_y: Array, weight_y: Array, source_x: Array, weight_x: Array, scale: Float, bias: Array, out: Array,
) -> None:  # fmt: skip
    # Down first, along whole rows, which becomes vector code; then across, for the columns needed.
    # Unsigned indices spare numba's check for negative ones.
    blend = np.empty(row_bytes, np.float32)
    columns = out.shape[1]
    # Of each column: where its left and right pixels begin in a row, and their weights.
    left, right = np.empty(columns, np.uint64), np.empty(columns, np.uint64)
    for j in range(columns):
        left[j], right[j] = source_x[j, 0] * count, source_x[j, 1] * count
    r, g, b = np.uint64(red), np.uint64(green), np.uint64(blue)
    bias_r, bias_g, bias_b = bias[0], bias[1], bias[2]
    for i in range(out.shape[0]):
        upper, lower = line[source_y[i, 0] * step :], line[source_y[i, 1] * step :]
        w_upper, w_lower = weight_y[i, 0] * scale, weight_y[i, 1] * scale
        for x in range(row_bytes):
            blend[x] = w_upper * np.float32(upper[x]) + w_lower * np.float32(lower[x])
        row = out[i]
        for j in range(columns):
            first, second, w_left, w_right = left[j], right[j], weight_x[j, 0], weight_x[j, 1]
            row[j, 0] = w_left * blend[first + r] + (w_right * blend[second + r] + bias_r)
            row[j, 1] = w_left * blend[first + g] + (w_right * blend[second + g] + bias_g)
            row[j, 2] = w_left * blend[first + b] + (w_right * blend[second + b] + bias_b)
