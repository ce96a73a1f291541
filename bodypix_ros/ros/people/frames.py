"""Transforms at the stamp of an image, and what is said where there are none."""

from typing import Protocol

import numpy as np

from bodypix_ros.errors import BodypixError
from bodypix_ros.space.frames import Frame


class NoTransformError(BodypixError):
    """There is no transform at a time; the message says which, and why."""


class NoFrameError(NoTransformError):
    """tf has never heard of a frame, or of no way between two."""


class Transforms(Protocol):
    """tf, as the node has it."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> Frame:
        """Where a frame is in another, at a time. Waits a moment for it, so not in the node's own thread.

        Args:
            target: The frame to bring points into.
            source: The frame that they are in.
            stamp_ns: When.

        Raises:
            NoFrameError: A frame is not there.
            NoTransformError: Not at this time.
        """

    def clear(self) -> None:
        """Forget all: time went back."""


_STANDS_M, _STANDS = 0.01, np.radians(0.5)
"""A camera that moves by less stands."""


def apart(one: Frame, other: Frame) -> tuple[float, float]:
    """How far two frames are from each other: metres, radians."""
    turn = one.rotation @ other.rotation.T
    angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    return float(np.linalg.norm(one.origin - other.origin)), float(angle)


def stands(one: Frame, other: Frame) -> bool:
    """Whether the camera is where it was."""
    metres, radians = apart(one, other)
    return metres < _STANDS_M and radians < _STANDS
