"""Scenes and persons: mirrored, cut out, and as JSON."""

import dataclasses
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

import bodypix_ros
from bodypix_ros import rendering
from bodypix_ros.anatomy import HAND_KEYPOINTS, KEYPOINTS
from bodypix_ros.errors import ImageError, PersonError
from bodypix_ros.scene import Face, Hand, Person, Scene
from support.scenes import scene as standing


@st.composite
def scenes(draw):
    """A Scene of any small size, with persons in and beside it. Its numbers are exact in float32."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    persons = []
    for _ in range(draw(st.integers(0, 3))):
        x0, x1 = sorted(draw(st.tuples(st.integers(0, width), st.integers(0, width))))
        y0, y1 = sorted(draw(st.tuples(st.integers(0, height), st.integers(0, height))))
        keypoints = random.integers(-99, 99, (17, 3)).astype(np.float32) / 4
        metres = random.integers(-99, 99, (17, 4)).astype(np.float32) / 4 if draw(st.booleans()) else None
        empty = x0 == x1 or y0 == y1
        persons.append(
            Person(
                0.5,
                (0, 0, 0, 0) if empty else (x0, y0, x1, y1),
                keypoints,
                metres,
                draw(st.none() | st.just(7)),
            )
        )
    masks = [random.integers(0, 25, (height, width), np.uint8) for _ in range(3)]
    optional = [mask if draw(st.booleans()) else None for mask in masks[1:]]
    names = tuple(f"point {k}" for k in range(17))
    return Scene(masks[0] > 9, masks[0], *optional, tuple(persons), names, stamp=object())


def check_same(one, other):
    for name in ("person_mask", "instance_mask", "part_mask", "confidence"):
        mask, wanted = getattr(one, name), getattr(other, name)
        assert (mask is None) == (wanted is None)
        assert mask is None or (mask.dtype == wanted.dtype and np.array_equal(mask, wanted))
    assert (one.keypoint_names, one.stamp) == (other.keypoint_names, other.stamp)
    assert len(one.persons) == len(other.persons)
    for person, same in zip(one.persons, other.persons, strict=True):
        assert (person.score, person.box, person.track_id) == (same.score, same.box, same.track_id)
        assert np.array_equal(person.keypoints, same.keypoints)
        assert (person.keypoints_3d is None) == (same.keypoints_3d is None)
        assert person.keypoints_3d is None or np.array_equal(person.keypoints_3d, same.keypoints_3d)


@given(scenes())
def test_twice_mirrored_is_the_same(scene):
    check_same(scene.mirrored().mirrored(), scene)


@given(scenes())
def test_a_mirror_shows_each_pixel_on_the_other_side(scene):
    mirrored, width = scene.mirrored(), scene.person_mask.shape[1]
    for name in ("person_mask", "instance_mask", "part_mask", "confidence"):
        before, after = getattr(scene, name), getattr(mirrored, name)
        if before is not None:
            assert after.flags.c_contiguous
            assert not np.shares_memory(before, after)
            for x in range(width):
                assert np.array_equal(after[:, width - 1 - x], before[:, x])
    for person, before in zip(mirrored.persons, scene.persons, strict=True):
        columns = set(range(before.box[0], before.box[2]))
        assert set(range(person.box[0], person.box[2])) == {width - 1 - x for x in columns}
        assert (person.box[1], person.box[3]) == (before.box[1], before.box[3])


def test_hands_are_mirrored_and_stay_the_persons_own():
    keypoints, metres = np.zeros((21, 3), np.float32), np.zeros((21, 3), np.float32)
    keypoints[3], metres[3] = (2, 5, 0.75), (0.25, -0.5, 1)
    hands = (Hand("left", 0.75, keypoints, metres),)
    person = Person(0.5, (0, 0, 0, 0), np.zeros((17, 3), np.float32), hands=hands)
    (hand,) = person.mirrored(10).hands
    assert (hand.side, hand.score) == ("left", 0.75)
    assert hand.keypoints[3].tolist() == [7, 5, 0.75]
    assert hand.keypoints_3d[3].tolist() == [-0.25, -0.5, 1]
    assert keypoints[3].tolist() == [2, 5, 0.75]


def test_numbers():
    keypoints = np.array([[0, 5, 0.9], [10.25, 6, 0.5], [-3, 7, 0.1]], np.float32)
    metres = np.array([[0.5, 0.1, 2, 0.9], [-0.25, 0.2, 3, 0.5], [0, 0, 1, 0.1]], np.float32)
    some = Person(0.75, (2, 4, 9, 10), keypoints, metres, 3)
    none = Person(0.25, (0, 0, 0, 0), np.zeros((3, 3), np.float32))
    labels = np.zeros((12, 20), np.uint8)
    labels[4:10, 2:9] = 1
    left_first = ("left_eye", "right_eye", "nose")
    scene = Scene(labels > 0, labels, None, labels * 200, (some, none), left_first, 1.5)

    mirrored = scene.mirrored()

    one, other = mirrored.persons
    assert one.box == (11, 4, 18, 10)
    assert one.keypoints[:, 0].tolist() == [19, 8.75, 22]
    assert np.array_equal(one.keypoints[:, 1:], keypoints[:, 1:])
    assert one.keypoints_3d[:, 0].tolist() == [-0.5, 0.25, 0]
    assert np.array_equal(one.keypoints_3d[:, 1:], metres[:, 1:])
    assert (one.score, one.track_id, mirrored.keypoint_names, mirrored.stamp) == (0.75, 3, left_first, 1.5)
    assert (some.has_pose, none.has_pose, other.has_pose) == (True, False, False)
    assert not other.keypoints.any()
    assert other.box == (0, 0, 0, 0)
    assert mirrored.instance_mask[4, 11] == 1
    assert mirrored.confidence[9, 17] == 200
    assert mirrored.confidence[9, 18] == 0
    assert scene.persons[0].keypoints[0, 0] == 0, "the scene itself stays"


# One person, cut out


@given(scenes())
def test_masks_of_persons_are_apart_and_together_the_instances(scene):
    masks = [scene.mask_of(k) for k in range(len(scene.persons))]
    assert all(mask.dtype == bool and mask.shape == scene.person_mask.shape for mask in masks)
    counted = sum((mask.astype(int) for mask in masks), np.zeros(scene.person_mask.shape, int))
    known = (scene.instance_mask > 0) & (scene.instance_mask <= len(scene.persons))
    assert np.array_equal(counted, known)


def test_a_mask_is_no_view():
    scene = standing((10, 10, 30, 60))
    scene.mask_of(0)[:] = False
    assert scene.mask_of(0).sum() == 20 * 50


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_crops(channels):
    scene = standing((10, 20, 30, 60), (25, 20, 40, 50))  # the second is in front
    image = np.arange(240 * 320 * int(np.prod(channels))).astype(np.int32).reshape(240, 320, *channels)
    cut = scene.crop(image, 0)
    assert np.array_equal(cut, image[20:60, 10:30])
    assert not np.shares_memory(cut, image)

    alone = scene.crop(image, 0, background=-5)
    other = np.zeros((40, 20), bool)
    other[:30, 15:] = True
    assert (alone[other] == -5).all()
    assert np.array_equal(alone[~other], cut[~other])
    assert np.array_equal(scene.crop(image, 1, background=-5), image[20:50, 25:40])
    if channels:
        colour = tuple(range(-1, -1 - channels[0], -1))
        assert (scene.crop(image, 0, background=colour)[other] == colour).all()


@pytest.mark.parametrize("k", [-1, 2, 99])
def test_who_is_not_there_is_an_error_that_says_who_is(k):
    scene = standing((10, 10, 30, 60), (50, 10, 70, 60))
    image = np.zeros((*scene.person_mask.shape, 3), np.uint8)
    for ask in (scene.mask_of, lambda k: scene.crop(image, k)):
        with pytest.raises(PersonError, match=rf"k is {k}, but persons has 0\.\.1"):
            ask(k)
    with pytest.raises(IndexError, match="nobody is in the scene"):
        standing().mask_of(0)
    for k in (0.5, "a", None, [0]):
        with pytest.raises(PersonError, match="must be a whole number"):
            scene.mask_of(k)
    assert scene.mask_of(np.int64(1)).sum() == 20 * 50


def test_images_that_are_not_the_scenes_are_refused():
    scene = standing((10, 10, 30, 60))
    for shape in ((240, 319, 3), (320, 240, 3), (240,), (1, 240, 320, 3)):
        with pytest.raises(
            ImageError, match=r"must be \(H, W\) or \(H, W, C\) of the scene's size \(240, 320\)"
        ):
            scene.crop(np.zeros(shape, np.uint8), 0)
    for image in (None, "a.png", [[1]]):
        with pytest.raises(ImageError, match=rf"image is {type(image).__name__}, but must be"):
            scene.crop(image, 0)
    for background in ((1, 2), 300, (1, 2, 300), "red", float("nan"), {}, (None, 1, 2), [[1], [2, 3]]):
        with pytest.raises(ImageError, match=r"background is .*one for each channel"):
            scene.crop(np.zeros((240, 320, 3), np.uint8), 0, background=background)
    nowhere = Scene(*[np.zeros((4, 5), dtype) for dtype in (bool, np.uint8)], None, None, (
        Person(0.1, (0, 0, 0, 0), np.zeros((17, 3), np.float32)),), KEYPOINTS)  # fmt: skip
    with pytest.raises(PersonError, match=r"persons\[0\] has neither pixels nor confident keypoints"):
        nowhere.crop(np.zeros((4, 5), np.uint8), 0)


# As JSON


@given(scenes(), st.booleans())
def test_json_holds_the_scene(scene, masks):
    told = json.loads(json.dumps(scene.to_dict(masks), allow_nan=False))
    assert (told["height"], told["width"]) == scene.person_mask.shape
    assert len(told["persons"]) == len(scene.persons)
    for k, (one, person) in enumerate(zip(told["persons"], scene.persons, strict=True)):
        assert (tuple(one["box"]), one["score"]) == (person.box, person.score)
        assert one.get("track_id") == person.track_id
        assert "distance" not in one
        expected = person.keypoints.tolist() if person.has_pose else []
        assert list(one["keypoints"].values()) == expected  # quarters survive rounding to hundredths
        assert list(one["keypoints"]) == (list(scene.keypoint_names) if person.has_pose else [])
        assert ("keypoints_3d" in one) == (person.keypoints_3d is not None)
        if person.keypoints_3d is not None:
            assert list(one["keypoints_3d"].values()) == person.keypoints_3d.tolist()
        assert ("mask" in one) == masks
        if masks:
            assert np.array_equal(coco_mask.decode(one["mask"]), scene.mask_of(k))


def test_json_rounds_and_leaves_out_what_is_no_number():
    keypoints = np.array([[1.23456, 2, 0.123456], [np.nan, 3, 0.5]], np.float32)
    person = Person(1 / 3, (0, 0, 2, 1), keypoints, track_id=np.int64(4), distance=2.34567)
    assert person.to_dict(("nose", "tail")) == {
        "score": 0.33333,
        "box": [0, 0, 2, 1],
        "keypoints": {"nose": [1.23, 2.0, 0.1235]},
        "track_id": 4,
        "distance": 2.3457,
    }


def test_hands_are_told_by_the_names_of_their_points():
    points = np.arange(63, dtype=np.float32).reshape(21, 3)
    hand = Hand("left", 0.876543, points, points / 1000)
    person = Person(0.5, (0, 0, 1, 1), np.zeros((0, 3), np.float32), hands=(hand,))
    told = json.loads(json.dumps(person.to_dict(())))
    (one,) = told["hands"]
    assert (one["side"], one["score"]) == ("left", 0.87654)
    assert list(one["keypoints"]) == list(HAND_KEYPOINTS) == list(one["keypoints_3d"])
    assert one["keypoints"][HAND_KEYPOINTS[1]] == [3, 4, 5]
    assert one["keypoints_3d"][HAND_KEYPOINTS[20]] == [0.06, 0.061, 0.062]
    assert "hands" not in dataclasses.replace(person, hands=()).to_dict(())


def test_json_has_faces_where_there_are():
    scene = replace(standing((10, 10, 30, 60)), faces=(Face((12, 11, 20, 21), 0.876543),))
    assert scene.to_dict()["faces"] == [{"box": [12, 11, 20, 21], "score": 0.87654}]
    assert "faces" not in standing((10, 10, 30, 60)).to_dict()


def test_draw_is_public():
    scene = standing((10, 10, 30, 60))
    image = np.zeros((*scene.person_mask.shape, 3), np.uint8)
    assert np.array_equal(bodypix_ros.draw(image, scene), rendering.draw(image, scene, "instances"))
    assert np.array_equal(bodypix_ros.draw(image, scene, "bokeh"), rendering.draw(image, scene, "bokeh"))


def test_drawing_needs_no_openvino():
    code = "import sys, bodypix_ros; bodypix_ros.draw; sys.exit('openvino' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
