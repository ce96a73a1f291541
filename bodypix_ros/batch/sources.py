"""What a user typed -> the sources: bags, videos and folders of pictures, each a task of its own."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from glob import glob, has_magic
from pathlib import Path
from stat import S_ISDIR

from bodypix_ros.errors import MediaError
from bodypix_ros.media.addresses import is_address, shown
from bodypix_ros.media.files import kind_of, readable
from bodypix_ros.media.searching import PICTURE_SUFFIXES, VIDEO_SUFFIXES, suffix_of

BAG_SUFFIXES = (".mcap", ".db3", ".bag")
"""Of recordings in one file; .bag is ROS 1's, whose reader says what to do."""
LIST_SUFFIX = ".txt"
"""Of a file that lists sources, one a line; # begins a comment."""
_METADATA = "metadata.yaml"
_LONGEST = 150
"""Bytes of an output's name; file systems allow 255, and temporary names are longer."""


class Kind(str, Enum):
    """What a source is."""

    BAG = "bag"
    VIDEO = "video"
    PICTURES = "pictures"


@dataclass(frozen=True, slots=True)
class Source:
    """One task.

    Attributes:
        kind: What it is.
        path: Of its file or folder, absolute.
        name: What its outputs are called.
    """

    kind: Kind
    path: str
    name: str

    def files(self) -> list[Path]:
        """What is read of it, in a fixed order.

        Raises:
            OSError: It is not there, or cannot be looked into.
        """
        path = Path(self.path)
        if not path.is_dir():
            return [path]
        inside = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        if self.kind is Kind.PICTURES:
            return [file for file in inside if suffix_of(file) in PICTURE_SUFFIXES]
        return inside

    def fingerprint(self) -> tuple[tuple[str, int, int], ...]:
        """Of each of its files name, size, and time of the last change in nanoseconds.

        Raises:
            OSError: It is not there.
        """
        found = []
        for file in self.files():
            status = file.stat()
            found.append((readable(file.name), status.st_size, status.st_mtime_ns))
        return tuple(found)

    def digest(self) -> str:
        """SHA-256 of the names and contents of its files.

        Raises:
            OSError: It cannot be read.
        """
        whole = hashlib.sha256()
        for file in self.files():
            own = hashlib.sha256()
            with file.open("rb") as opened:
                while chunk := opened.read(1 << 20):
                    own.update(chunk)
            whole.update(json.dumps([readable(file.name), own.hexdigest()]).encode())
        return whole.hexdigest()


Say = Callable[[str], object]


def find(
    arguments: Sequence[str],
    out: Path,
    names: Mapping[str, str] | None = None,
    complain: Say | None = None,
    own: Collection[str] = (),
) -> list[Source]:
    """Find the sources.

    Args:
        arguments: Each a bag, a video, a picture, a folder (of any of them, looked through with its folders),
            a pattern with * and ?, or a file ending in .txt that lists such, one a line.
        out: The folder of the results, which is not looked into.
        names: Those that outputs have from earlier runs, by the source's path; they are kept.
        complain: Is told of what cannot be used, and the others go on; None: the first of it is raised.
        own: What the batch itself has in `out`, by name: none of it is a source, and no new output gets its
            name.

    Returns:
        Each source once, in the order found.

    Raises:
        MediaError: Something is not there, or holds no source; only without `complain`.
    """
    say = complain or _raise
    found: dict[str, Kind] = {}
    for argument in arguments:
        for one in _listed(argument, say):
            for kind, path in _expanded(one, out, own, say):
                found.setdefault(_absolute(path), kind)
    return _named(found, names or {}, own)


def _absolute(path: Path) -> str:
    """The same file by whatever way to its folder; a link stays one, since outputs are called after it."""
    return str(Path(os.path.realpath(path.parent)) / path.name) if path.name else os.path.realpath(path)


def _raise(problem: str) -> None:
    raise MediaError(problem)


def _listed(argument: str, say: Say) -> list[str]:
    """The lines of a list, or the argument itself."""
    path = Path(argument)
    if suffix_of(path) != LIST_SUFFIX or not os.path.isfile(path):  # noqa: PTH113 - see _is_dir
        return [argument]
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")  # Windows' editors begin so
    except OSError as error:
        say(_unreadable(path, error))
        return []
    # What a list names is meant from where the list is, wherever the command is called.
    lines = [line.strip() for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    named = [line if is_address(line) else str(path.parent / line) for line in named]
    if not named:
        say(f"{readable(argument)}: lists no sources")
    return named


def _expanded(argument: str, out: Path, own: Collection[str], say: Say) -> Iterator[tuple[Kind, Path]]:
    """The sources that an argument stands for; a shell may have made many of one."""
    if is_address(argument):
        say(f"{shown(argument)}: is an address; give files and folders, or see it with `bodypix run`")
        return
    paths = [Path(argument)]
    if has_magic(argument) and not os.path.lexists(argument):
        matching = glob(argument, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns
        paths = [Path(path) for path in sorted(matching) if Path(os.path.realpath(path)) != out]
        if not paths:
            say(f"{readable(argument)}: no file is called so")
    for path in paths:
        if _is_own(path, out, own):
            continue
        try:
            is_folder = S_ISDIR(path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            say(f"{readable(path)}: no such file or folder; give bags, videos, folders, patterns or lists")
            continue
        except OSError as error:
            say(_unreadable(path, error))
            continue
        problems: list[str] = []
        there = list(_in_folder(path, out, problems.append) if is_folder else _one(path, problems.append))
        if not there and not problems:
            problems.append(f"{readable(path)}: no bag, no video and no pictures")
        for problem in problems:
            say(problem)
        yield from there


def _is_own(path: Path, out: Path, own: Collection[str]) -> bool:
    """Whether a path is of what the batch has in the folder of its results."""
    inside = Path(_absolute(path))
    return inside.is_relative_to(out) and inside != out and inside.relative_to(out).parts[0] in own


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path's raises where it may not look


def _unreadable(path: Path, error: OSError) -> str:
    return f"{readable(path)}: cannot be read: {error.strerror or error}"


_SUFFIXES = {
    **dict.fromkeys(BAG_SUFFIXES, Kind.BAG),
    **dict.fromkeys(VIDEO_SUFFIXES, Kind.VIDEO),
    **dict.fromkeys(PICTURE_SUFFIXES, Kind.PICTURES),
}


def _one(path: Path, say: Say) -> Iterator[tuple[Kind, Path]]:
    """A file, if it is a source by its suffix."""
    kind, what = _SUFFIXES.get(suffix_of(path)), ""
    if kind is None:
        return
    with suppress(OSError):  # whoever reads it says why it cannot
        what = kind_of(path.stat().st_mode)
    if what:  # of a pipe whoever reads it would wait for the other end
        say(f"{readable(path)}: is {what}, not a file")
    else:
        yield kind, path


def _in_folder(folder: Path, out: Path, say: Say) -> Iterator[tuple[Kind, Path]]:
    """A bag, or what lies in a folder and its folders."""
    try:
        if out.exists() and folder.samefile(out):
            return
        is_bag = (folder / _METADATA).exists()
        inside = [] if is_bag else sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        say(_unreadable(folder, error))
        return
    if is_bag:
        yield Kind.BAG, folder
        return
    folders = {path for path in inside if _is_dir(path)}
    found = [(kind, path) for path in inside if path not in folders for kind, path in _one(path, say)]
    yield from ((kind, path) for kind, path in found if kind is not Kind.PICTURES)
    if any(kind is Kind.PICTURES for kind, _ in found):
        yield Kind.PICTURES, folder
    for path in inside:
        if path in folders and not path.is_symlink():  # a link may lead anywhere, and in a circle
            yield from _in_folder(path, out, say)


def _named(found: Mapping[str, Kind], names: Mapping[str, str], own: Collection[str]) -> list[Source]:
    """Give each source a name that no other has, the one that it had before if there is one."""
    taken = {name.casefold() for name in (*names.values(), *own)}
    sources = []
    for path, kind in found.items():
        name = names.get(path)
        if name is None:
            name = _stem(Path(path))
            if name.casefold() in taken:
                name = f"{name}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
            taken.add(name.casefold())
        sources.append(Source(kind, path, name))
    return sources


def _stem(path: Path) -> str:
    """A folder's name, or a file's without its suffix."""
    is_folder = _is_dir(path) and path.suffix not in (".mcap", ".db3")
    name = readable(path.name if is_folder else path.stem).lstrip(".") or "source"
    return name.encode()[:_LONGEST].decode("utf-8", "ignore")


def total_size(fingerprint: Iterable[tuple[str, int, int]]) -> int:
    """Bytes of all files of a source."""
    return sum(size for _, size, _ in fingerprint)
