"""The network's outputs, and the region of a hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.details.hands.known import SHAPES, SIZE
from bodypix_ros.details.hands.landmarks import decode
from bodypix_ros.imaging.region import Region
from support.hands import METRES, look_of, points_of


def test_outputs_are_read_in_the_image_and_about_the_wrist() -> None:
    """In a region turned by a quarter its upper edge is to the right."""
    crop = np.zeros((21, 3), np.float32)
    crop[:, :2] = SIZE / 2
    crop[8, :2] = SIZE / 2, 0  # the tip of the index finger: up
    world = np.full((21, 3), 0.01, np.float32)
    world[8] = 0.01, -0.09, 0.03
    flat = {"points": crop.ravel(), "world": world.ravel()}
    outputs = {**flat, "presence": np.array([0.75], np.float32), "right": np.array([0.25], np.float32)}
    assert outputs.keys() == SHAPES.keys()
    look = decode(outputs, Region(300, 200, 100, math.pi / 2))
    assert look.keypoints[0] == pytest.approx([300, 200, 0.75])
    assert look.keypoints[8] == pytest.approx([350, 200, 0.75])
    assert look.world[0] == pytest.approx([0, 0, 0])
    assert look.world[8] == pytest.approx([0.1, 0, 0.02], abs=1e-6)
    assert (look.score, look.right) == (0.75, 0.25)


def test_the_region_of_an_upright_hand() -> None:
    """The palm's landmarks are 0.065 m wide and 0.115 m high; the region is twice that, a tenth up."""
    region = look_of(points_of(200, 300)).region
    assert region is not None
    # Not quite upright: the three middle knuckles are at x = 0.005 m on average, 0.09 m up.
    assert region.rotation == pytest.approx(math.atan2(0.005, 0.09))
    assert region.side == pytest.approx(2 * 115, rel=0.03)
    assert region.x == pytest.approx(200, abs=12)
    assert region.y == pytest.approx(300 - 57.5 - 11.5, abs=4)


@given(st.floats(-3, 3), st.floats(50, 5000), st.floats(-1000, 5000), st.floats(-1000, 5000))
def test_a_region_turns_grows_and_moves_with_its_hand(turn: float, scale: float, x: float, y: float) -> None:
    one, other = (look_of(points).region for points in (points_of(0, 0), points_of(x, y, scale, turn)))
    assert one is not None
    assert other is not None
    assert other.side == pytest.approx(one.side * scale / 1000)
    turned = (other.rotation - one.rotation - turn + math.pi) % (2 * math.pi) - math.pi
    assert turned == pytest.approx(0, abs=1e-6)
    c, s = math.cos(turn), math.sin(turn)
    moved = np.array([[c, -s], [s, c]]) @ [one.x, one.y] * scale / 1000
    assert [other.x - x, other.y - y] == pytest.approx(moved, abs=1e-3)


def test_points_that_make_no_region() -> None:
    assert look_of(np.zeros((21, 2))).region is None
    assert look_of(np.full((21, 2), np.nan)).region is None
    assert look_of(1e9 * METRES).region is None


@pytest.mark.parametrize("row", [0, 8])
@pytest.mark.parametrize("nonsense", [np.nan, np.inf, -np.inf])
def test_points_that_are_no_numbers_are_no_hand(row: int, nonsense: float) -> None:
    points = points_of(200, 300)
    assert look_of(points).score > 0.5
    points[row, 1] = nonsense
    assert look_of(points).score == 0
    metres = METRES.copy()
    metres[row, 1] = nonsense
    assert look_of(points_of(200, 300), metres=metres).score == 0
