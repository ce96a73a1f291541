"""What a user typed -> pictures, videos, cameras and addresses."""

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bodypix_ros.errors import MediaError
from bodypix_ros.imaging.picture_headers import format_of
from bodypix_ros.media.addresses import file_of, is_address, shown, stem_of
from bodypix_ros.media.files import kind_of, read_file, readable
from bodypix_ros.media.searching import HEAD, PICTURE_SUFFIXES, search, suffix_of

Say = Callable[[str], object]
"""Is told something in one sentence."""

_VIDEO4LINUX = 81
"""The major number of cameras' device files."""

_DEVICE = re.compile(r"/dev/video(\d+)")
"""What Linux calls them."""

_WANTED = "give a picture, a folder, a video, a camera's index or an address"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file."""

    path: Path

    @property
    def name(self) -> str:
        """What the user called it, as UTF-8."""
        return readable(self.path)

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, a camera where `camera` is its index, or an address where `url` is that."""

    name: str
    camera: int | None = None
    url: str | None = field(default=None, repr=False)  # may hold a password

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        if self.camera is not None:
            return f"camera{self.camera}"
        return Path(self.name).stem if self.url is None else stem_of(self.url)


Source = Picture | Video


def find_sources(
    arguments: Sequence[str],
    *,
    recursive: bool = False,
    apart: Path | None = None,
    complain: Say | None = None,
    note: Say = lambda _: None,
) -> list[Source]:
    """Turn what a user typed into pictures, videos, cameras and addresses, in the order given.

    Args:
        arguments: Each a picture, a folder (its pictures and videos, sorted by name), a video, the index of
            a camera such as "0" (a file of that name comes first) or its device, or an address:
            rtsp://HOST/..., http://HOST/..., https://HOST/..., file:///...
        recursive: Look into the folders of folders, too.
        apart: A folder that is not looked into: where results go.
        complain: Is told of what cannot be used, and the others go on; None: the first of it is raised.
        note: Is told what is left out of a folder: of each kind once, with reason and count.

    Raises:
        MediaError: Something is not there, may not be read, or is neither file nor folder, an address is of
            another kind, or a folder holds neither picture nor video; only without `complain`.
    """
    say = complain or _raise

    def expand(argument: str) -> list[Source]:
        try:
            if is_address(argument):
                file = file_of(argument)
                if file is None:
                    scheme, rest = argument.split(":", 1)
                    return [Video(shown(argument), url=f"{scheme.lower()}:{rest}")]  # FFmpeg knows no others
                argument = str(file)
            if os.path.isdir(argument):  # noqa: PTH112 - Path's raises some errors before Python 3.12
                return _in_folder(Path(argument), recursive, apart, say, note)
            return [_one(argument)]
        except MediaError as error:
            say(str(error))
            return []

    return [source for argument in arguments for source in expand(argument)]


def _raise(problem: str) -> None:
    raise MediaError(problem)


def _one(argument: str) -> Source:
    """What an argument names that is no folder."""
    path, name = Path(argument), readable(argument)
    try:
        found = os.stat(argument)  # noqa: PTH116 - Path("") would be the current folder
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            to = readable(path.readlink())
            raise MediaError(f"{name}: is a link to {to}, which is not there") from None
        if argument.isascii() and argument.isdigit():
            return Video(argument, camera=int(argument))
        raise MediaError(f"{name}: no such file or folder; {_WANTED}") from None
    except OSError as error:
        raise MediaError(f"{name}: cannot be read: {error.strerror or error}") from error
    if stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == _VIDEO4LINUX:
        device = _DEVICE.fullmatch(os.path.realpath(argument))
        if device is None:
            raise MediaError(f"{name}: is a camera's device of an unknown name; give its index, such as 0")
        return Video(argument, camera=int(device[1]))
    if kind := kind_of(found.st_mode):
        raise MediaError(f"{name}: is {kind}; {_WANTED}")
    begins = read_file(path, HEAD, part=True)
    return Picture(path) if suffix_of(path) in PICTURE_SUFFIXES or format_of(begins) else Video(argument)


def _in_folder(folder: Path, recursive: bool, apart: Path | None, complain: Say, note: Say) -> list[Source]:
    """The pictures and videos of a folder, sorted by name."""
    found = search(folder, recursive, apart, complain)
    left_out = list(found.left_out())
    sources: list[Source] = [*map(Picture, found.pictures), *(Video(str(path)) for path in found.videos)]
    if not sources:
        what = f"{readable(folder)}: no pictures and no videos in this folder"
        raise MediaError("; ".join([what, *left_out]))
    for text in left_out:
        note(f"{readable(folder)}: {text}")
    return sorted(sources, key=_path)


def _path(source: Source) -> Path:
    return source.path if isinstance(source, Picture) else Path(source.name)
