"""Threads whose native calls cannot be cancelled."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(call: Callable[[], T], name: str) -> "Future[T]":
    """Call something on a thread of its own that the end of the process does not wait for.

    OpenVINO's native calls cannot be cancelled; a `ThreadPoolExecutor` would wait for them.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def claim(items: set[T], item: T) -> bool:
    """Take an item out of a set. Whoever gets True has it, and nobody else: that is one atomic step."""
    try:
        items.remove(item)
    except KeyError:
        return False
    return True
