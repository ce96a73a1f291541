"""`make demo` with names as people have them, and what it installs."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose programs print what they are called with."""
    for name in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("bodypix", "pip", "python", "ruff", "mypy"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho "{name}:$(printf "<%s>" "$@")"\n')
        program.chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> str:
    # Nothing of a make that runs these tests: it hands its variables on, such as LOCK.
    environment = {"PATH": os.environ["PATH"]}
    # Not the real venv, which would put real programs there.
    command = ["make", "--silent", *arguments, "PYTHON=true"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name", ["my pics/my pose.jpg", 'it\'s "me".jpg', "a;b$(c)$$d.jpg", "-x.jpg", "*.jpg"]
)
def test_a_source_is_taken_as_it_is_typed(checkout: Path, name: str) -> None:
    assert f"bodypix:<demo><--out><my found><--><{name}>\n" in make(
        checkout, "demo", f"SOURCE={name}", "OUT=my found"
    )


def test_without_a_source_there_is_none(checkout: Path) -> None:
    assert make(checkout, "demo").endswith("bodypix:<demo><--out><demo><-->\n")


def test_devices_that_are_not_here_have_an_environment_of_exact_versions(checkout: Path) -> None:
    for name in ("requirements-ci.txt", "test/devices/requirements.txt"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    shutil.copytree(checkout / ".venv", checkout / ".venv-devices")
    said = make(checkout, "test-devices")
    assert "<--require-hashes><-r><requirements-ci.txt><-r><test/devices/requirements.txt>" in said
    for part in ("networks", "loading"):
        run = f"<-m><devices.emulated><python><-m><pytest><test/devices/test_gpu_{part}.py>"
        assert said.count(f"python:{run}\n") == 1
        assert said.index("take about") < said.index(run)
    assert "python:<-m><devices.npu>\n" in make(checkout, "test-npu")
    assert (ROOT / "test/devices/test_gpu_networks.py").is_file()
    assert (ROOT / "test/devices/test_gpu_loading.py").is_file()


def test_the_demo_installs_no_test_tools_and_says_what_it_waits_for(checkout: Path) -> None:
    said = make(checkout, "demo")
    assert "Installing into .venv" in said
    assert "pip:<install><--no-compile><-e><.>\n" in said
    # The picture alone, of the version that the extra has; what skimage imports is not needed.
    (wanted,) = ast.literal_eval(re.search(r'"demo": (\[.*\]),', (ROOT / "setup.py").read_text())[1])
    assert f"pip:<install><--no-compile><--no-deps><{wanted}>\n" in said
    assert "Installing" not in make(checkout, "demo")
    said = make(checkout, "test", "ROS=")
    assert "pip:<install><--no-compile><-e><.[demo,plot,test]>" in said
    assert "This takes about" in said
    assert said.index("This takes about") < said.index("ruff:<check>")
