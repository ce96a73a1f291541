"""The size in a picture's header is the size that OpenCV decodes."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.errors import PictureError
from bodypix_ros.imaging.picture_size import (
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE,
    check_picture,
    size_problem,
)

SUFFIXES = (".jpg", ".png", ".webp", ".tiff", ".bmp", ".ppm", ".pgm")


def encoded(suffix, width, height, channels=3, *options):
    shape = (height, width, channels) if channels > 1 else (height, width)
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


def picture_size(data):
    """Width and height as the header has them; None for what is refused."""
    try:
        header = check_picture(data)
    except PictureError:
        return None
    return header.width, header.height


@given(suffix=st.sampled_from(SUFFIXES), width=st.integers(1, 300), height=st.integers(1, 300))
def test_all_formats(suffix, width, height):
    channels = 1 if suffix == ".pgm" else 3
    assert picture_size(encoded(suffix, width, height, channels)) == (width, height)


@pytest.mark.parametrize(
    ("suffix", "channels", "options"),
    [
        (".webp", 3, (cv2.IMWRITE_WEBP_QUALITY, 50)),  # VP8; without options it is lossless, VP8L
        (".webp", 4, (cv2.IMWRITE_WEBP_QUALITY, 50)),  # VP8X, for its alpha
        (".jpg", 3, (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", 3, (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
        (".jpg", 1, ()),
        (".png", 4, ()),
        (".bmp", 4, ()),
    ],
)
def test_other_kinds_of_a_format(suffix, channels, options):
    assert picture_size(encoded(suffix, 31, 17, channels, *options)) == (31, 17)


def test_headers_that_opencv_does_not_write():
    head = struct.pack("<IHHHH", 12, 31, 17, 1, 24)  # OS/2's BMP
    assert picture_size(b"BM" + bytes(12) + head) == (31, 17)
    entries = [(256, 3, 31 << 16), (257, 4, 17)]
    directory = b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in entries)
    assert picture_size(b"MM\0*" + struct.pack(">IH", 8, 2) + directory) == (31, 17)
    assert picture_size(b"P6 # made by\n# hand\n31\t17\n255\n") == (31, 17)
    comment = b"\xff\xfe" + struct.pack(">H", 9) + b"\xff\xc0\0\x11\x08AB"  # looks like a frame header
    data = encoded(".jpg", 31, 17)
    assert picture_size(data[:2] + comment + b"\xff\xff" + data[2:]) == (31, 17)


@given(suffix=st.sampled_from(SUFFIXES), end=st.integers(0, 200))
def test_a_part_of_a_header_tells_nothing_or_the_truth(suffix, end):
    assert picture_size(encoded(suffix, 31, 17, 1 if suffix == ".pgm" else 3)[:end]) in (None, (31, 17))


@given(st.binary(max_size=100))
def test_anything_else_has_no_size(data):
    assert picture_size(b"\0" + data) is None


@pytest.mark.parametrize(
    ("width", "height", "good"),
    [
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE, True),
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE + 1, False),
        (MAX_SIDE + 1, 1, False),
        (1, MAX_SIDE + 1, False),
        (7680, 4320, True),
    ],
)
def test_limits(width, height, good):
    assert (size_problem(width, height) == "") == good
    assert good or f"{width}x{height}" in size_problem(width, height)


def test_a_jpeg_may_have_so_many_scans():
    data = encoded(".jpg", 31, 17, 3, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = data[data.index(b"\xff\xda") : -2]
    assert scan.count(b"\xff\xda") < 20
    assert check_picture(data)
    with pytest.raises(PictureError, match=f"more than {MAX_SCANS} scans"):
        check_picture(data[:-2] + scan * MAX_SCANS + data[-2:])
    assert check_picture(encoded(".bmp", 31, 17) + b"\xff\xda" * 100)
    assert check_picture(data + scan * MAX_SCANS)  # behind its end may be anything


@pytest.mark.parametrize("at", [8, 33])
def test_a_chunk_of_a_png_lies_inside_of_it(at):
    data = bytearray(encoded(".png", 31, 17))
    struct.pack_into(">I", data, at, 0xFFFFFF00)
    with pytest.raises(PictureError, match="is not a whole picture"):
        check_picture(bytes(data))
