"""`bodypix run`: sources of every kind and name, and what is drawn of models that do not give it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import media
from bodypix_ros.segmenters.families import FAMILIES
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture
from support.paths import ROOT

LATIN = os.fsdecode(b"caf\xe9")


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Give the model that is loaded what a family gives, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def choose(family="bodypix"):
        segmenter = FakeSegmenter(gives=FAMILIES[family].gives or frozenset({"masks"}))
        monkeypatch.setattr(bodypix_ros, "load", lambda *_, **__: segmenter, raising=False)

    choose()
    return choose


@pytest.mark.parametrize("suffix", [".png", ""])
def test_a_name_that_is_not_utf8(load, tmp_path, suffix):
    media.write_picture(tmp_path / "a.png", people_picture())
    (tmp_path / "a.png").rename(tmp_path / (LATIN + suffix))
    out = tmp_path / f"{LATIN} out"
    invoke("run", LATIN + suffix, "--out", out)
    assert sorted(os.fsencode(path.name) for path in out.iterdir()) == [
        *(b"caf\xe9.%s.png" % kind for kind in (b"instances", b"mask", b"overlay", b"parts")),
        b"people.json",
    ]
    (image,) = json.loads((out / "people.json").read_text(encoding="utf-8"))["images"]
    assert image["file_name"] == rf"../caf\xe9{suffix}"


def test_the_process_does_not_crash_of_it(tmp_path):
    """OpenCV ends the process of a str with surrogates; so in a process of its own."""
    (tmp_path / LATIN).write_bytes(b"no picture")
    program = "import sys; from bodypix_ros.media import find_sources; print(find_sources(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / LATIN)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8:backslashreplace"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


WANTED = "give a picture, a folder, a video, a camera's index or an address"


def test_what_cannot_be_used_is_said_and_the_others_go_on(load, tmp_path):
    media.write_picture(tmp_path / "a.png", people_picture())
    os.mkfifo("pipe")
    (tmp_path / "broken.png").symlink_to("nowhere")
    result = invoke("run", "none.png", "pipe", "a.png", "broken.png", code=1)
    assert result.stderr.splitlines() == [
        f"bodypix: none.png: no such file or folder; {WANTED}",
        f"bodypix: pipe: is a pipe; {WANTED}",
        "bodypix: broken.png: is a link to nowhere, which is not there",
    ]
    assert "1 image, 2 people" in result.stdout
    assert "3 sources failed" in result.stdout


def test_nothing_that_can_be_used_is_wrong_usage(load, tmp_path):
    result = invoke("run", "none.png", "neither.png", code=2)
    assert "none.png: no such file" in result.stderr
    assert "neither.png: no such file" in result.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_left_out_of_a_folder_is_said(load, tmp_path):
    (tmp_path / "in/sub").mkdir(parents=True)
    media.write_picture(tmp_path / "in/a.png", people_picture())
    media.write_picture(tmp_path / "in/sub/b.png", people_picture())
    result = invoke("run", "in")
    assert (
        result.stderr == "bodypix: in: 1 left out: sub-folders; `bodypix run --recursive` looks into them\n"
    )
    again = ("run", "in", "--recursive", "--out", "in/out", "--overwrite")
    assert "2 images" in invoke(*again).stdout
    assert "2 images" in invoke(*again).stdout


@pytest.mark.parametrize(
    ("family", "arguments", "said"),
    [
        (
            "bodypix",
            ["--hide", "hand"],
            ["--hide hides nothing here: it is for --mode blur_parts or pixelate_"],
        ),
        ("bodypix", ["--hide", "hand", "--mode", "mask"], ["--hide hides nothing here"]),
        ("bodypix", ["--hide", "hand", "--mode", "blur_parts"], []),
        ("blazepose", ["--mode", "parts"], ["--mode parts: fake gives no parts"]),
        ("selfie", ["--mode", "skeleton"], ["--mode skeleton: fake gives no keypoints"]),
        ("blazepose", ["--draw", "legend,boxes"], ["--draw legend: fake gives no parts"]),
        ("selfie", ["--draw", "poses"], ["--draw poses: fake gives no keypoints"]),
        ("selfie", [], []),
        ("selfie", ["--mode", "bokeh"], []),
    ],
)
def test_what_is_asked_for_in_vain_is_said_in_one_line(load, tmp_path, family, arguments, said):
    load(family)
    media.write_picture(tmp_path / "a.png", people_picture())
    lines = invoke("run", "a.png", *arguments).stderr.splitlines()
    assert len(lines) == len(said)
    assert all(text in line for text, line in zip(said, lines, strict=True))


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["--scor-threshold", "0.2"], "'--score-threshold'"),
        (["--mode", "blur_part"], "did you mean blur_parts?"),
        (["--mode", "skeletons"], "did you mean skeleton?"),
        (["--draw", "boxes,pose"], "did you mean poses?"),
        (["--hide", "hands", "--mode", "blur_parts"], "did you mean hand?"),
    ],
)
def test_did_you_mean(load, tmp_path, arguments, meant):
    media.write_picture(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert meant in " ".join(invoke("run", "a.png", *arguments, code=2).stderr.split())
