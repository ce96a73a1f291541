"""What is written besides: the same people as in the outputs, for whoever loads it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pycocotools.coco import COCO

from bodypix_ros import batch
from bodypix_ros.batch import cluster, table
from bodypix_ros.batch import driver as drivers
from support.bags import IMAGE, camera_info, read_bag, write_bag
from support.films import write_film
from support.fleet import FakeModel, Inline, pictures, recipe


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    """No process is started."""
    monkeypatch.setattr(drivers, "LocalPool", Inline)


class Metric(FakeModel):
    """One whose people have metres."""

    def load(self):
        from bags.test_bag import metric_scene
        from bodypix_ros.segmenters.families import FAMILIES
        from support.bags import Fake

        metric = FAMILIES["blazepose"]
        return Fake(metric_scene, metric.options(max_detections=3), metric.gives)


def test_coco_and_a_bag_of_people_say_what_the_outputs_say(tmp_path, monkeypatch):
    write_bag(tmp_path / "in/drive", {"/image": IMAGE}, pictures=pictures(4))
    walk = [picture[:40, :64] for picture in pictures(5)]
    write_film(tmp_path / "in/film.mp4", [k / 10 for k in range(5)], images=walk)
    both = replace(recipe(), exports=("coco", "mcap"))
    assert batch.run([tmp_path / "in"], tmp_path / "out", both, workers=1).well
    truth = COCO(str(tmp_path / "out/drive/people.json"))
    found, _ = read_bag(tmp_path / "out/drive")
    assert [image["file_name"] for image in truth.imgs.values()] == [f"/image#{k}" for k in (1, 2, 3, 4)]
    assert truth.imgs[2]["stamp_ns"] == 101_000_000_007
    for image, (_, message) in zip(truth.imgs.values(), found["/persons"], strict=True):
        annotations = truth.loadAnns(truth.getAnnIds(image["id"]))
        assert len(annotations) == len(message.detections) == 2
        assert annotations[0]["bbox"][2] == message.detections[0].bbox.size_x
    film = json.loads((tmp_path / "out/film/people.json").read_text())
    recorded, _ = read_bag(tmp_path / "out/film/people")
    assert len(recorded["/persons"]) == len(film["images"]) == 5
    stamps = [round(time_ns / 1e9, 6) for time_ns, _ in recorded["/persons"]]
    assert stamps == [image["time_s"] for image in film["images"]]
    people = sum(len(message.detections) for _, message in recorded["/persons"])
    assert people == len(film["annotations"])
    assert not (tmp_path / "out/drive/people").exists()  # it is a bag already


def test_lists_of_run_are_written_of_bags_too(tmp_path):
    write_bag(tmp_path / "in/drive", {"/image": IMAGE}, pictures=pictures(3))
    write_film(tmp_path / "in/film.mp4", [k / 10 for k in range(3)], images=pictures(3))
    wanted = replace(recipe(), exports=("csv", "jsonl", "cutout"))
    assert batch.run([tmp_path / "in"], tmp_path / "out", wanted, workers=1).well
    for name in ("drive", "film"):
        document = json.loads((tmp_path / f"out/{name}/people.json").read_text())
        lines = [json.loads(line) for line in (tmp_path / f"out/{name}/people.jsonl").open()]
        assert [line["file_name"] for line in lines] == [image["file_name"] for image in document["images"]]
        assert sum(len(line["persons"]) for line in lines) == len(document["annotations"]) > 0
        rows = (tmp_path / f"out/{name}/people.csv").read_text().splitlines()
        assert len(rows) == 1 + len(document["annotations"])
    assert rows[1].split(",")[1] == "0.0"
    first = (tmp_path / "out/drive/people.csv").read_text().splitlines()[1].split(",")
    assert (first[0], float(first[1])) == ("/image#1", lines_stamp(tmp_path / "out/drive/people.json"))


def lines_stamp(path):
    """Seconds of the first image of a document of a bag."""
    return round(json.loads(path.read_text())["images"][0]["stamp_ns"] / 1e9, 6)


def test_tables_hold_everybody_with_track_box_keypoints_and_place(tmp_path):
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="no pyarrow: tables of people (pip install 'bodypix_ros[fleet]')"
    )
    topics = {"/a/camera_info": camera_info, "/a/image": IMAGE}
    write_bag(tmp_path / "in/drive", topics)
    write_bag(tmp_path / "in/empty", {"/image": IMAGE}, pictures=[np.zeros((40, 60, 3), np.uint8)])
    made = batch.Recipe(Metric(), exports=("parquet",))
    assert batch.run([tmp_path / "in"], tmp_path / "out", made, workers=1).well
    data = parquet.read_table(tmp_path / "out/drive/people.parquet")
    assert data.column_names == list(table.COLUMNS)
    assert data.schema.metadata[b"keypoint_names"].startswith(b"nose,left_eye")
    rows = data.to_pylist()
    found, _ = read_bag(tmp_path / "out/drive")
    persons = [
        (message.header.stamp, index, detection)
        for _, message in found["/persons"]
        for index, detection in enumerate(message.detections)
    ]
    assert len(rows) == len(persons) == 3
    for row, (stamp, index, detection) in zip(rows, persons, strict=True):
        assert (row["source"], row["image"]) == (str(tmp_path / "in/drive"), "/a/image")
        assert row["stamp_ns"] == stamp.sec * 10**9 + stamp.nanosec
        assert row["person"] == index
        assert row["track"] == (int(detection.id) if detection.id else None)
        assert row["box"][2] - row["box"][0] == detection.bbox.size_x
        assert row["score"] == pytest.approx(detection.results[0].hypothesis.score)
        assert len(row["keypoints"]) == 3 * 17
        assert row["position"][2] == pytest.approx(2 + index, abs=0.3)  # metres, as they were put there
    assert parquet.read_table(tmp_path / "out/empty/people.parquet").num_rows == 0


@pytest.mark.parametrize(("name", "ray"), [("pyarrow", None), ("ray", "local")])
def test_without_the_extra_it_is_said_before_anything_is_done(tmp_path, monkeypatch, name, ray):
    for module in (table, cluster):
        monkeypatch.setattr(module, "find_spec", lambda _: None)
    write_bag(tmp_path / "in/drive", {"/image": IMAGE})
    wanted = replace(recipe(), exports=("parquet",) if ray is None else ())
    with pytest.raises(ImportError, match=rf"{name} is not installed.*pip install 'bodypix_ros\[fleet\]'"):
        batch.run([tmp_path / "in"], tmp_path / "out", wanted, ray=ray)
    assert not (tmp_path / "out").exists()
