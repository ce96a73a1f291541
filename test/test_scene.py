"""Scenes and persons: what a mirror does to them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.scene import Hand, Person, Scene


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
