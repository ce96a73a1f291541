"""Hostile input to every target, and some drawn cases, always the same; see `fuzz` for more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fuzz
from fuzz.selfcheck import FAULTS, GOOD
from fuzz.watch import TARGETS, Finding, Watched

CASES = {
    "messages": 2500,
    "tfjs": 800,
    "packed": 600,
    "downloads": 300,
    "configuration": 1000,
    "trees": 300,
    "bags": 50,
}
EXPECTED = {
    "messages": {"raw accepted", "raw MessageError", "raw ValueError", ".jpg accepted", ".png MessageError"},
    "tfjs": {
        "accepted",
        "accepted and computed",
        "CheckpointError",
        "MissingShardError",
        "IsADirectoryError",
    },
    "packed": {"tflite DigestError"}
    | {
        f"{kind} {outcome}"
        for kind in ("pypi", "npm")
        for outcome in ("accepted", "DownloadError", "DigestError")
    },
    "downloads": {"accepted", "DownloadError", "DigestError"},
    "configuration": {"catalogue accepted", "catalogue CatalogueError", "parameters accepted"}
    | {"parameters OptionError", "file accepted", "file is none"},
    "trees": {"said", "picture", "MediaError said", "MediaError picture said"},
    "bags": {f"{storage} exit code {code}" for storage in ("mcap", "sqlite3") for code in (0, 1)},
}


@pytest.mark.parametrize("target", TARGETS)
def test_bad_input_gets_a_documented_answer(target: str) -> None:
    if target == "bags":
        pytest.importorskip("rosbags")
    with Watched(target) as watched:
        watched.examine(CASES[target], seed=1)
    # Cases that are all refused at the door would find nothing.
    assert watched.outcomes.keys() >= EXPECTED[target]
    assert watched.outcomes.total() >= CASES[target]


def test_whatever_a_case_does_wrong_is_found() -> None:
    with Watched("selfcheck") as watched:
        for text, case in FAULTS.items():
            with pytest.raises(Finding) as caught:
                watched(case)
            assert text in str(caught.value)
            assert [watched(good) for good in GOOD] == ["ValueError", "100"]  # whatever happened before


def test_the_command_keeps_what_it_finds(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(fuzz.__file__).parent), "selfcheck"]

    def call(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=os.environ, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    code, said = call("--seconds", "8", "--out", "found")
    kept = {path.parent: path.read_text() for path in tmp_path.glob("found/*/finding.txt")}
    assert code == 1, said
    assert len(kept) >= 8
    assert [path for path in tmp_path.iterdir() if path.name != "found"] == []
    (folder,) = (folder for folder, text in kept.items() if "it crashed: SIGABRT" in text)
    assert kept[folder].startswith(f"python test/fuzz selfcheck --only {folder.relative_to(tmp_path)}\n")
    code, said = call("--only", str(folder))
    assert code == 1
    assert "selfcheck: seed 0, 1 cases, 1 findings; {'it crashed: SIGABRT': 1}" in said
