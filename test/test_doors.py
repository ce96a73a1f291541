"""Ctrl-C ends a program in silence, also while it is still being imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bodypix_ros import media
from support.checkpoints import write_tiny_bodypix
from support.paths import ROOT

DELAYS_S = (0.05, 0.2, 0.5, 1.0)


def interrupted(door: str, delay_s: float, folder: Path, *arguments: str) -> tuple[int, str]:
    """Start a program, send SIGINT so long after its door was reached, and give its exit code and words."""
    script = f"print('here', flush=True); from bodypix_ros.doors import {door}; {door}()"
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stdout.readline() == "here\n"
        time.sleep(delay_s)
        program.send_signal(signal.SIGINT)
        said = program.stdout.read()
        return program.wait(60), said


@pytest.mark.parametrize("delay_s", DELAYS_S)
def test_the_command_ends_with_130_and_no_traceback(delay_s: float, tmp_path: Path) -> None:
    write_tiny_bodypix(tmp_path / "models", seed=9)
    pictures = [str(tmp_path / f"{k}.png") for k in range(200)]  # enough to be still busy
    image = np.zeros((1200, 1600, 3), np.uint8)
    media.write_picture(Path(pictures[0]), image)
    for path in pictures[1:]:
        os.link(pictures[0], path)
    where = ("-m", "bodypix-mobilenet-050-s16-q4", "--model-dir", "models", "--device", "CPU")
    code, said = interrupted("bodypix", delay_s, tmp_path, "run", *pictures, *where)
    assert "Traceback" not in said
    assert code == 130 or "stopped early" in said
    assert not list(tmp_path.rglob("*.part"))


def test_where_sigint_is_ignored_it_stays_so(tmp_path: Path) -> None:
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from bodypix_ros.doors import bodypix\n"
        "try: bodypix()\n"
        "finally: print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", script, "devices", "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "True")


def run_program(folder: Path, text: str, *, goes_on: bool) -> tuple[int, str]:
    """Go through a door to `program.py`, and give its exit code and words."""
    (folder / "program.py").write_text(text)
    script = f"from bodypix_ros.doors import _enter; _enter('program', 130, goes_on={goes_on})"
    paths = os.pathsep.join([str(ROOT), str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    return done.returncode, done.stdout


INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT); sum(range(10))"


def test_no_import_of_a_command_swallows_an_interruption(tmp_path: Path) -> None:
    """Some libraries do; the command would go on as if nothing had been."""
    (tmp_path / "swallowing.py").write_text(f"try: {INTERRUPT}\nexcept BaseException: print('swallowed')\n")
    text = "def main(): import swallowing"
    assert run_program(tmp_path, text, goes_on=True) == (130, "")
    assert run_program(tmp_path, text, goes_on=False) == (0, "swallowed\n")  # so the above is no accident


def test_a_command_that_is_at_work_cleans_up(tmp_path: Path) -> None:
    text = f"def main():\n    try: {INTERRUPT}\n    finally: print('cleaned up')\n"
    assert run_program(tmp_path, text, goes_on=True) == (130, "cleaned up\n")
