"""Where a film is cut: the picture is another one, not the same a little later."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel

_ROWS, _COLUMNS = 24, 32
"""Places of the picture that are compared."""
_BY, _ALONG = 2, 8
"""Pixels of which each is the mean: with them the noise of a dark picture is a quarter. Side by side they
share cache lines."""
_LEAST_CORRELATION = 0.35
"""Pictures that correlate less are of another scene. Of pairs of unlike photos 93 % do in place, and 65 %
however they are shifted; one frame in fifteen of a hand-held camera that follows a child still gives 0.43."""
_LEAST_CONTRAST = 4.0
"""Standard deviation of green below which a picture, such as a black one, says nothing."""


class Cuts:
    """Compares each image with the one before; not changed by how bright or contrasty it is.

    Attributes:
        turns: Whether a camera may turn fast: pictures that agree when they are shifted show one scene.
    """

    def __init__(self, *, turns: bool) -> None:
        self.turns = turns
        self._before: npt.NDArray[np.float64] | None = None

    def is_cut(self, pixels: npt.NDArray[np.uint8]) -> bool:
        """Whether the image, uint8 (H, W, C), shows another scene than the last one."""
        now = np.empty((_ROWS, _COLUMNS))
        if not _sample(pixels, now) >= _LEAST_CONTRAST:
            return False
        before, self._before = self._before, now
        if before is None or _correlation(before, now) >= _LEAST_CORRELATION:
            return False
        return not self.turns or _shifted(before, now) < _LEAST_CORRELATION


@kernel("float64(Array(uint8, 3, 'A', readonly=True), float64[:, ::1])")
def _sample(pixels: Array, out: Array) -> Float:
    """Write green all over the image, of mean 0 and standard deviation 1; returns what that was."""
    height, width, channels = pixels.shape
    green = min(1, channels - 1)
    along = min(_ALONG, width)
    whole = squares = 0.0
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            left = min(max((2 * j + 1) * width // (2 * _COLUMNS) - along // 2, 0), width - along)
            total = 0
            for n in range(_BY):
                y = (2 * (_BY * i + n) + 1) * height // (2 * _BY * _ROWS)
                for x in range(left, left + along):
                    total += np.int64(pixels[y, x, green])
            out[i, j] = total / (_BY * along)
            whole += out[i, j]
            squares += out[i, j] * out[i, j]
    mean = whole / out.size
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
