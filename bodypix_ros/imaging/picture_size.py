"""How large a picture may be, asked of its header: before anything is allocated or decoded.

A few bytes may claim, and a few hundred kilobytes may honestly hold, a picture of gigabytes.
"""

import struct
from collections.abc import Collection

from bodypix_ros.errors import PictureError
from bodypix_ros.imaging.picture_headers import FORMATS, Header, format_of

MAX_SIDE = 1 << 14
"""The most columns or rows of an image that are accepted."""

MAX_PIXELS = 1 << 26
"""The most pixels of an image that are accepted: 8192 x 8192, or 200 MB in colour."""

MAX_SCANS = 64
"""The most scans of a JPEG, each a pass over all pixels: cameras write 1, progressive files about 10."""

_SMALLER = "scale it down, as does: magick IN -resize 8192x8192 OUT"
_CONVERT = "convert it to PNG or JPEG, as does: magick IN OUT.png"


def check_picture(data: bytes, formats: Collection[str] = FORMATS) -> Header:
    """Check that decoding a picture takes no more time and memory than one may.

    Args:
        data: The file.
        formats: Those of FORMATS that may be decoded.

    Returns:
        What its header says.

    Raises:
        PictureError: It is in none of these formats, is not whole, or is too large.
    """
    if not data:
        raise PictureError("is not a whole picture: it is empty; replace it")
    name = format_of(data)
    if name is None or (name not in formats and name in FORMATS):
        raise PictureError(
            f"is not a whole picture in one of {', '.join(formats)}; replace it, or convert it"
        )
    if name not in formats:
        raise PictureError(f"is {name} and is not read here; {_CONVERT}")
    try:
        header = FORMATS[name][1](data)
    except (struct.error, IndexError):
        header = None
    if header is None or not header.width or not header.height:
        raise PictureError(f"is not a whole picture, though it begins as {name} does")
    if problem := size_problem(header.width, header.height):
        raise PictureError(f"is too large: {problem}; {_SMALLER}")
    if header.passes > MAX_SCANS:
        raise PictureError(f"is a JPEG of more than {MAX_SCANS} scans, which would take too long; {_CONVERT}")
    return header


def size_problem(width: int, height: int) -> str:
    """Say what is wrong with so many pixels; nothing where an image may have them."""
    if width > MAX_SIDE or height > MAX_SIDE:
        return f"{width}x{height} pixels, where a side may have {MAX_SIDE}"
    if width * height > MAX_PIXELS:
        return f"{width}x{height} pixels, where an image may have {MAX_PIXELS}"
    return ""
