"""A short run of every fuzz target, always the same cases; see `fuzz` for longer ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.harness import HERE, TARGETS, run
from fuzz.selfcheck import FAULTS

CASES = {"messages": 4000, "tfjs": 500, "packed": 800, "downloads": 80, "configuration": 400, "bags": 40}
EXPECTED = {
    "messages": {"raw accepted", "raw MessageError", "raw ValueError", ".jpg accepted", ".png MessageError"},
    "tfjs": {"accepted", "accepted and computed", "CheckpointError", "MissingShardError"},
    "packed": {
        "tflite DigestError",
        "pypi accepted",
        "pypi DownloadError",
        "npm accepted",
        "npm DigestError",
    },
    "downloads": {"accepted", "DownloadError", "DigestError"},
    "configuration": {
        "catalogue accepted",
        "catalogue CatalogueError",
        "parameters accepted",
        "parameters ValueError",
    },
    "bags": {"mcap exit code 0", "mcap exit code 1", "sqlite3 exit code 0", "sqlite3 exit code 1"},
}


@pytest.mark.parametrize("target", TARGETS)
def test_bad_input_gets_a_documented_answer(target: str, tmp_path: Path) -> None:
    if target == "bags":
        pytest.importorskip("rosbags")
    result = run(target, seed=1, stop=CASES[target], out=tmp_path / "findings")
    told = [path.read_text() for path in sorted(tmp_path.glob("findings/*/finding.txt"))]
    assert not result.findings, "\n\n".join(told[:3])
    assert result.executions == CASES[target]
    # Cases that are all refused at the door would find nothing.
    assert result.outcomes.keys() >= EXPECTED[target]


def test_whatever_a_case_does_wrong_is_found(tmp_path: Path) -> None:
    result = run("selfcheck", seed=0, stop=len(FAULTS), out=tmp_path)
    bad = {number: text for number, (text, _) in enumerate(FAULTS) if text}
    assert result.executions == len(FAULTS)
    assert result.findings.keys() == bad.keys()
    for number, text in bad.items():
        assert text in result.findings[number]
        told = (tmp_path / f"selfcheck-0-{number}/finding.txt").read_text()
        assert told.startswith(f"python test/fuzz selfcheck --seed 0 --only {number}\n")
    assert list(tmp_path.glob("*/files/beside"))


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE), "configuration", "--seconds", "60", "--only", "3", "--out", "found"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "configuration: seed 0, 1 cases, 0 findings" in done.stdout
    assert list(tmp_path.iterdir()) == []  # no folder for no findings
