"""Images made smaller before they are sampled."""

import numpy as np
import pytest

from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.imaging.warp import fill_input, halved

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


def test_a_crop_of_an_image_too_large_for_the_warp_is_where_it_was() -> None:
    image = np.zeros((4, 40000, 3), np.uint8)
    image[:, 29990:30010] = 200
    out = np.zeros((4, 64, 3), np.float32)
    # 64 columns about column 30000, one pixel each.
    fill_input(as_pixels(image, "bgr8"), np.array([[1.0, 0, 30000 - 32], [0, 1.0, 0]]), out)
    bright = np.flatnonzero(out[1, :, 0] > 100 / 255)
    assert abs((bright[0] + bright[-1]) / 2 - 31.5) <= 0.75
    assert len(bright) in (19, 20, 21)
