"""A piece of an image, moved, turned and scaled, as the input of a network."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_TO_RGB = {
    "rgb8": None,
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
}
_FARTHEST = 32766
"""Pixels per axis that OpenCV's warp can address."""


def fill_input(
    pixels: npt.NDArray[np.uint8],
    encoding: str,
    to_image: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
    *,
    scale: float = 1 / 255,
    bias: float = 0.0,
    replicate: bool = False,
) -> None:
    """Sample an image bilinearly, in RGB, and normalise it.

    As in MediaPipe the samples are rounded to uint8 before they are scaled.

    Args:
        pixels: uint8 (H, W, C), from `as_pixels`.
        encoding: Of the image.
        to_image: float64 (2, 3): from x, y, 1 in the output to x, y in the image.
        out: float32 (h, w, 3), overwritten with sample * scale + bias.
        scale: See `out`.
        bias: See `out`.
        replicate: Outside of the image its nearest pixel is taken; otherwise there is black.
    """
    if max(pixels.shape[:2]) > _FARTHEST:
        pixels, to_image = _shrunk(pixels, to_image)
    height, width = out.shape[:2]
    sampled = cv2.warpAffine(
        pixels,
        to_image,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT,
    )
    conversion = _TO_RGB[encoding]
    if conversion is not None:
        sampled = cv2.cvtColor(sampled, conversion)
    np.multiply(sampled, np.float32(scale), out=out)
    if bias:
        out += np.float32(bias)


def _shrunk(
    pixels: npt.NDArray[np.uint8], to_image: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """An image that is too large for the warp, made smaller, and the way to it."""
    height, width = (min(size, _FARTHEST) for size in pixels.shape[:2])
    ratio = np.array([[width / pixels.shape[1]], [height / pixels.shape[0]]])
    small: Any = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return small.reshape(height, width, -1), to_image * ratio
