"""A process that is forked after a model was loaded: threads stay behind, and nothing may wait for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.checkpoints import write_tiny_bodypix
from support.paths import ROOT, TESTS

PROGRAM = """
import multiprocessing, os, sys
import numpy as np
import bodypix_ros

def load():
    return bodypix_ros.load("bodypix-mobilenet-050-s16-q4", device="CPU", performance_hint=sys.argv[1])

def says(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        print(f"{type(error).__name__}: {error}".replace(str(os.getppid()), "PARENT"), flush=True)

def child():
    says(segmenter.segment, image)
    says(stream.segment, image)
    says(segmenter.prepare, 96, 64)
    segmenter.close()
    with load() as own:
        print("own", own.segment(image).person_mask.shape, flush=True)

image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
segmenter = load()
stream = segmenter.stream()
segmenter.segment(image)
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(60)
print("ended with", process.exitcode)
process.kill()
print("parent", segmenter.segment(image).person_mask.shape)
segmenter.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("hint", ["LATENCY", "THROUGHPUT"])
def test_a_fork_says_so_instead_of_waiting_for_ever(tmp_path: Path, hint: str) -> None:
    write_tiny_bodypix(tmp_path)
    paths = os.pathsep.join([*map(str, (ROOT, TESTS)), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, hint],
        env={**os.environ, "PYTHONPATH": paths, "BODYPIX_ROS_MODELS": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 6, done.stdout + done.stderr
    for line in lines[:3]:
        assert line.startswith("DeviceError: bodypix-mobilenet-050-s16-q4 was loaded in process PARENT")
        assert "load the model in the child" in line
    assert lines[3:] == ["own (96, 128)", "ended with 0", "parent (96, 128)"]
