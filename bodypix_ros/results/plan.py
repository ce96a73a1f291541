"""What `bodypix run` will write, decided and checked before anything is computed."""

import os
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from bodypix_ros import media
from bodypix_ros.coco.earlier import Earlier
from bodypix_ros.errors import OptionError
from bodypix_ros.media.files import part_of
from bodypix_ros.results.output import Output
from bodypix_ros.targets import check_apart, check_writable, only_writer, unwritable

_LOCK = ".bodypix.lock"
_LONGEST = 200
"""Bytes of a file's name before its suffixes: file systems allow 255."""


class Existing(Enum):
    """What becomes of earlier results."""

    REFUSE = "they stay, and nothing is done"
    OVERWRITE = "they are replaced"
    SKIP = "what is complete stays, and is not computed again"


@dataclass(frozen=True, slots=True)
class Task:
    """A source, and what will be written of it.

    Attributes:
        source: A picture, video, camera or address.
        name: What its files are called, before their suffixes.
        file_name: What the document calls it: its path as seen from the output folder, or a camera's
            index, or an address.
        files: All that may be written; which masks there are is up to the model.
    """

    source: media.Source
    name: str
    file_name: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do.

    Attributes:
        tasks: By source, in the order given.
        skipped: How many sources were complete before.
        earlier: What the document goes on with; None where it begins anew.
        stale: Earlier results that stay beside those that are replaced.
        passed_over: How many sources are results of an earlier run of the others.
    """

    tasks: tuple[Task, ...]
    skipped: int = 0
    earlier: Earlier | None = None
    stale: tuple[Path, ...] = ()
    passed_over: int = 0


@contextmanager
def planned(
    sources: Sequence[media.Source],
    output: Output,
    existing: Existing = Existing.REFUSE,
    more: Iterable[Path] = (),
) -> Generator[Plan]:
    """Plan what is written of some sources, and be the only process that writes into the folder.

    Args:
        sources: From `media.find_sources`.
        output: What to write; the folder is made.
        existing: What becomes of earlier results.
        more: Other files that will be written.

    Raises:
        OptionError: An output is an input, too, or is there already, or cannot be gone on with.
        OutputError: The folder cannot be written, or another process writes into it.
    """
    by_name: dict[str, media.Source] = {}
    for source in sources:
        by_name.setdefault(_document_name(source, output.folder), source)
    results = _results_among(by_name, output)
    for name in results:
        del by_name[name]
    sources = list(by_name.values())
    tasks = [
        Task(source, name, file_name, tuple(output.possible(source, name)))
        for (file_name, source), name in zip(by_name.items(), output_names(sources), strict=True)
    ]
    outputs = [*output.common(), *(file for task in tasks for file in task.files)]
    inputs = [Path(source.name) for source in sources if _is_file(source)]
    check_apart("out", [*outputs, *map(part_of, outputs), *more], inputs)
    check_writable(output.folder)
    made = not output.folder.exists()
    try:
        output.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(output.folder, error) from error
    try:
        with only_writer(output.folder, output.folder / _LOCK):
            yield replace(_plan(tasks, outputs, output, existing), passed_over=len(results))
    finally:
        if made:
            with suppress(OSError):  # something was written
                output.folder.rmdir()


def _results_among(names: Collection[str], output: Output) -> set[str]:
    """Which sources an earlier run made of others, where results go into the folder that they are of.

    Args:
        names: What the document calls the sources: those in its folder have no folder in it.
        output: What to write.
    """
    if all("/" in name for name in names) or not output.document.is_file():
        return set()
    try:
        earlier = Earlier.read(output.document)
    except (ValueError, OSError):
        return set()
    return {file for name, files in earlier.sources.items() if name in names for file in files} & set(names)


def _plan(tasks: list[Task], outputs: list[Path], output: Output, existing: Existing) -> Plan:
    there = [path for path in outputs if os.path.lexists(path)]
    if folder := next((path for path in there if path.is_dir()), None):
        raise OptionError("out", f"out: {folder} is a folder, where a file is to be written")
    if not there:
        return Plan(tuple(tasks))
    if existing is Existing.OVERWRITE:
        ever = [file for task in tasks for file in output.ever(task.source, task.name)]
        stale = [file for file in (*output.ever_common(), *ever) if file not in outputs and file.is_file()]
        return Plan(tuple(tasks), stale=tuple(stale))
    if existing is Existing.REFUSE:
        others = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise OptionError(
            "out",
            f"out: {there[0]}{others} is there already: --overwrite replaces earlier results, "
            "--skip-existing goes on with them, and another folder keeps them apart",
        )
    if not output.document.is_file():
        return Plan(tuple(tasks))
    try:
        earlier = Earlier.read(output.document)
    except (ValueError, OSError) as error:
        raise OptionError("skip_existing", f"skip_existing: {error}") from error
    check_same(output, earlier.info.get("drawn", output.made_as), output.made_as)
    again = {task.file_name for task in tasks if not _is_complete(task, earlier, output)}
    todo = [task for task in tasks if task.file_name in again]
    _check_foreign(todo, earlier)
    kept = {name: files for name, files in earlier.sources.items() if name not in again}
    earlier = Earlier(earlier.info, earlier.category, earlier.images, earlier.annotations, kept)
    return Plan(tuple(todo), len(tasks) - len(todo), earlier)


def check_same(output: Output, before: object, now: object, what: str = "") -> None:
    """Check that a document is gone on with as it was begun.

    Args:
        output: Whose document.
        before: What it says of how it was made.
        now: What is asked for.
        what: What of it that is, and a space; empty where `before` says so itself.

    Raises:
        OptionError: They differ.
    """
    if before != now:
        raise OptionError(
            "skip_existing",
            f"skip_existing: {output.document} was made with {what}{before}, not {now}; go on with the same, "
            "--overwrite it, or choose another folder",
        )


def _is_complete(task: Task, earlier: Earlier, output: Output) -> bool:
    """Whether a source's people are in the document, and all files that are asked for in the folder."""
    written = earlier.sources.get(task.file_name)
    if written is None or not _is_file(task.source):
        return False
    asked = {media.readable(path.name) for path in output.certain(task.source, task.name)}
    gone = {media.readable(path.name) for path in task.files if not path.is_file()}
    return asked <= set(written) and gone.isdisjoint(written)


def _check_foreign(todo: Iterable[Task], earlier: Earlier) -> None:
    """Check that nothing of another source would be overwritten.

    Raises:
        OptionError: It would.
    """
    owners = {file: name for name, files in earlier.sources.items() for file in files}
    for task in todo:
        for path in task.files:
            owner = owners.get(media.readable(path.name))
            if owner is not None and owner != task.file_name:
                raise OptionError(
                    "out", f"out: {path} is a result of {owner}; choose another folder for {task.source.name}"
                )


def _is_file(source: media.Source) -> bool:
    return isinstance(source, media.Picture) or (source.camera is None and source.url is None)


def _document_name(source: media.Source, folder: Path) -> str:
    """The path of a source as seen from a folder, whatever links lead to it; else its name."""
    if not _is_file(source):
        return source.name
    path = Path(source.name)
    where = Path(os.path.realpath(path.parent)) / path.name
    return media.readable(Path(os.path.relpath(where, os.path.realpath(folder))).as_posix())


def output_names(sources: Sequence[media.Source]) -> list[str]:
    """Give each source a name of its own: its stem, and x_2, x_3 where several are called x."""
    taken: set[str] = set()
    names = []
    for source in sources:
        stem = source.stem
        if len(os.fsencode(stem)) > _LONGEST:
            stem = os.fsencode(stem)[:_LONGEST].decode("utf-8", "ignore")
        name, count = stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names
