"""Detection messages, serialised once and filled in for every frame.

From one frame to the next they differ in numbers only, but making and serialising the Python objects costs
half a millisecond per person. So a message is serialised once with numbers that are easy to find, and from
then on numbers are written to where those were.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages.types import Header, Message
from bodypix_ros.scene import Person, Scene

MAX_STENCILS = 32
"""Stencils that are kept, one per frame_id, the people's numbers, and who of them has a pose."""

_SCORE_X_Y = np.array([2, 0, 1])
_STAMP = struct.Struct("=iI")
_PROBE_STAMP = (1_234_567_891, 987_654_321)

Build = Callable[[Header, Scene], Message]
Numbers = Callable[[Sequence[Person]], npt.NDArray[np.float64]]


def person_numbers(persons: Sequence[Person]) -> npt.NDArray[np.float64]:
    """The numbers of `people.persons`, in the order of their serialisation."""
    return np.array([(person.score, *_box(person)) for person in persons], np.float64).ravel()


def keypoint_numbers(persons: Sequence[Person]) -> npt.NDArray[np.float64]:
    """The numbers of `people.keypoints`, in the order of their serialisation."""
    numbers: list[npt.ArrayLike] = []
    for person in persons:
        if person.has_pose:
            numbers.append(person.keypoints[:, _SCORE_X_Y].ravel())
        numbers.append(_box(person))
    return np.concatenate(numbers, dtype=np.float64)


def _box(person: Person) -> tuple[float, float, float, float]:
    """Middle, width and height."""
    x0, y0, x1, y1 = person.box
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


class Stencils:
    """Makes one kind of message, serialised."""

    def __init__(self, build: Build, numbers: Numbers, serialize: Callable[[Message], bytes]) -> None:
        """Serialise nothing yet.

        Args:
            build: Makes the message of a header and a Scene.
            numbers: The numbers that differ from frame to frame, in the order of their serialisation.
            serialize: Message -> bytes.
        """
        self._build, self._numbers, self._serialize = build, numbers, serialize
        self._known: dict[tuple[Any, ...], _Stencil] = {}

    def __call__(self, header: Header, scene: Scene) -> bytes:
        """The same as `serialize(build(header, scene))`."""
        if not scene.persons:
            return self._serialize(self._build(header, scene))
        people = tuple((person.track_id, person.has_pose) for person in scene.persons)
        key = header.frame_id, people, scene.keypoint_names, scene.persons[0].keypoints.shape
        if key not in self._known:
            if len(self._known) == MAX_STENCILS:
                self._known.clear()
            self._known[key] = self._make(header, scene)
        return self._known[key].fill(header.stamp, self._numbers(scene.persons))

    def _make(self, header: Header, scene: Scene) -> "_Stencil":
        shape = scene.persons[0].keypoints.shape
        points = np.pi * np.arange(1, 1 + len(scene.persons) * shape[0] * shape[1], dtype=np.float32)
        probes = [
            Person(
                k + 1 / 7,
                (5 * k + 1, 7 * k + 2, 117 * k + 30, 131 * k + 45),
                keypoints * person.has_pose,
                None,
                person.track_id,
            )
            for k, (keypoints, person) in enumerate(
                zip(points.reshape(len(scene.persons), *shape), scene.persons, strict=True)
            )
        ]
        probe = Scene(scene.person_mask, scene.instance_mask, None, None, tuple(probes), scene.keypoint_names)
        stamp = header.stamp.sec, header.stamp.nanosec
        header.stamp.sec, header.stamp.nanosec = _PROBE_STAMP
        try:
            data = self._serialize(self._build(header, probe))
        finally:
            header.stamp.sec, header.stamp.nanosec = stamp
        return _Stencil(data, self._numbers(probes))


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
