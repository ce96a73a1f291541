"""What the privacy modes hide: labelled parts, heads by keypoints, and who has neither."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.rendering import Style
from bodypix_ros.rendering.hiding import hidden_region, hide
from bodypix_ros.scene import Face, Person, Scene

SIZE = (200, 300)
TORSO = PARTS.index("torso_front") + 1
FACE = PARTS.index("left_face") + 1
BODY = np.s_[80:180, 100:160]
"""Where the one person is, all torso."""


def scene(keypoints=None, score=0.9, face=None):
    parts = np.zeros(SIZE, np.uint8)
    parts[BODY] = TORSO
    if face is not None:
        parts[face] = FACE
    instances = (parts > 0).astype(np.uint8)
    known = np.zeros((17, 3), np.float32) if keypoints is None else keypoints
    person = Person(score, (100, 80, 160, 180), known)
    return Scene(parts > 0, instances, parts, None, (person,), KEYPOINTS)


def with_ears(x, y, score=0.9):
    known = np.zeros((17, 3), np.float32)
    for name, side in (("left_ear", 16), ("right_ear", -16)):
        known[KEYPOINTS.index(name)] = x + side, y, score
    return known


def hidden(one, **style):
    region = hidden_region(np.zeros((*SIZE, 3), np.uint8), one, Style(**style))
    assert set(np.unique(region)) <= {0, 255}
    return region > 0


def test_a_head_is_hidden_where_no_face_was_labelled():
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    disc = (rows - 60) ** 2 + (columns - 130) ** 2 <= 20**2
    assert np.array_equal(hidden(scene(with_ears(130, 60))), disc)


def test_a_labelled_face_is_hidden_beside_the_head():
    face = np.s_[20:40, 20:40]
    both = hidden(scene(with_ears(130, 60), face=face))
    assert both[face].all()
    assert both[60, 130]
    assert not both[BODY].all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (299, 199), (-15, 100), (310, 100)])
def test_a_head_at_the_rim_is_hidden_as_far_as_it_is_in_the_picture(x, y):
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    assert np.array_equal(hidden(scene(with_ears(x, y))), (rows - y) ** 2 + (columns - x) ** 2 <= 20**2)


@pytest.mark.parametrize("at", [(-500, 50), (1e30, 50), (50, -1e30), (np.nan, 50), (np.inf, 0)])
def test_a_head_elsewhere_hides_nothing(at):
    assert not hidden(scene(with_ears(*at))).any()


def test_the_upper_half_is_hidden_of_who_stands_and_has_neither_pose_nor_face():
    upper = np.zeros(SIZE, bool)
    upper[80:130, 100:160] = True
    assert np.array_equal(hidden(scene(score=0.14)), upper)


def test_who_lies_and_has_neither_pose_nor_face_is_hidden_as_a_whole():
    one = scene(score=0.14)
    turned = np.zeros(SIZE, np.uint8)
    turned[100:160, 80:180] = 1
    lying = replace(
        one,
        person_mask=turned > 0,
        instance_mask=turned,
        part_mask=turned * np.uint8(TORSO),
        persons=(replace(one.persons[0], box=(80, 100, 180, 160)),),
    )
    assert np.array_equal(hidden(lying), turned > 0)


def test_labels_of_a_face_that_run_over_the_body_stay_to_be_seen():
    spill = 0.024 * 300
    run_over = hidden(scene(with_ears(130, 60), face=np.s_[40:180, 120:140]))
    rows = np.flatnonzero(run_over[:, 130])
    assert rows.min() == 40
    assert 60 + 20 + spill - 1 <= rows.max() <= 60 + 20 + spill


def test_a_face_that_was_found_by_itself_is_hidden_whoevers_it_is():
    one = replace(scene(with_ears(130, 60)), faces=(Face((200, 20, 240, 60), 0.9),))
    assert np.array_equal(hidden(one)[:, :170], hidden(scene(with_ears(130, 60)))[:, :170])
    alone = hidden(one)[:, 170:]
    rows, columns = np.flatnonzero(alone.any(axis=1)), np.flatnonzero(alone.any(axis=0)) + 170
    assert (columns.min(), columns.max()) == (200 - 4, 239 + 4)  # 1.2 times as wide
    assert (rows.min(), rows.max()) == (20 - 8, 59 + 8)  # and 1.4 times as high
    assert alone[20:60, 30:70][10:30, 10:30].all()


def test_a_face_that_was_found_is_left_where_faces_are_not_hidden():
    one = replace(scene(), faces=(Face((200, 20, 240, 60), 0.9),))
    assert not hidden(one, hide=("hand",)).any()


@pytest.mark.parametrize("box", [(0, 0, 30, 40), (290, 190, 300, 200), (5, 5, 5, 5)])
def test_a_face_at_the_rim_is_hidden_as_far_as_it_is_in_the_picture(box):
    x0, y0, x1, y1 = box
    region = hidden(replace(scene(), faces=(Face(box, 0.9),), persons=()))
    assert region[y0:y1, x0:x1].mean() > 0.7 if x0 < x1 else not region.any()


def test_who_has_a_face_and_no_pose_loses_the_face_alone():
    face = np.s_[80:100, 100:120]
    one = scene(score=0.14, face=face)
    assert np.array_equal(hidden(one), one.part_mask == FACE)


def test_who_is_hardly_anybody_stays():
    assert not hidden(scene(score=0.08)).any()


@pytest.mark.parametrize("hide", [("torso",), ("left_face",), ("hand", "5")])
def test_heads_are_hidden_with_faces_only(hide):
    one = scene(with_ears(130, 60))
    assert np.array_equal(hidden(one, hide=hide), one.person_mask & ("torso" in hide))


def test_without_keypoints_faces_are_hidden_as_they_are_labelled():
    one = replace(scene(face=np.s_[80:100, 100:120]), keypoint_names=())
    one = replace(one, persons=(replace(one.persons[0], keypoints=np.zeros((0, 3), np.float32)),))
    assert np.array_equal(hidden(one), one.part_mask == FACE)


def test_pieces_far_apart_are_hidden_each_as_if_it_were_alone():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (300, 500, 3), np.uint8)
    style = Style(edge_blur=0.0)
    regions = [np.zeros((300, 500), np.uint8) for _ in range(2)]
    regions[0][20:60, 30:70] = 255
    regions[1][180:280, 320:440] = 255  # larger, and blurred more
    both = hide(image, regions[0] | regions[1], style)
    for region in regions:
        alone = hide(image, region, style)
        assert (both[region > 0] == alone[region > 0]).all()
        assert np.abs(alone[region > 0].astype(int) - 127).mean() < 20  # of noise its mean is left
        assert (alone[region == 0] == image[region == 0]).all()
    assert (hide(image, np.zeros((300, 500), np.uint8), style) == image).all()


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.001, 0.01, 0.2, 0.9]),
)
def test_every_pixel_that_is_to_be_hidden_is_and_no_other(size, seed, share):
    rng = np.random.default_rng(seed)
    region = (rng.random(size) < share).astype(np.uint8) * np.uint8(255)
    image = np.indices(size).sum(axis=0)[..., None] % 2 * np.full(3, 255)  # whatever is blurred is grey then
    hidden = hide(image.astype(np.uint8), region, Style(edge_blur=0.0))
    assert (hidden[region == 0] == image[region == 0]).all()
    if min(size) > 3:
        assert (hidden[region > 0] != image[region > 0]).all()
