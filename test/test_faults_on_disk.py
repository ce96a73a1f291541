"""Faults of files: caches that are damaged, on a full disk or nowhere."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.paths import ROOT

# A file size limit of 0 is a full disk: opening works, every write fails.
KERNEL = """
import logging, resource, sys
logging.basicConfig(format="%(message)s", level="INFO")
from bodypix_ros.kernels import kernel

if "full" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

@kernel()
def helper(x):
    return x + 1

@kernel("int64(int64)")
def triple(x):
    return 3 * helper(x)

print(triple(13), sum(triple.stats.cache_hits.values()))
"""


# OpenVINO's own cache, through its CPU plugin: this package uses it for other devices only.
NETWORK = """
import resource, sys
from pathlib import Path

import openvino as ov
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import Placement
from support.devices import FakeCompiled, FakeCore, tiny_model

class Core(FakeCore):
    def compile_model(self, model, device, config):
        precision = config["INFERENCE_PRECISION_HINT"]
        of_gpus = "ALLOW_AUTO_BATCHING"
        own = {name: value for name, value in config.items() if name != of_gpus}
        return FakeCompiled(ov.Core().compile_model(model, "CPU", own), device, precision, config)

folder = Path(sys.argv[1])
if "full" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
where = Placement(device="GPU", precision="f32", cache_dir=str(folder))
networks = Networks(tiny_model(), ["doubled"], where, first_size=(4, 6), core=Core({"GPU": None}))
with networks.network(4, 6).request() as request:
    request.input[:] = 21
    request.infer()
    print(int(request.outputs["doubled"].max()), len(list(folder.iterdir())) if folder.is_dir() else "none")
"""


def run(folder: Path, text: str, *arguments: str, **variables: str) -> tuple[str, str]:
    """Run a program; return what it prints and what it complains of."""
    program = folder / "program.py"
    if not program.exists():
        program.write_text(text)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "test"), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(program), *arguments],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": paths, **variables},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip(), result.stderr


def run_kernel(tmp_path: Path, *arguments: str) -> tuple[str, str]:
    """Return what a kernel computes with its cache hits, and what is said."""
    return run(tmp_path, KERNEL, *arguments, NUMBA_CACHE_DIR=str(tmp_path / "cache"))


def run_network(tmp_path: Path, *arguments: str) -> str:
    """Return what a network computes, and how many files its cache holds then."""
    return run(tmp_path, NETWORK, str(tmp_path / "cache"), *arguments)[0]


def damaged(data: bytes, damage: str) -> bytes:
    return {"empty": b"", "cut": data[: len(data) // 2], "zeros": bytes(len(data)), "text": b"<html>"}[damage]


def test_kernels_are_taken_from_the_cache(tmp_path):
    out, said = run_kernel(tmp_path)
    assert (out, said.count("compiling kernels, once")) == ("42 0", 1)
    assert run_kernel(tmp_path) == ("42 1", "")
    names = sorted(path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert names == [".nbc", ".nbi"]  # of the kernel alone: the helper is in it


@pytest.mark.parametrize("change", ["return x + 1", "STEP = 1"])
def test_a_kernel_is_compiled_anew_when_its_helper_in_another_file_changes(tmp_path, change):
    helper, steps = tmp_path / "helper.py", tmp_path / "steps.py"
    steps.write_text("STEP = 1")
    helper.write_text(
        "from bodypix_ros.kernels import kernel\nfrom steps import STEP\n"
        "@kernel()\ndef deep(x):\n    return x + 1\n"
        "@kernel()\ndef helper(x):\n    return deep(x) + STEP - 1\n"
    )
    program = KERNEL.replace("@kernel()\ndef helper(x):\n    return x + 1\n", "from helper import helper\n")
    assert program != KERNEL
    (tmp_path / "program.py").write_text(program)
    assert run_kernel(tmp_path)[0] == "42 0"
    assert run_kernel(tmp_path)[0] == "42 1"
    for file in (helper, steps):
        file.write_text(file.read_text().replace(change, change.replace("1", "2")))
    assert run_kernel(tmp_path)[0] == "45 0"
    assert run_kernel(tmp_path)[0] == "45 1"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "text", "folder"])
def test_a_damaged_cache_of_kernels_is_mended(tmp_path, suffix, damage):
    run_kernel(tmp_path)
    (path,) = (tmp_path / "cache").rglob(f"*{suffix}")
    data = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {"empty": b"", "cut": data[: len(data) // 2], "zeros": bytes(len(data)), "text": b"<html>"}[
                damage
            ]
        )
    assert run_kernel(tmp_path)[0] == "42 0"
    if damage != "folder":
        assert run_kernel(tmp_path) == ("42 1", "")


def test_kernels_start_where_nothing_can_be_kept(tmp_path):
    nowhere = {"NUMBA_CACHE_DIR": "/dev/null/x", "XDG_CACHE_HOME": "/dev/null/x", "HOME": "/dev/null/x"}
    (tmp_path / "__pycache__").touch()  # beside the program, and no folder
    for _ in range(2):
        out, said = run(tmp_path, KERNEL, **nowhere)
        assert out == "42 0"
        assert "kernels are compiled at every start, which takes seconds" in said


def test_kernels_start_on_a_full_disk_and_leave_no_half_file(tmp_path):
    out, said = run_kernel(tmp_path, "full")
    assert out == "42 0"
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()], said
    assert run_kernel(tmp_path)[0] == "42 0"
    assert run_kernel(tmp_path)[0] == "42 1"


def test_programs_that_start_at_once_share_a_cold_cache_of_kernels(tmp_path):
    (tmp_path / "program.py").write_text(KERNEL)
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda _: run_kernel(tmp_path)[0].split()[0], range(3)))
    assert outcomes == ["42"] * 3
    assert run_kernel(tmp_path) == ("42 1", "")


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "text"])
def test_a_damaged_cache_of_networks_is_mended(tmp_path, damage):
    assert run_network(tmp_path) == "42 1"
    (path,) = (tmp_path / "cache").iterdir()
    good = path.read_bytes()
    path.write_bytes(damaged(good, damage))
    assert run_network(tmp_path) == "42 1"
    assert path.stat().st_size == len(good)


def test_networks_are_compiled_on_a_full_disk_and_leave_no_half_file(tmp_path):
    assert run_network(tmp_path, "full") == "42 0"
    assert run_network(tmp_path) == "42 1"


def test_networks_are_compiled_where_nothing_can_be_kept(tmp_path):
    (tmp_path / "cache").touch()
    assert run_network(tmp_path) == "42 none"


def test_programs_that_start_at_once_share_a_cold_cache_of_networks(tmp_path):
    (tmp_path / "program.py").write_text(NETWORK)
    with ThreadPoolExecutor() as pool:
        assert {out.split()[0] for out in pool.map(lambda _: run_network(tmp_path), range(3))} == {"42"}
    assert run_network(tmp_path) == "42 1"
