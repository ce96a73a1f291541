"""One source -> its outputs: what a worker does, wherever it runs. Knows neither pools nor the manifest."""

import errno
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bodypix_ros import media
from bodypix_ros.batch.exports import Exports
from bodypix_ros.batch.manifest import Made, sizes, sync
from bodypix_ros.batch.recipe import Recipe, sha256_of
from bodypix_ros.batch.sources import Kind, Source
from bodypix_ros.errors import BagError, MediaError, ModelError, OutputError, StartError
from bodypix_ros.report import Report
from bodypix_ros.results.plan import planned
from bodypix_ros.results.process import process
from bodypix_ros.targets import causes, is_full

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

_TELL_EVERY_S = 0.2
_FINAL = (BagError, MediaError, ValueError, FileNotFoundError)
"""Errors of the source itself: it is no better the next time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a source.

    Attributes:
        source: Which.
        out: The folder of all outputs.
        work: The folder to make it in, in `out`; not there yet.
        known: The key of what is there of it already; empty: nothing.
        attempt: From 1.
    """

    source: Source
    out: str
    work: str
    known: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The source is what it was when its output was made.

    Attributes:
        fingerprint: Of its files, which have other times now.
    """

    fingerprint: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that failed.

    Attributes:
        why: In one line.
        again: Whether another attempt may do better.
    """

    why: str
    again: bool


Result = Made | Unchanged | Failed
Tell = Callable[[int, int | None], None]
"""Is told how many images are done, and of how many; None: not known."""


@dataclass(slots=True)
class _Progress:
    """Counts images, and tells of them now and then."""

    tell: Tell
    total: float | None = None
    done: int = 0
    told_s: float = 0.0

    def update(self) -> None:
        """One image more is done."""
        self.done += 1
        if (now := time.monotonic()) - self.told_s >= _TELL_EVERY_S:
            self.told_s = now
            self.tell(self.done, None if self.total is None else int(self.total))


class Worker:
    """Whoever makes outputs, one at a time: a model, loaded in this process.

    Attributes:
        where: The computer and process it is in.
        computes: The device and the precision.
    """

    def __init__(self, recipe: Recipe, model_digest: str, out: str, token: str) -> None:
        """Check that this computer has what it takes, and load the model.

        Args:
            recipe: What is made.
            model_digest: Of the model's files as whoever began this has them.
            out: The folder of all outputs.
            token: The name of a folder in it: whoever does not see that has another folder of that name.

        Raises:
            StartError: The model or the folder is not here, or is another.
        """
        self.where = f"{socket.gethostname()}:{os.getpid()}"
        if not (Path(out) / token).exists():
            raise StartError(
                f"{self.where}: {out} is not the folder of the outputs here: sources and outputs must be on "
                "a file system that all computers share, under the same names"
            )
        try:
            own = recipe.model.digest()
        except ModelError as error:
            raise StartError(f"{self.where}: {error}") from error
        if own != model_digest:
            raise StartError(
                f"{self.where}: {recipe.model.name} is of other files or another version of "
                "bodypix_ros here; install the same, and give --model-dir a folder that all computers share"
            )
        self._recipe, self._model_digest = recipe, model_digest
        self._segmenter: Segmenter = recipe.model.load()
        self.computes = f"{self._segmenter.device} {self._segmenter.precision}"

    def do(self, job: Job, tell: Tell = lambda _, __: None) -> Result:
        """Make the outputs of a source in the job's folder; after an error nothing of them is left."""
        try:
            return self._do(job, tell)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on
            shutil.rmtree(Path(job.out) / job.work, ignore_errors=True)
            text = " ".join(str(error).split()) or type(error).__name__
            text = text.replace(str(Path(job.out) / job.work), job.out)
            return Failed(text, again=_passes(error))

    def _do(self, job: Job, tell: Tell) -> Result:
        started_s, source = time.monotonic(), job.source
        before = source.fingerprint()
        digest = source.digest()
        key = sha256_of([digest, self._model_digest, self._recipe.digest()])
        if key == job.known:
            return Unchanged(before)
        work = Path(job.out) / job.work
        work.mkdir()
        # What is missing makes no output wrong, but whoever publishes it must see it in what is said of it.
        said = [" ".join(why.split()) for why in self._segmenter.lacking.values()]
        report = Report(said.append, _Progress(tell))
        make = self._make_bag if source.kind is Kind.BAG else self._make_files
        made, recorded_s = make(source, work, report)
        if report.verdict:
            said.append(report.verdict)
        if source.fingerprint() != before:
            name = media.readable(source.path)
            raise _ChangedError(f"{name}: changed while it was read; wait until it is whole")
        sync(made)
        return Made(
            source=source.path, kind=source.kind.value, name=source.name, work=job.work,
            made=made.relative_to(job.out).as_posix(), key=key, digest=digest, fingerprint=before,
            sizes=sizes(made), images=report.images, people=report.people,
            segment_ms=round(report.segment_ms, 3), seconds=round(time.monotonic() - started_s, 3),
            recorded_s=recorded_s, problems=tuple(report.failures),
            notes=tuple(text for text in said if text not in report.failures), attempts=job.attempt,
            where=self.where,
        )  # fmt: skip

    def _make_bag(self, source: Source, work: Path, report: Report) -> tuple[Path, float | None]:
        """A bag, in a folder that is called as it will be: its files are called after it."""
        from bodypix_ros.bags.reading import InputBag  # rosbags is needed only here

        made = work / source.name
        with InputBag(Path(source.path)) as bag:
            what = self._recipe.bag.plan(bag)
            report.progress.total = what.images
            with Exports(self._recipe, self._segmenter, source, work) as exports:
                report.hear = exports.hear
                what.write(self._segmenter, made, report)
                exports.join(made)
            return made, bag.duration_s

    def _make_files(self, source: Source, work: Path, report: Report) -> tuple[Path, float | None]:
        """What `bodypix run` writes, beside where it will be: names in people.json go from there."""
        problems: list[str] = []
        named = [str(path) for path in source.files()]
        found = media.find_sources(named, complain=problems.append)
        for problem in problems:
            report.fail(problem)
        output = self._recipe.files.output(work, self._recipe.exports)
        report.progress.total = 0 if source.kind is Kind.VIDEO else len(found)
        with Exports(self._recipe, self._segmenter, source, work) as exports:
            report.hear = exports.hear
            with planned(found, output) as plan:
                process(self._segmenter, plan, output, report)
            exports.join(work)
        if report.disk_full:  # which is not the source's fault
            raise OutputError(report.failures[-1])
        if report.failures and (source.kind is Kind.VIDEO or not report.images):
            raise MediaError(report.failures[0])
        return work, exports.last_s


class _ChangedError(Exception):
    """A source changed meanwhile; the next time it may not."""


def _passes(error: BaseException) -> bool:
    """Whether what went wrong may be well the next time: a full disk, but not a corrupt source."""
    if is_full(error) or isinstance(error, OutputError) or not isinstance(error, _FINAL):
        return True
    return any(
        (isinstance(one, OSError) and one.errno == errno.EIO)
        or (isinstance(one, sqlite3.OperationalError) and "disk" in str(one))
        for one in causes(error)
    )
