"""How much longer `segment` takes than the bare network in it, call by call."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from bodypix_ros.benchmarks import Figures, beside
from bodypix_ros.benchmarks.machine import machine
from bodypix_ros.benchmarks.seeing import seeing
from bodypix_ros.media import Image
from bodypix_ros.perception.segmenter import Segmenter

WARM_UP = 10
STAGES = ("bare", "pre", "infer", "post", "segment")


def measure(
    segmenters: Sequence[Segmenter],
    pictures: Mapping[str, Image],
    repetitions: int,
    tick: Callable[[], object] = lambda: None,
) -> Figures:
    """Time some pictures.

    Args:
        segmenters: The model; several times, if it is to be measured side by side with itself otherwise.
        pictures: uint8 (H, W, 3), BGR, by name.
        repetitions: Calls of the bare network, and as many of `segment`, for each picture.
        tick: Called after each repetition.

    Returns:
        Plain data: machine, model and options, and under `pictures` what `measure_picture` gives; of several
        as `benchmarks.beside` has it.
    """
    measured = [measure_picture(segmenters, *one, repetitions, tick) for one in pictures.items()]
    return beside(
        [
            {"kind": "bare", "machine": machine(), **setting(segmenter), "repetitions": repetitions,
             "pictures": list(of_it)}
            for segmenter, of_it in zip(segmenters, zip(*measured, strict=True), strict=True)
        ]
    )  # fmt: skip


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
    segmenters: Sequence[Segmenter],
    name: str,
    image: Image,
    repetitions: int,
    tick: Callable[[], object],
) -> list[Figures]:
    """Time one picture.

    Args:
        segmenters: They take turns.
        name: What to call the picture.
        image: uint8 (H, W, 3), BGR.
        repetitions: Calls of the bare network, and as many of `segment`.
        tick: Called after each repetition.

    Returns:
        Of each segmenter size of picture and network, people found, median and p95 of every stage in
        milliseconds, and of the medians the ratio segment / bare and the overhead segment - bare.
    """
    turns = [_Turns(segmenter, image, repetitions) for segmenter in segmenters]
    for number in range(repetitions):
        for one in turns:
            if len(turns) > 1:
                one.bare()  # brings its weights back into the caches, where the others' are
            one.take(number)
            tick()
    return [one.figures(name) for one in turns]


class _Turns:
    """One segmenter's turns on one picture."""

    def __init__(self, segmenter: Segmenter, image: Image, repetitions: int) -> None:
        self._segmenter, self._image = segmenter, image
        self.bare, self._see = segmenter.bare_network(*image.shape[:2]), seeing(segmenter)
        self._ms = np.zeros((repetitions, len(STAGES)))
        for _ in range(WARM_UP):
            self.bare()
            self._scene = self._see(image)

    def take(self, number: int) -> None:
        """Time the bare network, then `segment`."""
        start = time.perf_counter()
        self.bare()
        middle = time.perf_counter()
        self._scene = self._see(self._image)
        end = time.perf_counter()
        timings = self._scene.timings
        self._ms[number] = (
            (middle - start) * 1e3,
            timings.pre_ms,
            timings.infer_ms,
            timings.post_ms,
            (end - middle) * 1e3,
        )

    def figures(self, name: str) -> Figures:
        """What came out."""
        height, width = self._image.shape[:2]
        network_height, network_width = self._segmenter.input_size(height, width)
        medians, p95s = np.percentile(self._ms, [50, 95], axis=0).round(3).tolist()
        return {
            "picture": name,
            "width": width,
            "height": height,
            "network_width": network_width,
            "network_height": network_height,
            "people": len(self._scene.persons),
            "ms": {
                stage: {"median": median, "p95": p95}
                for stage, median, p95 in zip(STAGES, medians, p95s, strict=True)
            },
            "ratio": round(medians[-1] / max(medians[0], 1e-9), 3),
            "overhead_ms": round(medians[-1] - medians[0], 3),
        }
