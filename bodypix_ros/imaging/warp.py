"""A piece of an image, moved, turned and scaled, as the input of a network."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.pixels import Pixels

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
    pixels: Pixels,
    crop_to_image: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
    *,
    scale: float = 1 / 255,
    bias: float = 0.0,
    replicate: bool = False,
) -> None:
    """Sample an image bilinearly, in RGB, and normalise it.

    As in MediaPipe the samples are rounded to uint8 before they are scaled.

    Args:
        pixels: The image.
        crop_to_image: float64 (2, 3): from x, y, 1 in the output to x, y in the image.
        out: float32 (h, w, 3), overwritten with sample * scale + bias.
        scale: See `out`.
        bias: See `out`.
        replicate: Outside of the image its nearest pixel is taken; otherwise there is black.
    """
    image = pixels.array
    if max(pixels.shape) > _FARTHEST:
        image, crop_to_image = _resized(image, crop_to_image, *(min(n, _FARTHEST) for n in pixels.shape))
    height, width = out.shape[:2]
    sampled = cv2.warpAffine(
        image,
        crop_to_image,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT,
    )
    conversion = _TO_RGB[pixels.encoding]
    if conversion is not None:
        sampled = cv2.cvtColor(sampled, conversion)
    np.multiply(sampled, np.float32(scale), out=out)
    if bias:
        out += np.float32(bias)


def halved(pixels: Pixels, most: float) -> tuple[Pixels, int]:
    """An image made smaller by means of its pixels: for crops much smaller than it is.

    It is halved again and again, which OpenCV does fastest; an odd row or column at the end is cut off.

    Args:
        pixels: The image.
        most: How much smaller it may become.

    Returns:
        The image, and how much smaller it is: 1, 2, 4, ...
    """
    array, times = pixels.array, 1
    while 2 * times <= most and min(array.shape[:2]) >= 2:
        height, width = array.shape[0] // 2, array.shape[1] // 2
        whole = array[: 2 * height, : 2 * width]
        small: Any = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        array, times = small.reshape(height, width, -1), 2 * times
    return pixels._replace(array=array), times


def _resized(
    image: npt.NDArray[np.uint8], crop_to_image: npt.NDArray[np.float64], height: int, width: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """An image made smaller, and the way to it: pixels' middles stay where they were."""
    ratio = np.array([[width / image.shape[1]], [height / image.shape[0]]])
    small: Any = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    moved = crop_to_image * ratio
    moved[:, 2:] += (ratio - 1) / 2
    return small.reshape(height, width, -1), moved
