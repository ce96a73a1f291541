"""Pictures become the same pixels with every OpenCV: whole, upright, and of several the main one."""

import struct

import cv2
import numpy as np
import pytest

from bodypix_ros.errors import PictureError
from bodypix_ros.imaging import decoding
from bodypix_ros.imaging.decoding import decode, turned
from support.pictures import (
    EXIF,
    encoded,
    exif,
    gif,
    jpeg_with,
    png_with,
    raw_profile,
    tiff,
    webp_with,
)

NOISE = np.random.default_rng(0).integers(0, 256, (400, 640, 3), np.uint8)
SMOOTH = np.ascontiguousarray(cv2.resize(NOISE[:3, :4], (64, 40), interpolation=cv2.INTER_LINEAR))
GREY = np.ascontiguousarray(NOISE[:40, :64, 0])

TURNED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
"""By EXIF's definition: where the stored first row and first column are to be seen."""

LOSSLESS_WEBP = encoded(".webp", SMOOTH, cv2.IMWRITE_WEBP_QUALITY, 101)
WITH_EXIF = {
    "JPEG": lambda block: jpeg_with(encoded(".jpg", SMOOTH, cv2.IMWRITE_JPEG_QUALITY, 100), EXIF + block),
    "PNG": lambda block: png_with(encoded(".png", SMOOTH), b"eXIf", block),
    "PNG of ImageMagick": lambda block: png_with(encoded(".png", SMOOTH), b"zTXt", raw_profile(EXIF + block)),
    "PNG of old ImageMagick": lambda block: png_with(
        encoded(".png", SMOOTH), b"tEXt", raw_profile(EXIF + block, compress=False)
    ),
    "WebP": lambda block: webp_with(LOSSLESS_WEBP, block),
    "WebP of others": lambda block: webp_with(LOSSLESS_WEBP, EXIF + block),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_each_orientation_is_turned_as_exif_defines_it(orientation):
    assert np.array_equal(turned(NOISE, orientation), TURNED[orientation](NOISE))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", [1, 5, 6])
@pytest.mark.parametrize("kind", WITH_EXIF)
def test_exif_turns_pictures_of_every_format(kind, orientation, order):
    data = WITH_EXIF[kind](exif(orientation, order))
    near = 12 if kind == "JPEG" else 0
    found = decode(data).astype(int)
    assert found.shape == TURNED[orientation](SMOOTH).shape
    assert np.abs(found - TURNED[orientation](SMOOTH)).max() <= near
    assert np.abs(decode(data, upright=False).astype(int) - SMOOTH).max() <= near


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", TURNED)
def test_a_tiff_is_turned_only_when_asked_for(orientation, order):
    data = tiff(GREY, orientation=orientation, order=order)
    assert np.array_equal(decode(data)[..., 0], TURNED[orientation](GREY))
    assert np.array_equal(decode(data, upright=False)[..., 0], GREY)


@pytest.mark.parametrize("block", [b"", b"II*\0", exif(0), exif(9), exif(6)[:12], b"MM\0*" + b"\xff" * 40])
def test_exif_that_says_nothing_turns_nothing(block):
    assert np.array_equal(decode(WITH_EXIF["PNG"](block)), SMOOTH)


@pytest.mark.parametrize("previews", [(0,), (0, 2)])
def test_a_preview_in_front_is_not_the_picture(previews):
    small, other = GREY[:8, :8].copy(), GREY[::2, ::2].copy()
    assert np.array_equal(decode(tiff(small, GREY, other, previews=previews))[..., 0], GREY)


def test_previews_alone_are_no_picture():
    with pytest.raises(PictureError, match="holds no picture but previews, as camera raw files do; develop"):
        decode(tiff(GREY[:8, :8].copy(), previews=(0,)))


def test_the_size_is_that_of_the_image_that_is_decoded(monkeypatch):
    data = bytearray(tiff(GREY[:8, :8].copy(), GREY, previews=(0,)))
    at = data.rindex(struct.pack("<HHII", 256, 4, 1, 64)) + 8
    struct.pack_into("<I", data, at, 30000)
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(PictureError, match="too large: 30000x40"):
        decode(bytes(data))


def test_what_lies_behind_a_picture_is_not_looked_at():
    film = b"\xff\xda" * 5000 + NOISE.tobytes() * 10
    for suffix in (".jpg", ".png", ".bmp"):
        data = encoded(suffix, SMOOTH)
        assert np.array_equal(decode(data + film), decode(data))


PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".jpg", ()),
        (".jpg", PROGRESSIVE),
        (".png", ()),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 80)),
    ],
)
def test_half_a_picture_never_reaches_opencv(monkeypatch, suffix, options, part):
    # OpenCV 4.8 fills up with grey what is missing of a JPEG.
    data = encoded(suffix, NOISE, *options)
    if suffix == ".jpg":  # the end of a thumbnail is not the end
        data = jpeg_with(data, EXIF + exif(1) + encoded(".jpg", SMOOTH))
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(PictureError, match="is not a whole picture: it breaks off"):
        decode(data[: int(len(data) * part)])


@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_is_not_whole(missing):
    with pytest.raises(PictureError, match="it breaks off"):
        decode(encoded(".jpg", NOISE)[:-missing])


@pytest.mark.parametrize(
    "data",
    [
        gif(60000, 17000),
        encoded(".jp2", GREY).replace(struct.pack(">II", 64, 40), struct.pack(">II", 60000, 17000)),
    ],
    ids=["GIF", "JPEG 2000"],
)
def test_gigabytes_are_refused_from_the_header(monkeypatch, data):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(
        PictureError, match=r"too large: 60000x17000 pixels, .*; scale it down, as does: magick"
    ):
        decode(data)


def test_a_jpeg_2000_of_a_million_tiles_is_refused(monkeypatch):
    data = encoded(".jp2", GREY)
    size = struct.pack(">8I", 64, 40, 0, 0, 64, 40, 0, 0)
    assert data.count(size) == 1
    assert np.array_equal(decode(data).shape, (40, 64, 3))
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(PictureError, match="JPEG 2000 of 16777216 tiles"):
        decode(data.replace(size, struct.pack(">8I", 4096, 4096, 0, 0, 1, 1, 0, 0)))


STARTS = {
    "AVIF": b"\0\0\0\x20ftypavif",
    "HEIC": b"\0\0\0\x20ftypheic",
    "JPEG XL": b"\xff\x0a",
    "camera raw": b"II*\0\x10\0\0\0CR\x02\0",
    "OpenEXR": b"\x76\x2f\x31\x01",
    "Radiance HDR": b"#?RADIANCE\n",
    "PFM": b"PF\n",
    "PAM": b"P7\n",
    "Sun raster": b"\x59\xa6\x6a\x95",
    "Photoshop": b"8BPS",
    "BigTIFF": b"II+\0",
    "AppleDouble": b"\0\x05\x16\x07\0\x02\0\0Mac OS X",
}


@pytest.mark.parametrize("name", STARTS)
def test_a_format_whose_header_is_not_understood_is_not_decoded(monkeypatch, name):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(PictureError, match=f"is {name}.* and is not read here; convert it to PNG or JPEG"):
        decode(STARTS[name] + bytes(100))


def test_gif_is_read_where_opencv_reads_it():
    version = tuple(map(int, cv2.__version__.split(".")[:2]))
    data = gif(3, 2)
    if version >= (4, 12):
        assert decode(data).shape == (2, 3, 3)
    else:
        with pytest.raises(PictureError, match=f"OpenCV {cv2.__version__} does not read; .*convert it"):
            decode(data)


def test_pixels_that_contradict_the_header_are_refused(monkeypatch):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(PictureError, match="is uint8 of 2x2 pixels, and says 64x40 of itself"):
        decode(encoded(".png", SMOOTH))
