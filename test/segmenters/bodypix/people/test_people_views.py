"""What passes see, and which crops are chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.imaging.resize import resize
from bodypix_ros.segmenters.bodypix.people.planning import EVERYBODY, USUAL, plan
from bodypix_ros.segmenters.bodypix.people.views import CROP, View, crop, side, whole

sizes = st.integers(1, 4000)


@given(sizes, sizes, st.integers(129, 1281))
def test_the_whole_picture_is_seen_at_one_scale_and_its_middle_is_the_middle(height, width, base_size):
    view = whole(height, width, base_size)
    assert (view.height - 1) % 32 == (view.width - 1) % 32 == 0
    assert view.top + (view.height - 1) / 2 * view.step == pytest.approx((height - 1) / 2, abs=1e-6)
    assert view.left + (view.width - 1) / 2 * view.step == pytest.approx((width - 1) / 2, abs=1e-6)
    assert max(view.height, view.width) == side(base_size)
    # A quarter of 32 pixels of input is the most that a shorter side loses.
    assert height / view.step - view.height <= 8
    assert width / view.step - view.width <= 8


@pytest.mark.parametrize(("wanted", "given_"), [(129, 129), (137, 129), (138, 161), (481, 481), (1281, 1281)])
def test_sides_are_a_multiple_of_32_and_1(wanted, given_):
    assert side(wanted) == given_


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.2, 4), st.integers(2, 40), st.integers(2, 40))
def test_a_plane_is_sampled_exactly_and_black_is_around_it(top, left, step, height, width):
    """A picture whose values rise with rows and columns is what bilinear sampling gives back exactly."""
    picture = np.add.outer(np.arange(height) * 3, np.arange(width) * 2).astype(np.uint8)
    view = View(top, left, step, 33, 65)
    rows, columns = view.samples(height, width)
    seen = np.empty((33, 65, 3), np.float32)
    pixels = as_pixels(picture, "mono8")
    resize(pixels.array, pixels.channels, rows, columns, 1.0, np.zeros(3, np.float32), seen)
    y, x = top + np.arange(33) * step, left + np.arange(65) * step
    inside = np.logical_and.outer((y >= 0) & (y <= height - 1), (x >= 0) & (x <= width - 1))
    outside = np.logical_or.outer((y <= -1) | (y >= height), (x <= -1) | (x >= width))
    expected = np.add.outer(3 * y, 2 * x)
    assert np.allclose(seen[..., 0][inside], expected[inside], atol=1e-2)
    assert np.abs(seen[outside]).max(initial=0) < 1e-4  # on an edge it is a question of rounding


def person(x: float, y: float, size: float, score: float = 0.9) -> np.ndarray:
    """A pose whose keypoints fill a box of size / 3 x size around (x, y)."""
    pose = np.empty((17, 3), np.float32)
    pose[:, 0] = x + np.linspace(-1, 1, 17) * size / 6
    pose[:, 1] = y + np.linspace(-0.5, 0.5, 17) * size
    pose[:, 2] = score
    return pose


def planned(people, scores, most=2, shape=(480, 640), worth=USUAL):
    return plan(
        np.array(people, np.float32), np.array(scores, np.float32), whole(*shape, 481), shape, most, worth
    )


def test_only_who_is_small_gets_a_crop():
    near, far = person(320, 240, 400), person(100, 100, 60)
    assert planned([near], [0.9]) == []
    (view,) = planned([near, far], [0.9, 0.1])
    assert view.step == pytest.approx(1 / 3)  # 60 pixels are enlarged as much as it helps
    assert view.height == view.width == CROP
    assert planned([far], [0.03]) == []
    assert planned([far], [0.9], most=0) == []


@given(st.floats(0, 640), st.floats(0, 480), st.floats(20, 250))
def test_a_crop_holds_its_person_and_lies_within_the_picture(x, y, size):
    for view in planned([person(x, y, size)], [0.5]):
        last_x, last_y = view.left + (CROP - 1) * view.step, view.top + (CROP - 1) * view.step
        for first, last, at, half, picture in (
            (view.left, last_x, x, size / 6, 640),
            (view.top, last_y, y, size / 2, 480),
        ):
            if last - first < picture - 1:
                assert first >= -0.5
                assert last <= picture - 0.5
            assert first <= max(at - half, 0) + 0.5
            assert last >= min(at + half, picture - 1) - 0.5


def test_neighbours_share_a_crop_and_the_best_come_first():
    beside = [person(100, 200, 80), person(150, 200, 80), person(500, 200, 80)]
    both = planned(beside, [0.2, 0.3, 0.25])
    assert len(both) == 2
    assert both[0].left < 100
    assert both[0].left + (CROP - 1) * both[0].step > 150
    (first,) = planned(beside, [0.2, 0.3, 0.4], most=1)
    assert first.left < 500 < first.left + (CROP - 1) * first.step


def test_a_crop_higher_than_the_picture_is_centred():
    (view,) = planned([person(300, 50, 40)], [0.5], shape=(101, 640))
    assert view == crop(-14, 236, 3.0)


def test_one_who_is_hardly_there_gets_the_first_crop_but_no_other():
    near, far = person(80, 100, 60), person(560, 400, 60)
    assert len(planned([near, far], [0.3, 0.07])) == 2
    assert len(planned([near, far], [0.3, 0.05])) == 1
    assert len(planned([far], [0.05])) == 1
    assert len(planned([far], [0.03])) == 0
    assert len(planned([near, far], [0.3, 0.05], worth=EVERYBODY)) == 2


def test_who_would_hardly_be_enlarged_gets_a_crop_only_where_nobody_is_to_be_overlooked():
    one = person(300, 200, 240)  # 180 pixels of input, and 240 in a crop
    assert planned([one], [0.9]) == []
    assert len(planned([one], [0.9], worth=EVERYBODY)) == 1
