"""Images as messages hold them: changed where something is hidden, and byte for byte the same elsewhere."""

from collections.abc import Callable
from math import prod
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import MessageError, PictureError
from bodypix_ros.imaging.decoding import decode
from bodypix_ros.imaging.jpeg import settings_of
from bodypix_ros.imaging.picture_headers import format_of
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.types import Message

Bytes = npt.NDArray[np.uint8]
Region = npt.NDArray[np.uint8]
"""uint8 (H, W): 255 on what is hidden and 0 elsewhere."""
Hide = Callable[[Bytes, Region], Bytes]
"""A picture, uint8 (H, W, 3), and what of it is hidden -> the picture without that. It does not know what the
three bytes of a pixel mean, so it must treat them alike, and each as a number."""


class Plane(NamedTuple):
    """Rows of an image in which cells of bytes lie side by side.

    Attributes:
        begins: Its first row, in halves of the image's height.
        ends: The row after its last one, in the same.
        rows: Of a cell.
        bytes: Of a cell in each of its rows.
        high: How many rows of pixels a cell stands for.
        wide: How many columns.
    """

    begins: int
    ends: int
    rows: int
    bytes: int
    high: int
    wide: int


def _packed(count: int) -> tuple[Plane, ...]:
    """Pixels of so many bytes."""
    return (Plane(0, 2, 1, count, 1, 1),)


_PLANES: Final = {
    **dict.fromkeys(("mono8", "8UC1"), _packed(1)),
    **dict.fromkeys(("mono16", "16UC1"), _packed(2)),
    **dict.fromkeys(("rgb8", "bgr8", "8UC3"), _packed(3)),
    **dict.fromkeys(("rgba8", "bgra8", "8UC4"), _packed(4)),
    **dict.fromkeys(("yuv422", "uyvy", "yuv422_yuy2", "yuyv"), (Plane(0, 2, 1, 4, 1, 2),)),
    **dict.fromkeys(("nv12", "nv21"), (Plane(0, 2, 1, 1, 1, 1), Plane(2, 3, 1, 2, 2, 2))),
    **{f"bayer_{order}8": (Plane(0, 2, 2, 2, 2, 2),) for order in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{order}16": (Plane(0, 2, 2, 4, 2, 2),) for order in ("rggb", "bggr", "gbrg", "grbg")},
}
"""How the encodings of `images.ENCODINGS` lie in memory. A number of two bytes is hidden byte by byte, which
is the same as long as what hides is linear."""


def hide_in_raw(message: Message, region: Region, hide: Hide) -> None:
    """Hide a region of a sensor_msgs/Image that `images.to_image` can read, in its own encoding.

    Args:
        message: Its data are replaced.
        region: Of its size.
        hide: What hides.

    Raises:
        MessageError: An encoding that only cv_bridge reads.
    """
    if message.encoding not in _PLANES:
        raise MessageError(f"nothing can be hidden in {message.encoding:.80}; known are {', '.join(_PLANES)}")
    data = np.array(message.data, np.uint8)
    planes = _PLANES[message.encoding]
    height = message.height * planes[-1].ends // 2
    shape = (height, message.width * planes[0].bytes // planes[0].wide)
    rows = np.ndarray(shape, np.uint8, data, 0, (message.step, 1))
    for plane in planes:
        part = rows[message.height * plane.begins // 2 : message.height * plane.ends // 2]
        _hide_in_plane(part, plane, region, hide)
    message.data = data


def _hide_in_plane(rows: Bytes, plane: Plane, region: Region, hide: Hide) -> None:
    """Change the rows of a plane in place."""
    cells = _cells(rows, plane.rows, plane.bytes)
    small = _cells(region, plane.high, plane.wide).max(axis=2)
    changed = _hide_in_cells(np.ascontiguousarray(cells), small, hide)
    down, across = cells.shape[:2]
    whole = changed.reshape(down, across, plane.rows, plane.bytes).swapaxes(1, 2)
    whole = whole.reshape(down * plane.rows, across * plane.bytes)
    rows[:] = whole[: rows.shape[0], : rows.shape[1]]


def _cells(rows: Bytes, high: int, wide: int) -> Bytes:
    """(H, W) -> (H / high, W / wide, high * wide); an odd rim is filled up with itself."""
    down, across = -(-rows.shape[0] // high), -(-rows.shape[1] // wide)
    rim = (0, down * high - rows.shape[0]), (0, across * wide - rows.shape[1])
    whole = np.pad(rows, rim, mode="edge") if rim != ((0, 0), (0, 0)) else rows
    cells: Bytes = whole.reshape(down, high, across, wide).swapaxes(1, 2).reshape(down, across, high * wide)
    return cells


def _hide_in_cells(cells: Bytes, region: Region, hide: Hide) -> Bytes:
    """Hide a region of (H, W, K), three of the K at a time."""
    if cells.shape[2] == 3:
        return hide(cells, region)
    parts = []
    for first in range(0, cells.shape[2], 3):
        part = cells[..., first : first + 3]
        filled = np.concatenate([part, *[part[..., :1]] * (3 - part.shape[2])], axis=2)
        parts.append(hide(np.ascontiguousarray(filled), region)[..., : part.shape[2]])
    return np.concatenate(parts, axis=2)


def hide_in_compressed(message: Message, seen: Bytes, region: Region, hide: Hide) -> None:
    """Hide a region of a sensor_msgs/CompressedImage that `images.to_image_compressed` can read.

    It is encoded as it was: a JPEG with its quality and its subsampling of colours, everything else without
    loss. What the file held beside its pixels, such as EXIF with a preview, is gone.

    Args:
        message: Its data are replaced.
        seen: What `images.to_image_compressed` gave of it: of a JPEG that is all there is.
        region: Of its size.
        hide: What hides.

    Raises:
        MessageError: It cannot be decoded or encoded.
    """
    encoded = bytes(message.data)
    kind = format_of(encoded)
    try:
        pixels = np.ascontiguousarray(seen if kind == "JPEG" else _decoded(encoded))
    except PictureError as error:
        raise MessageError(f"compressed image {message.format!r:.80} {error}") from error
    as_bytes = pixels.view(np.uint8).reshape(*pixels.shape[:2], -1)
    changed = np.ascontiguousarray(_hide_in_cells(as_bytes, region, hide))
    suffix, always = _ENCODERS[str(kind)]
    options = settings_of(encoded) if kind == "JPEG" else [*always]
    if kind == "PNM" and pixels.ndim == 2:
        suffix = ".pgm"
    done, data = cv2.imencode(suffix, changed.view(pixels.dtype).reshape(pixels.shape), options)
    if not done:
        raise MessageError(f"compressed image {message.format!r:.80} cannot be encoded as {kind} again")
    message.data = np.asarray(data, np.uint8).reshape(prod(data.shape))


def _decoded(encoded: bytes) -> npt.NDArray[np.uint8 | np.uint16]:
    """With all its channels, and all its bits."""
    return decode(encoded, flags=cv2.IMREAD_UNCHANGED, upright=False, formats=images.COMPRESSED)


_ENCODERS: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "JPEG": (".jpg", ()),
    "PNG": (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
    "WebP": (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),  # above 100 nothing is lost
    "TIFF": (".tiff", ()),
    "BMP": (".bmp", ()),
    "PNM": (".ppm", ()),
}
"""How OpenCV writes the formats of `images.COMPRESSED`."""
