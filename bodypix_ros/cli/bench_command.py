"""`bodypix bench`: speed against the bare network."""

import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.options import (
    bodypix_options,
    debug_option,
    device_options,
    json_option,
    load_segmenter,
    model_option,
    progress_bar,
    quiet_option,
    table,
)

if TYPE_CHECKING:
    from bodypix_ros.media import Image
    from bodypix_ros.segmenters import Segmenter

WARM_UP = 10
STAGES = ("bare", "pre", "infer", "post", "segment")


@click.command("bench")
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@click.option("-n", "--repetitions", type=click.IntRange(1), default=200, show_default=True)
@model_option
@device_options
@bodypix_options
@json_option
@quiet_option
@debug_option
def command(
    images: tuple[str, ...], repetitions: int, model: str, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Measure speed against the bare network.

    The bare network is the same compiled network at the same input size, its input already there, its outputs
    left as they are. It alternates with whole calls of `segment`, because computers have slow phases. Stages:
    pre (image to network input), infer, post (outputs to masks, parts, people). Without IMAGE the demo's
    picture.

    \b
    Examples:
      bodypix bench
      bodypix bench a.jpg b.jpg --repetitions 500 --json
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.cli.demo_command import astronaut

    pictures = {name: media.read_picture(name) for name in images} or {"astronaut": astronaut()}
    with (
        load_segmenter(model, options) as segmenter,
        progress_bar(repetitions * len(pictures), " calls", quiet) as bar,
    ):
        measured = [measure(segmenter, name, image, repetitions, bar) for name, image in pictures.items()]
        result = {
            "machine": machine(),
            "model": segmenter.model,
            "device": segmenter.device,
            "precision": segmenter.precision,
            "threads": segmenter.threads,
            "load_s": round(segmenter.load_s, 3),
            "options": asdict(segmenter.options),
            "repetitions": repetitions,
            "pictures": measured,
        }
    click.echo(json.dumps(result, indent=2) if as_json else _text(result))


def measure(segmenter: "Segmenter", name: str, image: "Image", repetitions: int, bar: Any) -> dict[str, Any]:
    """Time one picture.

    Args:
        segmenter: The model.
        name: What to call the picture.
        image: uint8 (H, W, 3), BGR.
        repetitions: Calls of the bare network, and as many of `segment`.
        bar: A tqdm bar; counts repetitions.

    Returns:
        Size of picture and network, people found, median and p95 of every stage in milliseconds, and of the
        medians the ratio segment / bare and the overhead segment - bare.
    """
    import numpy as np

    height, width = image.shape[:2]
    bare, stream = segmenter.bare_network(height, width), segmenter.stream()
    for _ in range(WARM_UP):
        bare()
        scene = stream.segment(image)
    ms = np.zeros((repetitions, len(STAGES)))
    for row in ms:
        start = time.perf_counter()
        bare()
        middle = time.perf_counter()
        scene = stream.segment(image)
        end = time.perf_counter()
        timings = segmenter.timings
        row[:] = (
            (middle - start) * 1e3,
            timings.pre_ms,
            timings.infer_ms,
            timings.post_ms,
            (end - middle) * 1e3,
        )
        bar.update()
    medians, p95s = np.percentile(ms, [50, 95], axis=0)
    network_height, network_width = segmenter.input_size(height, width)
    return {
        "picture": name,
        "width": width,
        "height": height,
        "network_width": network_width,
        "network_height": network_height,
        "people": len(scene.persons),
        "ms": {
            stage: {"median": round(float(median), 3), "p95": round(float(p95), 3)}
            for stage, median, p95 in zip(STAGES, medians, p95s, strict=True)
        },
        "ratio": round(float(medians[-1] / max(medians[0], 1e-9)), 3),
        "overhead_ms": round(float(medians[-1] - medians[0]), 3),
    }


def machine() -> dict[str, Any]:
    """Describe this computer and the software that the figures depend on."""
    import numpy as np
    import openvino as ov

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": cpu,
        "cores_usable": usable,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openvino": ov.__version__.split("-", 1)[0],
        "numpy": np.__version__,
    }


def _text(result: dict[str, Any]) -> str:
    here = result["machine"]
    threads = "" if result["threads"] is None else f", {result['threads']} threads"
    setting = f"{result['model']} on {result['device']}, {result['precision']}{threads}"
    lines = [
        f"{here['cpu']}, {here['cores_usable']} cores usable, {here['system']}",
        f"OpenVINO {here['openvino']}, Python {here['python']}, numpy {here['numpy']}",
        f"{setting}, loaded in {result['load_s']:.2f} s",
        ", ".join(f"{name} {value}" for name, value in result["options"].items()),
    ]
    for one in result["pictures"]:
        lines += [
            "",
            f"{one['picture']}: {one['width']}x{one['height']}, people found: {one['people']}",
            f"network {one['network_width']}x{one['network_height']}, {result['repetitions']} repetitions",
            table(
                [
                    ["ms", "median", "p95"],
                    *([stage, f"{t['median']:.2f}", f"{t['p95']:.2f}"] for stage, t in one["ms"].items()),
                ]
            ),
            f"segment / bare {one['ratio']:.2f}, overhead {one['overhead_ms']:.2f} ms",
        ]
    return "\n".join(lines)
