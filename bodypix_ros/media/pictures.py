"""Reading and writing pictures. Images are uint8 (H, W, 3) in OpenCV's own order, BGR."""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import MediaError, PictureError
from bodypix_ros.imaging.picture_size import check_picture
from bodypix_ros.media.files import replacing

Image = npt.NDArray[np.uint8]


def read_picture(path: str | os.PathLike[str], *, exif: bool = True) -> Image:
    """Read a picture as uint8 (H, W, 3), BGR.

    Grey becomes BGR, an alpha channel is dropped, 16 bits per channel are scaled to 8.

    Args:
        path: The picture.
        exif: Turn the picture as its EXIF orientation says. False reads the pixels as they are stored,
            which is what COCO's annotations refer to.

    Raises:
        MediaError: The file is not there, is larger than `picture_size` accepts, or is not a picture that
            OpenCV can read.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        check_picture(data.tobytes())
    except PictureError as error:
        raise MediaError(f"{path}: {error}") from error
    flags = cv2.IMREAD_COLOR if exif else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise MediaError(f"{path}: OpenCV cannot decode it: {error.err}") from error
    if image is None:
        what = f"{data.size} bytes that are not a whole picture" if data.size else "the file is empty"
        raise MediaError(f"{path}: {what}; replace it, or convert it to 8-bit PNG or JPEG")
    return np.asarray(image, np.uint8)


def write_picture(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write a picture in the format its suffix names.

    Args:
        path: Where to; an existing file is replaced.
        image: uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.

    Raises:
        MediaError: OpenCV cannot write this format, or the folder or disk does not allow it.
    """
    try:
        good, data = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise MediaError(f"{path}: OpenCV cannot encode this picture: {error.err}") from error
    if not good:
        raise MediaError(f"{path}: OpenCV cannot encode this picture")
    try:
        with replacing(path) as part:
            part.write_bytes(data.tobytes())
    except OSError as error:
        raise MediaError(f"{path}: cannot be written: {error.strerror or error}") from error
