"""The motion filter: its formulas, and that it finds out how fast something is."""

import numpy as np
import pytest

from bodypix_ros.tracking.motion import Motion


def test_it_is_kalmans_filter():
    rng, size = np.random.default_rng(0), 3
    motion = Motion(np.arange(3.0), 0.5 * np.eye(3), np.full(3, 2.0))
    state, covariance = motion.state.copy(), motion.covariance.copy()
    one, none = np.eye(size), np.zeros((size, size))
    seen = np.hstack([one, none])
    for _ in range(30):
        step, acceleration = rng.uniform(0, 0.3), rng.uniform(0.1, 3, size)
        motion.predict(step, acceleration)
        along = np.block([[one, step * one], [none, one]])
        q = np.diag(acceleration**2)
        change = np.block([[q * step**3 / 3, q * step**2 / 2], [q * step**2 / 2, q * step]])
        state, covariance = along @ state, along @ covariance @ along.T + change
        half, measured = rng.normal(size=(size, size)), 3 * rng.normal(size=size)
        noise = half @ half.T + 0.1 * one
        motion.correct(measured, noise)
        gain = covariance @ seen.T @ np.linalg.inv(seen @ covariance @ seen.T + noise)
        state = state + gain @ (measured - seen @ state)
        covariance = covariance - gain @ seen @ covariance
        assert motion.state == pytest.approx(state)
        assert motion.covariance == pytest.approx(covariance)


def test_it_learns_a_speed_and_goes_on_with_it():
    noise, still = 0.01 * np.eye(2), np.zeros(2)
    motion = Motion(np.zeros(2), noise, np.full(2, 100.0))
    for k in range(1, 20):
        motion.predict(0.1, still)
        motion.correct(np.array([3.0, -1.0]) * 0.1 * k, noise)
    assert motion.velocity == pytest.approx([3, -1], abs=0.05)
    place, unsure = motion.place.copy(), np.trace(motion.covariance)
    motion.predict(2.0, np.ones(2))
    assert motion.place == pytest.approx(place + np.array([6, -2]), abs=0.1)
    assert np.trace(motion.covariance) > unsure
