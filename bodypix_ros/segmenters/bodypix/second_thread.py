"""A second thread for one piece of work at a time."""

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class SecondThread:
    """A thread that works on another processor than its caller.

    After an inference the device's own threads still spin on theirs, so that the system takes all for busy
    and lets a woken thread wait behind the one that woke it: both halves of the work would run in turn.
    """

    def __init__(self) -> None:
        """Start the thread."""
        self._executor = ThreadPoolExecutor(1, "bodypix masks")
        self._thread = self._executor.submit(threading.get_native_id).result()
        self._processors: set[int] = set()
        self._current: Callable[[], int] | None = None
        self._avoided = -1
        with suppress(AttributeError, OSError):  # not on Linux: it runs where the system likes
            self._processors = os.sched_getaffinity(0)
            self._current = ctypes.CDLL(None).sched_getcpu

    def submit(self, call: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Have something called; by the caller itself, where the thread was ended meanwhile."""
        if self._current is not None and (current := self._current()) != self._avoided:
            self._avoided = current
            with suppress(OSError):  # there is no other, or it is not allowed any more
                os.sched_setaffinity(self._thread, self._processors - {current})
        try:
            return self._executor.submit(call, *arguments)
        except RuntimeError:  # it was closed: who is at an image can end it
            return _called(call, *arguments)

    def close(self) -> None:
        """Take nothing more."""
        self._executor.shutdown(wait=False)


def _called(call: Callable[..., T], *arguments: Any) -> "Future[T]":
    """What `submit` gives, of a call that is over."""
    future: Future[T] = Future()
    try:
        future.set_result(call(*arguments))
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        future.set_exception(error)
    return future
