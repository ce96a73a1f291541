"""How a JPEG was encoded: what it takes to encode it so again."""

import struct
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

_LUMINANCE: Final = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])  # fmt: skip
"""The quantisation of luminance that ITU-T T.81 gives as an example, table K.1: what libjpeg scales."""

_ZIGZAG: Final = np.array([
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,
    7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31,
    39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
])  # fmt: skip
"""Where the numbers of a table belong, in the order of the file; T.81, figure 5."""

_DQT, _SOS = 0xDB, 0xDA
_FRAMES: Final = (0xC0, 0xC1, 0xC2)
_ALONE: Final = (0x01, *range(0xD0, 0xD9))
"""Markers without a length."""
_FINEST: Final = 95
"""The quality where nothing tells it."""


def settings_of(data: bytes) -> list[int]:
    """Give the options of `cv2.imencode` that a JPEG could have been made with.

    The quality is libjpeg's, whose table comes nearest to the file's; exact where the file is of libjpeg or
    of one of its many relatives.

    Args:
        data: The file.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, _FINEST]
    try:
        for marker, body in _segments(data):
            if marker == _DQT and (table := _table(body)) is not None:
                options[1] = _quality(table)
            elif marker in _FRAMES and body[5] == 3:
                factors = int.from_bytes((body[7], body[10], body[13]), "big")
                if factors in _SAMPLINGS:
                    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors]
    except (IndexError, struct.error):
        pass  # cut off, or no JPEG: whoever decodes it says so
    return options


_SAMPLINGS: Final = (0x111111, 0x211111, 0x221111, 0x411111, 0x121111)
"""Those that OpenCV encodes: how many blocks of luminance across and down go with one of each colour."""


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _SOS:
            return
        if marker in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def _table(body: bytes) -> npt.NDArray[np.int64] | None:
    """The first table of a segment, (64,) row by row, if it is that of luminance in 8 bits."""
    if len(body) < 65 or body[0] != 0:
        return None
    table = np.zeros(64, np.int64)
    table[_ZIGZAG] = np.frombuffer(body, np.uint8, 64, 1)
    return table


def _quality(table: npt.NDArray[np.int64]) -> int:
    """The quality whose table is nearest; `jpeg_quality_scaling` and `jpeg_add_quant_table` of libjpeg."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    tables = np.clip((_LUMINANCE * scale[:, None] + 50) // 100, 1, 255)
    return int(quality[np.abs(tables - table).sum(axis=1).argmin()])
