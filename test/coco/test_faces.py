"""Whether faces are hidden, with annotations and drawings that can be counted by hand."""

import json

import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import media, rendering
from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.coco import document, faces, truth
from support import hard_faces
from support.fake import FakeSegmenter, people_picture, scene_of

SIZE = (100, 200)
NOSE, LEFT_EYE, RIGHT_EYE = 0, 1, 2


@pytest.fixture
def annotated(tmp_path):
    """Annotations of a picture: a person in its left half, nose at 30, 20, an eye on either side."""
    media.write_picture(tmp_path / "a.png", np.zeros((*SIZE, 3), np.uint8))
    person = np.zeros(SIZE, bool)
    person[:, :100] = True
    keypoints = np.zeros((len(KEYPOINTS), 3))
    keypoints[NOSE] = 30, 20, 2
    keypoints[LEFT_EYE] = 40, 20, 2
    keypoints[RIGHT_EYE] = 20, 20, 1  # hidden by something else
    one = {
        "id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": document.encode(person),
        "keypoints": keypoints.ravel().tolist(),
    }  # fmt: skip
    people = [one]

    def read():
        images = [{"id": 1, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}]
        data = {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}
        (tmp_path / "truth.json").write_text(json.dumps(data))
        return truth.read(tmp_path / "truth.json", tmp_path)

    return people, read


def evaluate(read, *grey):
    """Of pictures in which some rectangles are grey."""

    def draw(image, scene):
        drawn = image.copy()
        for rectangle in grey:
            drawn[rectangle] = 127
        return drawn

    return faces.evaluate(FakeSegmenter(), read(), draw)


def test_what_is_drawn_as_it_was_is_not_hidden(annotated):
    found = evaluate(annotated[1])
    assert (found.images, found.noses, found.eyes) == (1, 1, 1)
    assert (found.noses_hidden, found.eyes_hidden) == (0, 0)
    assert found.changed_outside_people == found.changed_outside_heads == 0


def test_pixels_are_hidden_one_by_one(annotated):
    _, read = annotated
    found = evaluate(read, np.s_[20, 30])
    assert (found.noses_hidden, found.eyes_hidden) == (1, 0)
    assert found.changed_outside_people == 0
    found = evaluate(read, np.s_[20, 40])
    assert (found.noses_hidden, found.eyes_hidden) == (0, 1)


def test_half_of_a_colour_is_not_hidden(annotated):
    def fade(image, scene):
        return (image // 2 + 64).astype(np.uint8)

    found = faces.evaluate(FakeSegmenter(), annotated[1](), fade)
    assert (found.noses_hidden, found.eyes_hidden) == (0, 0)
    assert found.changed_outside_people == 1


def test_what_is_changed_outside_is_counted(annotated):
    people, read = annotated
    found = evaluate(read, np.s_[:, 100:150])  # half of what is nobody's
    assert found.changed_outside_people == 0.5
    head = 1.25 * 10  # from the middle of nose, left and right eye to either eye
    elsewhere = SIZE[0] * SIZE[1] - np.pi * head**2
    assert found.changed_outside_heads == pytest.approx(50 * SIZE[0] / elsewhere, rel=1e-3)
    crowd = np.zeros(SIZE, bool)
    crowd[:, 100:125] = True
    other = {"id": 2, "iscrowd": 1, "segmentation": document.encode(crowd), "keypoints": None}
    people.append({**people[0], **other})
    assert evaluate(read, np.s_[:, 100:150]).changed_outside_people == pytest.approx(1 / 3)


def test_everything_hidden_and_nobody_outside(annotated):
    people, read = annotated
    people[0]["segmentation"] = document.encode(np.ones(SIZE, bool))
    found = evaluate(read, np.s_[:, :])
    assert (found.noses_hidden, found.eyes_hidden, found.changed_outside_people) == (1, 1, None)


def test_a_model_that_gives_nothing_to_hide_is_named(annotated):
    with pytest.raises(ValueError, match="fake gives no parts: nothing can be hidden"):
        faces.evaluate(FakeSegmenter(), annotated[1](), lambda image, scene: None)


def test_small_and_turned_faces_in_real_pictures_are_hidden(data_dir, tmp_path):
    """Three pictures of which the default settings, or labelled faces alone, leave somebody to be seen."""
    annotated = hard_faces.annotated(data_dir, tmp_path)
    mode = rendering.MODES["blur_parts"]
    with bodypix_ros.load(
        device="CPU", precision="f32", model_dir=data_dir / "models", preset=mode.preset
    ) as segmenter:
        found = faces.evaluate(
            segmenter, annotated, lambda image, scene: rendering.draw(image, scene, "blur_parts")
        )
    assert (found.images, found.noses, found.eyes) == (3, 6, 10)
    assert (found.noses_hidden, found.eyes_hidden) == (found.noses, found.eyes)
    assert found.changed_outside_people < 0.05


@pytest.mark.parametrize("mode", [name for name, mode in rendering.MODES.items() if mode.privacy])
def test_the_privacy_modes_hide_what_they_are_shown(annotated, mode):
    """A face where the annotations have it, as the model of the tests labels one in each 24 columns."""
    picture = people_picture(*SIZE, people=2)
    media.write_picture(annotated[1]().folder / "a.png", picture)
    scene = scene_of(picture)
    annotated[0][0]["keypoints"][:2] = np.argwhere(scene.part_mask == 1)[0][::-1].tolist()

    def draw(image, scene):
        return rendering.draw(image, scene, mode)

    assert faces.evaluate(FakeSegmenter(), annotated[1](), draw).noses_hidden == 1
