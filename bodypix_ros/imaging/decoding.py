"""Encoded pictures -> pixels, by OpenCV, the same with every version of it."""

from collections.abc import Collection
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PictureError
from bodypix_ros.imaging.picture_headers import FORMATS
from bodypix_ros.imaging.picture_size import check_picture

Pixels = npt.NDArray[np.uint8 | np.uint16]

_TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""By EXIF's orientation."""


def decode(
    data: bytes,
    *,
    flags: int = cv2.IMREAD_COLOR,
    upright: bool = True,
    formats: Collection[str] = FORMATS,
) -> Pixels:
    """Decode a picture; of several in one file the first, previews and masks left out.

    Args:
        data: The file.
        flags: OpenCV's, such as IMREAD_COLOR: uint8 (H, W, 3), BGR.
        upright: Turn it as its EXIF orientation says. Not left to OpenCV, whose versions know it of different
            formats.
        formats: Those of `picture_headers.FORMATS` that may be decoded.

    Raises:
        PictureError: It is not a whole picture of these formats, is too large, or OpenCV cannot decode it;
            the message goes on after its name.
    """
    header = check_picture(data, formats)
    encoded = np.frombuffer(data, np.uint8)
    if header.patches:
        encoded = encoded.copy()
        for at, patch in header.patches:
            encoded[at : at + len(patch)] = np.frombuffer(patch, np.uint8)
    try:
        image: Any = cv2.imdecode(encoded, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise PictureError(f"cannot be decoded by OpenCV: {error.err}") from error
    if image is None:
        raise PictureError(
            f"is not a whole picture, or of a kind that OpenCV {cv2.__version__} does not read; replace it, "
            "or convert it to 8-bit PNG or JPEG"
        )
    if image.shape[:2] != (header.height, header.width) or image.dtype not in (np.uint8, np.uint16):
        raise PictureError(
            f"is {image.dtype} of {image.shape[1]}x{image.shape[0]} pixels, and says {header.width}x"
            f"{header.height} of itself; convert it to 8-bit PNG or JPEG"
        )
    return turned(image, header.orientation) if upright else image


def turned(image: Pixels, orientation: int) -> Pixels:
    """Turn pixels (H, W, ...) as they are stored into those to be seen, by EXIF's orientation 1..8."""
    if orientation in (2, 4, 5, 7):  # mirrored; then as the others
        image = np.asarray(cv2.flip(image, 1), image.dtype)
        orientation = {2: 1, 4: 3, 5: 8, 7: 6}[orientation]
    turn = _TURNS.get(orientation)
    return image if turn is None else np.asarray(cv2.rotate(image, turn), image.dtype)
