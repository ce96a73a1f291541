"""Encoded pictures that OpenCV does not write, made by hand."""

import struct
import zlib

import cv2
import numpy as np

EXIF = b"Exif\0\0"


def exif(orientation, order=">"):
    """A block of EXIF that holds the orientation alone: a TIFF of one entry."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def encoded(suffix, image, *options):
    """A picture as OpenCV writes it."""
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


def jpeg_with(data, block):
    """A JPEG with a block APP1 in front."""
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(data, kind, body):
    """A PNG with a chunk behind its header."""
    return data[:33] + chunk(kind, body) + data[33:]


def raw_profile(block, compress=True):
    """The text of a PNG in which ImageMagick keeps EXIF."""
    text = b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())
    return b"Raw profile type exif\0" + (b"\0" + zlib.compress(text) if compress else text)


def webp_with(data, block):
    """A WebP with EXIF behind its picture."""
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    head = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + size
    body = head + data[12:] + b"EXIF" + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def tiff(*images, previews=(), orientation=1, order="<"):
    """A TIFF of several grey images, uint8 (H, W); those whose index is in `previews` say that they are."""
    data = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    link = 4
    for index, image in enumerate(images):
        strip, data = len(data), data + image.tobytes() + bytes(image.size % 2)
        entries = [
            (254, 4, int(index in previews)), (256, 4, image.shape[1]), (257, 4, image.shape[0]),
            (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, strip), (274, 3, orientation), (277, 3, 1),
            (278, 4, image.shape[0]), (279, 4, image.size),
        ]  # fmt: skip
        start = len(data)
        data = data[:link] + struct.pack(f"{order}I", start) + data[link + 4 :]
        data += struct.pack(f"{order}H", len(entries))
        for tag, kind, value in entries:
            held = struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
            data += struct.pack(f"{order}HHI", tag, kind, 1) + held
        link, data = len(data), data + bytes(4)
    return data


def gif(width, height):
    """A GIF of one grey pixel on a screen of so many: 35 bytes."""
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\x80\x80\x80\0\0\0"
    return head + b",\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02D\x01\0" + b";"
