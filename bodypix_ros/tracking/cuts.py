"""Where a film is cut: the picture is another one, not the same a little later."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel

_ROWS, _COLUMNS = 24, 32
"""Pixels of the picture that are compared."""
_LEAST_CORRELATION = 0.25
"""Pictures that correlate less, in their places and shifted, are of another scene."""
_LEAST_CONTRAST = 4.0
"""Standard deviation of green below which a picture, such as a black one, says nothing."""


class Cuts:
    """Compares each image with the one before; not changed by how bright or contrasty it is."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.float64] | None = None

    def is_cut(self, pixels: npt.NDArray[np.uint8]) -> bool:
        """Whether the image, uint8 (H, W, C), shows another scene than the last one."""
        now = np.empty((_ROWS, _COLUMNS))
        if not _sample(pixels, now) >= _LEAST_CONTRAST:
            return False
        before, self._before = self._before, now
        if before is None or _correlation(before, now) >= _LEAST_CORRELATION:
            return False
        return _shifted(before, now) < _LEAST_CORRELATION


@kernel("float64(Array(uint8, 3, 'A', readonly=True), float64[:, ::1])")
def _sample(pixels: Array, out: Array) -> Float:
    """Write green at points all over the image, of mean 0 and standard deviation 1; returns what it was."""
    height, width, channels = pixels.shape
    total = squares = 0.0
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            y, x = (2 * i + 1) * height // (2 * _ROWS), (2 * j + 1) * width // (2 * _COLUMNS)
            green = float(pixels[y, x, min(1, channels - 1)])
            out[i, j] = green
            total += green
            squares += green * green
    mean = total / out.size
    contrast = np.sqrt(max(squares / out.size - mean * mean, 0.0))
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            out[i, j] = (out[i, j] - mean) / contrast
    return contrast


@kernel("float64(float64[:, ::1], float64[:, ::1])")
def _correlation(before: Array, now: Array) -> Float:
    total = 0.0
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            total += before[i, j] * now[i, j]
    return total / now.size


def _shifted(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """The best correlation over all shifts: a camera that turns fast is no cut."""
    spectrum = np.fft.rfft2(before) * np.conj(np.fft.rfft2(now))
    correlation = np.fft.irfft2(spectrum, before.shape) / before.size
    return float(correlation.max())
