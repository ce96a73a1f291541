"""The shortest of `make test-devices`, where what it needs is installed."""

import subprocess

import pytest

from support.paths import ROOT

PYTHON = ROOT / ".venv-devices/bin/python"


def test_the_gpu_plugin_computes_a_small_network() -> None:
    if not PYTHON.exists():
        pytest.skip("no emulated GPU: make test-devices installs one")
    command = [
        str(PYTHON),
        "-m",
        "devices.emulated",
        "python",
        "-m",
        "pytest",
        "devices/test_gpu_networks.py",
    ]
    done = subprocess.run(
        [*command, "-k", "answers or small"], cwd=ROOT / "test",
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.stderr.startswith("no emulated GPU"):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
