"""Looking often at whether anybody wants something of cameras that rest, so that he misses few frames."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Protocol

from bodypix_ros.ros.shared.threads import in_background

LOOK_S: Final = 0.02
"""Seconds between two looks (Humble does not tell of subscribers)."""


class Resting(Protocol):
    """A camera's topics, as far as this goes."""

    @property
    def rests(self) -> bool:
        """Whether its images are not received, since nobody wants anything of them."""

    def is_wanted(self) -> bool:
        """Whether anybody wants anything. May be asked by any thread."""


class Watch:
    """A thread that looks while cameras rest. A timer of rclpy costs a millisecond each time."""

    def __init__(self, on_wanted: Callable[[], None], is_active: Callable[[], bool]) -> None:
        """Watch nothing yet.

        Args:
            on_wanted: Is called, on that thread, while a camera that rests is wanted.
            is_active: Whether the node is; the thread ends once it is not.
        """
        self._on_wanted, self._is_active = on_wanted, is_active
        self._thread: Future[None] | None = None

    def over(self, cameras: Sequence[Resting]) -> None:
        """Look after cameras for as long as one of them rests; costs nothing where it is done already."""
        if any(camera.rests for camera in cameras) and (self._thread is None or self._thread.done()):
            watched = list(cameras)
            self._thread = in_background(lambda: self._look(watched), "watch")

    def _look(self, cameras: list[Resting]) -> None:
        while self._is_active() and any(camera.rests for camera in cameras):
            if any(camera.rests and camera.is_wanted() for camera in cameras):
                self._on_wanted()
            time.sleep(LOOK_S)
