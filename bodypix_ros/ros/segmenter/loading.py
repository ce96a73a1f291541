"""The model being loaded in the background, and what is said meanwhile."""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from typing import Final

from bodypix_ros.ros.segmenter import inference
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.shared.log import LOG_EVERY_S, Log
from bodypix_ros.ros.shared.threads import in_background

_LOOK_S: Final = 0.1
"""Seconds between two questions whether whoever waits still wants to."""


class Loading:
    """One attempt to load a model."""

    def __init__(self, settings: Settings, log: Log, on_end: Callable[[], None]) -> None:
        """Begin.

        Args:
            settings: Name the model.
            log: Gets told that it begins, and which settings have no effect.
            on_end: Is called once it is loaded or has failed, on a thread of its own.
        """
        for sentence in settings.without_effect().values():
            log.warning(sentence)
        self._model, self._log = settings.node.model, log
        log.info(f"loading {self._model}")
        self._since_s, self._said_s = time.monotonic(), 0.0
        self._future = in_background(lambda: inference.load(settings, log), "load")
        self._future.add_done_callback(lambda _: on_end())

    @property
    def is_over(self) -> bool:
        """Whether the model is loaded, or has failed to."""
        return self._future.done()

    def seconds(self, now_s: float) -> float:
        """How long it has taken so far, at a `time.monotonic()`."""
        return now_s - self._since_s

    def say(self, now_s: float) -> None:
        """Log once in a while how long it has taken so far; to be called once a second or so.

        Args:
            now_s: `time.monotonic()`.
        """
        so_far_s = self.seconds(now_s)
        if not self.is_over and so_far_s > self._said_s + LOG_EVERY_S:
            self._said_s = so_far_s
            self._log.info(f"loading {self._model}, for {so_far_s:.0f} s so far")

    def wait(self, goes_on: Callable[[], bool]) -> inference.Inference:
        """The model, once it is there.

        Args:
            goes_on: Whether there is still something to wait for.

        Raises:
            TimeoutError: There is not, and the model is not there yet.
            Exception: Whatever loading it raised; see `inference.load`.
        """
        while not self.is_over and goes_on():
            with contextlib.suppress(NotYet):
                self._future.result(timeout=_LOOK_S)
        return self._future.result(timeout=0)
