"""Ids that stay, and when they begin and end."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from bodypix_ros.scene import Person
from bodypix_ros.tracking.metrics import compare
from bodypix_ros.tracking.sightings import look
from bodypix_ros.tracking.tracker import Tracker
from bodypix_ros.tracking.tracks import begin
from support.scenes import SIZE, check, scene
from support.sequences import frames, perfect_scene

ANNE, BOB = (20, 40, 70, 200), (200, 60, 250, 220)


def moved(box, x, y=0):
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def ids(tracker, seen, stamp_s, image=None):
    """The ids of the persons who are left, in their order."""
    given = tracker.update(seen, stamp_s, image)
    check(seen, given)
    return [person.track_id for person in given.persons]


def confirmed(*boxes, **options):
    """A tracker that knows people in boxes as 1, 2, ...; it is 10.1 s."""
    tracker = Tracker(**options)
    assert ids(tracker, scene(*boxes), 10.0) == [None] * len(boxes)
    assert ids(tracker, scene(*boxes), 10.1) == [*range(1, len(boxes) + 1)]
    return tracker


# Beginning


def test_an_id_comes_with_the_second_sighting_and_stays_whatever_the_order():
    tracker = confirmed(ANNE, BOB)
    assert ids(tracker, scene(moved(BOB, 4), moved(ANNE, 5)), 10.2) == [2, 1]
    assert ids(tracker, scene(moved(ANNE, 10)), 10.3) == [1]
    assert ids(tracker, scene(moved(ANNE, 15), moved(BOB, 12)), 10.4) == [1, 2]


def test_who_is_seen_once_never_has_an_id():
    tracker = confirmed(ANNE)
    assert ids(tracker, scene(ANNE, BOB), 10.2) == [1, None]
    for k in range(3, 6):
        assert ids(tracker, scene(ANNE), 10 + k / 10) == [1]
    assert ids(tracker, scene(ANNE, BOB), 10.6) == [1, None]
    assert ids(tracker, scene(ANNE, BOB), 10.7) == [1, 2]


def test_the_unsure_continue_and_do_not_begin():
    tracker = confirmed(ANNE, sure_score=0.3)
    scores = [0.1, 0.2]
    assert ids(tracker, scene(BOB, ANNE, scores=scores), 10.2) == [1]
    assert ids(tracker, scene(BOB, ANNE, scores=scores), 10.3) == [1]
    assert ids(tracker, scene(BOB, scores=[0.3]), 10.4) == [None]
    # Whoever was seen once is not yet continued by somebody unsure.
    assert ids(tracker, scene(BOB, scores=[0.2]), 10.5) == []


def test_the_unsure_must_fit_better_than_the_sure():
    for score, expected in ((0.9, [1]), (0.2, [])):
        tracker = confirmed(ANNE, sure_score=0.3)
        assert ids(tracker, scene(moved(ANNE, 20), scores=[score]), 10.2) == expected, score


def test_the_sure_are_served_first():
    tracker = confirmed(ANNE, sure_score=0.3)
    assert ids(tracker, scene(ANNE, moved(ANNE, 12), scores=[0.2, 0.9]), 10.2) == [1]
    assert tracker.update(scene(ANNE, moved(ANNE, 8), scores=[0.2, 0.9]), 10.3).persons[0].score == 0.9


def test_without_a_pose_size_is_what_is_sure():
    large, small = (20, 40, 70, 140), (200, 60, 240, 120)  # 6.5 % and 3 % of the picture
    tracker = Tracker(sure_score=0.3)
    seen = scene(large, small, scores=[0.12, 0.15], posed=False)
    assert ids(tracker, seen, 0.0) == [None]
    assert ids(tracker, seen, 0.1) == [1]


def test_without_a_pose_and_certainty_nobody_is_believed_in():
    tracker, large = Tracker(sure_score=0.3), (20, 40, 120, 200)
    assert ids(tracker, scene(large, scores=[0.1], posed=False), 0.0) == []
    assert ids(tracker, scene(large, scores=[0.12], posed=False), 0.1) == [None]
    assert ids(tracker, scene(large, scores=[0.12], posed=False), 0.2) == [1]
    # No track makes up for it, either.
    assert ids(tracker, scene(large, scores=[0.1], posed=False), 0.3) == []
    assert ids(tracker, scene(large, scores=[0.12], posed=False), 0.4) == [1]


# Going on


def test_a_torso_that_leaps_is_the_same_persons_where_the_box_stays():
    tracker, at_rest = confirmed(ANNE, BOB), scene(ANNE, BOB)
    mixed = at_rest.persons[0].keypoints.copy()
    mixed[5:13, 1] += 70  # from the shoulders to the hips
    seen = replace(at_rest, persons=(replace(at_rest.persons[0], keypoints=mixed), at_rest.persons[1]))
    assert ids(tracker, seen, 10.2) == [1, 2]
    # Somebody of whom all leaps is somebody else.
    assert ids(confirmed(ANNE, BOB), scene(moved(ANNE, 0, 70), BOB), 10.2) == [None, 2]


def test_unseen_for_a_second_by_the_stamps_whatever_the_rate():
    for steps in (2, 9, 60):
        tracker = confirmed(ANNE, BOB)
        for k in range(1, steps):
            assert ids(tracker, scene(ANNE), 10.1 + 0.95 * k / steps) == [1]
        assert ids(tracker, scene(ANNE, BOB), 11.05) == [1, 2]
        for k in range(1, 13):
            ids(tracker, scene(ANNE), 11.05 + k / 10)
        assert ids(tracker, scene(ANNE, BOB), 12.3) == [1, None]
        assert ids(tracker, scene(ANNE, BOB), 12.4) == [1, 3]


@pytest.mark.parametrize("gap_s", [1.5, 2.9])
def test_a_pause_of_the_images_forgets_nobody_whom_the_next_one_shows(gap_s):
    tracker = confirmed(ANNE, BOB)
    assert ids(tracker, scene(ANNE, BOB), 10.1 + gap_s) == [1, 2]
    # Who is not in it was unseen for too long.
    assert ids(tracker, scene(ANNE), 10.1 + 2 * gap_s) == [1]
    assert ids(tracker, scene(ANNE, BOB), 10.2 + 2 * gap_s) == [1, None]


def test_people_before_a_slow_camera_have_ids():
    tracker = confirmed(ANNE)
    given = [ids(tracker, scene(moved(ANNE, 4 * k), BOB), 10.1 + 2 * k) for k in range(1, 5)]
    assert given == [[1, None], [1, 2], [1, 2], [1, 2]]


def test_where_nobody_stays_after_a_pause_nobody_is_known():
    tracker = confirmed(ANNE)
    assert ids(tracker, scene(BOB), 11.6) == [None]
    assert ids(tracker, scene(BOB), 11.7) == [2]


def test_whoever_walks_is_looked_for_farther_on():
    tracker, stamp_s = Tracker(), 5.0
    for k in range(10):
        ids(tracker, scene(moved(ANNE, 8 * k)), stamp_s + k / 20)
    for k in range(10, 22):
        assert ids(tracker, scene(), stamp_s + k / 20) == []
    assert ids(tracker, scene(moved(ANNE, 8 * 22)), stamp_s + 22 / 20) == [1]


def test_two_who_pass_each_other_keep_their_ids():
    tracker = Tracker()
    for k in range(30):
        there, back = moved(ANNE, 7 * k), moved(BOB, -7 * k)
        given = ids(tracker, scene(there, back), k / 20)
        assert given == ([None, None] if k == 0 else [1, 2])


def test_two_whom_one_frame_takes_for_one_keep_their_ids_when_they_part():
    left, right = (100, 40, 140, 200), (150, 40, 190, 200)
    tracker = confirmed(left, right)
    both = (100, 40, 190, 200)
    for k in range(1, 8):
        (one,) = ids(tracker, scene(both), 10.1 + k / 10)
        assert one in (1, 2, None)
    assert set(ids(tracker, scene(left, right), 10.9)) == {1, 2}
    assert ids(tracker, scene(moved(left, -4), moved(right, 4)), 11.0) == [1, 2]


def test_colours_tell_apart_who_place_does_not():
    image = np.full((*SIZE, 3), 90, np.uint8)
    first, second = image.copy(), image.copy()
    first[:, :160], first[:, 160:] = (200, 30, 30), (30, 30, 200)
    second[:, :160], second[:, 160:] = (30, 30, 200), (200, 30, 30)
    for appearance, expected in ((True, [2, 1]), (False, [1, 2])):
        tracker = Tracker(appearance=appearance)
        left, right = (115, 40, 155, 200), (165, 40, 205, 200)
        for k in range(5):
            ids(tracker, scene(left, right), k / 10, first)
        # A little later each stands where the other one was.
        assert ids(tracker, scene(left, right), 1.3, second) == expected, appearance


def test_whom_the_model_sees_twice_keeps_the_first_id():
    tracker, twin = Tracker(), moved(ANNE, 12)
    given = [ids(tracker, scene(ANNE), k / 10) for k in range(12)]
    assert given == [[None]] + 11 * [[1]]
    assert ids(tracker, scene(twin, ANNE), 1.2) == [None, 1]
    assert ids(tracker, scene(twin, ANNE), 1.3) == [2, 1]
    assert [ids(tracker, scene(twin if k % 2 else ANNE), k / 10) for k in range(15, 21)] == 6 * [[1]]


# Ending


@pytest.mark.parametrize("stamp_s", [9.9, 13.2, -1e9, 1e18])
def test_where_time_goes_back_or_leaps_everybody_is_new(stamp_s):
    tracker = confirmed(ANNE)
    assert ids(tracker, scene(ANNE), stamp_s) == [None]
    assert ids(tracker, scene(ANNE), stamp_s) == [2]


def test_another_size_or_model_is_another_film():
    tracker = confirmed(ANNE)
    assert ids(tracker, scene(ANNE, size=(240, 321)), 10.2) == [None]
    blazepose = replace(scene(ANNE, size=(240, 321)), keypoint_names=BLAZEPOSE_KEYPOINTS)
    person = replace(blazepose.persons[0], keypoints=np.zeros((33, 3), np.float32))
    assert ids(tracker, replace(blazepose, persons=(person,)), 10.3) == [None]
    tracker.reset()
    assert ids(tracker, scene(ANNE), 10.4) == [None]
    assert ids(tracker, scene(ANNE), 10.5) == [2], "ids are not used again"


@pytest.mark.parametrize(("gap_s", "moves"), [(0.1, True), (0.4, False)])
def test_how_far_somebody_got_unseen_is_no_speed(gap_s, moves):
    """Whoever stands still after coming back would else be expected farther and farther on."""
    first, then = look(scene(ANNE), 0.0), look(scene(moved(ANNE, 30)), 0.0)
    tracks, who = begin(first, np.array([0]), None, 10.0), np.array([0])
    tracks.predict(gap_s)
    tracks.renew(who, then, who, None, 10.0 + gap_s)
    assert (tracks.states[0, 2] > 5) == moves
    before = tracks.states[0, 0]
    tracks.predict(0.5)
    assert (tracks.states[0, 0] - before > 2) == moves


def test_a_cut_begins_anew_and_light_or_a_turn_of_the_camera_does_not():
    rng = np.random.default_rng(5)
    small = rng.integers(0, 255, (12, 20, 3), np.uint8)
    street = cv2.resize(small, (420, 240), interpolation=cv2.INTER_CUBIC)
    room = cv2.resize(np.rot90(small, 2).copy(), (320, 240), interpolation=cv2.INTER_CUBIC)
    tracker = Tracker(appearance=False)
    ids(tracker, scene(ANNE), 0.0, street[:, :320])
    assert ids(tracker, scene(ANNE), 0.1, street[:, :320]) == [1]
    assert ids(tracker, scene(ANNE), 0.2, street[:, :320] // 3) == [1]
    assert ids(tracker, scene(ANNE), 0.3, street[:, 60:380]) == [1]
    assert ids(tracker, scene(ANNE), 0.4, np.zeros((240, 320, 3), np.uint8)) == [1], "a black frame"
    assert ids(tracker, scene(ANNE), 0.5, street[:, 60:380]) == [1]
    assert ids(tracker, scene(ANNE), 0.6, room) == [None]


# Whatever comes


BOXES = st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(1, 200), st.integers(1, 200)).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], 320), min(b[1] + b[3], 240))
)
SCENES = st.lists(
    st.tuples(st.lists(st.tuples(BOXES, st.floats(0, 1), st.booleans()), max_size=5), st.floats(-0.5, 3)),
    max_size=8,
)


@settings(deadline=None)
@given(SCENES, st.booleans())
def test_a_scene_stays_a_scene_whatever_comes(films, appearance):
    tracker, stamp_s = Tracker(sure_score=0.3, appearance=appearance), 0.0
    image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    highest = 0
    with np.errstate(all="raise"):
        for people, step_s in films:
            stamp_s += step_s
            seen = scene(
                *[box for box, _, _ in people], scores=[score for _, score, _ in people],
                posed=[posed for _, _, posed in people], loose=[(0, 0, 9, 9)],
            )  # fmt: skip
            found = [i for i in ids(tracker, seen, stamp_s, image) if i is not None]
            assert all(i >= 1 for i in found)
            new = sorted(i for i in found if i > highest)
            assert new == list(range(highest + 1, highest + 1 + len(new)))
            highest += len(new)


def test_people_without_pixels_or_with_odd_numbers():
    tracker = Tracker()
    nobody = Person(0.9, (0, 0, 0, 0), np.zeros((17, 3), np.float32))
    far = Person(0.9, (0, 0, 0, 0), np.full((17, 3), 1e30, np.float32))
    empty = scene()
    for k in range(4):
        ids(tracker, replace(empty, persons=(nobody, far)), k / 10)


def test_what_cannot_be_is_refused():
    tracker = Tracker()
    for stamp_s in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"stamp_s is {stamp_s}, but must be a finite number"):
            tracker.update(scene(), stamp_s)
    with pytest.raises(ValueError, match=r"image is \(9, 9\) but the scene is \(240, 320\)"):
        tracker.update(scene(), 0.0, np.zeros((9, 9, 3), np.uint8))


def test_only_those_who_are_there_are_remembered():
    tracker, most = Tracker(), 0
    for k in range(2000):
        ids(tracker, scene((k * 37 % 250, 30, k * 37 % 250 + 50, 200)), k / 4)
        most = max(most, len(tracker._tracks))
    assert most <= 5


# Films with exact truth


def test_perfect_detections_keep_their_ids(data_dir):
    known, found = [], []
    for seed in range(5):
        tracker, order = Tracker(), np.random.default_rng(seed)
        for frame in frames(data_dir, seed):
            seen = perfect_scene(frame, order)
            given = tracker.update(seen, frame.stamp_s, frame.image)
            check(seen, given)
            known.append({(seed, one.track_id): one.box for one in frame.people})
            ids_of = {(seed, p.track_id): p.box for p in given.persons if p.track_id is not None}
            found.append(ids_of)
    assert compare(known, found).idf1 >= 0.97
