"""Image -> network input in one pass: pad, resize, colour order, float, normalisation."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, kernel
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
    red, green, blue = channels
    _resize(image, red, green, blue, y.source, y.weight, x.source, x.weight, np.float32(scale), bias, out)


@kernel(
    "void(Array(uint8, 3, 'A', readonly=True), intp, intp, intp, int32[:, ::1], float32[:, ::1],"
    " int32[:, ::1], float32[:, ::1], float32, float32[::1], float32[:, :, ::1])"
)
def _resize(
    image: Array,
    red: int,
    green: int,
    blue: int,
    source_y: Array,
    weight_y: Array,
    source_x: Array,
    weight_x: Array,
    scale: float,
    bias: Array,
    out: Array,
) -> None:
    for i in range(out.shape[0]):
        top, bottom = image[source_y[i, 0]], image[source_y[i, 1]]
        w_top, w_bottom = weight_y[i, 0] * scale, weight_y[i, 1] * scale
        for j in range(out.shape[1]):
            left, right = source_x[j, 0], source_x[j, 1]
            a, b = w_top * weight_x[j, 0], w_top * weight_x[j, 1]
            c, d = w_bottom * weight_x[j, 0], w_bottom * weight_x[j, 1]
            for k, channel in enumerate((red, green, blue)):
                out[i, j, k] = (
                    a * np.float32(top[left, channel])
                    + b * np.float32(top[right, channel])
                    + c * np.float32(bottom[left, channel])
                    + d * np.float32(bottom[right, channel])
                    + bias[k]
                )
