"""Which files of a folder are pictures and videos, and what is left out of it, and why."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bodypix_ros.errors import MediaError
from bodypix_ros.imaging.picture_headers import format_of
from bodypix_ros.media.files import kind_of, read_file, readable

PICTURE_SUFFIXES = frozenset(
    (".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm")
) | {".tif", ".tiff", ".webp"}
"""Of pictures that are read."""

OTHER_SUFFIXES = frozenset(
    (".arw", ".avif", ".cr2", ".cr3", ".dng", ".exr", ".hdr", ".heic", ".heif", ".jxl", ".nef", ".orf")
) | {".pam", ".pfm", ".psd", ".raf", ".ras", ".rw2"}
"""Of pictures that are not read."""

VIDEO_SUFFIXES = frozenset(
    (".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv")
) | {".ts", ".webm", ".wmv"}
"""Of videos."""

HEAD = 64
"""Bytes of a file that tell its format."""

_EXAMPLES = 5


def suffix_of(path: Path) -> str:
    """A file's suffix in lower case, with its dot."""
    return path.suffix.lower()


@dataclass(slots=True)
class Found:
    """What a folder holds.

    Attributes:
        pictures: Its pictures.
        videos: Its videos.
        reasons: How often something was left out, by the reason.
        suffixes: Of those that are neither.
    """

    pictures: list[Path] = field(default_factory=list)
    videos: list[Path] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    suffixes: Counter[str] = field(default_factory=Counter)

    def left_out(self) -> Iterator[str]:
        """What was left out, for each reason once."""
        for why, count in sorted(self.reasons.items()):
            yield f"{count} left out: {why}"
        if self.suffixes:
            known = sorted(suffix for suffix, _ in self.suffixes.most_common(_EXAMPLES))
            more = ", ..." if len(self.suffixes) > _EXAMPLES else ""
            yield f"{self.suffixes.total()} left out: neither pictures nor videos ({', '.join(known)}{more})"


def search(folder: Path, recursive: bool, apart: Path | None, complain: Callable[[str], object]) -> Found:
    """Look through a folder.

    Args:
        folder: Which.
        recursive: Look into its folders, too; not into those that are links, which may lead anywhere.
        apart: A folder that is not looked into, unless it is `folder`.
        complain: Is told of a folder that cannot be read.
    """
    found, waiting = Found(), [folder]
    while waiting:
        here = waiting.pop()
        try:
            inside = list(here.iterdir())
        except OSError as error:
            complain(f"{readable(here)}: cannot be read: {error.strerror or error}")
            continue
        for path in inside:
            if why := _why_not(path, recursive, apart):
                found.reasons[why] += 1
            elif os.path.isdir(path):  # noqa: PTH112 - Path's raises some errors before Python 3.12
                waiting.append(path)
            elif _is_picture(path):
                found.pictures.append(path)
            elif suffix_of(path) in VIDEO_SUFFIXES:
                found.videos.append(path)
            else:
                found.suffixes[readable(suffix_of(path)) or "no suffix"] += 1
    return found


def _why_not(path: Path, recursive: bool, apart: Path | None) -> str:
    """Why something in a folder is left out, whatever its suffix or content; else nothing."""
    if path.name.startswith("."):
        return "hidden"
    try:
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            kind = kind_of(found.st_mode)
            return f"{kind}, not a file" if kind else _other(suffix_of(path))
        if not recursive:
            return "sub-folders; `bodypix run --recursive` looks into them"
        if path.is_symlink():
            return "links to folders, which are not followed"
        return "the folder of the results" if apart and apart.exists() and path.samefile(apart) else ""
    except OSError as error:
        gone = "links to what is not there"
        return gone if path.is_symlink() else f"cannot be read: {error.strerror or error}"


def _other(suffix: str) -> str:
    return (
        f"{suffix}, which is not read here; convert them to PNG or JPEG" if suffix in OTHER_SUFFIXES else ""
    )


def _is_picture(path: Path) -> bool:
    """By its suffix, or its content where it has none."""
    if suffix := suffix_of(path):
        return suffix in PICTURE_SUFFIXES
    try:
        return format_of(read_file(path, HEAD, part=True)) is not None
    except MediaError:  # whoever reads it says why it cannot
        return True
