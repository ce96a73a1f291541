"""What a stream knows of the image before."""

import numpy as np
import pytest

from bodypix_ros.segmenters.bodypix.people.decoding import Found
from bodypix_ros.segmenters.bodypix.people.following import Following
from bodypix_ros.segmenters.bodypix.people.views import crop, whole

SHAPE = (480, 640)
BASE = whole(*SHAPE, 481)
GREY = np.full((45, 61, 3), 128, np.float32)


def pose_at(x: float, y: float, size: float = 60) -> np.ndarray:
    pose = np.empty((17, 3), np.float32)
    pose[:, 0] = x + np.linspace(-1, 1, 17) * size / 6
    pose[:, 1] = y + np.linspace(-0.5, 0.5, 17) * size
    pose[:, 2] = 0.9
    return pose


def found(*poses, trusted=0.1):
    count = len(poses)
    return Found(
        np.array(poses, np.float32).reshape(-1, 17, 3),
        np.full(count, trusted, np.float32),
        np.full(count, 0.2, np.float32),
    )


def seen(memory, poses, trusted, views=()):
    """A frame in which the passes gave these poses."""
    memory.meet(GREY)
    return memory.remember(
        np.array(poses, np.float32).reshape(-1, 17, 3), np.array(trusted, np.float32), list(views)
    )


def test_who_was_seen_in_a_crop_stays_sure_while_it_is_others_turn():
    memory = Following()
    seen(memory, [pose_at(100, 100)], [0.8], [crop(50, 50, 3.0)])
    poses, trusted = seen(memory, [pose_at(102, 100)], [0.1])
    assert trusted == pytest.approx([0.72])
    assert np.array_equal(poses[0], pose_at(102, 100))  # where it is now
    for _ in range(30):
        _, trusted = seen(memory, [pose_at(102, 100)], [0.1])
    assert trusted == pytest.approx([0.1])  # and nothing is believed for ever


def test_who_is_not_seen_at_all_is_kept_for_some_frames_unless_a_crop_shows_nobody_there():
    memory = Following()
    seen(memory, [pose_at(100, 100)], [0.8], [crop(50, 50, 3.0)])
    assert seen(memory, [], [])[1] == pytest.approx([0.72])
    for _ in range(30):
        poses, _ = seen(memory, [], [])
    assert len(poses) == 0
    seen(memory, [pose_at(100, 100)], [0.8], [crop(50, 50, 3.0)])
    assert len(seen(memory, [], [], [crop(50, 50, 3.0)])[0]) == 0


def test_crops_go_in_turn_to_those_who_wait_and_to_the_unsure():
    memory = Following()
    both = [pose_at(100, 100), pose_at(500, 100)]
    seen(memory, both, [0.8, 0.8], [crop(50, 50, 3.0)])
    _, urgent = memory.candidates(found(*both))
    assert urgent[1] > urgent[0]
    seen(memory, both, [0.8, 0.8], [crop(50, 450, 3.0)])
    _, urgent = memory.candidates(found(*both))
    assert urgent[0] > urgent[1]
    sure = Found(np.array(both), np.array([0.9, 0.1], np.float32), np.array([0.2, 0.2], np.float32))
    fresh = Following()
    seen(fresh, both, [0.8, 0.8])
    _, urgent = fresh.candidates(sure)
    assert urgent[1] > urgent[0]


def test_newcomers_are_candidates():
    memory = Following()
    seen(memory, [pose_at(100, 100)], [0.8])
    poses, _ = memory.candidates(found(pose_at(101, 100), pose_at(400, 300)))
    assert len(poses) == 2
    assert np.array_equal(poses[1], pose_at(400, 300))


def test_all_of_the_picture_is_searched_in_time():
    memory, covered = Following(), np.zeros(SHAPE, bool)
    frames = 0
    for _ in range(8 * 6):
        memory.meet(GREY)
        view = memory.search(BASE, SHAPE)
        if view is not None:
            frames += 1
            top, left = int(view.top), int(view.left)
            covered[top : top + int(384 * view.step) + 1, left : left + int(384 * view.step) + 1] = True
    assert frames == 6
    assert covered.all()


def test_a_cut_and_another_size_begin_anew():
    for other in (GREY + 60, np.full((30, 61, 3), 128, np.float32)):
        memory = Following()
        seen(memory, [pose_at(100, 100)], [0.8])
        memory.meet(GREY + 10)  # a cloud
        assert len(memory.candidates(found())[0]) == 1
        memory.meet(other)
        assert len(memory.candidates(found())[0]) == 0
