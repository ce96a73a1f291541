"""The one motion filter: a Kalman filter of constant velocity, in pixels or in metres.

The velocity changes by white noise (Bar-Shalom, Li and Kirubarajan 2001, 6.2.2). State and covariance are
plain arrays, so that kernels filter many things at once; `Motion` is one thing by itself.
"""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, kernel


class Motion:
    """Where something of D coordinates is, how fast it moves, and how sure that is.

    Attributes:
        state: float64 (2 D,), D coordinates, then their velocities per second.
        covariance: float64 (2 D, 2 D).
    """

    def __init__(
        self, place: npt.NDArray[np.float64], noise: npt.NDArray[np.float64], speed: npt.NDArray[np.float64]
    ) -> None:
        """Begin at rest.

        Args:
            place: float64 (D,).
            noise: float64 (D, D), covariance of `place`.
            speed: float64 (D,), standard deviation of the velocity, per second.
        """
        self._size = size = len(place)
        self.state = np.concatenate([place, np.zeros(size)])
        self.covariance = np.zeros((2 * size, 2 * size))
        self.covariance[:size, :size] = noise
        self.covariance[np.arange(size, 2 * size), np.arange(size, 2 * size)] = speed**2

    @property
    def place(self) -> npt.NDArray[np.float64]:
        """float64 (D,), where it is."""
        return self.state[: self._size]

    @property
    def velocity(self) -> npt.NDArray[np.float64]:
        """float64 (D,), per second."""
        return self.state[self._size :]

    def predict(self, step_s: float, acceleration: npt.NDArray[np.float64]) -> None:
        """Go on in time.

        Args:
            step_s: Seconds, at least 0.
            acceleration: float64 (D,), standard deviation of what the velocity changes by within a second.
        """
        _predict(self.state, self.covariance, step_s, acceleration)

    def correct(self, measured: npt.NDArray[np.float64], noise: npt.NDArray[np.float64]) -> None:
        """Take in a measurement.

        Args:
            measured: float64 (D,).
            noise: float64 (D, D), its covariance; positive definite.
        """
        _correct(self.state, self.covariance, measured, noise)


@kernel()
def predict(state: Array, covariance: Array, step: float, acceleration: Array) -> None:
    """In a kernel: `Motion.predict`."""
    size = len(acceleration)
    for i in range(size):
        state[i] += step * state[size + i]
        for j in range(size):  # place by place, with the covariances of before
            crossed = covariance[i, size + j] + covariance[size + i, j]
            covariance[i, j] += step * (crossed + step * covariance[size + i, size + j])
    for i in range(size):
        for j in range(size):
            covariance[i, size + j] += step * covariance[size + i, size + j]
            covariance[size + j, i] = covariance[i, size + j]
    for i in range(size):
        density = acceleration[i] * acceleration[i]
        covariance[i, i] += density * step**3 / 3
        covariance[i, size + i] += density * step**2 / 2
        covariance[size + i, i] += density * step**2 / 2
        covariance[size + i, size + i] += density * step


@kernel()
def correct(state: Array, covariance: Array, measured: Array, noise: Array) -> None:
    """In a kernel: `Motion.correct`."""
    size, wide = len(measured), len(state)
    inverse = np.eye(size)
    spread = covariance[:size, :size] + noise
    for pivot in range(size):  # Gauss and Jordan: the matrix is positive definite, so no pivot is 0
        scale = 1 / spread[pivot, pivot]
        for column in range(size):
            spread[pivot, column] *= scale
            inverse[pivot, column] *= scale
        for row in range(size):
            if row != pivot:
                factor = spread[row, pivot]
                for column in range(size):
                    spread[row, column] -= factor * spread[pivot, column]
                    inverse[row, column] -= factor * inverse[pivot, column]
    gain = np.zeros((wide, size))
    for row in range(wide):
        for column in range(size):
            for k in range(size):
                gain[row, column] += covariance[row, k] * inverse[k, column]
    before = covariance[:size].copy()
    apart = measured - state[:size]
    for row in range(wide):
        for k in range(size):
            state[row] += gain[row, k] * apart[k]
        for column in range(wide):
            for k in range(size):
                covariance[row, column] -= gain[row, k] * before[k, column]


@kernel("void(float64[::1], float64[:, ::1], float64, float64[::1])")
def _predict(state: Array, covariance: Array, step: float, acceleration: Array) -> None:
    predict(state, covariance, step, acceleration)


@kernel("void(float64[::1], float64[:, ::1], float64[::1], float64[:, ::1])")
def _correct(state: Array, covariance: Array, measured: Array, noise: Array) -> None:
    correct(state, covariance, measured, noise)
