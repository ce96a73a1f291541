"""Time between images, whatever their stamps are."""

from types import SimpleNamespace

import numpy as np
import pytest

from bodypix_ros.tracking.clock import Clock, seconds


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "12",
        float("nan"),
        float("inf"),
        10**400,
        object(),
        SimpleNamespace(sec=None, nanosec=None),
        SimpleNamespace(sec="a", nanosec=1),
    ],
)
def test_what_is_no_time_is_a_thirtieth_of_a_second(stamp: object) -> None:
    clock = Clock()
    clock.step(1.0)
    assert seconds(stamp) is None
    assert clock.step(stamp) == pytest.approx(1 / 30)


@pytest.mark.parametrize("stamp", [3.5, np.float32(3.5), SimpleNamespace(sec=3, nanosec=500_000_000)])
def test_numbers_and_stamps_of_ros_are_seconds(stamp: object) -> None:
    assert seconds(stamp) == pytest.approx(3.5)
    assert seconds(2**64) == 2.0**64
