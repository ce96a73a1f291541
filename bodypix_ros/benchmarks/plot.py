"""Drawings of what was measured, by matplotlib, which is imported when it is needed."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bodypix_ros import media

SUFFIXES = (".png", ".svg", ".pdf")
_OURS, _THEIRS, _EXTRA = "#1f6fb4", "#e08214", "#4d9221"
_SIZE_INCHES, _DPI = (6.4, 3.6), 120


def check(path: Path) -> None:
    """See to it that a drawing can be written, before anything is measured.

    Raises:
        ValueError: A file name that says no format, or an unknown one.
        ImportError: matplotlib is not installed.
        FileNotFoundError: There is no such folder.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} cannot be drawn: its name must end in {', '.join(SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise ImportError(
            "matplotlib is not installed, and draws the plots; type: pip install 'bodypix_ros[plot]'"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} to")


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Draw what one of the benchmarks gave.

    Args:
        path: Where to; its suffix says the format. Appears whole or not at all.
        result: Plain data with a `kind`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    _DRAW[result["kind"]](figure, result)
    here = result["machine"]
    model = f"{result['model']} on {result['device']}, " if "model" in result else ""
    figure.suptitle(
        f"{model}{here['cpu']}, {here['cores_usable']} cores, OpenVINO {here['openvino']}", fontsize=8
    )
    with media.replacing(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower())


def _bare(figure: Any, result: Mapping[str, Any]) -> None:
    pictures = result["pictures"]
    figure.set_size_inches(_SIZE_INCHES[0], _height(len(pictures)))
    axes = figure.subplots()
    names = [f"{Path(one['picture']).name}\n{one['people']} people" for one in pictures]
    _bars(axes, names, {"bare network": [one["ms"]["bare"]["median"] for one in pictures],
                        "segment": [one["ms"]["segment"]["median"] for one in pictures]},
          [one["ratio"] for one in pictures])  # fmt: skip
    axes.set_xlim(right=1.3 * axes.get_xlim()[1])
    axes.set_xlabel("ms, median", fontsize=8)


def _compare(figure: Any, result: Mapping[str, Any]) -> None:
    rows = result["rows"]
    figure.set_size_inches(_SIZE_INCHES[0], _height(len(rows)))
    axes = figure.subplots()
    names = [f"{row['model']}, {Path(row['picture']).name}\n{row['peer']}" for row in rows]
    _bars(axes, names, {"bodypix_ros": [row["ms"]["ours"]["median"] for row in rows],
                        "peer": [row["ms"]["peer"]["median"] for row in rows]},
          [row["ratio"] for row in rows])  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(right=6 * axes.get_xlim()[1])
    axes.set_xlabel("ms per call, median, logarithmic", fontsize=8)


def _height(names: int) -> float:
    return 1.2 + 0.55 * max(names, 2)


def _bars(
    axes: Any, names: Sequence[str], series: Mapping[str, Sequence[float]], ratios: Sequence[float]
) -> None:
    """Two bars per name, the second with its ratio to the first."""
    thickness = 0.38
    for k, ((label, values), colour) in enumerate(zip(series.items(), (_OURS, _THEIRS), strict=True)):
        where = [row + (k - 0.5) * thickness for row in range(len(names))]
        bars = axes.barh(where, values, thickness, label=label, color=colour)
        texts = [f" {v:.1f} ms" + (f" (x {r:.2f})" if k else "") for v, r in zip(values, ratios, strict=True)]
        axes.bar_label(bars, texts, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7)


def _cameras(figure: Any, result: Mapping[str, Any]) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    rounds = range(1, result["rounds"] + 1)
    for name, label, colour in (
        ("bare", "bare network", _THEIRS), ("pipeline", "node's pipeline", _OURS),
    ):  # fmt: skip
        left.plot(rounds, result[name]["fps_per_round"], "o-", label=label, color=colour)
    left.set_xticks(rounds)
    left.set_ylim(bottom=0)
    _label(left, f"pipeline / bare {result['ratio']:.3f}", "round", "frames/s, all cameras")
    left.legend(fontsize=7)
    cameras = range(1, result["cameras"] + 1)
    right.bar(cameras, result["fps_per_camera"], color=_OURS)
    right.set_xticks(cameras)
    _label(right, "each camera", "camera", "frames/s")


def _scaling(figure: Any, result: Mapping[str, Any]) -> None:
    panels = result["panels"]
    figure.set_size_inches(12.8, 7.2)
    axes = figure.subplots(2, 3).ravel()
    _camera_panels(axes[0], axes[1], panels["cameras"])
    people = panels["people"]
    _bare_and_segment(axes[2], [row["pasted"] for row in people], people)
    found = ", ".join(str(row["people"]) for row in people)
    _label(axes[2], f"people (found: {found})", "people in the picture", "ms")
    _bare_and_segment(
        axes[3], [row["width"] * row["height"] / 1e6 for row in panels["sizes"]], panels["sizes"]
    )
    _label(axes[3], "size of the picture", "million pixels", "ms")
    if "resolutions" in panels:
        rows = panels["resolutions"]
        _bare_and_segment(axes[4], range(len(rows)), rows)
        axes[4].set_xticks(range(len(rows)), [row["resolution"] for row in rows])
        _label(axes[4], "internal resolution", "", "ms")
    else:
        axes[4].set_axis_off()
    _requests(axes[5], panels["requests"])


def _camera_panels(rate: Any, latency: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for hint, colour in (("LATENCY", _OURS), ("THROUGHPUT", _THEIRS)):
        own = [row for row in rows if row["hint"] == hint]
        count = [row["cameras"] for row in own]
        rate.plot(count, [row["fps"] for row in own], "o-", label=hint, color=colour)
        medians = [row["latency_ms"]["median"] for row in own]
        latency.plot(count, medians, "o-", label=f"{hint}, median", color=colour)
        p95s = [row["latency_ms"]["p95"] for row in own]
        latency.plot(count, p95s, "--", label=f"{hint}, p95", color=colour)
    _label(rate, "cameras: throughput", "cameras", "frames/s, all cameras")
    _label(latency, "cameras: latency", "cameras", "ms per frame")
    for axes in (rate, latency):
        axes.set_xticks(sorted({row["cameras"] for row in rows}))
        axes.set_ylim(bottom=0)
    rate.legend(fontsize=7)
    latency.legend(fontsize=7)


def _bare_and_segment(axes: Any, where: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> None:
    axes.plot(where, [row["segment_ms"] for row in rows], "o-", label="segment", color=_OURS)
    axes.plot(where, [row["bare_ms"] for row in rows], "o-", label="bare network", color=_THEIRS)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)


def _requests(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    count = [row["requests"] for row in rows]
    axes.plot(count, [row["fps"] for row in rows], "o-", color=_OURS)
    _label(axes, "requests at once, bare network", "requests", "frames/s")
    axes.set_xticks(count)
    axes.set_ylim(bottom=0)
    second = axes.twinx()
    second.plot(count, [row["latency_ms"] for row in rows], "s--", color=_EXTRA)
    second.set_ylabel("ms per request (dashed)", fontsize=8)
    second.tick_params(labelsize=8)
    second.set_ylim(bottom=0)


def _label(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)


_DRAW = {"bare": _bare, "compare": _compare, "cameras": _cameras, "scaling": _scaling}
