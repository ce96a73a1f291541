"""What a user typed -> pictures, videos and cameras."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from bodypix_ros.errors import MediaError

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file."""

    path: Path

    @property
    def name(self) -> str:
        """What the user called it."""
        return str(self.path)

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, or a camera where `camera` is its index."""

    name: str
    camera: int | None = None

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        return Path(self.name).stem if self.camera is None else f"camera{self.camera}"


Source = Picture | Video


def find_sources(arguments: Sequence[str]) -> list[Source]:
    """Turn what a user typed into pictures, videos and cameras, in the order given.

    Args:
        arguments: Each a picture, a folder (its pictures, sorted by name, without sub-folders), a video, or
            the index of a camera such as "0" (a file of that name comes first).

    Raises:
        MediaError: Something is not there, or a folder holds no pictures.
    """
    return [source for argument in arguments for source in _expand(argument)]


def _expand(argument: str) -> list[Source]:
    path = Path(argument)
    if path.is_dir():
        pictures = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in PICTURE_SUFFIXES)
        if not pictures:
            kinds = " ".join(sorted(PICTURE_SUFFIXES))
            raise MediaError(f"{path}: no pictures in this folder ({kinds}); sub-folders are not searched")
        return [Picture(p) for p in pictures]
    if path.exists():
        is_picture = path.suffix.lower() in PICTURE_SUFFIXES or cv2.haveImageReader(str(path))
        return [Picture(path) if is_picture else Video(argument)]
    if argument.isascii() and argument.isdigit():
        return [Video(argument, camera=int(argument))]
    raise MediaError(f"{path}: no such file or folder; give a picture, a folder, a video or a camera's index")
