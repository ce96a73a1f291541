"""Where a film is cut: the picture is another one, not the same a little later."""

import numpy as np
import numpy.typing as npt

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
        height, width = pixels.shape[:2]
        rows = (2 * np.arange(_ROWS)[:, None] + 1) * height // (2 * _ROWS)
        columns = (2 * np.arange(_COLUMNS) + 1) * width // (2 * _COLUMNS)
        green = pixels[rows, columns, min(1, pixels.shape[2] - 1)].astype(np.float64)
        now = green - green.mean()
        contrast = float(now.std())
        if contrast < _LEAST_CONTRAST:
            return False
        now /= contrast
        before, self._before = self._before, now
        if before is None:
            return False
        in_place = float((before * now).mean())
        return in_place < _LEAST_CORRELATION and _shifted(before, now) < _LEAST_CORRELATION


def _shifted(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """The best correlation over all shifts: a camera that turns fast is no cut."""
    spectrum = np.fft.rfft2(before) * np.conj(np.fft.rfft2(now))
    correlation = np.fft.irfft2(spectrum, before.shape) / before.size
    return float(correlation.max())
