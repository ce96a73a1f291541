"""Where hands are looked for."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bodypix_ros.anatomy import HAND_PARTS, LOWER_ARM_PARTS
from bodypix_ros.details.hands.where import by_arms, by_parts
from support.hands import person_of, scene_of


def test_a_hand_is_looked_for_beyond_the_wrist() -> None:
    person = person_of(left_shoulder=(100, 100), left_elbow=(100, 200), left_wrist=(180, 200))
    (place,) = by_arms(scene_of([person]))
    assert (place.person, place.side) == (0, "left")
    assert place.region.rotation == pytest.approx(math.pi / 2)  # the fingers are to the right
    assert place.region.side == pytest.approx(100)  # as long as the upper arm, which looks longer
    assert (place.region.x, place.region.y) == pytest.approx((180 + 0.35 * 80, 200))


def test_an_arm_that_points_to_the_camera_has_its_hand_before_it() -> None:
    person = person_of(right_shoulder=(100, 100), right_elbow=(100, 200), right_wrist=(104, 200))
    (place,) = by_arms(scene_of([person]))
    assert math.hypot(place.region.x - 104, place.region.y - 200) < 5
    assert place.region.side == pytest.approx(100)


@pytest.mark.parametrize(
    "joints",
    [
        {"left_elbow": (600, 200), "left_wrist": (700, 200)},  # out of the picture
        {"left_elbow": (100, 200), "left_wrist": (112, 200)},  # too small
        {"left_elbow": (100, 200), "left_shoulder": (100, 100)},  # no wrist
    ],
)
def test_no_hand_is_looked_for_where_none_can_be_seen(joints: dict[str, tuple[float, float]]) -> None:
    assert by_arms(scene_of([person_of(**joints)])) == []


def test_who_has_no_pose_has_no_arms() -> None:
    scene = scene_of([person_of()])
    assert by_arms(scene) == []
    assert by_parts(scene, 0) == []
    assert by_arms(replace(scene, keypoint_names=())) == []


def test_what_the_model_took_for_hands_the_largest_first() -> None:
    scene = scene_of([person_of((90, 90, 400, 300))])
    assert scene.part_mask is not None
    scene.instance_mask[90:300, 90:400] = 1
    scene.part_mask[200:240, 100:140] = HAND_PARTS["right"] + 1
    scene.part_mask[205:235, 140:200] = LOWER_ARM_PARTS[0] + 1  # to the right of it
    scene.part_mask[100:120, 380:400] = HAND_PARTS["left"] + 1
    scene.part_mask[290:292, 300:302] = HAND_PARTS["left"] + 1  # a speck
    large, small = by_parts(scene, 0)
    assert (large.side, small.side) == ("right", "left")
    assert (large.region.x, large.region.y) == pytest.approx((119.5, 219.5), abs=1)
    assert large.region.rotation == pytest.approx(-math.pi / 2, abs=0.02)
    assert large.region.side == pytest.approx(2.5 * 40, rel=0.05)
    assert small.region.rotation == 0  # nothing says otherwise
    np.testing.assert_allclose(large.wrist, [119.5 + 35, 219.5], atol=1)


def test_somebody_elses_hands_are_not_looked_at() -> None:
    scene = scene_of([person_of((0, 0, 200, 200)), person_of((100, 100, 300, 300))])
    assert scene.part_mask is not None
    scene.instance_mask[120:160, 120:160] = 2
    scene.part_mask[120:160, 120:160] = HAND_PARTS["left"] + 1
    assert by_parts(scene, 0) == []
    assert len(by_parts(scene, 1)) == 1
    assert by_parts(replace(scene, part_mask=None), 1) == []
