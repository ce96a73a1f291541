"""What was seen in an image, and the depth of nearly the same time, found together by their stamps.

What the segmenter makes of an image carries the image's stamp exactly. Depth may differ by `slop_s`, and the
nearest is taken: it is waited for where a nearer one may still come, but no longer than `slop_s`. One thread
may use a Matcher at a time.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

PERSONS: Final = "persons"
MASK: Final = "instance_mask"
KEYPOINTS: Final = "keypoints"
PARTS: Final = "part_mask"
IMAGE: Final = "image"
METRES: Final = "keypoints_3d"
"""Inputs that carry the image's stamp; without the first two nothing is done."""

REQUIRED: Final = frozenset({PERSONS, MASK})

CAPACITY: Final = 10
"""So many images and so many depths wait."""

COMING_S: Final = 2.0
"""An input is waited for while it was heard of in so many seconds."""

LATE_NS: Final = 1_000_000_000
"""An image that is older than the latest that was given by less is late; by more, of another time."""

PATIENCE_S: Final = 0.5
"""But no image waits for longer."""


@dataclass(slots=True)
class Joined:
    """What belongs together.

    Attributes:
        stamp_ns: The image's.
        messages: By input.
        depth: The image of depth; None: there is none, and `METRES` is among the messages.
        lag_ns: From the depth to the image.
        last_s: When the last of them came.
    """

    stamp_ns: int
    messages: dict[str, Any]
    depth: Any = None
    lag_ns: int = 0
    last_s: float = 0.0


@dataclass(slots=True)
class _Seen:
    """The messages of one image."""

    messages: dict[str, Any] = field(default_factory=dict)
    first_s: float = 0.0
    last_s: float = 0.0


class Matcher:
    """Joins the messages of one camera.

    Attributes:
        slop_s: How much image and depth may differ.
        apart: Images that no depth was near enough to.
        alone: Images without any depth.
        difference_s: From the nearest depth to the image, of the latest image; None while nothing came.
        problem: Why the latest image was let go of; empty where it was joined.
    """

    def __init__(self, slop_s: float) -> None:
        self.slop_s = slop_s
        self.apart = self.alone = 0
        self.difference_s: float | None = None
        self.problem = ""
        self._seen: dict[int, _Seen] = {}
        self._depths: deque[tuple[int, Any]] = deque(maxlen=CAPACITY)
        self._heard_s: dict[str, float] = {}
        self._joined_s: dict[str, float] = {}  # when an input was last of an image that there was
        self._depth_s = float("-inf")
        self._period_ns = 0
        self._given_ns: deque[int] = deque(maxlen=CAPACITY)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._seen.clear()
        self._depths.clear()
        self._heard_s.clear()
        self._joined_s.clear()
        self._given_ns.clear()
        self._depth_s, self._period_ns, self.problem = float("-inf"), 0, ""

    def forget(self, name: str) -> None:
        """Wait for an input no more: nobody listens to it."""
        self._heard_s.pop(name, None)
        self._joined_s.pop(name, None)

    def add(self, name: str, stamp_ns: int, message: Any, now_s: float) -> Joined | None:
        """Take a message of an image.

        Args:
            name: Its input.
            stamp_ns: Of its header.
            message: Of any type.
            now_s: `time.monotonic()`.

        Returns:
            What it made whole, if it did.
        """
        self._heard_s[name] = now_s
        if stamp_ns in self._given_ns:
            self._joined_s[name] = now_s  # too late, but the next image's is waited for
            return None
        if self._given_ns and 0 < self._given_ns[-1] - stamp_ns < LATE_NS:
            return None  # of an image before the one that was given last
        seen = self._seen.setdefault(stamp_ns, _Seen(first_s=now_s))
        seen.messages[name], seen.last_s = message, now_s
        if seen.messages.keys() >= REQUIRED:
            self._joined_s.update(dict.fromkeys(seen.messages, now_s))
        joined = self.check(now_s)
        if len(self._seen) > CAPACITY:
            oldest = self._seen[next(iter(self._seen))]
            if joined is None and oldest.messages.keys() >= REQUIRED:
                self._give_up(oldest)
                joined = self.check(now_s)
        while len(self._seen) > CAPACITY:
            del self._seen[next(iter(self._seen))]
        return joined

    def add_depth(self, stamp_ns: int, message: Any, now_s: float) -> Joined | None:
        """Take an image of depth; see `add`."""
        if self._depths:
            step_ns = stamp_ns - self._depths[-1][0]
            if step_ns <= 0:  # time went back: what waits is of another time
                self._depths.clear()
            else:
                self._period_ns = step_ns
        self._depths.append((stamp_ns, message))
        self._depth_s = now_s
        return self.check(now_s)

    def check(self, now_s: float) -> Joined | None:
        """Give the newest image that is whole, or has waited long enough, and let go of those before it."""
        for stamp_ns, seen in reversed(self._seen.items()):
            if not self._is_whole(seen, now_s):
                continue
            nearest = min(self._depths, key=lambda item: abs(item[0] - stamp_ns), default=None)
            if nearest is None or now_s - self._depth_s > COMING_S:
                if METRES not in seen.messages and now_s - seen.first_s <= self.slop_s:
                    continue
                return self._without(stamp_ns, seen)
            lag_ns = stamp_ns - nearest[0]
            if not self._is_nearest(stamp_ns, lag_ns) and now_s - seen.last_s <= self.slop_s:
                continue
            self._forget_until(stamp_ns)
            self.difference_s = lag_ns / 1e9
            if abs(lag_ns) > self.slop_s * 1e9:
                self.apart += 1
                self.problem = (
                    f"image and depth are {abs(lag_ns) / 1e9:.3f} s apart, more than slop ({self.slop_s:g} s)"
                )
                return None
            self.problem = ""
            return Joined(stamp_ns, seen.messages, nearest[1], lag_ns, max(seen.last_s, self._depth_s))
        return None

    def is_coming(self, name: str, now_s: float) -> bool:
        """Whether an input was heard of lately."""
        return now_s - self._heard_s.get(name, float("-inf")) < COMING_S

    def _is_whole(self, seen: _Seen, now_s: float) -> bool:
        if not seen.messages.keys() >= REQUIRED:
            return False
        if now_s - seen.first_s > PATIENCE_S:
            self._give_up(seen)
            return True
        return all(
            name in seen.messages or now_s - joined_s >= COMING_S for name, joined_s in self._joined_s.items()
        )

    def _give_up(self, seen: _Seen) -> None:
        """Wait no more, until they come again, for inputs that an image has waited for in vain."""
        for name in self._joined_s.keys() - seen.messages:
            del self._joined_s[name]

    def _is_nearest(self, stamp_ns: int, lag_ns: int) -> bool:
        """Whether no depth that comes can be nearer."""
        newest_ns = self._depths[-1][0]
        return newest_ns >= stamp_ns or 0 <= 2 * lag_ns <= self._period_ns

    def _without(self, stamp_ns: int, seen: _Seen) -> Joined | None:
        """An image while no depth comes: of some models the keypoints are in metres, and a place as well."""
        self._forget_until(stamp_ns)
        self.difference_s = None
        if METRES in seen.messages:
            self.problem = ""
            return Joined(stamp_ns, seen.messages, None, 0, seen.last_s)
        self.alone += 1
        self.problem = "no depth comes"
        return None

    def _forget_until(self, stamp_ns: int) -> None:
        # In the order of their coming: after a jump of the clock older ones have larger stamps.
        while (oldest := next(iter(self._seen))) != stamp_ns:
            del self._seen[oldest]
        del self._seen[stamp_ns]
        # What came later of earlier images is too late now.
        for late_ns in [other for other in self._seen if 0 < stamp_ns - other < LATE_NS]:
            del self._seen[late_ns]
        self._given_ns.append(stamp_ns)
