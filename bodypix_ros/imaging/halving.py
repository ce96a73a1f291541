"""Images made smaller by halves."""

from typing import Any

import cv2

from bodypix_ros.imaging.pixels import Pixels


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
