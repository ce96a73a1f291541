"""Files and their names: read without waiting for anybody, written whole or not at all."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bodypix_ros.errors import MediaError

_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


_CONTROL = re.compile("[\\x00-\\x1f\\x7f]")
"""A terminal would do what they say."""


def readable(path: str | os.PathLike[str]) -> str:
    """A file's name as one line of UTF-8: of bytes that are neither their hexadecimal digits."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def kind_of(mode: int) -> str:
    """What a file of this mode is, where it is no regular file; else nothing."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to read.

    Raises:
        MediaError: It is not there, may not be read, or is no regular file (nobody waits for the other end
            of a pipe).
    """
    name = readable(path)
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise MediaError(f"{name}: cannot be read: {error.strerror or error}") from error
    if kind := kind_of(os.fstat(file.fileno()).st_mode):
        file.close()
        raise MediaError(f"{name}: is {kind}, not a file")
    return file


def read_file(path: str | os.PathLike[str], most: int, *, part: bool = False) -> bytes:
    """Read a regular file.

    Args:
        path: The file.
        most: Its most bytes.
        part: Of a longer file give its beginning, in place of an error.

    Raises:
        MediaError: It is not there, may not be read, is no regular file (nobody waits for the other end of
            a pipe), or is longer.
    """
    name = readable(path)
    try:
        with open_file(path) as file:
            found = os.fstat(file.fileno())
            data = b"" if not part and found.st_size > most else file.read(most + (not part))
    except MediaError:
        raise
    except OSError as error:
        raise MediaError(f"{name}: cannot be read: {error.strerror or error}") from error
    if not part and max(found.st_size, len(data)) > most:
        raise MediaError(
            f"{name}: has {max(found.st_size, len(data))} bytes, where a picture may have {most}"
        )
    return data


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def part_of(path: Path) -> Path:
    """The temporary name; it keeps the suffix, by which OpenCV chooses the format."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` at the end, or delete it after an error."""
    part = part_of(path)
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
