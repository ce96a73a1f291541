"""What the people node says in /diagnostics of a camera."""

import time

from bodypix_ros.ros.people.topics import Topics
from bodypix_ros.ros.shared.diagnostics import OK, WARN, WINDOW_S, Status


def status(topics: Topics, *, active: bool) -> Status:
    """The entry of one camera.

    Args:
        topics: Its topics.
        active: Whether the node is active.
    """
    now_s = time.monotonic()
    camera, matcher = topics.camera, topics.matcher
    statistics = camera.statistics
    placed = statistics.own_ms.rate(now_s)
    if not active:
        level, message = OK, "not active"
    elif not topics.is_listening:
        level, message = OK, "idle: nobody subscribes"
    elif topics.waiting:
        level, message = WARN, topics.waiting
    elif statistics.problem and now_s - statistics.problem_s < WINDOW_S:
        level, message = WARN, statistics.problem
    elif matcher.problem:
        level, message = WARN, matcher.problem
    elif statistics.notes:
        topic, why = next(iter(statistics.notes.items()))
        level, message = WARN, f"{topic}: {why}"
    else:
        level, message = OK, f"{placed:.1f} images per second"
    difference = matcher.difference_s
    values = {
        "placed (Hz)": f"{placed:.1f}",
        "images placed": str(statistics.placed),
        "people placed": str(statistics.people),
        "people without a place": str(statistics.without_place),
        "dropped (a newer one came)": str(statistics.replaced),
        "images apart from depth": str(matcher.apart),
        "images without depth": str(matcher.alone),
        "image after depth, latest (s)": "none" if difference is None else f"{difference:.3f}",
        "image after depth p50 (ms)": _ms(statistics.lag_ms.percentile(now_s, 50)),
        "last input to first output p50 (ms)": _ms(statistics.own_ms.percentile(now_s, 50)),
        "last input to first output p95 (ms)": _ms(statistics.own_ms.percentile(now_s, 95)),
        "tracks": str(len(camera.crowd.tracks)),
        "followed": camera.crowd.follow.chosen or "nobody",
        "last error": statistics.problem or "none",
    }
    return Status(level, message, {**values, **statistics.notes})


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
