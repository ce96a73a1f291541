"""Recordings that are no bags of ROS 2: what they are, and what makes one of them."""

import struct
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import BinaryIO

MAGIC = b"\x89MCAP0\r\n"
_HEADER, _SCHEMA, _CHANNEL = 1, 3, 4


def foreign(path: Path) -> str:
    """What a recording is instead of a bag of ROS 2, and what to do; empty where nothing tells.

    Args:
        path: A file, or a bag's folder.
    """
    for file in sorted(path.iterdir()) if path.is_dir() else (path,):
        if file.suffix == ".bag":
            return f"a bag of ROS 1; this makes one of ROS 2 of it: {_convert(file)}"
        if file.suffix != ".mcap":
            continue
        profile, encodings = _described(file)
        if profile == "ros1" or encodings & {"ros1", "ros1msg"}:
            original = file.with_suffix(".bag")
            return (
                "messages of ROS 1 in MCAP; convert the .bag that they were recorded in: "
                f"{_convert(original)}"
            )
        if others := encodings - {"cdr", "ros2msg", "ros2idl", ""}:
            return f"MCAP with messages in {', '.join(sorted(others))}, but ROS 2 writes cdr"
    return ""


def _convert(bag: Path) -> str:
    """What to type. The result goes into the current folder: the recording's own may be read-only."""
    return f"rosbags-convert --src {quote(str(bag))} --dst {quote(bag.stem)}"


def _described(path: Path) -> tuple[str, set[str]]:
    """The profile of an MCAP file, and how its messages and their definitions are encoded.

    What stands in compressed chunks only is not seen: writers repeat it in the summary at the end.
    """
    profile, encodings = "", set()
    try:
        with path.open("rb") as file:
            for kind, body in _records(file):
                if kind == _HEADER:
                    profile = _texts(body, 1)[0]
                elif kind == _SCHEMA:
                    encodings.add(_texts(body[2:], 2)[1])
                else:
                    encodings.add(_texts(body[4:], 2)[1])
    except (OSError, OverflowError, ValueError, struct.error):
        pass  # it is broken from here on, which its reader says better
    return profile, encodings


def _records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Header, schemas and channels outside of chunks."""
    if file.read(len(MAGIC)) != MAGIC:
        return
    while len(head := file.read(9)) == 9:
        kind, size = struct.unpack("<BQ", head)
        if kind in (_HEADER, _SCHEMA, _CHANNEL) and size < 1 << 24:
            yield kind, file.read(size)
        else:
            file.seek(size, 1)


def _texts(body: bytes, count: int) -> list[str]:
    """Some strings, each after its length."""
    texts, at = [], 0
    for _ in range(count):
        (size,) = struct.unpack_from("<I", body, at)
        texts.append(body[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return texts
