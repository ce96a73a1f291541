"""`eval --tracks`: labels of a film, and a model that follows the people in it."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

import bodypix_ros
from bodypix_ros.benchmarks.tracks import read_labels
from bodypix_ros.cli import main
from support.fake import RED, FakeSegmenter
from support.films import write_film

FRAMES, WALKER, SITTER = 12, (20, 30, 50, 100), (110, 40, 140, 110)


def boxes(number):
    """Who is where: one walks, one sits."""
    x0, y0, x1, y1 = WALKER
    return {1: [x0 + 2 * number, y0, x1 + 2 * number, y1], "sitter": list(SITTER)}


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A film of two red people, its labels, and a call of the command."""
    monkeypatch.chdir(tmp_path)
    images = [np.full((120, 160, 3), 60, np.uint8) for _ in range(FRAMES)]
    for number, image in enumerate(images):
        for x0, y0, x1, y1 in boxes(number).values():
            image[y0:y1, x0:x1] = RED
    write_film(tmp_path / "film.mp4", [k / 20 for k in range(FRAMES)], images=images)
    labels = {"size": [160, 120], "frames": {}}
    for number in range(2, FRAMES, 3):
        labels["frames"][number] = [{"id": i, "box": box, "note": "x"} for i, box in boxes(number).items()]
    (tmp_path / "film.json").write_text(json.dumps(labels))
    monkeypatch.setattr(bodypix_ros, "load", lambda model, **options: FakeSegmenter())
    return tmp_path


def call(*arguments, code=0):
    result = CliRunner().invoke(main, ["eval", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_whoever_follows_well_is_told_so(film):
    (row,) = json.loads(call("--tracks", "film.json", "film.mp4", "--json").stdout)
    assert (row["frames"], row["people"], row["found"], row["idf1"]) == (4, 8, 8, 1)
    assert (row["switches"], row["shared"]) == (0, 0)
    assert row["hota"] > 0.8
    lines = call("--tracks", "film.json", "film.mp4").stdout.splitlines()
    assert lines[0] == "4 frames, 8 people in them; CPU"
    assert lines[1].split() == [
        "model",
        "precision",
        "HOTA",
        "IDF1",
        "switches",
        "shared",
        "found",
        "ms/frame",
    ]
    assert lines[2].split()[3:7] == ["1.000", "0", "0", "8"]


@pytest.mark.parametrize(
    ("labels", "message", "code"),
    [
        ("x", "film.json: not labels of a film's people", 2),
        ("{}", "not labels of a film's people", 2),
        ('{"size": [160, 120], "frames": {}}', "labels no frame", 2),
        ('{"size": [160, 120], "frames": {"-1": []}}', "frame -1, but frames are counted from 0", 2),
        ('{"size": [9, 9], "frames": {"0": [{"id": 1, "box": [5, 5, 5, 9]}]}}', "frame 0: .* is empty", 2),
        ('{"size": [160, 120], "frames": {"12": []}}', "ends after 12 frames, but frame 12 is labelled", 1),
        ('{"size": [160, 121], "frames": {"0": []}}', "is 160x120, but its labels are for 160x121", 2),
    ],
)
def test_labels_that_do_not_fit_are_named(film, labels, message, code):
    (film / "film.json").write_text(labels)
    result = call("--tracks", "film.json", "film.mp4", code=code)
    assert re.search(message, result.stderr), result.stderr


def test_somebody_twice_in_a_frame(tmp_path):
    one = {"id": 1, "box": [0, 0, 5, 5]}
    (tmp_path / "a.json").write_text(json.dumps({"size": [9, 9], "frames": {"0": [one, one]}}))
    with pytest.raises(ValueError, match="frame 0: 1 is there twice"):
        read_labels(tmp_path / "a.json")


def test_films_go_with_tracks_and_folders_without(film):
    (film / "images").mkdir()
    assert "'images' must be a film, with --tracks" in call("--tracks", "film.json", "images", code=2).stderr
    assert "must be a folder; a film goes with --tracks" in call("film.json", "film.mp4", code=2).stderr


def test_older_names_of_options_are_said_to_be_old(film, monkeypatch):
    given = {}
    monkeypatch.setattr(
        bodypix_ros, "load", lambda model, **options: given.update(options) or FakeSegmenter()
    )
    result = call("--tracks", "film.json", "film.mp4", "--no-smooth-masks")
    assert "--smooth-masks is now called --smooth" in result.stderr
    assert given == {"smooth": False}
    assert "smooth-masks" not in call("--help").stdout
