"""What `bodypix bench` prints: the plain data of the benchmarks as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from bodypix_ros.cli.options import table


def text(result: Mapping[str, Any]) -> str:
    """Say in words and tables what was measured."""
    here = result["machine"]
    lines = [
        f"{here['cpu']}, {here['cores_usable']} cores usable, {here['system']}",
        f"OpenVINO {here['openvino']}, Python {here['python']}, numpy {here['numpy']}",
    ]
    return "\n".join(lines + _body(result))


def _body(result: Mapping[str, Any]) -> list[str]:
    head = _setting(result) if "model" in result else []
    return head + _BODIES[result["kind"]](result)


def _beside(result: Mapping[str, Any]) -> list[str]:
    """One after the other, then by how much they differ from the first."""
    first, *others = result["results"]
    lines = [line for one in result["results"] for line in ["", *_body(one)]]
    for one in others:
        ratios = _ratios(one, first)
        lines += ["", f"{_name(one)} / {_name(first)}: {ratios}"]
    return lines


def _name(result: Mapping[str, Any]) -> str:
    """What sets a result apart from those beside it."""
    return " ".join(filter(None, (result.get("preset"), result["precision"])))


def _ratios(one: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    if "pictures" not in one:
        quotients = {name: one[name]["fps"] / first[name]["fps"] for name in ("bare", "pipeline")}
        return "frames/s " + ", ".join(f"{name} {value:.2f}" for name, value in quotients.items())
    return "; ".join(
        f"{mine['picture']} "
        + ", ".join(
            f"{stage} {mine['ms'][stage]['median'] / theirs['ms'][stage]['median']:.2f}"
            for stage in ("bare", "segment")
        )
        for mine, theirs in zip(one["pictures"], first["pictures"], strict=True)
    )


def _setting(result: Mapping[str, Any]) -> list[str]:
    threads = "" if result["threads"] is None else f", {result['threads']} threads"
    loaded = f", loaded in {result['load_s']:.2f} s" if "load_s" in result else ""
    return [
        f"{result['model']} on {result['device']}, {result['precision']}{threads}{loaded}",
        ", ".join(f"{name} {value}" for name, value in result["options"].items()),
    ]


def _bare(result: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in result["pictures"]:
        stages = [[stage, f"{t['median']:.2f}", f"{t['p95']:.2f}"] for stage, t in one["ms"].items()]
        lines += [
            "",
            f"{one['picture']}: {one['width']}x{one['height']}, people found: {one['people']}",
            f"network {one['network_width']}x{one['network_height']}, {result['repetitions']} repetitions",
            table([["ms", "median", "p95"], *stages]),
            f"segment / bare {one['ratio']:.2f}, overhead {one['overhead_ms']:.2f} ms",
        ]
    return lines


def _pipeline(result: Mapping[str, Any]) -> list[str]:
    rows = [["", "frames/s", "CPU ms per frame", "frames/s, round by round"]]
    for name, title in (("bare", "bare network"), ("pipeline", "node's pipeline")):
        one = result[name]
        rounds = " ".join(f"{rate:.1f}" for rate in one["fps_per_round"])
        rows.append([title, f"{one['fps']:.1f}", f"{one['cpu_ms_per_frame']:.2f}", rounds])
    counts, times = result["counts"], result["times"]
    (width, height), (network_width, network_height) = result["image"], result["network"]
    of_rounds = ", ".join(f"{ratio:.3f}" for ratio in result["ratio_per_round"])
    per_camera = ", ".join(f"{fps:.1f}" for fps in result["fps_per_camera"])
    dropped = ", ".join(
        f"{name} {count}" for name, count in counts.items() if name not in ("fed", "published")
    )
    by_cpu = f"by processor time {result['ratio_by_cpu']:.3f}"
    lines = [
        "",
        f"{result['cameras']} cameras of {width}x{height}, bgr8; network {network_width}x{network_height}",
        f"{result['performance_hint']}, bare network with {result['requests']} requests",
        f"{result['rounds']} rounds of {result['slice_s']:g} s each, in turn",
        table(rows),
        f"pipeline / bare {result['ratio']:.3f} ({of_rounds}); {by_cpu}",
        f"per camera {per_camera} frames/s, (max - min) / mean {result['fairness']:.3f}",
        f"frames: fed {counts['fed']}, published {counts['published']}; dropped: {dropped}",
    ]
    if times["segment_ms"] is not None:
        lines.append(
            f"median of a frame: {times['segment_ms']:.2f} ms in segment, "
            f"{times['overhead_ms']:.2f} ms waiting for its turn and around it"
        )
    return lines


def _compare(result: Mapping[str, Any]) -> list[str]:
    for_whom = [
        f"{title}: " + ", ".join(f"{name} {version}" for name, version in versions.items())
        for title, versions in result["versions"].items()
    ]
    rows = [["model", "picture", "size", "people", "ours ms", "peer ms", "peer / ours", "peer"]]
    for row in result["rows"]:
        theirs = row["people"]["peer"]
        rows.append(
            [
                row["model"],
                row["picture"],
                f"{row['width']}x{row['height']}",
                f"{row['people']['ours']}" + ("" if theirs is None else f" ({theirs})"),
                f"{row['ms']['ours']['median']:.2f}",
                f"{row['ms']['peer']['median']:.2f}",
                f"{row['ratio']:.2f}",
                row["peer"],
            ]
        )
    missing = [f"not measured: {one['reason']}" for one in result["missing"]]
    head = ["", f"medians of {result['turns']} turns; people: ours (the peer's, where it tells)"]
    return [
        *for_whom,
        *(head if result["rows"] else []),
        *([table(rows)] if result["rows"] else []),
        *missing,
    ]


_PANELS = {
    "cameras": "cameras of 640x480, each a thread with a stream of its own",
    "people": "people in a picture",
    "sizes": "size of the picture",
    "resolutions": "internal resolution",
    "requests": "requests of the bare network at once, compiled for throughput",
}


def _scaling(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        f"medians of {result['repetitions']} turns, or {result['rounds']} slices of {result['slice_s']:g} s",
    ]
    for name, title in _PANELS.items():
        if name in result["panels"]:
            lines += ["", title, _panel(result["panels"][name])]
    return lines


def _panel(rows: Sequence[Mapping[str, Any]]) -> str:
    """One column per key; width and height as one."""
    cells = []
    for row in rows:
        flat: dict[str, str] = {}
        for key, value in row.items():
            if key.endswith("height"):
                continue
            if key.endswith("width"):
                kind = key.removesuffix("width")
                flat[kind.rstrip("_") or "image"] = f"{value}x{row[kind + 'height']}"
            elif isinstance(value, dict):
                flat.update({f"{key} {name}": _number(number) for name, number in value.items()})
            elif isinstance(value, list):
                flat[f"{key} per camera"] = " ".join(map(str, value))
            else:
                flat[key] = _number(value)
        cells.append(flat)
    return table([list(cells[0]), *(list(flat.values()) for flat in cells)])


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


_BODIES = {
    "bare": _bare,
    "beside": _beside,
    "cameras": _pipeline,
    "compare": _compare,
    "scaling": _scaling,
}
