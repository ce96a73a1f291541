"""Detection messages, serialised once and filled in for every frame.

From one frame to the next they differ in numbers only, but making and serialising the Python objects costs
half a millisecond per person. So a message is serialised once with numbers that are easy to find, and from
then on numbers are written to where those were.
"""

import struct
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages.types import Header, Message

MAX_STENCILS = 32
"""Stencils that are kept, one per frame_id and `Varying.key`."""

_STAMP = struct.Struct("=iI")
_PROBE_STAMP = (1_234_567_891, 987_654_321)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Varying(Generic[T]):
    """What differs from one message of a kind to the next.

    Attributes:
        key: Of what the message is made of; with the same one two messages differ in their stamp and in
            `numbers` only.
        numbers: float64, one axis, in the order of their serialisation; nothing where there is nobody.
        probe: The like, of the same key and with numbers that are found nowhere else in the message.
    """

    key: Callable[[T], Hashable]
    numbers: Callable[[T], npt.NDArray[np.float64]]
    probe: Callable[[T], T]


class Stencils(Generic[T]):
    """Makes one kind of message, serialised."""

    def __init__(
        self,
        build: Callable[[Header, T], Message],
        varying: Varying[T],
        serialize: Callable[[Message], bytes],
    ) -> None:
        """Serialise nothing yet.

        Args:
            build: Makes the message of a header and what was seen.
            varying: What differs from frame to frame.
            serialize: Message -> bytes.
        """
        self._build, self._varying, self._serialize = build, varying, serialize
        self._known: dict[Hashable, _Stencil] = {}

    def __call__(self, header: Header, seen: T) -> bytes:
        """The same as `serialize(build(header, seen))`."""
        numbers = self._varying.numbers(seen)
        if not len(numbers):
            return self._serialize(self._build(header, seen))
        key = header.frame_id, self._varying.key(seen)
        if key not in self._known:
            if len(self._known) == MAX_STENCILS:
                self._known.clear()
            self._known[key] = self._make(header, self._varying.probe(seen))
        return self._known[key].fill(header.stamp, numbers)

    def _make(self, header: Header, probe: T) -> "_Stencil":
        stamp = header.stamp.sec, header.stamp.nanosec
        header.stamp.sec, header.stamp.nanosec = _PROBE_STAMP
        try:
            data = self._serialize(self._build(header, probe))
        finally:
            header.stamp.sec, header.stamp.nanosec = stamp
        return _Stencil(data, self._varying.numbers(probe))


class _Stencil:
    """A serialised message, and where its stamps and numbers are."""

    def __init__(self, data: bytes, numbers: npt.NDArray[np.float64]) -> None:
        self._data = np.frombuffer(bytearray(data), np.uint8)
        pattern, stamps, start = _STAMP.pack(*_PROBE_STAMP), [], 0
        while (start := data.find(pattern, start)) >= 0:
            stamps.append(start)
            start += len(pattern)
        self._stamps = np.array(stamps)[:, np.newaxis] + np.arange(8)
        where, start = [], 0
        for number in numbers:
            start = data.index(number.tobytes(), start)
            where.append(start)
            start += 8
        self._where = np.array(where)[:, np.newaxis] + np.arange(8)

    def fill(self, stamp: Any, numbers: npt.NDArray[np.float64]) -> bytes:
        self._data[self._stamps] = np.frombuffer(_STAMP.pack(stamp.sec, stamp.nanosec), np.uint8)
        self._data[self._where] = numbers.view(np.uint8).reshape(-1, 8)
        return self._data.tobytes()
