"""Whose hands are where, in pictures and streams."""

from itertools import pairwise

import numpy as np
import pytest

from bodypix_ros.anatomy import HAND_PARTS
from bodypix_ros.details.hands.finding import find, follow
from bodypix_ros.details.hands.known import HandMemory
from bodypix_ros.scene import Hand, Person, Scene
from support.hands import Network, look_of, person_of, points_of, scene_of


def sides(hands: list[tuple[Hand, ...]]) -> list[list[str]]:
    return [[hand.side for hand in one] for one in hands]


def somebody(x: float = 200, apart: float = 150) -> Person:
    """Arms hang down, hands at y = 300: the left one on the right, `apart` from the other."""
    return person_of(
        right_shoulder=(x, 100), right_elbow=(x, 200), right_wrist=(x, 300),
        left_shoulder=(x + apart, 100), left_elbow=(x + apart, 200), left_wrist=(x + apart, 300),
    )  # fmt: skip


def hanging(x: float, score: float = 0.9375, right: float = 0.5) -> object:
    return look_of(points_of(x, 305, 400, np.pi), score, right)


def test_everybody_has_left_and_right_hands() -> None:
    network = Network([hanging(200), hanging(350), hanging(450)])
    hands = find(scene_of([somebody(), somebody(450)]), network)
    assert sides(hands) == [["left", "right"], ["right"]]
    left, right = hands[0]
    assert left.keypoints.dtype == left.keypoints_3d.dtype == np.float32
    assert left.keypoints[0].tolist() == pytest.approx([350, 305, 0.9375])
    assert right.keypoints[0, 0] == pytest.approx(200)
    assert left.score == 0.9375
    assert left.keypoints_3d.shape == (21, 3)
    assert len(network.looks) == 4


def test_a_hand_that_lies_otherwise_than_its_arm_is_looked_at_again_from_there() -> None:
    bent = look_of(points_of(185, 325, 400, np.pi / 2))
    network = Network([bent])
    assert sides(find(scene_of([somebody()]), network)) == [["right"]]
    assert bent.region in network.looks


def test_a_hand_where_two_arms_end_is_one() -> None:
    """It is the right one's, as the network says."""
    hands = find(scene_of([somebody(apart=8)]), Network([hanging(204, right=0.95)]))
    assert sides(hands) == [["right"]]
    assert sides(find(scene_of([somebody(apart=8)]), Network([hanging(204, right=0.05)]))) == [["left"]]


def test_a_hand_of_two_people_is_the_one_whose_pixels_it_lies_on() -> None:
    for owner in (1, 2):
        scene = scene_of([somebody(), somebody(202, apart=300)])
        scene.instance_mask[300:400, 150:250] = owner
        hands = find(scene, Network([hanging(201)]))
        assert sides(hands) == ([["right"], []] if owner == 1 else [[], ["right"]])


def test_what_scores_too_little_is_no_hand() -> None:
    assert sides(find(scene_of([somebody()]), Network([hanging(200, 0.49)]))) == [[]]


def test_an_arm_that_leads_nowhere_leaves_what_the_model_took_for_a_hand() -> None:
    """The hand is up, the arm's keypoints say that it hangs."""
    scene = scene_of([somebody()])
    assert scene.part_mask is not None
    person = scene.persons[0]
    scene = Scene(
        scene.person_mask, scene.instance_mask, scene.part_mask, None,
        (Person(person.score, (180, 20, 360, 310), person.keypoints),), scene.keypoint_names,
    )  # fmt: skip
    scene.instance_mask[20:310, 180:360] = 1
    scene.part_mask[20:60, 190:230] = HAND_PARTS["right"] + 1
    up = look_of(points_of(210, 60, 250))
    hands = find(scene, Network([up]))
    assert sides(hands) == [["right"]]
    assert hands[0][0].keypoints[0, :2].tolist() == pytest.approx([210, 60])


def test_in_a_stream_hands_are_looked_at_in_turn_and_go_along_with_their_arms() -> None:
    memory, moved = HandMemory(), 0.0
    looked = []
    for k in range(8):
        moved = 4.0 * k
        people = [somebody(100 + moved), somebody(400 + moved)]
        network = Network([hanging(x + moved) for x in (100, 250, 400, 550)])
        hands = follow(scene_of(people), network, memory, 2)
        looked.append({round(region.x / 50) for region in network.looks})
        assert len(network.looks) <= 2
        if k == 0:
            assert sum(map(len, hands)) == 2
        else:
            assert sides(hands) == [["left", "right"]] * 2
            for person, x in zip(hands, (100, 400), strict=True):
                assert person[1].keypoints[0, 0] == pytest.approx(x + moved, abs=1e-3)
                assert person[0].keypoints[0, 0] == pytest.approx(x + 150 + moved, abs=1e-3)
    assert all(one.isdisjoint(other) for one, other in pairwise(looked))


def test_a_hand_that_went_away_is_not_shown_after_it_was_looked_for() -> None:
    memory = HandMemory()
    scene = scene_of([somebody()])
    assert sides(follow(scene, Network([hanging(200)]), memory, 2)) == [["right"]]
    assert sides(follow(scene, Network([]), memory, 2)) == [[]]
    assert sides(follow(scene, Network([hanging(200)]), memory, 2)) == [["right"]]


def test_nothing_is_kept_of_images_of_another_size() -> None:
    memory = HandMemory()
    follow(scene_of([somebody()]), Network([hanging(200), hanging(350)]), memory, 2)
    assert len(memory.ends) == 2
    assert follow(scene_of([], (100, 100)), Network([]), memory, 2) == []
    assert memory.ends == []
