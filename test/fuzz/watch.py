"""Runs cases in a process that may crash, and lets hypothesis draw and shrink them from outside of it."""

import multiprocessing
import os
import pickle
import resource
import shutil
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from pprint import pformat
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import hypothesis
from hypothesis import HealthCheck, example, given, settings

from fuzz.answers import Case

TARGETS = {
    "messages": "images as messages, raw and compressed",
    "tfjs": "checkpoints of TensorFlow.js: graph, manifest, weights",
    "packed": "models of TensorFlow Lite, and the archives they are fetched in",
    "downloads": "what a server answers when models are fetched",
    "configuration": "the catalogue of models, parameters and their files",
    "trees": "folders of pictures and of other things, under names of any bytes",
    "bags": "recorded bags, through the command `bodypix bag`",
}
CPU_S, WALL_S, MEMORY = 10.0, 200.0, 1 << 30
_HARD_LIMIT = 4 << 30
_DEATHS = {signal.SIGPROF: "it computed for too long", signal.SIGALRM: "it waited for too long"}
_spawn = multiprocessing.get_context("spawn")


class Finding(AssertionError):
    """Neither a right result nor a documented error."""


@cache
def _kind(name: str) -> type[Finding]:
    """An error of its own for each bug: hypothesis tells them apart by their type, and shrinks each."""
    return type("Finding", (Finding,), {"__doc__": name})


class Watched:
    """A target in a process of its own, which is started again after a crash.

    Attributes:
        outcomes: How often which; "accepted", the names of errors.
        findings: What was found, by its kind; the last is the smallest.
        known: Kinds that are counted, but not raised again.
    """

    def __init__(
        self,
        target: str,
        out: Path | None = None,
        progress: Callable[["Watched"], None] = lambda watched: None,
    ) -> None:
        """`out` is where findings are saved; `progress` is called before each case."""
        self.target, self.out, self.progress = target, out, progress
        self.module = import_module(f"fuzz.{target}")
        self.outcomes: Counter[str] = Counter()
        self.findings: dict[str, str] = {}
        self.known: set[str] = set()
        self._folder = TemporaryDirectory(prefix="bodypix_ros-fuzz-")
        self._process: Any = None

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self._end(kill=True)
        self._folder.cleanup()

    def __call__(self, case: Case) -> str:
        """Run a case; gives its outcome, raises for a finding."""
        self.progress(self)
        try:
            if self._process is None:
                self._start()
            self._connection.send(case)
            outcome, kind, what = self._connection.recv()
        except (EOFError, ConnectionError):
            code = self._end()
            died = signal.Signals(-code) if code < 0 else None
            outcome = kind = what = _DEATHS.get(
                died, f"it crashed: {died.name}" if died else f"exit code {code}"
            )
        self.outcomes[outcome] += 1
        if kind and kind not in self.known:
            self.findings[kind] = what
            if self.out is not None:
                self._save(self.out / f"{self.target}-{list(self.findings).index(kind)}", case, what)
            raise _kind(kind)(what)
        return str(outcome)

    def examine(self, cases: int, seed: int, hostile: bool = True) -> None:
        """Run so many cases that hypothesis draws, after those that were written by hand."""

        @hypothesis.seed(seed)
        @settings(max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(self.module.CASES)
        def one(case: Case) -> None:
            self(case)

        for case in self.module.hostile() if hostile else ():
            one = example(case)(one)
        one()

    def _start(self) -> None:
        self._connection, theirs = _spawn.Pipe()
        self._process = _spawn.Process(
            target=_work, args=(self.target, theirs, Path(self._folder.name)), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            self._connection.recv()
        except EOFError:
            raise RuntimeError(f"the target {self.target} does not start") from None

    def _end(self, kill: bool = False) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if kill:
            process.kill()
        process.join()
        self._connection.close()
        return int(process.exitcode)

    def _save(self, folder: Path, case: Case, what: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "case.pickle").write_bytes(pickle.dumps(case))
        again = f"python test/fuzz {self.target} --only {folder}"
        text = f"{again}\n\n{what.rstrip()}\n\n{pformat(case)}\n"
        (folder / "finding.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


def _work(target: str, connection: "Connection[Any, Any]", folder: Path) -> None:
    """Run the cases that come, each in an empty folder.

    Time is limited by the system, so that native code cannot escape: a case that computes for too long dies
    of SIGPROF, one that waits for too long of SIGALRM. Computing time is that of the process, which does not
    pass while the machine is busy with others. Memory is measured, as a limit would make some libraries give
    up in good order; a hard one protects the machine.
    """
    module = import_module(f"fuzz.{target}")
    cpu_s, memory = getattr(module, "CPU_S", CPU_S), getattr(module, "MEMORY", MEMORY)
    os.environ["TMPDIR"] = str(folder)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries chatter about damaged files
    os.dup2(1, 2)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _HARD_LIMIT, size + _HARD_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    home = folder / "case/own"
    connection.send("ready")
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        if not home.is_dir() or any(home.iterdir()) or len([*home.parent.iterdir()]) > 1:
            shutil.rmtree(home.parent, ignore_errors=True)
            home.mkdir(parents=True)
        before = _peak(reset=True)
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        signal.setitimer(signal.ITIMER_REAL, WALL_S)
        kind = what = ""
        try:
            outcome = case(home)
            used = (_peak() - before) >> 20
            if beside := sorted(path.name for path in home.parent.iterdir() if path != home):
                kind, what = "beside", f"files were written outside of the folder: {beside}"
            elif used > memory >> 20:
                kind, what = "memory", f"it took {used} MB of memory"
        except Exception as error:  # noqa: BLE001 - what fuzzing is for
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            kind = " < ".join(
                (type(error).__name__, *(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames)))
            )
            what = traceback.format_exc()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send((kind or outcome, kind, what))


def _peak(reset: bool = False) -> int:
    """The most bytes that this process has had in memory, since it was last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    with open("/proc/self/status") as status:  # noqa: PTH123 - called for every case
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
