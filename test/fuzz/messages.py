"""Images as messages: what `to_image` and `to_image_compressed` make of them."""

import array
import os
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from bodypix_ros.errors import MessageError
from bodypix_ros.imaging.picture_size import MAX_PIXELS, check_picture
from bodypix_ros.ros.messages import images
from fuzz.answers import Case, attempt, check
from fuzz.values import SIZES, cut, damaged, mostly, texts

_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
_BYTES = {**_CHANNELS, "8UC3": 3, "8UC4": 4, "8UC1": 1}
_HOLDERS: dict[str, Any] = {
    **{kind.__name__: kind for kind in (bytes, bytearray, memoryview, list, tuple)},
    "array": lambda data: array.array("B", data),
    "numpy": lambda data: np.frombuffer(data, np.uint8),
}
_ACCEPTED = (".jpg", ".png", ".webp", ".tiff", ".bmp", ".ppm", ".pgm")
_REFUSED = (".jp2", ".hdr", ".pam", ".gif", ".ras")
_BOMB = 15000  # pixels a side; fits into no limit, and decodes to 675 MB
_whites = st.sampled_from((65535, 65535, 4095, 1, 0, -1, 70000))
_encodings = mostly(st.sampled_from(images.ENCODINGS), st.sampled_from(("jpeg", "32FC1")) | texts, 20)
_sides = st.integers(1, 20)


def raw(folder: Path, *, holder: str, length: int, white: int, **fields: Any) -> str:
    """Take an Image with these fields and `length` bytes, by the white of mono16."""
    data = _HOLDERS[holder]((bytes(range(256)) * (length // 256 + 1))[:length])
    message = SimpleNamespace(data=data, **fields)
    size = message.height, message.width
    name = f"image of {size[1]}x{size[0]} {message.encoding:.80}"
    outcome, made = _attempt(images.to_image, message, white, name)
    if made is not None:
        _usable(made, size)
    return f"raw {outcome}"


def compressed(folder: Path, *, suffix: str, format: str, data: bytes, white: int) -> str:  # noqa: A002
    """Decode a CompressedImage."""
    os.environ["OPENCV_TEMP_PATH"] = str(folder)
    message = SimpleNamespace(format=format, data=data)
    outcome, made = _attempt(images.to_image_compressed, message, white, f"{len(data)} bytes")
    if made is not None:
        header = check_picture(data)
        _usable(made, (header.height, header.width))  # another would not have been bounded
        check(made[0].size <= 3 * MAX_PIXELS, f"a picture of {made[0].shape} was decoded")
    check(next(folder.iterdir(), None) is None, "OpenCV left temporary files")
    return f"{suffix} {outcome}"


def _attempt(call: Callable[..., Any], message: Any, white: int, name: str) -> tuple[str, Any]:
    if 1 <= white <= 65535:
        return attempt(lambda: call(message, mono16_max=white), (MessageError,), (name,))
    return attempt(lambda: call(message, mono16_max=white), (MessageError, ValueError), (name, "mono16_max"))


def _usable(made: tuple[Any, str], size: tuple[int, int] | None) -> None:
    pixels, encoding = made
    check(pixels.dtype == np.uint8 and encoding in _CHANNELS, f"{pixels.dtype} {encoding}")
    channels = () if encoding == "mono8" else (_CHANNELS[encoding],)
    check(pixels.shape[2:] == channels, f"{pixels.shape} {encoding}")
    check(size is None or pixels.shape[:2] == size, f"{pixels.shape} for {size}")
    check(0 <= int(pixels.max()) <= 255, "unreadable")  # touches all of them
    check(images.as_bgr(pixels, encoding).shape == (*pixels.shape[:2], 3), "as_bgr")


@st.composite
def _raws(draw: st.DrawFn) -> Case:
    encoding = draw(_encodings)
    height, width = draw(mostly(st.tuples(_sides, _sides), st.tuples(*[st.sampled_from(SIZES)] * 2)))
    row = width * _BYTES.get(encoding, 2 if any(kind in encoding for kind in ("16", "yuv", "uy")) else 1)
    step = draw(st.sampled_from((row, row, row, max(0, row - 1), *range(row, row + 9), *SIZES)))
    needed = step * (height * 3 // 2 if encoding.startswith("nv") else height)
    length = draw(st.sampled_from((needed, needed, needed, needed - 1, needed + 5, 0)) | st.integers(0, 4000))
    fields = {"encoding": encoding, "height": height, "width": width, "step": step}
    more = {
        "holder": draw(st.sampled_from(sorted(_HOLDERS))),
        "is_bigendian": draw(st.sampled_from((0, 0, 1, 255))),
    }
    return partial(raw, length=max(0, min(length, 100_000)), white=draw(_whites), **fields, **more)


@st.composite
def _compresseds(draw: st.DrawFn) -> Case:
    suffix = draw(mostly(st.sampled_from(_ACCEPTED), st.sampled_from(_REFUSED), 20))
    data = draw(_worse(suffix, draw(st.sampled_from(_pictures()[suffix]))))
    kind = draw(st.sampled_from((suffix[1:], "")) | texts)
    return partial(compressed, suffix=suffix, format=kind, data=data, white=draw(_whites))


@st.composite
def _worse(draw: st.DrawFn, suffix: str, data: bytes) -> bytes:
    what = draw(st.sampled_from(("nothing", "end", "head", "head", "size", "inside", "inside", "scans")))
    if what == "nothing":
        return data
    if what == "end":
        return draw(cut(data))
    if what == "head":
        return draw(damaged(data, 0, 64))
    if what == "size":
        at = draw(st.integers(0, min(len(data), 200) - 1))
        form = draw(st.sampled_from(("<HH", ">HH", "<II", ">II")))
        side = st.sampled_from((1, 9000, 16384, 17000, 30000, 60000))
        sides = struct.pack(form, draw(side), draw(side))
        return data[:at] + sides + data[at + len(sides) :]
    if suffix == ".png":  # what is wrong lies behind the checksums
        return _with_checksums(draw(damaged(data, 8)))
    if what == "scans" and suffix == ".jpg" and (at := data.find(b"\xff\xda")) > 0:
        return data[:at] + data[at:-2] * draw(st.sampled_from((2, 20, 300))) + data[-2:]
    return draw(damaged(data))


CASES = _raws() | _compresseds()


def hostile() -> list[Case]:
    """A picture far larger than its file."""
    head = struct.pack(">IIBBBBB", _BOMB, _BOMB, 1, 0, 0, 0, 0)
    packed = zlib.compress(bytes(_BOMB * (_BOMB // 8 + 1)), 9)
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    data = b"".join(struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in chunks)
    data = _with_checksums(b"\x89PNG\r\n\x1a\n" + data)
    return [partial(compressed, suffix=".png", format="png", data=data, white=65535)]


@cache
def _pictures() -> dict[str, list[bytes]]:
    """Good ones of all kinds."""
    rng = np.random.default_rng(0)
    pictures: dict[str, list[bytes]] = {suffix: [] for suffix in (*_ACCEPTED, *_REFUSED)}
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1]
    for shape in ((24, 31, 3), (24, 31), (24, 31, 4), (1, 1, 3), (64, 48, 3)):
        smooth = cv2.resize(rng.integers(0, 256, (4, 4, *shape[2:]), np.uint8), shape[1::-1])
        for suffix, made in pictures.items():
            for image in (smooth, smooth.astype(np.uint16) * 256):
                try:
                    good, data = cv2.imencode(suffix, image)
                except cv2.error:
                    continue
                if good:
                    made.append(data.tobytes())
        pictures[".jpg"].append(cv2.imencode(".jpg", smooth, progressive)[1].tobytes())
    return pictures


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have correct checksums again."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + int.from_bytes(out[at : at + 4], "big")
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)
