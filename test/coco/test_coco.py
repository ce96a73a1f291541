import json
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO

from bodypix_ros import media
from bodypix_ros.anatomy import HAND_KEYPOINTS, KEYPOINTS, SKELETON
from bodypix_ros.coco import document, evaluation, truth
from bodypix_ros.errors import MediaError
from support.fake import FakeSegmenter, people_picture, scene_of
from support.hands import hand_of, points_of


def load(path):
    with redirect_stdout(StringIO()):
        return COCO(str(path))


@pytest.fixture
def scene():
    return scene_of(people_picture())


def test_rle_gives_the_mask_back():
    mask = np.random.default_rng(0).random((37, 51)) > 0.6
    encoded = document.encode(mask)
    assert encoded["size"] == [37, 51]
    assert np.array_equal(rle.decode(encoded).astype(bool), mask)
    assert json.loads(json.dumps(encoded)) == encoded


def test_results_hold_what_the_scene_holds(scene):
    first, second = document.results(scene, 7)
    assert (first["image_id"], first["category_id"], first["score"]) == (7, 1, 0.9)
    for k, result in enumerate((first, second)):
        x0, y0, x1, y1 = scene.persons[k].box
        assert result["bbox"] == [x0, y0, x1 - x0, y1 - y0]
        mask = rle.decode(result["segmentation"]).astype(bool)
        assert np.array_equal(mask, scene.instance_mask == k + 1)
        assert result["area"] == mask.sum()
        keypoints = np.reshape(result["keypoints"], (17, 3))
        assert np.allclose(keypoints[:, :2], scene.persons[k].keypoints[:, :2], atol=0.006)
        assert keypoints[:, 2].tolist() == [2] * 15 + [0] * 2  # the fake's last two score below 0.3
        assert result["num_keypoints"] == 15


def test_hands_are_written_with_the_names_of_their_keypoints(tmp_path, scene):
    hand = hand_of(points_of(30, 40, 100))
    first = replace(scene.persons[0], hands=(hand,))
    scene = replace(scene, persons=(first, *scene.persons[1:]))
    with document.DocumentWriter(tmp_path / "people.json") as writer:
        writer.add(scene, "one.png")
    written = json.loads((tmp_path / "people.json").read_text(encoding="utf-8"))
    assert written["categories"][0]["hand_keypoints"] == list(HAND_KEYPOINTS)
    (entry,) = written["annotations"][0]["hands"]
    assert "hands" not in written["annotations"][1]
    assert (entry["side"], entry["score"]) == ("left", 0.8)
    assert np.allclose(np.reshape(entry["keypoints"], (21, 3)), hand.keypoints, atol=0.006)
    assert np.allclose(np.reshape(entry["keypoints_3d"], (21, 3)), hand.keypoints_3d, atol=1e-4)


def test_keypoints_are_found_by_name(scene):
    person = scene.persons[0]
    turned = replace(
        scene,
        persons=(replace(person, keypoints=person.keypoints[::-1]),),
        keypoint_names=tuple(reversed(KEYPOINTS)),
    )
    assert document.results(turned, 1)[0]["keypoints"] == document.results(scene, 1)[0]["keypoints"]
    one = replace(
        scene, persons=(replace(person, keypoints=person.keypoints[:1]),), keypoint_names=("left_eye",)
    )
    keypoints = np.reshape(document.results(one, 1)[0]["keypoints"], (17, 3))
    assert keypoints[1].any()
    assert not np.delete(keypoints, 1, axis=0).any()


def test_who_has_no_pose_has_no_keypoints_however_low_the_score(scene):
    """Though nothing scores below 0: keypoints of zeros are none."""
    someone, other = scene.persons
    none = replace(other, score=0.1, keypoints=np.zeros((17, 3), np.float32))
    known, unknown = document.results(replace(scene, persons=(someone, none)), 1, min_keypoint_score=0.0)
    assert (known["num_keypoints"], unknown["num_keypoints"]) == (17, 0)
    assert not np.any(unknown["keypoints"])
    assert unknown["area"] == np.count_nonzero(scene.instance_mask == 2)


def test_person_without_pixels_or_keypoints_is_kept(scene):
    gone = replace(scene.persons[0], box=(0, 0, 0, 0), keypoints=np.zeros((0, 3), np.float32))
    result = document.results(replace(scene, persons=(*scene.persons, gone)), 1)[2]
    assert (result["area"], result["num_keypoints"], result["bbox"]) == (0, 0, [0, 0, 0, 0])


class TestDocument:
    def test_pycocotools_loads_it(self, tmp_path, scene):
        with document.DocumentWriter(tmp_path / "people.json", {"model": "fake"}) as writer:
            writer.add(scene, "a.jpg")
            writer.add(scene_of(people_picture(people=0)), "b.jpg")
            writer.add(scene_of(people_picture(50, 60, 1)), "c.jpg", frame=3)
        loaded = load(tmp_path / "people.json")
        assert [i["file_name"] for i in loaded.dataset["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
        assert loaded.imgs[3] == {"id": 3, "file_name": "c.jpg", "width": 60, "height": 50, "frame": 3}
        assert [len(loaded.getAnnIds(imgIds=[k])) for k in (1, 2, 3)] == [2, 0, 1]
        annotation = loaded.loadAnns(loaded.getAnnIds(imgIds=[1]))[1]
        assert np.array_equal(loaded.annToMask(annotation), scene.instance_mask == 2)
        category = loaded.loadCats([1])[0]
        assert category["keypoints"] == list(KEYPOINTS)
        assert [(KEYPOINTS[a - 1], KEYPOINTS[b - 1]) for a, b in category["skeleton"]] == list(SKELETON)
        assert loaded.dataset["info"] == {"model": "fake"}

    def test_nothing_seen_is_a_valid_document(self, tmp_path):
        with document.DocumentWriter(tmp_path / "people.json"):
            pass
        assert load(tmp_path / "people.json").dataset["annotations"] == []

    def test_an_error_leaves_the_old_file_and_nothing_else(self, tmp_path, scene):
        (tmp_path / "people.json").write_text("old")

        def fail():
            with document.DocumentWriter(tmp_path / "people.json") as writer:
                writer.add(scene, "a.jpg")
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert (tmp_path / "people.json").read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def dataset(tmp_path):
    """Three pictures, the truth about them, and a function that changes the truth."""
    pictures = {
        "a.png": people_picture(),
        "b.png": people_picture(90, 70, 1),
        "c.png": people_picture(people=0),
    }
    with document.DocumentWriter(tmp_path / "truth.json") as writer:
        for name, image in pictures.items():
            media.write_picture(tmp_path / name, image)
            writer.add(scene_of(image), name, min_keypoint_score=0)

    def change(edit):
        data = json.loads((tmp_path / "truth.json").read_text())
        edit(data)
        (tmp_path / "truth.json").write_text(json.dumps(data))

    return tmp_path, change


def evaluate(segmenter, folder, *more):
    return evaluation.evaluate(segmenter, truth.read(folder / "truth.json", folder), *more)


class TestEvaluate:
    def test_truth_fed_back_is_perfect(self, dataset, capsys):
        folder, _ = dataset
        steps = []
        segmenter = FakeSegmenter()
        metrics = evaluate(segmenter, folder, lambda *step: steps.append(step))
        assert (metrics.images, metrics.people) == (3, 3)
        assert metrics.segm_ap == metrics.segm_ap50 == metrics.oks_ap == metrics.oks_ap50 == pytest.approx(1)
        assert metrics.pooled_iou == metrics.mean_iou == 1
        assert (metrics.people_found, metrics.people_false) == (3, 0)
        assert steps == [(1, 3), (2, 3), (3, 3)]
        assert capsys.readouterr().out == ""
        sizes = [image.shape for image in segmenter.images]
        assert sizes == sorted(sizes)

    def test_wrong_masks_and_poses_cost(self, dataset):
        folder, _ = dataset

        def see(image):
            scene = scene_of(image)
            half = np.arange(image.shape[0])[:, None] < image.shape[0] // 2
            persons = tuple(
                replace(p, keypoints=p.keypoints + np.float32([200, 0, 0])) for p in scene.persons
            )
            return replace(
                scene,
                person_mask=scene.person_mask & half,
                instance_mask=scene.instance_mask * half.astype(np.uint8),
                persons=persons,
            )

        metrics = evaluate(FakeSegmenter(see), folder)
        assert metrics.pooled_iou == pytest.approx(0.5, abs=0.02)
        assert metrics.segm_ap < 0.2
        assert metrics.oks_ap == 0

    def test_people_who_are_not_there_are_counted(self, dataset):
        folder, change = dataset
        change(lambda data: data.update(annotations=data["annotations"][1:]))
        metrics = evaluate(FakeSegmenter(), folder)
        assert (metrics.people, metrics.people_found, metrics.people_false) == (2, 2, 1)

    def test_false_people_cost_only_the_pooled_iou(self, dataset):
        folder, _ = dataset

        def see(image):
            scene = scene_of(image)
            return scene if scene.persons else replace(scene, person_mask=np.ones_like(scene.person_mask))

        metrics = evaluate(FakeSegmenter(see), folder)
        assert metrics.mean_iou == 1
        assert metrics.pooled_iou < 0.5

    def test_crowds_are_left_out(self, dataset):
        folder, change = dataset
        change(lambda data: data["annotations"][0].update(iscrowd=1))
        metrics = evaluate(FakeSegmenter(), folder)
        assert metrics.people == 2
        assert metrics.pooled_iou == metrics.mean_iou == 1

    def test_nobody_found_is_zero(self, dataset):
        folder, _ = dataset
        blind = FakeSegmenter(lambda image: scene_of(np.zeros_like(image)))
        metrics = evaluate(blind, folder)
        assert (metrics.segm_ap, metrics.oks_ap, metrics.pooled_iou, metrics.mean_iou) == (0, 0, 0, 0)

    def test_models_without_keypoints_have_no_oks(self, dataset):
        folder, _ = dataset

        def see(image):
            scene = scene_of(image)
            persons = tuple(replace(p, keypoints=np.zeros((0, 3), np.float32)) for p in scene.persons)
            return replace(scene, persons=persons, keypoint_names=())

        metrics = evaluate(FakeSegmenter(see), folder)
        assert (metrics.oks_ap, metrics.oks_ap50) == (None, None)
        assert metrics.segm_ap == pytest.approx(1)

    def test_image_of_another_size_is_named(self, dataset):
        folder, change = dataset
        change(lambda data: data["images"][0].update(width=161))
        with pytest.raises(ValueError, match=r"a\.png: is 160x120, annotated as 161x120"):
            evaluate(FakeSegmenter(), folder)

    @pytest.mark.parametrize(
        "thin", [("iscrowd",), ("area",), ("bbox",), ("iscrowd", "area", "bbox", "num_keypoints", "id")]
    )
    def test_what_annotations_lack_is_filled_in(self, dataset, thin):
        folder, change = dataset
        whole = evaluate(FakeSegmenter(), folder)

        def leave_out(data):
            for annotation in data["annotations"]:
                for name in thin:
                    del annotation[name]

        change(leave_out)
        found = evaluate(FakeSegmenter(), folder)
        assert replace(found, ms_per_image=0) == replace(whole, ms_per_image=0)
        assert whole.oks_ap == whole.segm_ap == pytest.approx(1)

    def test_who_has_no_keypoints_is_left_out_of_their_comparison(self, dataset):
        folder, change = dataset

        def strip(data):
            for name in ("keypoints", "num_keypoints"):
                del data["annotations"][0][name]

        change(strip)
        metrics = evaluate(FakeSegmenter(), folder)
        assert (metrics.people, metrics.oks_ap, metrics.segm_ap) == (3, pytest.approx(1), pytest.approx(1))

    def test_nobody_with_keypoints_gives_no_oks(self, dataset):
        folder, change = dataset

        def strip(data):
            for annotation in data["annotations"]:
                del annotation["keypoints"], annotation["num_keypoints"]

        change(strip)
        metrics = evaluate(FakeSegmenter(), folder)
        assert (metrics.oks_ap, metrics.segm_ap) == (None, pytest.approx(1))

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("segmentation", None), ("segmentation", "x"), ("segmentation", []), ("segmentation", [[1, 2]]),
            ("segmentation", {"size": [5, 5], "counts": [25]}), ("keypoints", [1, 2, 3]), ("keypoints", "x"),
            ("iscrowd", "x"), ("image_id", 99),
        ],
    )  # fmt: skip
    def test_annotations_that_are_none_are_named_beforehand(self, dataset, member, value):
        folder, change = dataset
        change(lambda data: data["annotations"][1].update({member: value}))
        with pytest.raises(ValueError, match=r"truth\.json: annotation 2, counted from 1, is no person"):
            truth.read(folder / "truth.json", folder)

    def test_all_images_are_looked_at_beforehand(self, dataset):
        folder, _ = dataset
        (folder / "a.png").unlink()
        (folder / "c.png").write_bytes((folder / "c.png").read_bytes()[:40])
        with pytest.raises(MediaError, match=r"2 of 3 images cannot be used: a\.png: .*; c\.png: "):
            truth.read(folder / "truth.json", folder)

    def test_many_missing_images_are_counted_and_some_named(self, dataset):
        folder, change = dataset
        entry = {"height": 5, "width": 5}
        more = [{"id": 50 + k, "file_name": f"no{k}.png", **entry} for k in range(100)]
        change(lambda data: data["images"].extend(more))
        with pytest.raises(MediaError) as caught:
            truth.read(folder / "truth.json", folder)
        assert "100 of 103 images cannot be used: no0.png: cannot be read: No such file" in str(caught.value)
        assert str(caught.value).endswith("and 95 more")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"images": [{}], "annotations": [], "categories": []}']
    )
    def test_other_files_are_refused(self, tmp_path, text):
        (tmp_path / "truth.json").write_text(text)
        with pytest.raises(ValueError, match=r"truth\.json: "):
            truth.read(tmp_path / "truth.json", tmp_path)

    def test_absent_files_are_named(self, dataset):
        folder, _ = dataset
        with pytest.raises(FileNotFoundError, match=r"none\.json: no such file"):
            truth.read(folder / "none.json", folder)
        (folder / "b.png").unlink()
        with pytest.raises(MediaError, match=r"b\.png: cannot be read"):
            evaluate(FakeSegmenter(), folder)
