"""Heads, where they can be told by hand."""

import numpy as np
import pytest

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS
from bodypix_ros.heads import head_of


def keypoints(names=KEYPOINTS, score=0.9, **points):
    """Keypoints of which those are known that are given, as x and y."""
    rows = np.zeros((len(names), 3), np.float32)
    for name, point in points.items():
        rows[names.index(name)] = *point, score
    return rows


@pytest.mark.parametrize("names", [KEYPOINTS, BLAZEPOSE_KEYPOINTS])
def test_a_face_is_in_the_middle_of_its_keypoints(names):
    head = head_of(keypoints(names, left_ear=(120, 50), right_ear=(80, 50)), names, 0.3)
    assert head == (100, 50, pytest.approx(25))


def test_shoulders_say_how_large_a_face_is_that_shows_little():
    one = keypoints(nose=(100, 50), left_shoulder=(160, 120), right_shoulder=(60, 120))
    assert head_of(one, KEYPOINTS, 0.3) == (100, 50, pytest.approx(30))  # of their distance
    aside = keypoints(nose=(100, 50), left_shoulder=(101, 150), right_shoulder=(99, 150))
    assert head_of(aside, KEYPOINTS, 0.3) == (100, 50, pytest.approx(40))  # of the neck
    assert head_of(keypoints(nose=(100, 50)), KEYPOINTS, 0.3) == (100, 50, 0)


def test_the_doubtful_and_the_impossible_do_not_count():
    known = keypoints(left_eye=(10, 10), right_eye=(20, 10))
    known[KEYPOINTS.index("nose")] = 500, 500, 0.3
    known[KEYPOINTS.index("left_ear")] = np.nan, 10, 0.9
    known[KEYPOINTS.index("right_ear")] = np.inf, 10, 0.9
    assert head_of(known, KEYPOINTS, 0.3) == (15, 10, pytest.approx(6.25))


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (keypoints(left_shoulder=(5, 5), right_shoulder=(9, 5)), KEYPOINTS),
        (keypoints(), KEYPOINTS),
        (np.zeros((0, 3), np.float32), KEYPOINTS),
        (np.zeros((0, 3), np.float32), ()),
    ],
)
def test_without_a_face_nobody_knows(known, names):
    assert head_of(known, names, 0.3) is None


def test_a_keypoint_that_was_found_on_a_neighbour_makes_no_head() -> None:
    names = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    known = np.array([[50, 50, 0.9], [54, 46, 0.9], [46, 46, 0.9], [60, 48, 0.9], [40, 48, 0.9]])
    good = head_of(known, names, 0.1)
    known[3, :2] = 130, 60
    stray = head_of(known, names, 0.1)
    assert good is not None
    assert stray is not None
    assert stray.radius <= good.radius
    assert np.hypot(stray.x - good.x, stray.y - good.y) < 5
