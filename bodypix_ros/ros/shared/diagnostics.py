"""What /diagnostics is made of: an entry, and numbers of the latest seconds."""

from collections import deque
from typing import NamedTuple

import numpy as np

OK, WARN, ERROR = 0, 1, 2
WINDOW_S = 10.0
"""Rates and percentiles are of the latest so many seconds."""


class Status(NamedTuple):
    """One entry of /diagnostics: level (OK, WARN or ERROR), message, values by name."""

    level: int
    message: str
    values: dict[str, str]


class Window:
    """Numbers of the latest seconds. One thread may add while another reads."""

    def __init__(self, seconds: float = WINDOW_S) -> None:
        self._seconds = seconds
        self._items: deque[tuple[float, float]] = deque(maxlen=4096)

    def add(self, now_s: float, value: float = 0.0) -> None:
        """Keep a number, and let go of those before the window: what is kept does not grow for minutes."""
        items = self._items
        items.append((now_s, value))
        while items[0][0] <= now_s - self._seconds:
            items.popleft()

    def _recent(self, now_s: float) -> list[tuple[float, float]]:
        return [item for item in self._items.copy() if item[0] > now_s - self._seconds]

    def rate(self, now_s: float) -> float:
        """How many per second."""
        recent = self._recent(now_s)
        if len(recent) < 2:
            return 0.0
        # Over the time since the first, so that it is right from the start and falls when nothing comes.
        return len(recent) / max(now_s - recent[0][0], 1e-9)

    def percentile(self, now_s: float, percent: float) -> float | None:
        """A percentile of the numbers; None where there is none."""
        values = [value for _, value in self._recent(now_s)]
        return float(np.percentile(values, percent)) if values else None
