"""Whom to follow: chosen once, and kept until lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NEAREST: Final = "nearest"
LARGEST: Final = "largest"
NOBODY: Final = "none"
CHOICES: Final = (NEAREST, LARGEST, NOBODY)
"""The words for whom to follow; anything else is an id."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be followed.

    Attributes:
        distance: From the camera, metres.
        area: In the picture, in any measure.
    """

    distance: float
    area: float


class Follow:
    """Chooses somebody, and sticks to them.

    Attributes:
        timeout_s: Seconds until somebody who is not seen is lost.
        says: What happened at the latest choice: "following 7", "lost 7"; empty where nothing did.
    """

    def __init__(self, timeout_s: float = 2.0) -> None:
        self.timeout_s, self.says = timeout_s, ""
        self._wanted, self._chosen, self._seen_s = NEAREST, "", 0.0

    @property
    def chosen(self) -> str:
        """Who is followed, seen or not; empty: nobody."""
        return self._chosen

    def choose(self, wanted: str, candidates: Mapping[str, Candidate], stamp_s: float) -> str:
        """Say who is followed in an image.

        Args:
            wanted: "nearest", "largest", "none", or an id.
            candidates: Who is seen in the image, by id.
            stamp_s: The image's, seconds.

        Returns:
            The id of who is followed and not lost; empty: nobody.
        """
        self.says = ""
        if wanted != self._wanted or stamp_s < self._seen_s:
            self._wanted, self._chosen = wanted, ""
        if self._chosen in candidates:
            self._seen_s = stamp_s
        elif self._chosen and stamp_s - self._seen_s >= self.timeout_s:
            self.says = f"lost {self._chosen}: not seen for {stamp_s - self._seen_s:.1f} s"
            self._chosen = ""
        if not self._chosen:
            self._begin(_best(wanted, candidates), stamp_s)
        return self._chosen

    def _begin(self, name: str, stamp_s: float) -> None:
        if name:
            self._chosen, self._seen_s = name, stamp_s
            self.says = f"{self.says}; following {name}" if self.says else f"following {name}"


def _best(wanted: str, candidates: Mapping[str, Candidate]) -> str:
    if wanted == NOBODY or not candidates:
        return ""
    if wanted == NEAREST:
        return min(candidates, key=lambda name: candidates[name].distance)
    if wanted == LARGEST:
        return max(candidates, key=lambda name: candidates[name].area)
    return wanted if wanted in candidates else ""
