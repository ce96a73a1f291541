"""What `bodypix run` writes with --export: lists of everybody, and pictures of pictures."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import media, rendering
from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS
from bodypix_ros.errors import OptionError
from bodypix_ros.results.exports import LISTS, PICTURES, exports
from bodypix_ros.results.output import Output
from bodypix_ros.scene import Face, Person, Scene
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture, scene_of


@pytest.fixture
def model(tmp_path, monkeypatch):
    """An empty folder to work in; `see` of what is given is what the model sees."""
    monkeypatch.chdir(tmp_path)
    used = FakeSegmenter()
    monkeypatch.setattr(bodypix_ros, "load", lambda _, **__: used, raising=False)
    return used


def rows(path="bodypix_out/people.csv"):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lines(path="bodypix_out/people.jsonl"):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def film(name="film.mp4", frames=3, people=2):
    with media.VideoWriter(Path(name), 10) as writer:
        for _ in range(frames):
            writer.write(people_picture(people=people))


def test_faces_that_were_found_are_listed(model, monkeypatch):
    media.write_picture(Path("a.png"), people_picture())
    media.write_picture(Path("b.png"), people_picture(people=0))
    found = (Face((1, 2, 30, 40), 0.75),)

    def see(image):
        scene = scene_of(image)
        return replace(scene, faces=found if scene.persons else ())

    seer = FakeSegmenter(see)
    monkeypatch.setattr(bodypix_ros, "load", lambda _, **__: seer)
    invoke("run", "a.png", "b.png", "--export", "jsonl")
    expected = [{"box": [1, 2, 30, 40], "score": 0.75}]
    images = json.loads(Path("bodypix_out/people.json").read_text())["images"]
    assert [image.get("faces") for image in images] == [expected, None]
    assert [line.get("faces") for line in lines()] == [expected, None]


def test_a_table_has_a_row_for_each_person_of_each_frame(model):
    film()
    media.write_picture(Path("empty, really.png"), people_picture(people=0))
    invoke("run", "film.mp4", "empty, really.png", "--export", "csv, jsonl", "--draw", "none")
    assert len(lines()) == 4
    found = rows()
    document = json.loads(Path("bodypix_out/people.json").read_text())
    assert [row["file_name"] for row in found] == [f"../film.mp4#{k}" for k in (1, 1, 2, 2, 3, 3)]
    assert [row["person"] for row in found] == ["1", "2"] * 3
    assert [float(row["time_s"]) for row in found] == [0, 0, 0.1, 0.1, 0.2, 0.2]
    for row, annotation in zip(found, document["annotations"], strict=True):
        x, y, width, height = annotation["bbox"]
        assert [int(row[name]) for name in ("x0", "y0", "x1", "y1")] == [x, y, x + width, y + height]
        assert (int(row["area"]), float(row["score"])) == (annotation["area"], annotation["score"])
        assert (row["track_id"] or None) == (
            str(annotation["track_id"]) if "track_id" in annotation else None
        )
        points = np.array(
            [[float(row[f"{name}_{what}"]) for what in ("x", "y", "score")] for name in KEYPOINTS]
        )
        assert np.array_equal(
            points[:, :2].ravel(), np.reshape(annotation["keypoints"], (17, 3))[:, :2].ravel()
        )
        assert points[:, 2].tolist() == annotation["keypoint_scores"]
    assert any(row["track_id"] for row in found), "people of a film are followed"


def test_lines_hold_what_the_scenes_hold(model):
    for name, people in (("one.png", 1), ("none.png", 0), ("two.png", 2)):
        media.write_picture(Path(name), people_picture(people=people))
    invoke("run", "one.png", "none.png", "two.png", "--export", "jsonl")
    found = lines()
    assert [line["file_name"] for line in found] == ["../one.png", "../none.png", "../two.png"]
    for line in found:
        scene = scene_of(media.read_picture(line["source"]))
        assert {key: line[key] for key in ("width", "height", "persons")} == scene.to_dict()


def test_who_has_no_pose_has_empty_cells_and_all_keypoints_of_a_model_are_there(model):
    def see(image):
        scene = scene_of(image)
        boxes = [person.box for person in scene.persons]
        posed = np.full((33, 3), 0.5, np.float32)
        metres = np.full((33, 4), 0.25, np.float32)
        persons = (Person(0.5, boxes[0], posed, metres), Person(0.125, boxes[1], 0 * posed, 0 * metres))
        return Scene(scene.person_mask, scene.instance_mask, None, None, persons, BLAZEPOSE_KEYPOINTS)

    model.seer.function = see
    media.write_picture(Path("a.png"), people_picture())
    invoke("run", "a.png", "--export", "csv", "--export", "jsonl")
    first, second = rows()
    assert len(first) == 10 + 3 * 33
    assert {first[f"{name}_x"] for name in BLAZEPOSE_KEYPOINTS} == {"0.5"}
    assert {second[f"{name}_score"] for name in BLAZEPOSE_KEYPOINTS} == {""}
    (line,) = lines()
    assert line["persons"][0]["keypoints_3d"]["left_heel"] == [0.25] * 4
    assert line["persons"][1]["keypoints"] == {}


def test_lists_go_on_with_what_is_there(model):
    media.write_picture(Path("a.png"), people_picture(people=1))
    media.write_picture(Path("b.png"), people_picture(people=2))
    invoke("run", "a.png")
    wanted = [word for name in LISTS for word in ("--export", name)]
    invoke("run", "a.png", "--skip-existing", *wanted)
    assert [row["file_name"] for row in rows()] == ["../a.png"]
    assert len(model.images) == 1, "nothing is computed again"
    invoke("run", "a.png", "b.png", "--skip-existing", *wanted)
    assert [row["file_name"] for row in rows()] == ["../a.png", "../b.png", "../b.png"]
    assert [len(line["persons"]) for line in lines()] == [1, 2]
    assert [one["image_id"] for one in json.loads(Path("bodypix_out/people.results.json").read_text())] == [
        1,
        2,
        2,
    ]
    assert "nothing to do" in invoke("run", "a.png", "b.png", "--skip-existing", *wanted).stdout


def test_lists_are_not_replaced_unasked_and_never_inputs(model):
    media.write_picture(Path("a.png"), people_picture())
    Path("bodypix_out").mkdir()
    Path("bodypix_out/people.csv").write_text("mine")
    assert "people.csv is there already" in invoke("run", "a.png", "--export", "csv", code=2).stderr
    assert Path("bodypix_out/people.csv").read_text() == "mine"
    assert not model.images
    Path("ds").mkdir()
    media.write_picture(Path("ds/a.png"), people_picture())
    media.write_picture(Path("ds/a.cutout.png"), people_picture())
    result = invoke("run", "ds", "-o", "ds", "--overwrite", "--export", "cutout", code=2)
    assert "ds/a.cutout.png is an input" in result.stderr


def test_after_an_error_no_half_of_a_list_is_left(model):
    def see(image):
        if len(model.images) == 2:
            raise RuntimeError("the model broke")
        return scene_of(image)

    model.seer.function = see
    for name in ("a.png", "b.png"):
        media.write_picture(Path(name), people_picture())
    invoke("run", "a.png", "b.png", "--export", "csv", "--export", "jsonl", code=1)
    assert sorted(path.name for path in Path("bodypix_out").glob("*people*")) == []


def test_cutouts_are_people_alone(model):
    picture = people_picture()
    media.write_picture(Path("a.png"), picture)
    invoke("run", "a.png", "--export", "cutout", "--no-masks")
    cut = cv2.imread("bodypix_out/a.cutout.png", cv2.IMREAD_UNCHANGED)
    people = scene_of(picture).person_mask
    assert np.array_equal(cut[..., 3], people * 255)
    assert np.array_equal(cut[people][:, :3], picture[people])
    assert not cut[~people].any(), "what is transparent tells nothing"
    assert not Path("bodypix_out/a.mask.png").exists()


def test_parts_have_their_colours(model):
    picture = people_picture()
    media.write_picture(Path("a.png"), picture)
    invoke("run", "a.png", "--export", "colored_parts")
    drawn = cv2.imread("bodypix_out/a.colored_parts.png", cv2.IMREAD_UNCHANGED)
    parts = scene_of(picture).part_mask
    assert np.array_equal(drawn[..., 3], (parts > 0) * 255)
    assert np.array_equal(drawn[..., 2::-1], rendering.draw_labels(parts, "part_mask"))


def test_a_mirrored_scene_is_cut_out_of_the_mirrored_picture(model, monkeypatch):
    picture = people_picture(people=2)
    picture[:, :80] = 60
    picture[30:90, 100:140] = (10, 20, 255)
    model.seer.function = lambda image: scene_of(image).mirrored()
    monkeypatch.setattr(type(model.options), "flip_horizontal", True, raising=False)
    media.write_picture(Path("a.png"), picture)
    invoke("run", "a.png", "--export", "cutout")
    cut = cv2.imread("bodypix_out/a.cutout.png", cv2.IMREAD_UNCHANGED)
    assert (cut[cut[..., 3] > 0][:, :3] == (10, 20, 255)).all()
    assert cut[..., 3].any()


def test_models_without_parts_give_no_coloured_ones(model):
    model.seer.function = lambda image: replace(scene_of(image), part_mask=None)
    media.write_picture(Path("a.png"), people_picture())
    invoke("run", "a.png", "--export", "colored_parts")
    assert not Path("bodypix_out/a.colored_parts.png").exists()
    assert "nothing to do" in invoke("run", "a.png", "--export", "colored_parts", "--skip-existing").stdout


def test_unknown_exports_are_refused_by_name(model):
    media.write_picture(Path("a.png"), people_picture())
    said = invoke("run", "a.png", "--export", "cvs", code=2).stderr
    assert "--export is 'cvs'" in said
    assert "did you mean csv?" in said
    with pytest.raises(OptionError, match="export is 'mask', but must be of results, csv"):
        Output(Path("x"), exports=("mask",))


def test_help_lists_every_export(model):
    text = " ".join(invoke("run", "--help").stdout.split())
    for name, what in exports().items():
        assert name in text
        assert what.split(":")[0] in text
    assert {kind for kind, one in PICTURES.items() if not one.mask} < set(exports())


def test_what_shows_people_is_not_written_beside_what_hides_them(model):
    media.write_picture(Path("a.png"), people_picture())
    said = invoke("run", "a.png", "--mode", "blur_parts", "--export", "cutout", code=2).stderr
    assert "cutout shows people as they are, and mode blur_parts hides them" in said
    assert not Path("bodypix_out").exists()
    said = invoke("batch", "a.png", "--mode", "pixelate_parts", "--export", "cutout", code=2).stderr
    assert "cutout shows people as they are" in said
    invoke("run", "a.png", "--mode", "instances", "--export", "cutout")


def test_pictures_that_were_drawn_otherwise_are_not_gone_on_with(model):
    media.write_picture(Path("a.png"), people_picture())
    invoke("run", "a.png")
    said = invoke("run", "a.png", "--skip-existing", "--mode", "blur_parts", code=2).stderr
    assert "was made with {'layers': ['instances', 'boxes', 'poses']}, not {'mode': 'blur_parts'" in said
    assert "nothing to do" in invoke("run", "a.png", "--skip-existing").stdout
    invoke("run", "a.png", "--overwrite", "--mode", "blur_parts")
    assert "nothing to do" in invoke("run", "a.png", "--skip-existing", "--mode", "blur_parts").stdout
    said = invoke("run", "a.png", "--skip-existing", "--mode", "blur_parts", "--hide", "hand", code=2).stderr
    assert "'hide': ['hand']" in said


@pytest.mark.parametrize(
    ("options", "reason"),
    [([], "add --mode"), (["--mode", "instances"], "add --mode"),
     (["--mode", "blur_parts", "--hide", "hand"], "which --hide leaves to be seen")],
)  # fmt: skip
def test_what_hides_no_face_is_not_verified(model, options, reason):
    media.write_picture(Path("a.png"), people_picture())
    assert reason in invoke("run", "a.png", "--verify", *options, code=2).stderr


@pytest.mark.parametrize(
    ("options", "loaded"),
    [
        (["--mode", "blur_parts"], {"preset": "faces"}),
        (["--mode", "blur_parts", "--preset", "far"], {"preset": "far", "faces": True}),
        (["--mode", "blur_parts", "--preset", "far", "--no-faces"], {"preset": "far", "faces": False}),
        (["--mode", "instances", "--preset", "far"], {"preset": "far"}),
    ],
)
def test_faces_are_looked_for_where_they_are_hidden_whatever_the_preset(model, monkeypatch, options, loaded):
    asked = []
    monkeypatch.setattr(bodypix_ros, "load", lambda _, **given: asked.append(given) or model, raising=False)
    media.write_picture(Path("a.png"), people_picture())
    invoke("run", "a.png", *options)
    assert asked == [loaded]


def test_pictures_in_which_faces_are_left_are_named_and_counted(model, monkeypatch):
    for name in ("a.png", "b.png"):
        media.write_picture(Path(name), people_picture())
    left = iter([("face",) * 2, ()])
    monkeypatch.setattr(FakeSegmenter, "find_faces", lambda *_: next(left))
    done = invoke("run", "a.png", "b.png", "--mode", "blur_parts", "--verify")
    assert "a.png: the face detector still finds 2 faces" in done.stderr
    assert "still finds 2 faces in 1 of 2 pictures with faces hidden" in done.stdout


def test_where_people_are_hidden_lists_name_those_who_are_as_sure_as_usual(model, monkeypatch):
    """A sure one, a doubtful one who is large, and a doubtful one who is small and somebody only at first."""
    image = np.full((120, 160, 3), 60, np.uint8)
    for x, side in ((10, 60), (80, 20), (130, 6)):
        image[20 : 20 + side, x : x + side] = (0, 0, 255)
    media.write_picture(Path("a.png"), image)
    with media.VideoWriter(Path("film.mp4"), 10) as writer:
        for _ in range(3):
            writer.write(image)
    drawn, small = [], iter([0.1, 0.1, 0.35, 0.1])

    def see(given):
        scene = scene_of(given)
        scores = [0.9, 0.1, next(small)]
        people = zip(scene.persons, scores, (None, 1, 2), strict=True)
        return replace(scene, persons=tuple(replace(p, score=s, track_id=k) for p, s, k in people))

    doubting = FakeSegmenter(see, PeopleOptions(score_threshold=0.05, tracking=False))
    monkeypatch.setattr(bodypix_ros, "load", lambda _, **__: doubting)
    draw = rendering.draw
    monkeypatch.setattr(
        rendering, "draw", lambda i, s, *a, **k: drawn.append(len(s.persons)) or draw(i, s, *a, **k)
    )
    said = invoke("run", "a.png", "film.mp4", "--mode", "blur_parts", "--export", "csv").stdout
    assert "4 images, 10 people" in said
    assert drawn == [3] * 4
    assert [row["file_name"] for row in rows()].count("../a.png") == 2
    frames = [row["person"] for row in rows() if "film" in row["file_name"]]
    assert frames == ["1", "2", "1", "2", "3", "1", "2", "3"]
    assert cv2.imread("bodypix_out/a.instances.png", cv2.IMREAD_UNCHANGED).max() == 2
