"""The examples run as they are: programs on small inputs, the notebook cell by cell. Those of ROS: on_ros."""

import csv
import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodypix_ros import media
from support.films import write_film
from support.paths import ROOT

FOLDER = ROOT / "examples/python"
OF_ROS = {"raised_hands.py"}
PROGRAMS = sorted(path.name for path in FOLDER.glob("*.py") if path.name not in OF_ROS)


def run(name, *arguments, models=None, code=0):
    """Run an example; gives what it says."""
    environment = {**os.environ, **({} if models is None else {"BODYPIX_ROS_MODELS": str(models)})}
    command = [sys.executable, str(FOLDER / name), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture
def example(data_dir):
    """Run an example with the real weights."""
    return lambda name, *arguments: run(name, *arguments, models=data_dir / "models")


@pytest.fixture
def photos(data_dir):
    return data_dir / "images/photos"


def picture(path):
    return media.read_picture(path)


def test_there_are_examples():
    assert len(PROGRAMS) == 5


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_example_is_short_and_has_help(name):
    assert len((FOLDER / name).read_text(encoding="utf-8").splitlines()) <= 60
    text = run(name, "--help")
    assert f"python3 {name}" in text


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("people_per_hour.py", ["film.mp4", "--minutes", "0"], "--minutes must be more than 0"),
        ("people_per_hour.py", ["a.png"], "a.png is no video, camera or address"),
        ("people_per_hour.py", ["."], "is no video, camera or address"),
        ("blur_folder.py", ["empty", "out"], "no video in empty"),
        ("crops.py", [".", "done"], "has a people.jsonl already"),
        ("distance.py", ["a.png", "--fov", "60", "--height", "-2"], "--height must be more than 0"),
    ],
)
def test_what_an_example_cannot_use_it_says(tmp_path, monkeypatch, name, arguments, reason):
    monkeypatch.chdir(tmp_path)
    for file in ("a.png", "b.png"):
        media.write_picture(tmp_path / file, np.zeros((8, 8, 3), np.uint8))
    for folder in ("empty", "done"):
        (tmp_path / folder).mkdir()
    (tmp_path / "empty/a.txt").touch()
    media.write_picture(tmp_path / "empty/a.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "done/people.jsonl").touch()
    command = [sys.executable, str(FOLDER / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_masks_say_how_large_people_are(example, photos, tmp_path):
    said = example("masks.py", photos / "three_people.jpg", "--out", tmp_path / "masks.npz")
    shares = [float(share) for share in re.findall(r"score .*, ([\d.]+)% of the picture", said)]
    with np.load(tmp_path / "masks.npz") as masks:
        labels = masks["instance_mask"]
        assert len(shares) == labels.max() >= 3
        assert shares == [round(100 * float((labels == k + 1).mean()), 1) for k in range(len(shares))]
        assert np.array_equal(masks["part_mask"] > 0, masks["person_mask"])
    assert "touches person" in said


def test_films_of_a_folder_are_blurred_where_faces_are(example, photos, tmp_path):
    face = cv2.resize(picture(photos / "portrait.jpg"), (408, 512))
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films/one.mp4", [k / 10 for k in range(4)], images=[face] * 4)
    assert "one.mp4: 4 frames" in example("blur_folder.py", tmp_path / "films", tmp_path / "out")
    with media.VideoReader(media.Video(str(tmp_path / "films/one.mp4"))) as reader:
        before = next(iter(reader)).copy()
    with media.VideoReader(media.Video(str(tmp_path / "out/one.mp4"))) as reader:
        after = [frame.copy() for frame in reader]
    assert len(after) == 4

    def detail(image, where):
        return cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_64F)[where].var()

    changed = np.abs(before.astype(int) - after[-1]).max(axis=2) > 40
    assert changed.mean() > 0.005
    assert detail(after[-1], changed) < detail(before, changed) / 4, "blurred"
    height = len(changed)
    assert changed[: height * 2 // 3].sum() > 20 * changed[height * 5 // 6 :].sum(), "not the clothes"
    assert "is there already" in example("blur_folder.py", tmp_path / "films", tmp_path / "out")


def test_people_are_counted_in_the_row_they_come_in(example, photos, tmp_path):
    somebody = cv2.resize(picture(photos / "pose.jpg"), (480, 320))
    nobody = np.full_like(somebody, 200)
    # Nobody for a second, then somebody for the rest.
    images = [nobody] * 10 + [somebody] * 12
    write_film(tmp_path / "film.mp4", [k / 10 for k in range(22)], images=images)
    arguments = ("--minutes", 1 / 60, "--begin", "2026-05-04T08:59:59")
    rows = list(csv.DictReader(StringIO(example("people_per_hour.py", tmp_path / "film.mp4", *arguments))))
    assert [row["begin"] for row in rows] == [f"2026-05-04T{t}" for t in ("08:59:59", "09:00:00", "09:00:01")]
    assert [row["people"] for row in rows] == ["0", "1", "0"]


@pytest.mark.parametrize("alone", [False, True])
def test_crops_are_what_their_index_says(example, photos, tmp_path, alone):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("three_people.jpg", "couple_snow_test_image.bmp"):
        (folder / name).symlink_to(photos / name)
    example("crops.py", folder, tmp_path / "out", *(["--alone"] if alone else []))
    index = [json.loads(line) for line in (tmp_path / "out/people.jsonl").open(encoding="utf-8")]
    assert len(index) >= 5
    assert {one["crop"] for one in index} == {path.name for path in (tmp_path / "out").glob("*.png")}
    for one in index:
        x0, y0, x1, y1 = one["box"]
        crop, whole = picture(tmp_path / "out" / one["crop"]), picture(Path(one["picture"]))
        assert crop.shape == (y1 - y0, x1 - x0, 3)
        same = (crop == whole[y0:y1, x0:x1]).all(axis=2)
        assert same.all() == (not alone)
        if alone:
            assert same.any()
            assert (crop[~same] == 128).all()
        assert one["score"] >= 0.3
        assert "nose" in one["keypoints"]


def test_distances_follow_the_lens_and_both_ways_agree(example, photos):
    def metres(*arguments):
        said = example("distance.py", photos / "couple_snow_test_image.bmp", *arguments)
        return [float(text) for text in re.findall(r"about ([\d.]+) m", said)]

    narrow, wide = metres("--fov", 40), metres("--fov", 80)
    assert len(narrow) == len(wide) == 2
    # The focal length is 1 / tan(fov / 2): 2.3 times as far.
    for near, far in zip(sorted(wide), sorted(narrow), strict=True):
        assert far / near == pytest.approx(np.tan(np.radians(40)) / np.tan(np.radians(20)), rel=0.15)
    by_height = metres("--fov", 40, "--height", 1.75)
    assert sorted(by_height) == pytest.approx(sorted(narrow), rel=0.35)
    assert metres("--fov", 40, "--height", 3.5) == pytest.approx([2 * one for one in by_height], rel=0.03)


def test_who_does_not_stand_upright_has_no_distance_by_height(example, photos):
    said = example("distance.py", photos / "pose.jpg", "--fov", 60, "--height", 1.75)
    assert said == "person 0: cannot be told\n"


def test_the_notebook_runs_cell_by_cell(data_dir, monkeypatch, capsys):
    pytest.importorskip("matplotlib").use("agg")
    pytest.importorskip("skimage")
    from matplotlib import pyplot as plt

    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(data_dir / "models"))
    notebook = json.loads((FOLDER / "tour.ipynb").read_text(encoding="utf-8"))
    names = {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "outputs are not kept"
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    said = capsys.readouterr().out
    assert len(names["scene"].persons) >= 1
    assert "instance_mask  uint8 (512, 512)" in said
    assert "torso_front" in said
    assert [len(plt.figure(number).axes) for number in plt.get_fignums()] == [2, 3]
    plt.close("all")
