"""Whether the model is fast enough for its cameras, and which setting would be."""

import math
from collections.abc import Collection
from typing import Final

from bodypix_ros.options import options_of
from bodypix_ros.ros.segmenter.diagnostics import Statistics
from bodypix_ros.ros.segmenter.parameters import Settings

ENOUGH: Final = 0.8
"""So busy it may be: of each second this share may go into the model."""
_DROPPED: Final = 0.1
"""A share of dropped frames above this is too many."""
_EXTRAS: Final = ("crops",)
"""Options whose 0 spares whole passes of the network, before everything is seen smaller."""
_SIZES: Final = ("base_size", "internal_resolution")
"""Options that the network's sides are in proportion to, and what it takes to their square."""


def advice(cameras: Collection[Statistics], settings: Settings, workers: int, now_s: float) -> str:
    """What to change where frames are dropped since the model is too slow for all of them; else empty.

    Args:
        cameras: Of each of them.
        settings: Those in force.
        workers: Frames that are processed at the same time.
        now_s: `time.monotonic()`.
    """
    received = sum(c.received.rate(now_s) for c in cameras)
    dropped = sum(c.replaced.rate(now_s) for c in cameras)
    load = sum(c.received.rate(now_s) * (c.segment_ms.percentile(now_s, 50) or 0.0) for c in cameras) / 1e3
    load /= max(workers, 1)
    if dropped <= _DROPPED * received or load <= ENOUGH:
        return ""
    published = sum(c.age_ms.rate(now_s) for c in cameras)
    cures = "; if that is not enough, ".join([*_spared(settings), _smaller(settings, ENOUGH / load)])
    return f"{published:.1f} of {received:.1f} frames per second are processed: {cures}"


def _spared(settings: Settings) -> list[str]:
    """What may be left out first."""
    known = options_of(settings.model)
    given = {name: known[name].plain(settings.model) for name in _EXTRAS if name in known}
    return [f"{name} 0 (now {now}) would do" for name, now in given.items() if now]


def _smaller(settings: Settings, share: float) -> str:
    """The setting that takes this share of the time."""
    known = options_of(settings.model)
    for name in _SIZES:
        if name not in known:
            continue
        option = known[name]
        now = float(option.plain(settings.model))
        low = option.low if option.low is not None else 0.1
        size = max(now * math.sqrt(share), low)
        text = f"{size:.2f}" if now <= 2 else f"{size:.0f}"
        return f"{name} {text} (now {now:g}) would do, or a smaller model, or another device"
    return "a smaller model would do, or another device; max_rate spares the processor"
