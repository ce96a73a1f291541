"""Runs a target's cases in a process that may crash, and keeps what was found."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

HERE = Path(__file__).resolve().parent
TARGETS = {
    "messages": "images as messages, raw and compressed",
    "tfjs": "checkpoints of TensorFlow.js: graph, manifest, weights",
    "packed": "models of TensorFlow Lite, and the archives they are fetched in",
    "downloads": "what a server answers when models are fetched",
    "configuration": "the catalogue of models, parameters and their files",
    "bags": "recorded bags, through the command `bodypix bag`",
}
_DEATHS = {signal.SIGPROF: "it computed for too long", signal.SIGALRM: "it waited for too long"}


@dataclass
class Result:
    """What came of a run.

    Attributes:
        executions: Cases that ran.
        outcomes: How often which; "accepted", the names of errors.
        findings: The first line of each, by case.
        peak_mb: Of memory, in the last process.
    """

    executions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    peak_mb: int = 0


def run(
    target: str,
    *,
    seed: int,
    seconds: float = float("inf"),
    start: int = 0,
    stop: int = 1 << 60,
    out: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, found: None,
    max_findings: int = 100,
) -> Result:
    """Run cases until the time is over, `stop` is reached or too much was found.

    Args:
        target: One of TARGETS, or another module of this package.
        seed: Of the random numbers.
        seconds: How long.
        start: The first case.
        stop: The case to stop before.
        out: Where findings are saved; None: nowhere.
        progress: Called with the number of cases and of findings so far.
        max_findings: Stop then.
    """
    result, end, at = Result(), monotonic() + seconds, start
    while at < stop and (left := end - monotonic()) > 0 and len(result.findings) < max_findings:
        with TemporaryDirectory(prefix="bodypix_ros-fuzz-") as name:
            folder = Path(name)
            command = [sys.executable, str(HERE), "--worker", target, str(seed), str(at), str(stop)]
            worker = subprocess.Popen(
                [*command, str(left), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert worker.stdin
            assert worker.stdout
            before, ended = Counter(result.outcomes), False

            def save(case: int, what: str, notes: list[str], folder: Path = folder) -> None:
                result.findings[case] = what.strip().splitlines()[-1]
                if out is not None:
                    _save(out / f"{target}-{seed}-{case}", target, seed, case, what, notes, folder / "case")

            try:
                for line in worker.stdout:
                    told = json.loads(line)
                    if "finding" in told:
                        save(told["case"], told["finding"], told["notes"])
                        worker.stdin.write("\n")
                        worker.stdin.flush()
                        continue
                    result.executions += told["next"] - at
                    at = told["next"]
                    result.outcomes = before + Counter(told["outcomes"])
                    result.peak_mb, ended = told.get("peak_mb", 0), "end" in told
                    progress(result.executions, len(result.findings))
                    if len(result.findings) >= max_findings:
                        break
            finally:
                if len(result.findings) >= max_findings or sys.exc_info()[0]:
                    worker.kill()
                worker.stdin.close()
                worker.stdout.close()
                code = worker.wait()
            if ended or len(result.findings) >= max_findings:
                continue
            if not (folder / "at").exists():
                raise RuntimeError(f"the target {target} does not start: try {' '.join(command)} 1 /tmp")
            case = int.from_bytes((folder / "at").read_bytes(), "little")
            why = _DEATHS.get(signal.Signals(-code), "it crashed") if code < 0 else "it ended the process"
            save(case, f"{why}: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}", [])
            result.executions += case + 1 - at
            at = case + 1
    return result


def _save(to: Path, target: str, seed: int, case: int, what: str, notes: list[str], files: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    again = f"python test/fuzz {target} --seed {seed} --only {case}"
    text = "\n".join([again, "", what.rstrip(), "", *notes, ""])
    (to / "finding.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    if files.is_dir():
        pipes = {path.name for path in files.rglob("*") if path.is_fifo()}
        shutil.copytree(files, to / "files", symlinks=True, ignore=lambda *_: pipes)
