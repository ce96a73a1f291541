"""What detectors have in common: anchors, decoding, boxes that overlap, squares to look at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.details import detection


def test_anchors() -> None:
    anchors = detection.anchors(((28, 2), (14, 2), (7, 6)))
    assert anchors.shape == (2254, 2)
    assert anchors[:3] == pytest.approx(np.array([[0.5, 0.5], [0.5, 0.5], [1.5, 0.5]]) / 28)
    assert anchors[28 * 28 * 2] == pytest.approx([0.5 / 14, 0.5 / 14])
    assert anchors[-1] == pytest.approx([6.5 / 7, 6.5 / 7])


def test_values_are_relative_to_their_anchors_but_for_width_and_height() -> None:
    centres = detection.anchors(((2, 1),))
    values = np.arange(4 * 6, dtype=np.float32).reshape(4, 6)
    logits = np.array([[0], [-300], [2], [-1]], np.float32)
    scores, decoded = detection.decode(values, logits, 0.5, 100, centres)
    assert scores == pytest.approx([1 / (1 + np.exp(-2)), 0.5])
    assert decoded.tolist() == [[37, 88, 14, 15, 41, 92], [25, 26, 2, 3, 29, 30]]


def test_overlapping_boxes_are_merged_by_their_scores() -> None:
    scores = np.array([0.9, 0.6, 0.5])
    values = np.array([[10, 10, 10, 10, 0], [12, 10, 10, 10, 3], [30, 10, 10, 10, 7]], float)
    merged = detection.suppress(scores, values)
    assert [score for score, _ in merged] == [0.9, 0.5]
    assert merged[0][1] == pytest.approx((0.9 * values[0] + 0.6 * values[1]) / 1.5)
    assert merged[1][1] == pytest.approx(values[2])
    for shift, people in ((5, 1), (6, 2)):  # 5 of 15 shared is more than 0.3, 4 of 16 is less
        values[1, 0] = 10 + shift
        assert len(detection.suppress(scores[:2], values[:2])) == people


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_squares_cover_the_image_twice_where_it_is_long(height: int, width: int) -> None:
    (x, y, side), *parts = detection.squares(height, width)
    assert len(parts) <= 10 + 32
    finer = [part for part in parts if part[2] < min(height, width)]
    assert bool(finer) == (min(height, width) >= 720)
    if finer:
        half = min(height, width) / 2
        for size, begins in ((width, {x for x, _, _ in finer}), (height, {y for _, y, _ in finer})):
            steps = sorted(begins)
            assert (steps[0], steps[-1] + half) == (0, pytest.approx(size))
            assert np.diff(steps).max() <= 0.75 * half + 1e-6
    parts = parts[: len(parts) - len(finer)]
    assert side == max(height, width)
    assert (x + side / 2, y + side / 2) == (width / 2, height / 2)
    if not parts:
        assert side < 1.1 * min(height, width)
        return
    short = max(min(height, width), side / 8)
    if short > min(height, width):  # a strip
        assert len(parts) <= 11
        return
    begins = [max(x, y) for x, y, side in parts if min(x, y) == 0 and side == short]
    assert len(begins) == len(parts)
    assert (begins[0], begins[-1] + short) == (0, pytest.approx(max(height, width)))
    assert np.diff(begins).max() <= 0.75 * short + 1e-6  # what is on a border is whole in one of them
