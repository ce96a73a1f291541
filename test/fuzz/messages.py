"""Images as messages: what `to_image` and `to_image_compressed` make of them."""

import array
import os
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from bodypix_ros.errors import MessageError
from bodypix_ros.imaging.picture_size import MAX_PIXELS, picture_size
from bodypix_ros.ros.messages import images
from fuzz.cases import Case, Execute, check
from fuzz.mutate import SIZES, damaged, some_text

_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
_BYTES = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "8UC4": 4, "mono8": 1, "8UC1": 1}
_HOLDERS: tuple[Any, ...] = (
    bytes,
    bytearray,
    memoryview,
    list,
    tuple,
    lambda data: array.array("B", data),
    lambda data: np.frombuffer(data, np.uint8),
)
_ACCEPTED = (".jpg", ".png", ".webp", ".tiff", ".bmp", ".ppm", ".pgm")
_REFUSED = (".jp2", ".hdr", ".pam", ".gif", ".ras")
_BOMB = 15000  # pixels a side; fits into no limit, and decodes to 675 MB


def start(shared: Path) -> Execute:
    """Make pictures of all kinds."""
    rng = np.random.default_rng(0)
    pictures: dict[str, list[bytes]] = {}
    for shape in ((24, 31, 3), (24, 31), (24, 31, 4), (1, 1, 3), (64, 48, 3)):
        smooth = cv2.resize(rng.integers(0, 256, (4, 4, *shape[2:]), np.uint8), shape[1::-1])
        for suffix in (*_ACCEPTED, *_REFUSED):
            for image in (smooth, smooth.astype(np.uint16) * 256):
                try:
                    good, data = cv2.imencode(suffix, image)
                except cv2.error:
                    continue
                if good:
                    pictures.setdefault(suffix, []).append(data.tobytes())
        data = cv2.imencode(
            ".jpg", smooth, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1]
        )[1]
        pictures[".jpg"].append(data.tobytes())
    left = shared / "left"
    left.mkdir(exist_ok=True)
    os.environ["OPENCV_TEMP_PATH"] = str(left)
    bombs = [_png(_BOMB, _BOMB, zlib.compress(bytes(_BOMB * (_BOMB // 8 + 1)), 9))]

    def execute(case: Case) -> str:
        white = case.rng.choice((65535, 65535, 4095, 1, 0, -1, 70000))
        if case.rng.random() < 0.5:
            return _raw(case, white)
        if case.rng.random() < 0.001:
            return _compressed(case, ".png", case.rng.choice(bombs), white)
        suffix = case.rng.choice(_ACCEPTED if case.rng.random() < 0.95 else _REFUSED)
        data = case.rng.choice(pictures[suffix])
        outcome = _compressed(case, suffix, _worse(case, suffix, data), white)
        check(next(left.iterdir(), None) is None, "OpenCV left temporary files")
        return outcome

    return execute


def _raw(case: Case, white: int) -> str:
    rng = case.rng
    encoding = (
        rng.choice(images.ENCODINGS)
        if rng.random() < 0.95
        else rng.choice(("jpeg", "16SC3", "32FC1", some_text(rng)))
    )
    small = rng.random() < 0.8
    height, width = (rng.randrange(1, 20) if small else rng.choice(SIZES) for _ in range(2))
    row = width * _BYTES.get(encoding, 2 if "16" in encoding or "yuv" in encoding or "uy" in encoding else 1)
    step = rng.choice((row, row, row, row + rng.randrange(9), max(0, row - 1), rng.choice(SIZES)))
    rows = height * 3 // 2 if encoding.startswith("nv") else height
    needed = step * rows
    length = min(
        rng.choice((needed, needed, needed, needed - 1, needed + 5, 0, rng.randrange(4000))), 100_000
    )
    data = rng.choice(_HOLDERS)(rng.randbytes(max(0, length)))
    big = rng.choice((0, 0, 1, 255))
    message = SimpleNamespace(
        height=height, width=width, encoding=encoding, step=step, data=data, is_bigendian=big
    )
    case.note(
        f"{encoding!r} {width}x{height} step {step}, {len(data)} bytes in a {type(data).__name__}, "
        f"white {white}, {big=}"
    )
    names = (
        f"image of {width}x{height} {encoding:.80}",
        *(("mono16_max",) if not 1 <= white <= 65535 else ()),
    )
    refusals = (MessageError, ValueError) if len(names) > 1 else (MessageError,)
    outcome, made = case.attempt(lambda: images.to_image(message, mono16_max=white), refusals, names)
    if made is not None:
        _usable(made, (height, width))
    return f"raw {outcome}"


def _compressed(case: Case, suffix: str, data: bytes, white: int) -> str:
    (case.folder / f"data{suffix}").write_bytes(data)
    message = SimpleNamespace(format=case.rng.choice((suffix[1:], "", some_text(case.rng))), data=data)
    names = (f"{len(data)} bytes", *(("mono16_max",) if not 1 <= white <= 65535 else ()))
    refusals = (MessageError, ValueError) if len(names) > 1 else (MessageError,)
    outcome, made = case.attempt(
        lambda: images.to_image_compressed(message, mono16_max=white), refusals, names
    )
    if made is not None:
        size = picture_size(data)
        _usable(made, size and size[::-1])  # another than the header's would not have been bounded
        check(made[0].size <= 3 * MAX_PIXELS, f"a picture of {made[0].shape} was decoded")
    return f"{suffix} {outcome}"


def _usable(made: tuple[Any, str], size: tuple[int, int] | None) -> None:
    pixels, encoding = made
    check(pixels.dtype == np.uint8 and encoding in _CHANNELS, f"{pixels.dtype} {encoding}")
    channels = () if encoding == "mono8" else (_CHANNELS[encoding],)
    check(pixels.shape[2:] == channels, f"{pixels.shape} {encoding}")
    check(size is None or pixels.shape[:2] == size, f"{pixels.shape} for {size}")
    check(0 <= int(pixels.max()) <= 255, "unreadable")  # touches all of them
    check(images.as_bgr(pixels, encoding).shape == (*pixels.shape[:2], 3), "as_bgr")


def _worse(case: Case, suffix: str, data: bytes) -> bytes:
    rng, kind = case.rng, case.rng.randrange(8)
    if kind == 0:
        return data[: rng.randrange(len(data))]
    if kind == 1:
        return data
    if kind < 4:
        return damaged(rng, data, (0, 64))
    if kind == 4:
        at, order = rng.randrange(min(len(data), 200)), rng.choice("<>")
        sizes = struct.pack(
            order + rng.choice(("HH", "II")),
            *(rng.choice((1, 9000, 16384, 17000, 30000, 60000)) for _ in "wh"),
        )
        return data[:at] + sizes + data[at + len(sizes) :]
    if suffix == ".png":  # what is wrong lies behind the checksums
        return _with_checksums(damaged(rng, data, (8, len(data))))
    if suffix == ".jpg" and kind == 5 and (at := data.find(b"\xff\xda")) > 0:
        return data[:at] + data[at:-2] * rng.choice((2, 20, 300)) + data[-2:]
    return damaged(rng, data)


def _with_checksums(data: bytes) -> bytes:
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, at)
        end = at + 8 + length
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def _png(width: int, height: int, packed: bytes, depth: int = 1) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
