"""What a folder of outputs holds, in figures: as JSON, and as plots where matplotlib is installed."""

import json
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from bodypix_ros import media
from bodypix_ros.batch.manifest import Made, State
from bodypix_ros.targets import unwritable

JSON: Final = "report.json"
PAGE: Final = "report.png"
_NAMED: Final = 12
"""How many failures the page names."""


def figures(state: State) -> dict[str, Any]:
    """What a manifest says, as plain data.

    Args:
        state: The manifest's.
    """
    done = list(state.done.values())
    failed = {source: why for source, (why, _) in sorted(state.failed.items())}
    flawed = {made.source: list(made.problems) for made in done if made.problems}
    return {
        "sources": len(state.names),
        "done": len(done),
        "waiting": len(state.names) - len(set(state.done) | set(state.failed)),
        "failed": failed,
        "flawed": flawed,
        "images": sum(made.images for made in done),
        "people": sum(made.people for made in done),
        "recorded_hours": round(sum(made.recorded_s or 0.0 for made in done) / 3600, 6),
        "worker_hours": round(sum(made.seconds for made in done) / 3600, 6),
        "images_per_worker_second": _rate(done),
        "each": [_one(made) for made in done],
    }


def _rate(done: Iterable[Made]) -> float | None:
    """Images per second that one worker spent; None without any."""
    images, seconds = 0, 0.0
    for made in done:
        images, seconds = images + made.images, seconds + made.seconds
    return round(images / seconds, 2) if seconds else None


def _one(made: Made) -> dict[str, Any]:
    return {
        "source": made.source, "kind": made.kind, "output": made.name, "images": made.images,
        "people": made.people, "seconds": made.seconds, "segment_ms": made.segment_ms,
        "recorded_s": made.recorded_s,
        "bytes": sum(made.sizes.values()), "attempts": made.attempts, "where": made.where,
        "problems": list(made.problems), "notes": list(made.notes),
    }  # fmt: skip


def write_report(folder: Path, state: State, run: Mapping[str, Any]) -> None:
    """Write the report, in place of an earlier one.

    Args:
        folder: The folder of the outputs.
        state: Its manifest's.
        run: What the last run did.

    Raises:
        OutputError: It cannot be written.
    """
    found = {**figures(state), "last_run": dict(run)}
    try:
        with media.replacing(folder / JSON) as part:
            part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if find_spec("matplotlib") is not None:
            with media.replacing(folder / PAGE) as part:
                _draw(part, found)
    except OSError as error:
        raise unwritable(folder / JSON, error) from error


def _draw(path: Path, found: Mapping[str, Any]) -> None:
    """Draw a page: speed, people, time against the recordings' own, and what failed."""
    from matplotlib.figure import Figure

    each = found["each"]
    figure = Figure(figsize=(8.3, 8.3), dpi=110, layout="constrained")
    (speed, people), (times, text) = figure.subplots(2, 2)
    rates = [one["images"] / one["seconds"] for one in each if one["seconds"]]
    speed.hist(rates, bins=min(30, max(5, len(rates))), color="#1f6fb4")
    speed.set(xlabel="images per second of a worker", ylabel="sources")
    people.hist([one["people"] / one["images"] for one in each if one["images"]], bins=20, color="#4d9221")
    people.set(xlabel="people per image", ylabel="sources")
    recorded = [one for one in each if one["recorded_s"]]
    for kind, color in (("bag", "#1f6fb4"), ("video", "#e08214")):
        points = [(one["recorded_s"], one["seconds"]) for one in recorded if one["kind"] == kind]
        if points:
            times.scatter(*zip(*points, strict=True), s=14, label=kind, color=color)
    longest = max([one["recorded_s"] for one in recorded], default=1.0)
    times.plot([0, longest], [0, longest], color="grey", linewidth=0.8, label="as long as recorded")
    times.set(xlabel="recorded, seconds", ylabel="worked on, seconds")
    times.legend(fontsize=7)
    text.axis("off")
    text.text(0, 1, "\n".join(_lines(found)), va="top", fontsize=7, family="monospace", wrap=True)
    figure.suptitle(
        f"{found['done']} of {found['sources']} sources, {found['images']} images, {found['people']} people, "
        f"{found['recorded_hours']:.2f} hours recorded, {found['worker_hours']:.2f} worked on",
        fontsize=9,
    )
    figure.savefig(path, format=path.suffix[1:])


def _lines(found: Mapping[str, Any]) -> list[str]:
    """What the page says in words."""
    bad = [*found["failed"].values(), *(problems[0] for problems in found["flawed"].values())]
    counts = {name: found[name] for name in ("done", "waiting")}
    counts |= {name: len(found[name]) for name in ("failed", "flawed")}
    lines = [", ".join(f"{count} {name}" for name, count in counts.items())]
    lines += [line[:70] for line in bad[:_NAMED]]
    return lines + ([f"and {len(bad) - _NAMED} more, see {JSON}"] if len(bad) > _NAMED else [])
