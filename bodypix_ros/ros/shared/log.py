"""Where the plain parts of a node say what happened, and how seldom they repeat themselves."""

from collections.abc import Callable
from typing import Protocol

LOG_EVERY_S = 5.0
"""Seconds between two logs of the same kind of error of the same camera."""


class Log(Protocol):
    """A node's log, `logging`'s or another."""

    def info(self, text: str) -> None:
        """Worth knowing."""

    def warning(self, text: str) -> None:
        """Worth doing something about."""

    def error(self, text: str) -> None:
        """Something failed."""


class Throttle:
    """Says the same kind of thing once in a while, and how often it happened meanwhile."""

    def __init__(self, say: Callable[[str], None], every_s: float = LOG_EVERY_S) -> None:
        self._say, self._every_s = say, every_s
        self._kinds: dict[str, tuple[float, int]] = {}

    def __call__(self, kind: str, text: str, now_s: float) -> None:
        """Say `text`, unless something of its kind was said a moment ago."""
        said_s, unsaid = self._kinds.get(kind, (-self._every_s, 0))
        if now_s - said_s < self._every_s:
            self._kinds[kind] = said_s, unsaid + 1
            return
        self._say(f"{text} ({unsaid} more like this before)" if unsaid else text)
        self._kinds[kind] = now_s, 0
