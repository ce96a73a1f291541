"""How many of a camera's frames never came, by the gaps between the stamps of those that did."""

from collections import deque

import numpy as np

WORTH_SAYING = 0.05
"""A share of lost frames above this is said."""
_LEAST = 50
"""So many frames are needed to know the camera's period."""
_PAUSE_S = 2.0
"""A gap of so long is a pause, no loss."""


class Loss:
    """The latest frames of one camera. One thread may add while another reads."""

    def __init__(self) -> None:
        self._stamps_s: deque[float] = deque(maxlen=300)

    def add(self, stamp_s: float) -> None:
        """A frame came.

        Args:
            stamp_s: Of its header, seconds.
        """
        self._stamps_s.append(stamp_s)

    def share(self) -> float | None:
        """How many of the frames did not come, 0..1; None where the stamps do not say that.

        They say it where they are set, rise, and lie whole periods apart.
        """
        steps_s = np.diff(np.array(self._stamps_s.copy()))
        steps_s = steps_s[steps_s < _PAUSE_S]
        if len(steps_s) < _LEAST or (steps_s <= 0).any():
            return None
        shortest_s = np.percentile(steps_s, 20)  # most of the gaps may be longer than one period
        periods = steps_s / np.mean(steps_s[steps_s < 1.5 * shortest_s])
        whole = np.rint(periods)
        if np.mean(np.abs(periods - whole) < 0.25) < 0.9:
            return None
        missing = float(np.maximum(whole - 1, 0).sum())
        return missing / (missing + len(steps_s))
