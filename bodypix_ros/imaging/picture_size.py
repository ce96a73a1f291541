"""How large an encoded picture is, read from its header: before anything is allocated or decoded.

A few bytes may claim, and a few hundred kilobytes may honestly hold, a picture of gigabytes.
"""

import re
import struct
from itertools import islice

from bodypix_ros.errors import PictureError

MAX_SIDE = 1 << 14
"""The most columns or rows of an image that are accepted."""

MAX_PIXELS = 1 << 26
"""The most pixels of an image that are accepted: 8192 x 8192, or 200 MB in colour."""

MAX_SCANS = 64
"""The most scans of a JPEG, each a pass over all pixels: cameras write 1, progressive files about 10."""

FORMATS = ("JPEG", "PNG", "WebP", "TIFF", "BMP", "PNM")
"""The formats whose size is known here."""

_PNG = b"\x89PNG\r\n\x1a\n"
_STARTS = (b"\xff\xd8", _PNG, b"RIFF", b"II*\0", b"MM\0*", b"BM", *(b"P%d" % kind for kind in range(1, 7)))
_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check_picture(data: bytes) -> bool:
    """Check that decoding a picture takes no more time and memory than one may.

    Args:
        data: The file.

    Returns:
        Whether it is in one of FORMATS; of others nothing is known.

    Raises:
        PictureError: Its header is broken, or it is too large.
    """
    if not data.startswith(_STARTS):
        return False
    size = picture_size(data)
    if size is None:
        raise PictureError("is not a whole picture")
    if problem := size_problem(*size):
        raise PictureError(f"is too large: {problem}")
    if _scans(data) > MAX_SCANS:
        raise PictureError(f"is a JPEG of more than {MAX_SCANS} scans, which would take too long")
    return True


def size_problem(width: int, height: int) -> str:
    """Say what is wrong with so many pixels; nothing where an image may have them."""
    if width > MAX_SIDE or height > MAX_SIDE:
        return f"{width}x{height} pixels, where a side may have {MAX_SIDE}"
    if width * height > MAX_PIXELS:
        return f"{width}x{height} pixels, where an image may have {MAX_PIXELS}"
    return ""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Read the size of an encoded picture.

    Args:
        data: The file.

    Returns:
        Width and height in pixels, or None where it is in none of FORMATS or its header is broken.
    """
    try:
        return _size(data)
    except (struct.error, IndexError):
        return None


def _scans(data: bytes) -> int:
    """Count the scans of a JPEG, as far as it matters; 0 for other formats."""
    if data[:2] != b"\xff\xd8":
        return 0
    return sum(1 for _ in islice(re.finditer(b"\xff\xda", data), MAX_SCANS + 1))


def _size(data: bytes) -> tuple[int, int] | None:
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == _PNG:
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(data, "<" if data[:1] == b"I" else ">")
    if data[:2] == b"BM":
        width, height = _pair("<HH" if data[14] == 12 else "<ii", data, 18)
        return abs(width), abs(height)  # negative: from the top down
    if match := _PNM.match(data[:4096]):
        return int(match[1]), int(match[2])
    return None


def _pair(layout: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, offset)
    return first, second


def _png(data: bytes) -> tuple[int, int] | None:
    """Read the header; None where a chunk claims to be longer than the file: OpenCV would allocate that."""
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            return None
        if data[at + 4 : at + 8] == b"IEND":
            break
        at += 12 + length
    return _pair(">II", data, 16) if data[12:16] == b"IHDR" else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Find the frame header among the segments, as libjpeg does: what is no marker is skipped."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0:
        at += 1
        marker = data[at]
        if marker in (0x00, 0xFF):
            continue
        if marker in _FRAMES:
            height, width = _pair(">HH", data, at + 4)
            return width, height
        if marker in (0xD9, 0xDA):  # pictures begin, or end, without any
            return None
        at += 1
        if marker not in _NO_LENGTH:
            at += max(2, struct.unpack_from(">H", data, at)[0])
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and data[20:21] == b"\x2f":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _tiff(data: bytes, order: str) -> tuple[int, int] | None:
    """Read the first directory, which is all that OpenCV reads of several."""
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    found: dict[int, int] = {}
    for index in range(count):
        tag, kind = struct.unpack_from(f"{order}HH", data, start + 2 + 12 * index)
        if tag in (256, 257) and tag not in found and kind in (3, 4):
            layout = f"{order}{'H' if kind == 3 else 'I'}"
            (found[tag],) = struct.unpack_from(layout, data, start + 10 + 12 * index)
    return (found[256], found[257]) if len(found) == 2 else None
