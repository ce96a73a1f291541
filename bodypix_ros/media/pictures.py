"""Reading and writing pictures. Images are uint8 (H, W, 3) in OpenCV's own order, BGR."""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import MediaError, PictureError
from bodypix_ros.imaging.decoding import decode
from bodypix_ros.media.files import read_file, readable, replacing

Image = npt.NDArray[np.uint8]

MAX_BYTES = 1 << 29
"""The most bytes of a picture's file: what the largest picture takes in colour and 16 bits, and some more."""


def read_picture(path: str | os.PathLike[str], *, exif: bool = True) -> Image:
    """Read a picture as uint8 (H, W, 3), BGR.

    Grey becomes BGR, an alpha channel is dropped, 16 bits per channel are scaled to 8. Of several pictures in
    one file it is the first, previews left out.

    Args:
        path: The picture.
        exif: Turn the picture as its EXIF orientation says. False reads the pixels as they are stored,
            which is what COCO's annotations refer to.

    Raises:
        MediaError: The file is not there, is no file, is larger than `picture_size` accepts, or is not a
            whole picture that OpenCV can read.
    """
    data = read_file(path, MAX_BYTES)
    try:
        return np.asarray(decode(data, upright=exif), np.uint8)
    except PictureError as error:
        raise MediaError(f"{readable(path)}: {error}") from error


def write_picture(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write a picture in the format its suffix names.

    Args:
        path: Where to; an existing file is replaced.
        image: uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.

    Raises:
        MediaError: OpenCV cannot write this format, or the folder or disk does not allow it.
    """
    name = readable(path)
    if not path.suffix.isascii():  # OpenCV crashes of names that are not UTF-8
        raise MediaError(f"{name}: OpenCV cannot encode a picture of this suffix")
    try:
        good, data = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise MediaError(f"{name}: OpenCV cannot encode this picture: {error.err}") from error
    if not good:
        raise MediaError(f"{name}: OpenCV cannot encode this picture")
    try:
        with replacing(path) as part:
            part.write_bytes(data.tobytes())
    except OSError as error:
        raise MediaError(f"{name}: cannot be written: {error.strerror or error}") from error
