"""How alike people look."""

import numpy as np
import pytest

from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.kernels import kernel
from bodypix_ros.tracking import appearance
from bodypix_ros.tracking.sightings import look
from support.scenes import scene

BOXES = (20, 40, 80, 200), (120, 40, 180, 200), (220, 40, 280, 200)
BRIGHT_RED, DARK_RED, WHITE, BLACK = (250, 120, 120), (130, 0, 0), (220, 220, 220), (20, 20, 20)


@kernel()
def alike(tracked, seen):
    return appearance.alike(tracked, seen)


@kernel()
def mix(before, now, step_s):
    appearance.mix(before, now, step_s)


def seen(*colors):
    """How people look of whom each has two colours, the same much of both."""
    people = scene(*BOXES[: len(colors)], posed=False)
    image = np.zeros((*people.person_mask.shape, 3), np.uint8)
    for (x0, y0, x1, y1), (left, right) in zip(BOXES, colors, strict=False):
        image[y0:y1, x0 : (x0 + x1) // 2], image[y0:y1, (x0 + x1) // 2 : x1] = left, right
    return appearance.looks(people, look(people, 0.0), as_pixels(image, "rgb8"))


def test_colours_count_as_a_whole():
    # Both have something red and something grey, something bright and something dark.
    first, second, third = seen((BRIGHT_RED, BLACK), (DARK_RED, WHITE), (BLACK, BRIGHT_RED))
    assert alike(first, third) == pytest.approx(1.0)
    assert alike(first, second) == 0.0


def test_a_little_noise_of_greys_is_grey():
    first, second = seen((BLACK, WHITE), ((22, 19, 20), (217, 222, 224)))
    assert alike(first, second) == pytest.approx(1.0)


def test_where_no_region_is_seen_of_both_nothing_is_known():
    (one,) = seen((WHITE, BLACK))
    assert np.isnan(alike(one, np.zeros_like(one)))


def test_a_new_look_is_learned_by_seconds_whatever_the_rate():
    before, after = seen((WHITE, WHITE), (BLACK, BLACK))
    learned = []
    for rate in (10, 60):
        mean = before.copy()
        for _ in range(rate):
            mix(mean, after, 1 / rate)
        learned.append(alike(mean, after))
    assert learned[0] == pytest.approx(learned[1])
    assert 0.5 < learned[0] < 0.7  # after one second the old one still counts for more: roots of shares
    fresh = np.zeros_like(before)
    mix(fresh, after, 0.0)
    assert alike(fresh, after) == pytest.approx(1.0)
