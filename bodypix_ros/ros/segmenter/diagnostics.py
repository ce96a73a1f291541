"""What the segmenter node says in /diagnostics: of each camera, and of the model."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from bodypix_ros.ros.shared.diagnostics import ERROR, OK, WARN, WINDOW_S, Status, Window
from bodypix_ros.ros.shared.loss import Loss

LONG_S = 30.0
"""Loading or compiling for longer than this is worth a warning."""


@dataclass(slots=True)
class Counts:
    """Of one camera. Each counter is written by one thread only.

    Attributes:
        received: Frames that came.
        replaced: Frames dropped since a newer one came before their turn.
        over_rate: Frames left out because of `max_rate`.
        idle: Frames that nobody wanted anything of, or that came while not enabled.
        bad: Frames that could not be read.
        failed: Frames that the model failed on.
        published: Frames that something was published of.
    """

    received: int = 0
    replaced: int = 0
    over_rate: int = 0
    idle: int = 0
    bad: int = 0
    failed: int = 0
    published: int = 0


@dataclass(slots=True)
class Statistics:
    """What happened to one camera's frames."""

    counts: Counts = field(default_factory=Counts)
    outputs: Counter[str] = field(default_factory=Counter)
    received: Window = field(default_factory=Window)
    replaced: Window = field(default_factory=Window)
    loss: Loss = field(default_factory=Loss)
    age_ms: Window = field(default_factory=Window)
    overhead_ms: Window = field(default_factory=Window)
    segment_ms: Window = field(default_factory=Window)
    last_error: str = ""
    last_error_s: float = -np.inf
    last_published_s: float = -np.inf

    def receive(self, now_s: float, stamp_s: float, *, replaced: bool) -> None:
        """Count a frame that came.

        Args:
            now_s: `time.monotonic()`.
            stamp_s: Of its header.
            replaced: Whether one that waited was dropped for it.
        """
        self.counts.received += 1
        self.received.add(now_s)
        self.loss.add(stamp_s)
        if replaced:
            self.counts.replaced += 1
            self.replaced.add(now_s)

    def error(self, now_s: float, text: str) -> None:
        """Remember what went wrong last."""
        self.last_error, self.last_error_s = text, now_s

    def publication(
        self, now_s: float, *, age_ms: float, overhead_ms: float, segment_ms: float, outputs: tuple[str, ...]
    ) -> None:
        """Count a frame that something was published of."""
        self.counts.published += 1
        self.outputs.update(outputs)
        self.last_published_s = now_s
        self.age_ms.add(now_s, age_ms)
        self.overhead_ms.add(now_s, overhead_ms)
        self.segment_ms.add(now_s, segment_ms)


def camera_status(
    statistics: Statistics,
    *,
    active: bool,
    enabled: bool,
    waiting: str,
    fault: str = "",
    compiling: str = "",
    compiling_s: float = 0.0,
    resting: int | None = None,
    slow: str = "",
    notes: Mapping[str, str] = MappingProxyType({}),
    now_s: float | None = None,
) -> Status:
    """The entry of one camera.

    Args:
        statistics: Its numbers.
        active: Whether the node is active.
        enabled: The parameter.
        waiting: Why no frame comes, or empty.
        fault: Why no camera's frames are processed, or empty.
        compiling: What its frames wait for, or empty.
        compiling_s: For how long by now.
        resting: How many publish the images, while those are not even received; None while they are.
        slow: What to change, where the model is too slow for its cameras.
        notes: Why nothing is published on a topic, by topic.
        now_s: `time.monotonic()`.
    """
    now_s = time.monotonic() if now_s is None else now_s
    counts = statistics.counts
    published = statistics.age_ms.rate(now_s)
    received = statistics.received.rate(now_s)
    if not active:
        level, message = OK, "not active"
    elif fault:
        level, message = ERROR, fault
    elif waiting:
        level, message = WARN, waiting
    elif compiling:
        level, message = WARN if compiling_s > LONG_S else OK, f"{compiling}, for {compiling_s:.0f} s so far"
    elif now_s - statistics.last_error_s < WINDOW_S:
        # Frames that still get through make it a warning; nothing but errors is one.
        level = WARN if statistics.last_published_s > statistics.last_error_s else ERROR
        message = statistics.last_error
    elif not enabled:
        level, message = OK, "idle: not enabled"
    elif resting is not None:
        level, message = (
            OK,
            f"idle: nobody subscribes{'' if resting else ', and nobody publishes the images'}",
        )
    elif published:
        level, message = OK, f"{published:.1f} of {received:.1f} frames per second"
    elif received:
        level, message = OK, "idle: nobody subscribes"
    else:
        level, message = OK, "idle: no frame yet"
    values = {
        "received (Hz)": f"{received:.1f}",
        "published (Hz)": f"{published:.1f}",
        "frames received": str(counts.received),
        "frames published": str(counts.published),
        "dropped (a newer one came)": str(counts.replaced),
        "left out (max_rate)": str(counts.over_rate),
        "idle (nobody wanted it)": str(counts.idle),
        "publishers, while idle": "not looked at" if resting is None else str(resting),
        "lost on the way (by stamps)": _percent(statistics.loss.share()),
        "bad frames": str(counts.bad),
        "failed inferences": str(counts.failed),
        "age p50 (ms)": _ms(statistics.age_ms.percentile(now_s, 50)),
        "age p95 (ms)": _ms(statistics.age_ms.percentile(now_s, 95)),
        "segment p50 (ms)": _ms(statistics.segment_ms.percentile(now_s, 50)),
        "node overhead p50 (ms)": _ms(statistics.overhead_ms.percentile(now_s, 50)),
        "to keep up": slow or "nothing to do",
        "last error": statistics.last_error or "none",
    }
    return Status(level, message, {**values, **notes})


def node_status(
    *,
    state: str,
    model: str,
    device: str = "",
    precision: str = "",
    left: tuple[str, ...] = (),
    networks: int = 0,
    load_s: float = 0.0,
    loading_s: float = 0.0,
    hangs: int = 0,
    lacking: Iterable[str] = (),
    error: str = "",
) -> Status:
    """The entry of the model: what executes it where.

    Args:
        state: "unconfigured", "loading", "inactive" or "active".
        model: Its name.
        device: What executes.
        precision: What in.
        left: Devices that were left since they failed.
        networks: How many were compiled.
        load_s: Seconds that loading took.
        loading_s: Seconds that loading has taken so far.
        hangs: How often an inference did not end, of late.
        lacking: What options ask for and have not got.
        error: Why loading failed, or nothing is computed.
    """
    if error:
        level, message = ERROR, error
    elif loading_s > LONG_S:
        level, message = WARN, f"loading, for {loading_s:.0f} s so far: some devices compile for minutes"
    elif hangs:
        level, message = WARN, f"{state} on {device}; loaded again {hangs} times since it did not answer"
    elif left:
        level, message = WARN, f"{state} on {device}; left, since failing: {', '.join(left)}"
    elif lacking:
        level, message = WARN, f"{state} on {device}; {'; '.join(lacking)}"
    else:
        level, message = OK, f"{state} on {device}" if device else state
    values = {"state": state, "model": model, "device": device or "none", "precision": precision or "none"}
    values |= {"networks compiled": str(networks), "load time (s)": f"{load_s or loading_s:.1f}"}
    values |= {"inferences that did not end": str(hangs)}
    values |= {"devices left": ", ".join(left) or "none"}
    return Status(level, message, values)


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.1f} %"


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
