"""The process that runs cases: python test/fuzz --worker; see `harness`."""

import json
import os
import resource
import shutil
import signal
import sys
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from random import Random
from time import monotonic

from fuzz.cases import Case

CPU_S, WALL_S = 10.0, 200.0
MEMORY = 1 << 30
_HARD_LIMIT = 4 << 30
_TELL_EVERY_S = 0.5


def work(target: str, seed: int, start: int, stop: int, seconds: float, folder: Path) -> None:
    """Run cases and tell about them in lines of JSON on stdout.

    Time is limited by the system, so that native code cannot escape: a case that computes for too long dies
    of SIGPROF, one that waits for too long of SIGALRM. Computing time is that of the process, which does not
    pass while the machine is busy with others. Memory is measured, as a limit would make some libraries give
    up in good order; a hard one protects the machine.

    Args:
        target: Its module.
        seed: Of all cases.
        start: The first case.
        stop: The case to stop before.
        seconds: How long to go on at most.
        folder: For this run alone. `at` in it holds the number of the case that runs.
    """
    shared = folder / "shared"
    shared.mkdir(exist_ok=True)
    tell = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries chatter about damaged files
    os.dup2(1, 2)
    module = import_module(f"fuzz.{target}")
    execute = module.start(shared)
    cpu_s, memory = getattr(module, "CPU_S", CPU_S), getattr(module, "MEMORY", MEMORY)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _HARD_LIMIT, size + _HARD_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    outcomes: Counter[str] = Counter()
    place = os.open(folder / "at", os.O_WRONLY | os.O_CREAT)
    begun = told = monotonic()
    index = start
    while index < stop and monotonic() - begun < seconds:
        os.pwrite(place, index.to_bytes(8, "little"), 0)
        case = Case(index, Random(f"{target}/{seed}/{index}"), folder / "case" / "own")
        if next(case.folder.parent.glob("*/*"), None) or not case.folder.is_dir():
            shutil.rmtree(case.folder.parent, ignore_errors=True)
            case.folder.mkdir(parents=True)
        before = _peak(reset=True)
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        signal.setitimer(signal.ITIMER_REAL, WALL_S)
        try:
            outcomes[execute(case)] += 1
            used = (_peak() - before) >> 20
            beside = sorted(path.name for path in case.folder.parent.iterdir() if path != case.folder)
            what = f"files were written outside of the folder: {beside}" if beside else ""
            what = f"it took {used} MB of memory" if used > memory >> 20 else what
        except Exception:  # noqa: BLE001 - what fuzzing is for
            what = traceback.format_exc()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        index += 1
        now = monotonic()
        if what:
            print(json.dumps({"finding": what, "case": index - 1, "notes": case.notes}), file=tell)
            sys.stdin.readline()  # until the files are saved
            shutil.rmtree(case.folder.parent, ignore_errors=True)
        if what or now - told > _TELL_EVERY_S:
            print(json.dumps({"next": index, "outcomes": outcomes}), file=tell)
            told = now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"next": index, "outcomes": outcomes, "peak_mb": peak, "end": True}), file=tell)


def _peak(reset: bool = False) -> int:
    """The most bytes that this process has had in memory, since it was last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    with open("/proc/self/status") as status:  # noqa: PTH123 - called for every case
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
