"""`bodypix models calibrate`: ranges of a user's pictures, and what becomes of them."""

import json

import pytest

from bodypix_ros import media
from bodypix_ros.cli.calibrate_command import pictures
from bodypix_ros.models import ranges
from support.checkpoints import write_tiny_bodypix
from support.commands import invoke
from support.fake import people_picture

TINY = "bodypix-mobilenet-050-s16-q4"


@pytest.fixture
def calibrate(tmp_path, monkeypatch):
    """Run it with a small model of random weights on two pictures, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tiny_bodypix(tmp_path / "models")
    for name, width in (("a.png", 160), ("b.png", 176)):
        media.write_picture(tmp_path / name, people_picture(128, width))

    def run(*arguments, code=0):
        return invoke("models", "calibrate", *arguments, "--model-dir", "models", "-q", code=code)

    return run


def test_ranges_of_the_better_method_go_to_the_cache_and_are_used(calibrate, tmp_path):
    text = calibrate(TINY, "a.png", "b.png").stdout
    errors = {line.rsplit(maxsplit=1)[0]: float(line.split()[-1]) for line in text.splitlines()[1:6]}
    best, _, _ = text.splitlines()[6].partition(" of 2 pictures, in ")
    assert errors[best] == min(errors.values())
    made = ranges.find(TINY)
    assert made.models == (TINY,)
    assert made.ranges["sub_2"][0] >= -1
    people = invoke("eval", *annotated(tmp_path), "-m", TINY, "--model-dir", "models", "-d", "CPU",
                    "--precision", "f32", "--precision", "int8", "--json", "-q")  # fmt: skip
    assert [row["precision"] for row in json.loads(people.stdout)] == ["f32", "int8"]


def annotated(folder):
    square = [[10, 10, 60, 10, 60, 60, 10, 60]]
    (folder / "images").mkdir()
    (folder / "a.png").rename(folder / "images/a.png")
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 160, "height": 128}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": square}],
    }
    (folder / "truth.json").write_text(json.dumps(document))
    return "truth.json", "images"


def test_bags_and_pictures_are_seen_alike(calibrate, tmp_path):
    """Three images of a bag, the second left out, and a picture."""
    bags = pytest.importorskip("support.bags")
    written = bags.write_bag(tmp_path / "bag", {"/image": bags.IMAGE, "/chatter": bags.STRING})
    seen = list(pictures(["bag", "a.png"], every=2))
    assert [image.shape for image in seen] == [(40, 60, 3), (40, 60, 3), (128, 160, 3)]
    assert (seen[0] == written[0]).all()
    assert (seen[1] == written[2]).all()
    assert "of 3 pictures, in r.json" in calibrate(TINY, "bag", "a.png", "--every", 2, "-o", "r.json").stdout


def test_one_picture_is_too_few(calibrate):
    assert "at least two are needed" in calibrate(TINY, "a.png", code=2).stderr


def test_nothing_is_overwritten_that_is_read(calibrate):
    assert "--output: a.png is an input" in calibrate(TINY, "a.png", "b.png", "-o", "a.png", code=2).stderr


def test_a_model_that_loses_too_much_is_refused_before_anything_is_read(calibrate):
    assert "int8 is not for blazepose-lite" in calibrate("blazepose-lite", "none.png", code=2).stderr


def test_a_damaged_file_is_one_clear_error(calibrate, tmp_path):
    (tmp_path / "r.json").write_text('{"models": [')
    words = ("bench", "a.png", "-m", TINY, "--model-dir", "models", "--quick", "-q", "--ranges", "r.json")
    for arguments in (("--precision", "int8"), ()):  # the default takes ranges without being asked for int8
        assert "r.json is no file of ranges" in invoke(*words, *arguments, code=2).stderr
    for arguments in (("--precision", "f32"), ("--algorithm", "original")):
        assert "--ranges: r.json is for precision int8" in invoke(*words, *arguments, code=2).stderr


def test_a_file_that_is_there_is_replaced_only_if_asked(calibrate, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert (
        "notes.txt is there already: --overwrite"
        in calibrate(TINY, "a.png", "b.png", "-o", "notes.txt", code=2).stderr
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"
    calibrate(TINY, "a.png", "b.png", "-o", "notes.txt", "--overwrite")
    assert ranges.read(tmp_path / "notes.txt").models == (TINY,)
