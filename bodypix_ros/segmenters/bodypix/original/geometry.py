"""Where a pixel of the image lies in the network's input and on its output grid.

Image (H, W) is padded with zeros to the input's aspect ratio, (H + top + bottom, W + left + right), and
resized to the internal size (h, w), which is always k * stride + 1, so that the output grid has k + 1 points
whose first and last lie on the first and last internal pixel.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.resize import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One axis (rows or columns) of the way between image, internal size and output grid.

    Attributes:
        size: Pixels of the image.
        before: Zeros before the first pixel; `after` those after the last.
        internal: Pixels of the network's input.
        points: Points of the output grid.
        samples: What each input pixel is made of: source is clamped to the image, weight 0 in the padding.
        step: int32 (size,), the internal pixel at or before each image pixel, at most internal - 2.
        fraction: float32 (size,), how far towards the next one, 0..1.
        first: int32 (n + 1,), the first image pixel of each internal step; n = max(internal - 1, 1).
    """

    size: int
    before: int
    after: int
    internal: int
    points: int
    samples: Samples
    step: npt.NDArray[np.int32]
    fraction: npt.NDArray[np.float32]
    first: npt.NDArray[np.int32]

    @property
    def padded(self) -> int:
        """Pixels of the padded image."""
        return self.before + self.size + self.after


_Firsts = npt.NDArray[np.int32]
_Fractions = npt.NDArray[np.float32]
Tables = tuple[int, _Firsts, _Fractions, _Firsts, _Fractions, int, int, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Both axes of one image size at one internal resolution.

    Attributes:
        tables: What kernels need of it, in the order of their arguments: stride, first and fraction of rows
            and columns, pixels of padding before rows and columns, input pixels per padded pixel of both.
    """

    y: Axis
    x: Axis
    stride: int
    tables: Tables


def internal_size(size: int, resolution: float, stride: int) -> int:
    """Pixels of the network's input for an image axis of `size` pixels (reference: toInputResolution...)."""
    pixels = size * resolution
    if (pixels - 1) % stride == 0:
        return int(pixels)
    return math.floor(pixels / stride) * stride + 1


@lru_cache(maxsize=32)
def geometry(height: int, width: int, resolution: float, stride: int) -> Geometry:
    """Tables for images of height x width."""
    rows = internal_size(height, resolution, stride)
    columns = internal_size(width, resolution, stride)
    pad_y = pad_x = 0
    if width / height < columns / rows:
        pad_x = _round_half_up(0.5 * (columns / rows * height - width))
    else:
        pad_y = _round_half_up(0.5 * (width / (columns / rows) - height))
    y, x = _axis(height, pad_y, rows, stride), _axis(width, pad_x, columns, stride)
    tables = (
        stride, y.first, y.fraction, x.first, x.fraction, y.before, x.before,
        y.internal / y.padded, x.internal / x.padded,
    )  # fmt: skip
    return Geometry(y, x, stride, tables)


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _axis(size: int, pad: int, internal: int, stride: int) -> Axis:
    padded = size + 2 * pad
    # The resize to the network samples at out * in / out_size: no half-pixel centres, no aligned corners.
    at = (np.arange(internal, dtype=np.float32) * np.float32(padded / internal)).astype(np.float64)
    low = np.floor(at)
    source = np.stack([low, np.minimum(np.ceil(at), padded - 1)], axis=1) - pad
    weight = np.stack([1 - (at - low), at - low], axis=1)
    weight[(source < 0) | (source >= size)] = 0
    # The way back has aligned corners: the padded image's last pixel is the input's last pixel.
    scale = (internal - 1) / (padded - 1) if padded > 1 else 0.0
    back = (pad + np.arange(size)) * scale
    step = np.clip(np.floor(back), 0, max(internal - 2, 0))
    return Axis(
        size=size,
        before=pad,
        after=pad,
        internal=internal,
        points=(internal - 1) // stride + 1,
        samples=Samples(np.clip(source, 0, size - 1).astype(np.int32), weight.astype(np.float32)),
        step=step.astype(np.int32),
        fraction=(back - step).astype(np.float32),
        first=np.searchsorted(step, np.arange(max(internal - 1, 1) + 1)).astype(np.int32),
    )
