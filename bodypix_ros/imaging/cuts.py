"""Where a film is cut: the picture is another one, not the same a little later."""

import math

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel

_ROWS, _COLUMNS = 24, 32
"""Places of the picture that are compared."""
_BY, _ALONG = 2, 8
"""Pixels of which each is the mean: with them the noise of a dark picture is a quarter. Side by side they
share cache lines."""
_IN_PLACE, _SHIFTED = 0.25, 0.35
"""Pictures that correlate less are of another scene. Of pairs of unlike photos 89 % do in place, and 65 %
however they are shifted; one frame in fifteen of a hand-held camera that follows a child still gives 0.43."""
_LEAST_FREE = 0.3
"""Share of the places that have to be free of what may move, or all of them count."""
_LEAST_CONTRAST = 4.0
"""Standard deviation of green below which a picture, such as a black one, says nothing."""
_NOTHING = np.zeros((0, 0), np.uint8)


class Cuts:
    """Compares each image with the one before; not changed by how bright or contrasty it is.

    Attributes:
        turns: Whether a camera may turn fast: pictures that agree when they are shifted show one scene.
    """

    def __init__(self, *, turns: bool) -> None:
        self.turns = turns
        self._before: npt.NDArray[np.float64] | None = None

    def is_cut(self, pixels: npt.NDArray[np.uint8], moving: npt.NDArray[np.uint8] | None = None) -> bool:
        """Whether the image shows another scene than the last one.

        Args:
            pixels: uint8 (H, W, C).
            moving: uint8 (H, W), not 0 where something may come and go within a scene, if that is known: one
                person close to the camera is half of the picture.
        """
        now = np.empty((_ROWS, _COLUMNS))
        if not _sample(pixels, _NOTHING if moving is None else moving, now) >= _LEAST_CONTRAST:
            return False
        before, self._before = self._before, now
        if before is None or _correlation(before, now) >= _IN_PLACE:
            return False
        return not self.turns or _shifted(before, now) < _SHIFTED


@kernel("float64(Array(uint8, 3, 'A', readonly=True), Array(uint8, 2, 'A', readonly=True), float64[:, ::1])")
def _sample(pixels: Array, moving: Array, out: Array) -> Float:
    """Write green all over the image, of mean 0 and standard deviation 1; returns what that was.

    What may move gets 0.
    """
    height, width, channels = pixels.shape
    green = min(1, channels - 1)
    along = min(_ALONG, width)
    free = np.ones((_ROWS, _COLUMNS), np.bool_)
    if moving.size:
        for i in range(_ROWS):
            for j in range(_COLUMNS):
                y, x = (2 * i + 1) * height // (2 * _ROWS), (2 * j + 1) * width // (2 * _COLUMNS)
                free[i, j] = moving[y, x] == 0
        if free.sum() < _LEAST_FREE * out.size:
            free[:] = True
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
            if free[i, j]:
                whole += out[i, j]
                squares += out[i, j] * out[i, j]
    count = free.sum()
    mean = whole / count
    contrast = np.sqrt(max(squares / count - mean * mean, 0.0))
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            out[i, j] = (out[i, j] - mean) / contrast if free[i, j] else 0.0
    return contrast


@kernel("float64(float64[:, ::1], float64[:, ::1])")
def _correlation(before: Array, now: Array) -> Float:
    """Of the places that are free in both."""
    both = ones = others = 0.0
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            if before[i, j] != 0 and now[i, j] != 0:
                both += before[i, j] * now[i, j]
                ones += before[i, j] * before[i, j]
                others += now[i, j] * now[i, j]
    return both / np.sqrt(max(ones * others, 1e-9))


def _shifted(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """The best correlation over all shifts: a camera that turns fast is no cut."""
    spectrum = np.fft.rfft2(before) * np.conj(np.fft.rfft2(now))
    correlation = np.fft.irfft2(spectrum, before.shape)
    return float(correlation.max() / math.sqrt(np.count_nonzero(before) * np.count_nonzero(now)))
