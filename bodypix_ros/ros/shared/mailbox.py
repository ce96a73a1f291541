"""Newest frame only: a slot per camera, taken in turn."""

import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailboxes(Generic[T]):
    """A one-slot mailbox per camera. A newer frame replaces a waiting one, so nothing ever queues.

    Cameras are served round robin, and a camera by one thread at a time, so its results stay in order.
    """

    def __init__(self, cameras: Sequence[str]) -> None:
        self._changed = threading.Condition()
        self._slots: dict[str, T | None] = dict.fromkeys(cameras)
        self._turns = list(cameras)
        self._busy: set[str] = set()
        self._closed = False

    def put(self, camera: str, frame: T) -> bool:
        """Leave a frame. Returns whether it replaced one that nobody had taken."""
        with self._changed:
            replaced = self._slots[camera] is not None
            self._slots[camera] = frame
            self._changed.notify()
        return replaced

    def take(self) -> tuple[str, T] | None:
        """Wait for the next camera in turn that has a frame; None once closed.

        The camera gets no other turn until it is released.
        """
        with self._changed:
            while not self._closed:
                for camera in self._turns:
                    frame = self._slots[camera]
                    if frame is None or camera in self._busy:
                        continue
                    self._slots[camera] = None
                    self._busy.add(camera)
                    self._turns.remove(camera)
                    self._turns.append(camera)
                    return camera, frame
                self._changed.wait()
        return None

    def release(self, camera: str, back: T | None = None) -> None:
        """End a camera's turn, and put its frame back unless a newer one has come."""
        with self._changed:
            self._busy.discard(camera)
            if self._slots[camera] is None:
                self._slots[camera] = back
            self._changed.notify()

    def close(self) -> None:
        """Let go of all frames and of everybody who waits for one."""
        with self._changed:
            self._closed = True
            self._slots = dict.fromkeys(self._slots)
            self._changed.notify_all()


class RateLimit:
    """Lets through so many frames per second on average, always the ones that are fresh."""

    def __init__(self) -> None:
        self._due_s = 0.0

    def allows(self, now_s: float, per_second: float) -> bool:
        """Whether a frame may pass now; 0 per second: always."""
        if per_second <= 0:
            return True
        if now_s < self._due_s:
            return False
        period_s = 1 / per_second
        # From when it was due, not from now: a 30 Hz camera limited to 20 Hz gives 20, not 15. After a pause
        # from now, so that the pause is not made up for.
        self._due_s = (self._due_s if now_s - self._due_s < period_s else now_s) + period_s
        return True
