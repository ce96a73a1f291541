"""Messages of one frame, found together by their stamp.

What a model makes of an image carries the image's stamp exactly, so nothing is guessed: same stamp, same
frame. One thread may use a Joiner at a time.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

IMAGE: Final = "image"
"""The input that every frame needs."""

REMEMBERED = 1000
"""So many stamps of images are remembered, to notice that one comes again."""

Stamp = tuple[int, int]


@dataclass(slots=True)
class Frame:
    """The messages of one stamp.

    Attributes:
        messages: By input; of those that came twice the newer one.
        first_s: When the first of them came.
        last_s: When the last of them came.
        certain: Whether they surely belong to one image: the stamp is set, and no image had it before.
    """

    messages: dict[str, Any] = field(default_factory=dict)
    first_s: float = 0.0
    last_s: float = 0.0
    certain: bool = False


class Joiner:
    """Collects messages until a frame is whole, newest frame first.

    A frame is whole when everything expected is there. An input that stays away is waited for once, `wait_s`
    long, and then no more until it comes again, so that a picture without it is not late. A frame that lacks
    what other frames get is one that the model skipped: it is never given. Whatever is older than a frame
    that was given is let go of, and of the rest the oldest beyond `capacity`.

    Attributes:
        capacity: At most so many frames are kept.
        wait_s: How long a frame waits for inputs that do not come. An input counts as coming until it has not
            been heard of for four times as long.
        incomplete: How many images were let go of without their partners.
    """

    def __init__(self, capacity: int, wait_s: float) -> None:
        self.capacity, self.wait_s = capacity, wait_s
        self.incomplete = 0
        self._expected: frozenset[str] = frozenset()
        self._required: frozenset[str] = frozenset()
        self._frames: dict[Stamp, Frame] = {}
        self._heard_s: dict[str, float] = {}
        self._silent: set[str] = set()
        self._stamps: dict[Stamp, None] = {}

    def __len__(self) -> int:
        """The frames that are being kept."""
        return len(self._frames)

    def expect(self, inputs: Collection[str], required: Collection[str] = (IMAGE,)) -> None:
        """Say what a whole frame has, and forget all frames so far.

        Args:
            inputs: All that is to be waited for.
            required: Those that no frame is given without.
        """
        self._expected, self._required = frozenset(inputs), frozenset(required)
        self._frames.clear()
        self._heard_s.clear()
        self._silent.clear()

    def add(self, name: str, stamp: Stamp, message: Any, now_s: float) -> Frame | None:
        """Take a message.

        Args:
            name: Its input; one that is not expected is left aside.
            stamp: Seconds and nanoseconds of its header.
            message: Of any type.
            now_s: `time.monotonic()`.

        Returns:
            The frame that it made whole, if it did.
        """
        if name not in self._expected:
            return None
        self._heard_s[name] = now_s
        self._silent.discard(name)
        frame = self._frames.get(stamp)
        if frame is None:
            frame = self._frames[stamp] = Frame(first_s=now_s)
        if name == IMAGE:
            frame.certain = stamp != (0, 0) and stamp not in self._stamps
            self._stamps[stamp] = None
            if len(self._stamps) > REMEMBERED:
                del self._stamps[next(iter(self._stamps))]
        frame.messages[name] = message
        frame.last_s = now_s
        if self._missing(frame) <= self._silent - self._required:
            return self._take(stamp)
        while len(self._frames) > max(1, self.capacity):
            self._let_go(next(iter(self._frames)))
        return None

    def check(self, now_s: float) -> Frame | None:
        """Give the newest frame that has waited long enough for inputs that stay away, if there is one."""
        for stamp, frame in reversed(self._frames.items()):
            missing = self._missing(frame)
            if now_s - frame.first_s < self.wait_s or missing & self._required:
                continue
            if not any(self.is_coming(name, now_s) for name in missing):
                self._silent |= missing
                return self._take(stamp)
        return None

    def is_coming(self, name: str, now_s: float) -> bool:
        """Whether an input was heard of lately."""
        heard_s = self._heard_s.get(name)
        return heard_s is not None and now_s - heard_s < 4 * self.wait_s

    def _missing(self, frame: Frame) -> frozenset[str]:
        return self._expected - frame.messages.keys()

    def _take(self, stamp: Stamp) -> Frame:
        frame = self._frames[stamp]
        while (oldest := next(iter(self._frames))) != stamp:
            self._let_go(oldest)
        del self._frames[stamp]
        return frame

    def _let_go(self, stamp: Stamp) -> None:
        self.incomplete += IMAGE in self._frames.pop(stamp).messages
