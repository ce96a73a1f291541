"""Time between images, from whatever stamps they carry."""

import math

import numpy as np

FREQUENCY_HZ = 30.0
"""Images per second where nothing is known of their times."""


class Clock:
    """Seconds between images, from whatever stamps they carry."""

    def __init__(self) -> None:
        self._last: float | None = None

    def step(self, stamp: object) -> float:
        """Seconds since the image before; below 0 where time went back."""
        now = seconds(stamp)
        before, self._last = self._last, now
        if now is None or before is None or now == before:
            return 1 / FREQUENCY_HZ
        return now - before


def seconds(stamp: object) -> float | None:
    """A stamp in seconds: a number, or what has `sec` and `nanosec`; None for anything else."""
    try:
        if hasattr(stamp, "sec") and hasattr(stamp, "nanosec"):
            stamp = stamp.sec + stamp.nanosec * 1e-9
        if isinstance(stamp, (int, float, np.integer, np.floating)):
            now = float(stamp)
            return now if math.isfinite(now) else None
    except (TypeError, OverflowError):  # parts that are no numbers, or too large for one
        pass
    return None
