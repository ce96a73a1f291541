"""Pieces of images, sampled, and images made smaller before they are."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.imaging.halving import halved
from bodypix_ros.imaging.pixels import ENCODINGS, as_pixels
from bodypix_ros.imaging.region import Region
from bodypix_ros.imaging.warp import fill_input

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("encoding", "channels"), [("bgr8", 3), ("rgba8", 4), ("mono8", 1)])
def test_pixels_are_means_and_what_is_left_over_is_cut_off(encoding: str, channels: int) -> None:
    image = RNG.integers(0, 256, (13, 22, channels), np.uint8)
    pixels = as_pixels(image if channels > 1 else image[..., 0], encoding)
    small, times = halved(pixels, 7.9)
    assert (times, small.shape, small.encoding) == (4, (3, 5), encoding)
    means = image[:12, :20].reshape(3, 4, 5, 4, channels).mean(axis=(1, 3))
    assert np.abs(small.array.reshape(3, 5, channels) - means).max() <= 1  # rounded twice


@pytest.mark.parametrize(("most", "times"), [(-1.0, 1), (1.99, 1), (2.0, 2), (1e9, 8)])
def test_it_ends_where_it_may_not_or_cannot_go_on(most: float, times: int) -> None:
    pixels = as_pixels(RNG.integers(0, 256, (13, 20, 3), np.uint8), "bgr8")
    small, done = halved(pixels, most)
    assert (done, small.shape) == (times, (13 // times, 20 // times))


def test_a_crop_of_a_very_large_image_is_where_it_was() -> None:
    image = np.zeros((4, 40000, 3), np.uint8)
    image[:, 29990:30010] = 200
    out = np.zeros((4, 64, 3), np.float32)
    # 64 columns about column 30000, one pixel each.
    fill_input(as_pixels(image, "bgr8"), np.array([[1.0, 0, 30000 - 32], [0, 1.0, 0]]), out)
    bright = np.flatnonzero(out[1, :, 0] > 100 / 255)
    assert abs((bright[0] + bright[-1]) / 2 - 31.5) <= 0.75
    assert len(bright) in (19, 20, 21)


@settings(max_examples=60, deadline=None)
@given(
    encoding=st.sampled_from(ENCODINGS),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    centre=st.tuples(st.floats(-20, 60), st.floats(-20, 60)),
    side=st.floats(0.1, 100),
    rotation=st.floats(-4, 4),
    replicate=st.booleans(),
)
def test_samples_are_opencvs(
    encoding: str,
    shape: tuple[int, int],
    centre: tuple[float, float],
    side: float,
    rotation: float,
    replicate: bool,
) -> None:
    count = {"mono8": 1, "rgba8": 4, "bgra8": 4}.get(encoding, 3)
    image = RNG.integers(0, 256, (*shape, count), np.uint8)
    pixels = as_pixels(image, encoding)
    matrix = Region(*centre, side, rotation).to_image(24)
    out = np.full((24, 24, 3), np.nan, np.float32)
    fill_input(pixels, matrix, out, scale=0.5, bias=-3.0, replicate=replicate)
    rgb = np.ascontiguousarray(image[..., pixels.channels])
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    expected = cv2.warpAffine(rgb, matrix, (24, 24), flags=flags, borderMode=border)
    np.testing.assert_array_equal((out + 3) / 0.5, expected)


def test_images_that_do_not_lie_in_one_piece() -> None:
    """Padded rows, and a mirrored image."""
    image = RNG.integers(0, 256, (30, 50, 3), np.uint8)
    matrix = Region(20, 14, 25, 0.3).to_image(16)
    for view in (image[:, :44], image[:, ::-1], image[::2]):
        one, other = np.zeros((2, 16, 16, 3), np.float32)
        fill_input(as_pixels(view, "bgr8"), matrix, one)
        fill_input(as_pixels(view.copy(), "bgr8"), matrix, other)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e12])
def test_nothing_is_read_from_what_is_nowhere(value: float) -> None:
    image = np.full((9, 9, 3), 200, np.uint8)
    for row in range(2):
        for column in range(3):
            matrix = Region(4, 4, 8).to_image(16)
            matrix[row, column] = value
            out = np.full((16, 16, 3), np.nan, np.float32)
            fill_input(as_pixels(image, "bgr8"), matrix, out, replicate=True)
            assert out == pytest.approx(200 / 255)
