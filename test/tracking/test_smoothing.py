"""Keypoints that are still at rest, and not behind in motion."""

from dataclasses import replace

import numpy as np
import pytest

from bodypix_ros.tracking.smoothing import Smoother
from support.scenes import scene

RATE, SIZE = 30.0, 160
BOX = (40, 40, 90, 40 + SIZE)


def seen(points, track_id=1):
    """A Scene of one person with these keypoints, (17, 2)."""
    one = scene(BOX)
    keypoints = np.column_stack([points, np.full(17, 0.9)]).astype(np.float32)
    return replace(one, persons=(replace(one.persons[0], keypoints=keypoints, track_id=track_id),))


def smoothed(ways, rate=RATE):
    """(T, 17, 2): keypoints of (T, 17, 2) as they come out."""
    smoother = Smoother()
    given = [smoother.apply(seen(points), k / rate).persons[0].keypoints for k, points in enumerate(ways)]
    return np.array(given)[..., :2]


def trembling(count, pixels=0.5):
    rng = np.random.default_rng(0)
    base = scene(BOX).persons[0].keypoints[:, :2]
    return base + rng.normal(0, pixels, (count, 17, 2))


def per_frame(ways):
    return float(np.median(np.linalg.norm(np.diff(ways, axis=0), axis=2)))


def test_at_rest_little_of_the_trembling_is_left():
    ways = trembling(120)
    assert per_frame(smoothed(ways)[30:]) < per_frame(ways) / 5


@pytest.mark.parametrize("speed", [0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("rate", [10.0, 30.0, 60.0])
def test_a_walker_is_less_than_a_frame_behind(speed, rate):
    """Speeds in lengths of the person per second."""
    steps = speed * SIZE / rate
    ways = trembling(120) + np.arange(120)[:, None, None] * np.array([steps, 0])
    behind = (ways - smoothed(ways, rate))[40:, :, 0].mean() / steps
    assert abs(behind) <= 1


def test_a_waving_arm_is_about_a_frame_behind():
    times = np.arange(150) / RATE
    wrist = 0.15 * SIZE * np.sin(2 * np.pi * times)
    ways = trembling(150, 0.2)
    ways[:, 9, 0] += wrist
    given = smoothed(ways)[30:, 9, 0]
    base = scene(BOX).persons[0].keypoints[9, 0]

    def apart(frames):
        return np.mean((np.interp(times[30:] - frames / RATE, times, wrist) + base - given) ** 2)

    assert min(np.arange(0, 5, 0.1), key=apart) <= 1.2


def test_people_have_their_own_filters_and_begin_anew():
    smoother, ways = Smoother(), trembling(3, 5.0)
    first = smoother.apply(seen(ways[0]), 0.0)
    assert np.array_equal(first.persons[0].keypoints, seen(ways[0]).persons[0].keypoints)
    for stamp_s, track_id in ((0.03, 2), (0.5, 1), (0.4, 1)):
        other = smoother.apply(seen(ways[1], track_id), stamp_s)
        assert np.array_equal(other.persons[0].keypoints, seen(ways[1]).persons[0].keypoints)
    smoother.apply(seen(ways[1]), 0.43)
    smoother.reset()
    again = smoother.apply(seen(ways[2]), 0.46)
    assert np.array_equal(again.persons[0].keypoints, seen(ways[2]).persons[0].keypoints)


def test_whoever_has_no_id_or_no_pose_is_left_as_seen():
    smoother, ways = Smoother(), trembling(2, 5.0)
    for k in range(2):
        nameless = seen(ways[k], None)
        assert smoother.apply(nameless, k / 30).persons == nameless.persons
        flat = replace(seen(ways[k]), persons=(replace(scene(BOX, posed=False).persons[0], track_id=1),))
        assert smoother.apply(flat, k / 30).persons == flat.persons
