"""What was done, in a file of JSON lines: only appended to, by one process, and true whenever that is killed.

Outputs are made in a hidden folder of their own and renamed. Before that the line "made" says what will be
renamed to what, after it "done" says that it was. Whoever finds "made" without "done" completes it: so that
an output has its name once, whole, and the manifest says so, wherever a process was killed. A line that was
cut off by that never happened.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from bodypix_ros.errors import OutputError
from bodypix_ros.targets import unwritable

FILE: Final = "manifest.jsonl"
VERSION: Final = 1
WORK: Final = ".work-"
"""What the names of the hidden folders have after the output's."""

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A source that was made, and waits for its name or has it.

    Attributes:
        source: Its path.
        kind: What it is.
        name: Of its output.
        work: The folder in which it was made, in the folder of the manifest, until it is renamed.
        made: What is renamed: `work`, or a folder in it.
        key: Digest of source, model and recipe.
        digest: Of the source.
        fingerprint: Of the source: names, sizes and times of its files.
        sizes: Of the output's files, by their paths in it.
        images: How many were seen.
        people: How many were found in them.
        segment_ms: What seeing them took.
        seconds: What all of it took.
        recorded_s: How long the recording is, in seconds; None: nobody knows.
        problems: What could not be used.
        notes: What else is to be said: topics that were left out, or not looked into; what the model was
            asked for and has not got, such as the detector of faces.
        attempts: How often it was tried.
        where: Who made it.
    """

    source: str
    kind: str
    name: str
    work: str
    made: str
    key: str
    digest: str
    fingerprint: Fingerprint
    sizes: Mapping[str, int]
    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    seconds: float = 0.0
    recorded_s: float | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    attempts: int = 1
    where: str = ""


@dataclass(slots=True)
class State:
    """What the lines say, taken together.

    Attributes:
        done: What has its name, by source.
        pending: What was made, and may not have its name yet.
        failed: Why a source failed the last time, with the number of attempts.
        names: Of outputs, by source, also where it was not made yet.
        runs: The lines that runs began with.
        bytes: How long the file is without a line that was cut off.
    """

    done: dict[str, Made] = field(default_factory=dict)
    pending: dict[str, Made] = field(default_factory=dict)
    failed: dict[str, tuple[str, int]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0


def read(folder: Path) -> State:
    """Read a manifest; an empty State where there is none.

    Raises:
        OutputError: It cannot be read, or is none.
    """
    state, path = State(), folder / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return state
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from error
    state.bytes = data.rfind(b"\n") + 1
    number = 0
    try:
        for number, line in enumerate(data[: state.bytes].splitlines(), 1):  # noqa: B007 - for the message
            _take(state, line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path}:{number}: no line of a manifest ({type(error).__name__}: {error}); move it away to "
            "begin anew"
        ) from error
    return state


def _take(state: State, line: bytes) -> None:
    entry = json.loads(line)
    _TAKE[entry.pop("line")](state, entry)


def _take_run(state: State, entry: dict[str, Any]) -> None:
    if entry["version"] > VERSION:
        raise ValueError(f"it is of version {entry['version']}, and this program knows {VERSION}")
    state.runs.append(entry)


def _take_named(state: State, entry: dict[str, Any]) -> None:
    state.names.update(entry["names"])


def _take_made(state: State, entry: dict[str, Any]) -> None:
    entry.pop("time")
    entry["fingerprint"] = tuple(map(tuple, entry["fingerprint"]))
    entry |= {name: tuple(entry[name]) for name in ("problems", "notes")}
    state.pending[entry["source"]] = Made(**entry)


def _take_done(state: State, entry: dict[str, Any]) -> None:
    made = state.pending.pop(entry["source"])
    state.done[made.source] = made
    state.failed.pop(made.source, None)


def _take_again(state: State, entry: dict[str, Any]) -> None:
    """The source was found unchanged, though its files have other times."""
    made = state.done[entry["source"]]
    fingerprint = tuple(map(tuple, entry["fingerprint"]))
    state.done[made.source] = replace(made, fingerprint=fingerprint)
    state.failed.pop(made.source, None)


def _take_lost(state: State, entry: dict[str, Any]) -> None:
    state.done.pop(entry["source"], None)
    state.pending.pop(entry["source"], None)


def _take_failed(state: State, entry: dict[str, Any]) -> None:
    state.failed[entry["source"]] = (entry["why"], entry["attempts"])


def _take_forgotten(state: State, entry: dict[str, Any]) -> None:
    """The source is not there any more; what was made of it stays."""
    state.failed.pop(entry["source"], None)
    if entry["source"] not in state.done:
        state.names.pop(entry["source"], None)


def _take_nothing(_: State, __: dict[str, Any]) -> None:
    """Of use to whoever reads the file."""


_TAKE: Final = {
    "run": _take_run,
    "named": _take_named,
    "made": _take_made,
    "done": _take_done,
    "unchanged": _take_again,
    "gone": _take_lost,
    "failed": _take_failed,
    "forgotten": _take_forgotten,
    "tried": _take_nothing,
    "end": _take_nothing,
}
"""What the kinds of lines mean."""


class Manifest:
    """A manifest that is written; a context manager. Whoever opens it must be the only one."""

    def __init__(self, folder: Path) -> None:
        """Read what is there, and complete what was begun.

        Raises:
            OutputError: It is none, or the folder cannot be written.
        """
        self.folder, self.state = folder, read(folder)
        self.recovered: list[str] = []
        path = folder / FILE
        try:
            self._file: IO[bytes] = path.open("ab")
            self._file.truncate(self.state.bytes)
        except OSError as error:
            raise unwritable(path, error) from error
        for made in [*self.state.pending.values()]:
            self._recover(made)
        self.clear()

    def append(self, line: str, *, wait: bool = True, **entry: Any) -> None:
        """Write a line.

        Args:
            line: What kind of line.
            wait: Come back when it is on the disk, which takes milliseconds.
            entry: What it says.

        Raises:
            OutputError: It cannot be written; the file is as it was before.
        """
        where = self._file.tell()
        data = {"line": line, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **entry}
        text = json.dumps(data).encode()
        try:
            self._file.write(text + b"\n")
            self._file.flush()
            if wait:
                os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._reopen(where)
            raise unwritable(self.folder / FILE, error) from error
        _take(self.state, text)  # what is written and what is read mean the same

    def _reopen(self, size: int) -> None:
        """Forget what could not be written."""
        with suppress(OSError):
            self._file.close()
        os.truncate(self.folder / FILE, size)
        self._file = (self.folder / FILE).open("ab")

    def commit(self, made: Made) -> None:
        """Give an output its name, in place of an earlier one of the same source.

        Raises:
            OutputError: The manifest or the folder cannot be written.
        """
        self.append("made", **asdict(made))
        try:
            self._rename(made)
        except OSError as error:
            raise unwritable(self.folder / made.name, error) from error
        self.append("done", source=made.source)

    def _rename(self, made: Made) -> None:
        target = self.folder / made.name
        if target.exists():
            old = self.folder / f".{made.name}{WORK}old"
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        (self.folder / made.made).rename(target)
        _sync(self.folder)
        for rest in (f".{made.name}{WORK}old", made.work):
            shutil.rmtree(self.folder / rest, ignore_errors=True)

    def _recover(self, made: Made) -> None:
        """Complete what was begun when the process before was killed."""
        try:
            if is_whole(self.folder / made.made, made):
                self._rename(made)
            if is_whole(self.folder / made.name, made):
                self.append("done", source=made.source)
                self.recovered.append(made.name)
                return
        except OSError as error:
            raise unwritable(self.folder / made.name, error) from error
        self.append("gone", source=made.source, why="it was not whole")

    def clear(self) -> None:
        """Delete what attempts left behind that were broken off."""
        for folder in self.folder.glob(f".*{WORK}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        with suppress(OSError):
            self._file.close()


def sizes(folder: Path) -> dict[str, int]:
    """The sizes of all files in a folder by their paths in it; empty where there is none."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}


def is_whole(folder: Path, made: Made) -> bool:
    """Whether a folder holds what was made; what somebody put there besides is theirs."""
    return made.sizes.items() <= sizes(folder).items()


def sync(folder: Path) -> None:
    """See to it that what is in a folder is on the disk.

    Raises:
        OSError: The disk fails, or is full.
    """
    for path in [*_files(folder), *(path for path in folder.rglob("*") if path.is_dir()), folder]:
        _sync(path)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
