"""What an encoded picture says of itself before its pixels: size, orientation, and whether it is all there.

Nothing is allocated or decoded for that, and whatever is claimed is looked for in the file.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bodypix_ros.errors import PictureError


@dataclass(frozen=True, slots=True)
class Header:
    """What was read.

    Attributes:
        width: Columns of the pixels as they are stored.
        height: Rows.
        orientation: EXIF's, 1..8: how the stored pixels are to be turned.
        passes: How often a decoder goes over all pixels: the scans of a JPEG.
        patches: What to write over the file, each an offset and bytes, so that a decoder gives the main image
            with its pixels as they are stored.
    """

    width: int
    height: int
    orientation: int = 1
    passes: int = 1
    patches: tuple[tuple[int, bytes], ...] = ()


Directory = dict[int, tuple[int, int]]
"""A TIFF's numbers by tag: where the value stands in the file, and the value."""

MAX_TILES = 4096
"""The most tiles of a JPEG 2000: decoders keep kilobytes for each, however small."""

_PREVIEWS: Final = 0b101
"""Bits of TIFF's NewSubfileType: a reduced image, a mask."""
_RAW: Final = (32803, 34892)
"""TIFF's PhotometricInterpretation of what a camera's sensor gives."""
_MOST_DIRECTORIES: Final = 1000
_MOST_EXIF: Final = 1 << 16
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")


def jpeg(data: bytes) -> Header | None:
    """Walk its segments to the end of the first image, as libjpeg does: what is no marker is skipped.

    In front of that end there may be an end of a thumbnail, and behind it anything, such as a film.
    """
    at, size, orientation, scans = 2, None, None, 0
    while match := _JPEG_MARKER.search(data, at):
        at = match.end()
        marker = data[at - 1]
        if marker == 0xD9:
            return Header(*size, orientation or 1, scans) if size and scans else None
        if marker in (0x01, 0xD8):  # those without length
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _JPEG_FRAMES and size is None:
            height, width = _pair(">HH", data, at + 3)
            size = width, height
        elif marker == 0xE1 and orientation is None:
            orientation = _exif(data[at + 2 : at + length])
        elif marker == 0xDA:
            scans += 1
        at += max(2, length)
    return _cut(size)


def png(data: bytes) -> Header | None:
    """Walk its chunks: OpenCV would allocate what one claims to be long."""
    size = _pair(">II", data, 16) if data[12:16] == b"IHDR" else None
    at, orientation = 8, None
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            break
        if kind == b"IEND":
            return Header(*size, orientation or 1) if size else None
        if orientation is None and kind == b"eXIf":
            orientation = _exif(b"Exif\0\0" + data[at + 8 : end - 4])
        elif orientation is None and kind in _PNG_TEXTS:
            orientation = _raw_profile(kind, data[at + 8 : end - 4])
        at = end
    return _cut(size)


def webp(data: bytes) -> Header | None:
    """Walk its chunks; the first one says how large it is."""
    kind = data[12:16]
    size = None
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = _pair("<HH", data, 26)
        size = width & 0x3FFF, height & 0x3FFF
    elif kind == b"VP8L" and data[20:21] == b"\x2f":
        (bits,) = struct.unpack_from("<I", data, 21)
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X" and len(data) >= 30:
        size = int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if size is None or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        return _cut(size)
    at, orientation = 12, None
    while kind == b"VP8X" and at + 8 <= len(data) and orientation is None:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            block = data[at + 8 : at + 8 + length]
            orientation = _exif(block if block[:4] == b"Exif" else b"Exif\0\0" + block)
        at += 8 + length + length % 2
    return Header(*size, orientation or 1)


def tiff(data: bytes) -> Header | None:
    """Read the first directory that is no preview and no mask.

    Raises:
        PictureError: There is none, as in camera raw files.
    """
    found = list(_directories(data))
    for start, directory in found:
        if directory.get(254, (0, 0))[1] & _PREVIEWS or directory.get(255, (0, 0))[1] == 2:
            continue
        if directory.get(262, (0, 0))[1] in _RAW or not {256, 257} <= directory.keys():
            continue
        where, orientation = directory.get(274, (0, 1))
        order = _order(data)
        patches = [(4, struct.pack(f"{order}I", start))]
        if where:
            patches.append((where, struct.pack(f"{order}H", 1)))  # OpenCV turns it, asked to or not
        return Header(directory[256][1], directory[257][1], _valid(orientation), patches=tuple(patches))
    if any(256 in directory for _, directory in found):
        raise PictureError(
            "holds no picture but previews, as camera raw files do; develop it into a JPEG or TIFF"
        )
    return None


def bmp(data: bytes) -> Header:
    """Read either kind of header."""
    width, height = _pair("<HH" if data[14] == 12 else "<ii", data, 18)
    return Header(abs(width), abs(height))  # negative: from the top down


def pnm(data: bytes) -> Header | None:
    """Read the numbers at the beginning."""
    match = _PNM.match(data[:4096])
    return Header(int(match[1]), int(match[2])) if match else None


def gif(data: bytes) -> Header:
    """Read the size of its screen, in which all images lie."""
    return Header(*_pair("<HH", data, 6))


def jpeg2000(data: bytes) -> Header | None:
    """Read the size at the beginning of the codestream, which counts, whatever the boxes around it say.

    Raises:
        PictureError: It has more than MAX_TILES tiles, or more than four components.
    """
    at = 0 if data[:2] == b"\xff\x4f" else _codestream(data)
    if data[at : at + 4] != b"\xff\x4f\xff\x51":
        return None
    right, bottom, left, top, tile_width, tile_height, x0, y0, components = struct.unpack_from(
        ">8IH", data, at + 8
    )
    if not (tile_width and tile_height and left < right and top < bottom):
        return None
    tiles = -(-(right - x0) // tile_width) * -(-(bottom - y0) // tile_height)
    if tiles > MAX_TILES or components > 4:
        raise PictureError(
            f"is a JPEG 2000 of {tiles} tiles and {components} components, where {MAX_TILES} and 4 are "
            "accepted; convert it to PNG or JPEG"
        )
    return Header(right - left, bottom - top)


FORMATS: Final[Mapping[str, tuple[re.Pattern[bytes], Callable[[bytes], Header | None]]]] = {
    "JPEG": (re.compile(rb"\xff\xd8"), jpeg),
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), png),
    "WebP": (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), webp),
    "TIFF": (re.compile(rb"(?:II\*\0|MM\0\*)(?!.{4}CR)", re.DOTALL), tiff),
    "BMP": (re.compile(rb"BM"), bmp),
    "PNM": (re.compile(rb"P[1-6][\s#]"), pnm),
    "GIF": (re.compile(rb"GIF8[79]a"), gif),
    "JPEG 2000": (re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"), jpeg2000),
}
"""The formats whose headers are understood: how a file of one begins, and what reads its header."""

OTHERS: Final[Mapping[str, re.Pattern[bytes]]] = {
    name: re.compile(start, re.DOTALL)
    for name, start in {
        "AVIF": rb".{4}ftypavi[fs]",
        "HEIC": rb".{4}ftyp(?:hei[cmsx]|hev[cmx]|mif1|msf1)",
        "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
        "camera raw": rb".{4}ftypcrx |(?:II\*\0|MM\0\*).{4}CR|II(?:RO|RS|U\0)|MMOR|FUJIFILMCCD-RAW",
        "OpenEXR": rb"\x76\x2f\x31\x01",
        "Radiance HDR": rb"#\?(?:RADIANCE|RGBE)",
        "PFM": rb"P[Ff]\s",
        "PAM": rb"P7\s",
        "Sun raster": rb"\x59\xa6\x6a\x95",
        "Photoshop": rb"8BPS",
        "BigTIFF": rb"II\+\0|MM\0\+",
        "AppleDouble, which macOS keeps beside the picture,": rb"\0\x05\x16\x07",
    }.items()
}
"""Formats of pictures that are not read here, by how their files begin."""


def format_of(data: bytes) -> str | None:
    """The name of the format, of FORMATS or OTHERS, by a file's first 32 bytes or more."""
    starts = {**{name: start for name, (start, _) in FORMATS.items()}, **OTHERS}
    return next((name for name, start in starts.items() if start.match(data)), None)


def _cut(size: tuple[int, int] | None) -> Header | None:
    """Say that the end is missing, where the beginning is there."""
    if size is None:
        return None
    raise PictureError("is not a whole picture: it breaks off; replace it")


def _pair(layout: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, offset)
    return first, second


def _order(data: bytes) -> str:
    return "<" if data[:1] == b"I" else ">"


def _directories(data: bytes) -> Iterator[tuple[int, Directory]]:
    """The chain of a TIFF's directories, each with its offset; damaged ones end it."""
    order, seen = _order(data), set[int]()
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    while start and start not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(start)
        try:
            (count,) = struct.unpack_from(f"{order}H", data, start)
            yield start, _directory(data, order, start + 2, count)
            (start,) = struct.unpack_from(f"{order}I", data, start + 2 + 12 * count)
        except struct.error:
            return


def _directory(data: bytes, order: str, at: int, count: int) -> Directory:
    """The entries that are one number of 16 or 32 bits; of a tag that comes twice the first."""
    found: Directory = {}
    for where in range(at, at + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, where)
        if kind in (3, 4):
            (value,) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, where + 8)
            found.setdefault(tag, (where + 8, value))
    return found


def _exif(block: bytes) -> int | None:
    """The orientation in a block of EXIF: a small TIFF. None where it is no such block."""
    if not block.startswith((b"Exif\0\0II*\0", b"Exif\0\0MM\0*")):
        return None
    try:
        _, directory = next(_directories(block[6:]), (0, {}))
    except struct.error:
        return None
    return _valid(directory.get(274, (0, 1))[1])


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1


def _raw_profile(kind: bytes, text: bytes) -> int | None:
    """The orientation in EXIF that ImageMagick has written into a PNG's text, in hexadecimal digits."""
    key, _, rest = text.partition(b"\0")
    if key not in (b"Raw profile type exif", b"Raw profile type APP1"):
        return None
    try:
        if kind == b"zTXt":
            rest = zlib.decompressobj().decompress(rest[1:], _MOST_EXIF)
        digits = rest.split(None, 2)[2][:_MOST_EXIF]
        return _exif(bytes.fromhex(re.sub(rb"\s", b"", digits)[: _MOST_EXIF // 2 * 2].decode("ascii")))
    except (zlib.error, ValueError, IndexError):
        return None


def _codestream(data: bytes) -> int:
    """Where the codestream begins behind the boxes of a JPEG 2000."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            head, (length,) = 16, struct.unpack_from(">Q", data, at + 8)
        if kind == b"jp2c":
            return at + head
        if length < head:  # 0: to the end of the file
            break
        at += length
    return len(data)
