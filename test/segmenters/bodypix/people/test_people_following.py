"""What a stream knows of the image before."""

import cv2
import numpy as np
import pytest

from bodypix_ros.segmenters.bodypix.people.decoding import Found
from bodypix_ros.segmenters.bodypix.people.following import Following
from bodypix_ros.segmenters.bodypix.people.views import crop, whole

SHAPE = (480, 640)
BASE = whole(*SHAPE, 481)
SCENE, OTHER = (
    cv2.resize(np.random.default_rng(k).integers(0, 200, (6, 8, 3), np.uint8), SHAPE[::-1]) for k in (0, 1)
)


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


def seen(memory, poses, trusted, views=(), whole=None, image=SCENE):
    """A frame in which the passes gave these poses; `whole`: that of the whole picture, else the same."""
    memory.meet(image)
    return memory.remember(
        np.array(poses, np.float32).reshape(-1, 17, 3),
        np.array(trusted, np.float32),
        found(*poses) if whole is None else whole,
        list(views),
    )


def looks_at(memory):
    """Rows and columns in the middle of the crops of the next frame."""
    return [
        (view.top + (view.height - 1) * view.step / 2, view.left + (view.width - 1) * view.step / 2)
        for view in memory.crops(BASE, SHAPE, 1)
    ]


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
    one, other = both = [pose_at(100, 100), pose_at(500, 100)]
    left, right = crop(36, 36, 3.0), crop(36, 436, 3.0)
    seen(memory, both, [0.8, 0.8], [left])
    assert looks_at(memory) == [pytest.approx((100, 500), abs=5)]
    seen(memory, both, [0.8, 0.8], [right])
    assert looks_at(memory) == [pytest.approx((100, 100), abs=5)]
    sure = Found(np.array(both), np.array([0.9, 0.1], np.float32), np.array([0.2, 0.2], np.float32))
    fresh = Following()
    seen(fresh, both, [0.8, 0.8], whole=sure)
    assert looks_at(fresh) == [pytest.approx((100, 500), abs=5)]
    fresh = Following()
    seen(fresh, [one], [0.9], [left], whole=found(one, other, trusted=0.9))
    assert looks_at(fresh) == [pytest.approx((100, 500), abs=5)]  # nobody knows yet who that is


def test_nobody_known_is_nothing_to_look_at():
    memory = Following()
    for _ in range(3):
        seen(memory, [], [])
        assert looks_at(memory) == []


def test_all_of_the_picture_is_searched_in_time():
    memory, covered = Following(), np.zeros(SHAPE, bool)
    searched = 0
    for _ in range(8 * 6):
        memory.meet(SCENE)
        for view in memory.crops(BASE, SHAPE, 1):
            searched += 1
            top, left = int(view.top), int(view.left)
            covered[top : top + int(384 * view.step) + 1, left : left + int(384 * view.step) + 1] = True
    assert searched == 6
    assert covered.all()
    for _ in range(8):
        memory.meet(SCENE)
        assert memory.crops(BASE, SHAPE, 0) == []


@pytest.mark.parametrize(("crops", "people"), [(1, 0), (2, 1), (4, 2)])
def test_who_is_known_is_looked_at_while_newcomers_are_searched_for(crops, people):
    memory, counts = Following(), []
    for _ in range(8):
        seen(memory, [pose_at(100, 100), pose_at(500, 100), pose_at(300, 400)], [0.8, 0.8, 0.8])
        counts.append(len(memory.crops(BASE, SHAPE, crops)))
    assert counts == [(crops + 1) // 2] * 7 + [1 + people]


def test_a_cut_and_another_size_begin_anew():
    for other in (OTHER, SCENE[:-1], SCENE[:, :-10], np.repeat(SCENE, 2, axis=0)):
        memory = Following()
        seen(memory, [pose_at(100, 100)], [0.8])
        seen(memory, [pose_at(100, 100)], [0.8], image=SCENE // 2 + 20)  # a cloud
        assert len(looks_at(memory)) == 1
        memory.meet(other)
        assert looks_at(memory) == []
