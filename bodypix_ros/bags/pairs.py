"""Images and the depth of nearly the same time, joined by their stamps as they come out of a bag."""

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_Seen = TypeVar("_Seen")

_MOST: Final = 30
"""So many images and depths wait for each other."""


class Pairs(Generic[_Seen]):
    """Images that wait for their depth; each is given on once, in its order."""

    def __init__(self, slop_s: float, take: Callable[[_Seen, int, bytes | None, str], None]) -> None:
        """Wait for nothing yet.

        Args:
            slop_s: Seconds that image and depth may differ.
            take: Gets each image, the stamp in nanoseconds and the message of its depth; or None, and why
                there is none.
        """
        self._slop_ns, self._take = round(slop_s * 1e9), take
        self._waiting: deque[tuple[int, _Seen]] = deque()
        self._depths: deque[tuple[int, bytes]] = deque(maxlen=_MOST)

    def depth(self, stamp_ns: int, raw: bytes) -> None:
        """Take a serialized image of depth."""
        self._depths.append((stamp_ns, raw))
        while self._waiting and self._waiting[0][0] <= stamp_ns:
            self._give()

    def see(self, stamp_ns: int, seen: _Seen) -> None:
        """Take an image, or whatever stands for it."""
        self._waiting.append((stamp_ns, seen))
        newest_ns = max((ns for ns, _ in self._depths), default=None)
        if len(self._waiting) > _MOST or (newest_ns is not None and newest_ns >= stamp_ns):
            self._give()

    def finish(self) -> None:
        """Give on what still waits: no more depth comes."""
        while self._waiting:
            self._give()

    def _give(self) -> None:
        stamp_ns, seen = self._waiting.popleft()
        nearest = min(self._depths, key=lambda item: abs(item[0] - stamp_ns), default=None)
        if nearest is None:
            self._take(seen, 0, None, "there is no depth")
        elif abs(nearest[0] - stamp_ns) > self._slop_ns:
            apart_s = abs(nearest[0] - stamp_ns) / 1e9
            slop_s = self._slop_ns / 1e9
            why = f"the nearest depth is {apart_s:.3f} s away, more than the slop of {slop_s:g} s"
            self._take(seen, 0, None, why)
        else:
            self._take(seen, *nearest, "")
