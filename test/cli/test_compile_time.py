"""Compiling a network takes long on some devices; what is said of images' time leaves it out."""

import json
import re
import time

import numpy as np
import pytest
from click.testing import CliRunner

from bodypix_ros import media
from bodypix_ros.cli import main
from bodypix_ros.runtime.network import Networks
from bodypix_ros.segmenters.bodypix.seer import BodyPix
from support.checkpoints import write_tiny_bodypix

MODEL = "bodypix-mobilenet-050-s16-q4"
COMPILE_S = 0.8
SIZES = ((96, 128), (128, 96), (64, 160))  # each a network of its own


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a command on a tiny model whose compiling takes long; `call.seen` are the images that it saw."""
    write_tiny_bodypix(tmp_path / "models", seed=9)
    compile_, see = Networks._compile, BodyPix.see

    def slowly(self, *arguments):
        time.sleep(COMPILE_S)
        run.compiled += 1
        return compile_(self, *arguments)

    def watched(self, pixels, *arguments):
        run.seen.append(pixels.shape)
        return see(self, pixels, *arguments)

    monkeypatch.setattr(Networks, "_compile", slowly)
    monkeypatch.setattr(BodyPix, "see", watched)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        run.compiled, run.seen = 0, []
        where = ("-m", MODEL, "--model-dir", "models", "--device", "CPU")
        where += ("--algorithm", "original", "--internal-resolution", "1.0")
        result = CliRunner().invoke(main, [*map(str, arguments), *where])
        assert result.exit_code == 0, result.output
        assert run.compiled == 1 + len(SIZES)  # the first while loading
        return result.stdout

    run.folder = tmp_path
    return run


def write_pictures(folder):
    pictures = []
    for k, size in enumerate(SIZES):
        pictures.append(np.random.default_rng(k).integers(0, 255, (*size, 3), np.uint8))
        media.write_picture(folder / f"{k}.png", pictures[-1])
    return pictures


def ms_each(text):
    return float(re.search(r"([\d.]+) ms each", text)[1])


def test_run_leaves_it_out(call):
    write_pictures(call.folder)
    assert ms_each(call("run", "0.png", "1.png", "2.png", "--draw", "none")) < COMPILE_S * 1e3 / 4


def test_bag_leaves_it_out(call):
    from support.bags import IMAGE, write_bag

    write_bag(call.folder / "in", {"/image": IMAGE}, pictures=write_pictures(call.folder))
    assert ms_each(call("bag", "in", "out", "-i", "/image")) < COMPILE_S * 1e3 / 4


def test_eval_leaves_it_out_and_sees_every_image_once(call):
    write_pictures(call.folder)
    truth = {
        "categories": [{"id": 1, "name": "person"}],
        "images": [
            {"id": k + 1, "file_name": f"{k}.png", "height": height, "width": width}
            for k, (height, width) in enumerate(SIZES)
        ],
        "annotations": [],
    }
    (call.folder / "truth.json").write_text(json.dumps(truth))
    (row,) = json.loads(call("eval", "truth.json", ".", "--json"))
    assert row["ms_per_image"] < COMPILE_S * 1e3 / 4
    assert sorted(call.seen) == sorted(SIZES)
