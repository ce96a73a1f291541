"""Many sources -> their outputs, each once: jobs go to a pool, what comes of them into the manifest."""

import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bodypix_ros import __version__
from bodypix_ros.batch import cluster, table
from bodypix_ros.batch.local import LocalPool
from bodypix_ros.batch.manifest import FILE, WORK, Made, Manifest, is_whole
from bodypix_ros.batch.pool import Broken, Finished, Lost, Pool, Progress, Ready
from bodypix_ros.batch.recipe import Recipe, sha256_of
from bodypix_ros.batch.report import JSON, PAGE, write_report
from bodypix_ros.batch.sources import Source, find, total_size
from bodypix_ros.batch.work import Failed, Job, Result, Unchanged
from bodypix_ros.errors import OptionError, OutputError, StartError
from bodypix_ros.media import readable
from bodypix_ros.targets import check_writable, only_writer

LOCK: Final = ".bodypix.lock"
_OWN: Final = (FILE, JSON, PAGE)
"""What the folder of the outputs has besides these."""
_POLL_S: Final = 0.2
_SEEN_WITHIN_S: Final = 10.0
"""So long a file system may take until what another computer wrote is seen here."""

Listen = Callable[[Mapping[str, Any]], None]
"""Is told what happens: plain data with an `event`."""


def _to_nobody(_: Mapping[str, Any]) -> None:
    pass


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        made: Sources that were made.
        skipped: How many were complete before.
        failed: Why a source failed, by its path, or by what was typed.
        flawed: What could not be used of sources that are made, by their paths; also of what was before.
        stopped: Whether it ended early because it was told to.
        tries: How often something was tried again.
        recovered: Outputs that an earlier run had made and could not name any more.
    """

    made: list[Made] = field(default_factory=list)
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    flawed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: bool = False
    tries: int = 0
    recovered: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether everything is made, without a flaw."""
        return not (self.failed or self.flawed or self.stopped)


def run(
    arguments: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    recipe: Recipe,
    *,
    workers: int | None = None,
    ray: str | None = None,
    retries: int = 2,
    listen: Listen = _to_nobody,
    stopped: Callable[[], bool] = lambda: False,
) -> Summary:
    """Make the outputs of many sources, each once, and leave out what is made already.

    Args:
        arguments: Bags, videos, folders, patterns, lists; see `sources.find`.
        out: The folder of the outputs, one of a source's name each, with manifest and report.
        recipe: What is made of them, with which model.
        workers: How many sources are worked on at once; None: one for each core.
        ray: None: processes of this computer. Else Ray's: "auto", "local" or an address.
        retries: How often a source is tried again after a worker died or a disk was full.
        listen: Is told what happens.
        stopped: Asked five times a second; True ends early, with every output whole or not there.

    Raises:
        OptionError: An option is not possible, or a model's that it does not have.
        MissingModelError: The model is not here.
        OutputError: The folder cannot be written, another process writes into it, or its manifest is none.
        StartError: No worker can begin.
        ImportError: What an option needs is not installed.
    """
    if workers is not None and workers < 1:
        raise OptionError("workers", f"workers is {workers}, but must be at least 1")
    recipe.model.check()
    if "parquet" in recipe.exports:
        table.check()
    if ray is not None:
        cluster.check()
    folder = Path(out).resolve()
    check_writable(folder)
    model_digest = recipe.model.digest()
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder, folder / LOCK), Manifest(folder) as manifest:
        driver = _Driver(manifest, recipe, model_digest, retries, listen)
        driver.plan([os.fspath(argument) for argument in arguments])
        if driver.waiting:
            token = f".shared{WORK}{uuid.uuid4().hex}"
            (folder / token).mkdir()
            count = min(workers or _cores(), len(driver.waiting)) if ray is None else workers
            with _pool(recipe, model_digest, str(folder), token, count, ray) as pool:
                driver.work(pool, stopped)
        return driver.end()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _pool(
    recipe: Recipe, model_digest: str, out: str, token: str, count: int | None, ray: str | None
) -> Pool:
    if ray is None:
        return LocalPool(recipe, model_digest, out, token, count or 1)
    return cluster.RayPool(recipe, model_digest, out, token, count, ray)


class _Driver:
    """One run: what waits, what came of what."""

    def __init__(
        self, manifest: Manifest, recipe: Recipe, model_digest: str, retries: int, listen: Listen
    ) -> None:
        self._manifest, self._recipe, self._model_digest = manifest, recipe, model_digest
        self._retries, self._listen = retries, listen
        self._sizes: dict[str, int] = {}
        self._begun_s = time.monotonic()
        self._ready_s: float | None = None
        self._busy_s = 0.0
        self._computes = ""
        self._settled: set[str] = set()
        self._broken = ""
        self.waiting: deque[Job] = deque()
        self.summary = Summary(recovered=manifest.recovered)

    def plan(self, arguments: Sequence[str]) -> None:
        """Find out what there is to do, the largest first, so that no worker ends long after the others."""
        folder, state = self._manifest.folder, self._manifest.state

        def missing(problem: str) -> None:
            self.summary.failed[problem] = problem  # of what was typed: the manifest is of sources
            self._listen({"event": "failed", "source": "", "why": problem, "attempts": 0, "bytes": 0})

        own = {*_OWN, *(made.name for made in state.done.values())}
        sources = find(arguments, folder, state.names, missing, own)
        todo = [job for source in sources if (job := self._job(source)) is not None]
        self._manifest.append(
            "run", version=1, program=__version__, model=self._recipe.model.name,
            model_digest=self._model_digest, recipe=self._recipe.digest(), sources=len(sources),
            todo=len(todo),
        )  # fmt: skip
        new = {source.path: source.name for source in sources if source.path not in state.names}
        if new:
            self._manifest.append("named", names=new)
        for source in self._gone():
            self._note("forgotten", source=source)
        todo.sort(key=lambda job: -self._sizes[job.source.path])
        self.waiting.extend(todo)
        self._listen({
            "event": "begin", "sources": len(sources), "todo": len(todo), "skipped": self.summary.skipped,
            "bytes": sum(self._sizes[job.source.path] for job in todo), "recovered": self.summary.recovered,
        })  # fmt: skip

    def _job(self, source: Source) -> Job | None:
        """What is to be done of a source; None where nothing is."""
        folder, made = self._manifest.folder, self._manifest.state.done.get(source.path)
        try:
            fingerprint = source.fingerprint()
        except OSError as error:
            self._fail(source.path, f"{readable(source.path)}: cannot be read: {error.strerror or error}", 0)
            return None
        whole = made is not None and is_whole(folder / made.name, made)
        if made is None and (folder / source.name).exists():
            self._fail(
                source.path,
                f"{folder / source.name}: is there, and of no earlier run; move it away, or choose --out",
                0,
            )
            return None
        if made is not None and whole and made.fingerprint == fingerprint and made.key == self._key(made):
            self._skip(made)
            return None
        self._sizes[source.path] = max(total_size(fingerprint), 1)
        return Job(source, str(folder), "", made.key if made is not None and whole else "")

    def _gone(self) -> list[str]:
        """Sources that wait or have failed, and are not there any more."""
        state = self._manifest.state
        due = [source for source in state.names if source in state.failed or source not in state.done]
        return [source for source in due if not os.path.lexists(source)]

    def _skip(self, made: Made) -> None:
        """Leave out what is made already, but say again what is wrong with it."""
        self.summary.skipped += 1
        self._see_flaws(made)
        if made.source in self._manifest.state.failed:  # it was another file meanwhile
            self._note("unchanged", source=made.source, fingerprint=made.fingerprint)

    def _see_flaws(self, made: Made) -> None:
        if made.problems:
            self.summary.flawed[made.source] = made.problems

    def _key(self, made: Made) -> str:
        return sha256_of([made.digest, self._model_digest, self._recipe.digest()])

    def work(self, pool: Pool, stopped: Callable[[], bool]) -> None:
        """Do what waits, until all of it is settled.

        Raises:
            StartError: No worker can begin.
        """
        left, begun_s = {job.source.path for job in self.waiting}, time.monotonic()
        while left - self._settled:
            while self.waiting and pool.idle():
                self._give(pool, self.waiting.popleft())
            waits_s = time.monotonic()
            events = pool.wait(_POLL_S)
            waited_s = time.monotonic() - waits_s
            for event in events:
                self._take(event)
            self._busy_s += time.monotonic() - begun_s - waited_s
            begun_s = time.monotonic()
            if stopped():
                self.summary.stopped = True
                return
            if not pool.alive():
                raise StartError(self._broken or "no worker is left")

    def _give(self, pool: Pool, job: Job) -> None:
        job = replace(job, work=f".{job.source.name}{WORK}{uuid.uuid4().hex[:12]}")
        self._note("tried", source=job.source.path, attempt=job.attempt)
        pool.give(job)
        self._listen({"event": "started", "source": job.source.path, "attempt": job.attempt})

    def _take(self, event: object) -> None:
        if isinstance(event, (Finished, Lost)) and event.job.source.path in self._settled:
            return  # another worker did it meanwhile
        if isinstance(event, Finished):
            self._finish(event.job, event.result)
        elif isinstance(event, Lost):
            self._try_again(event.job, event.why)
        elif isinstance(event, Progress):
            self._listen({
                "event": "progress", "source": event.job.source.path, "images": event.images,
                "total": event.total, "bytes": self._sizes[event.job.source.path],
            })  # fmt: skip
        elif isinstance(event, Ready):
            self._ready_s = self._ready_s or time.monotonic() - self._begun_s
            self._listen({"event": "ready", "worker": event.where, "computes": event.computes})
            self._computes = self._computes or event.computes
            if event.computes != self._computes:
                others = f"{event.where} computes with {event.computes}, and others with {self._computes}"
                self._listen({"event": "differs", "why": f"{others}: results differ; give --precision"})
        elif isinstance(event, Broken):
            self._broken = event.why
            self._listen({"event": "broken", "why": event.why})

    def _finish(self, job: Job, result: Result) -> None:
        source = job.source.path
        if isinstance(result, Failed):
            if result.again:
                self._try_again(job, result.why)
            else:
                self._fail(source, result.why, job.attempt)
            return
        if isinstance(result, Unchanged):
            self._note("unchanged", source=source, fingerprint=result.fingerprint)
            self._settled.add(source)
            self._skip(self._manifest.state.done[source])
            self._listen({"event": "unchanged", "source": source, "bytes": self._sizes[source]})
            return
        try:
            self._see(result)
            self._manifest.commit(result)
        except OutputError as error:
            self._try_again(job, str(error))
            return
        self._settled.add(source)
        self.summary.made.append(result)
        self._see_flaws(result)
        self._listen({
            "event": "done", "source": source, "output": str(self._manifest.folder / result.name),
            "images": result.images, "people": result.people, "seconds": result.seconds,
            "problems": list(result.problems), "notes": list(result.notes), "attempt": job.attempt,
            "bytes": self._sizes[source],
        })  # fmt: skip

    def _see(self, made: Made) -> None:
        """Look whether what another computer made is here; file systems take a moment.

        Raises:
            OutputError: It is not.
        """
        until_s = time.monotonic() + _SEEN_WITHIN_S
        while not is_whole(self._manifest.folder / made.made, made):
            if time.monotonic() > until_s:
                raise OutputError(f"{made.made}: what {made.where} made is not to be seen here")
            time.sleep(0.1)

    def _try_again(self, job: Job, why: str) -> None:
        if job.attempt > self._retries:
            times = f"{job.attempt} times: " if job.attempt > 1 else ""
            self._fail(job.source.path, f"{times}{why}", job.attempt)
            return
        self.summary.tries += 1
        self.waiting.append(replace(job, attempt=job.attempt + 1))
        self._listen({"event": "again", "source": job.source.path, "why": why, "attempt": job.attempt})

    def _fail(self, source: str, why: str, attempts: int) -> None:
        named = why if readable(source) in why else f"{readable(source)}: {why}"
        self.summary.failed[source] = named
        self._settled.add(source)
        self._note("failed", source=source, why=named, attempts=attempts)
        self._listen({
            "event": "failed", "source": source, "why": named, "attempts": attempts,
            "bytes": self._sizes.get(source, 0),
        })  # fmt: skip

    def _note(self, line: str, **entry: object) -> None:
        """Write what is of use but not needed: on a full disk nothing is lost without it."""
        with suppress(OutputError):
            self._manifest.append(line, wait=False, **entry)

    def end(self) -> Summary:
        """Say how it ended, and write the report."""
        summary, seconds = self.summary, time.monotonic() - self._begun_s
        counts = {
            "made": len(summary.made), "skipped": summary.skipped, "failed": len(summary.failed),
            "tries": summary.tries, "stopped": summary.stopped, "seconds": round(seconds, 3),
            "ready_s": self._ready_s and round(self._ready_s, 3),
            "busy_s": round(self._busy_s, 3),
            "images": sum(made.images for made in summary.made),
            "people": sum(made.people for made in summary.made),
        }  # fmt: skip
        self._note("end", **counts)
        with suppress(OutputError):
            write_report(self._manifest.folder, self._manifest.state, counts)
        flawed = {source: list(problems) for source, problems in summary.flawed.items()}
        self._listen({"event": "end", **counts, "failures": summary.failed, "flawed": flawed})
        return summary
