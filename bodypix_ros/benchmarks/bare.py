"""How much longer `segment` takes than the bare network in it, call by call."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np

from bodypix_ros.benchmarks import Figures
from bodypix_ros.benchmarks.machine import machine
from bodypix_ros.media import Image
from bodypix_ros.perception.segmenter import Segmenter

WARM_UP = 10
STAGES = ("bare", "pre", "infer", "post", "segment")


def measure(
    segmenter: Segmenter,
    pictures: Mapping[str, Image],
    repetitions: int,
    tick: Callable[[], object] = lambda: None,
) -> Figures:
    """Time some pictures.

    Args:
        segmenter: The model.
        pictures: uint8 (H, W, 3), BGR, by name.
        repetitions: Calls of the bare network, and as many of `segment`, for each picture.
        tick: Called after each repetition.

    Returns:
        Plain data: machine, model and options, and under `pictures` what `measure_picture` gives.
    """
    measured = [measure_picture(segmenter, *one, repetitions, tick) for one in pictures.items()]
    return {
        "kind": "bare",
        "machine": machine(),
        **setting(segmenter),
        "repetitions": repetitions,
        "pictures": measured,
    }


def setting(segmenter: Segmenter) -> Figures:
    """What runs where, with which options."""
    return {
        "model": segmenter.model,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "threads": segmenter.threads,
        "load_s": round(segmenter.load_s, 3),
        "options": asdict(segmenter.options),
    }


def measure_picture(
    segmenter: Segmenter, name: str, image: Image, repetitions: int, tick: Callable[[], object]
) -> Figures:
    """Time one picture.

    Args:
        segmenter: The model.
        name: What to call the picture.
        image: uint8 (H, W, 3), BGR.
        repetitions: Calls of the bare network, and as many of `segment`.
        tick: Called after each repetition.

    Returns:
        Size of picture and network, people found, median and p95 of every stage in milliseconds, and of the
        medians the ratio segment / bare and the overhead segment - bare.
    """
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
        timings = scene.timings
        row[:] = (
            (middle - start) * 1e3,
            timings.pre_ms,
            timings.infer_ms,
            timings.post_ms,
            (end - middle) * 1e3,
        )
        tick()
    medians, p95s = np.percentile(ms, [50, 95], axis=0).round(3).tolist()
    network_height, network_width = segmenter.input_size(height, width)
    return {
        "picture": name,
        "width": width,
        "height": height,
        "network_width": network_width,
        "network_height": network_height,
        "people": len(scene.persons),
        "ms": {
            stage: {"median": median, "p95": p95}
            for stage, median, p95 in zip(STAGES, medians, p95s, strict=True)
        },
        "ratio": round(medians[-1] / max(medians[0], 1e-9), 3),
        "overhead_ms": round(medians[-1] - medians[0], 3),
    }
