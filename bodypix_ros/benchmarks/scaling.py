"""How cost grows: with cameras, people, image size, internal resolution and requests.

Each panel measures its points in turns, again and again, because computers have slow phases: these then hit
all points alike, and medians leave them out.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

import bodypix_ros
from bodypix_ros.benchmarks import Figures
from bodypix_ros.benchmarks.bare import setting
from bodypix_ros.benchmarks.ceiling import Queue
from bodypix_ros.benchmarks.machine import fitted, machine
from bodypix_ros.benchmarks.people import crowd, cutouts
from bodypix_ros.benchmarks.seeing import seeing
from bodypix_ros.media import Image
from bodypix_ros.options import options_of
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.runtime.network import Network
from bodypix_ros.runtime.placement import HINTS
from bodypix_ros.segmenters.families import family_of

CAMERA = (640, 480)
CROWD = (1280, 720)
"""Big enough for ten people to be found."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where to measure, and how often."""

    cameras: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    people: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    sizes: tuple[tuple[int, int], ...] = ((320, 240), (640, 480), (960, 540), (1280, 720), (1920, 1080))
    resolutions: tuple[str, ...] = ("low", "medium", "high", "full")
    requests: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    repetitions: int = 60
    rounds: int = 5
    slice_s: float = 1.0

    def steps(self, has_resolutions: bool) -> int:
        """How often `measure` calls its tick."""
        calls = len(self.people) + len(self.sizes) + has_resolutions * len(self.resolutions)
        slices = len(HINTS) * len(self.cameras) + len(self.requests)
        return calls * self.repetitions + slices * self.rounds


QUICK = Points((1, 2), (0, 2), ((320, 240), (640, 480)), ("low", "medium"), (1, 2), 2, 1, 0.1)
"""Enough to see that it works; too few to believe the figures."""


def measure(
    model: str,
    options: Mapping[str, Any],
    pictures: Sequence[Image],
    points: Points,
    tick: Callable[[], object] = lambda: None,
) -> Figures:
    """Measure all panels.

    Args:
        model: Its name.
        options: What `load` takes.
        pictures: uint8 (H, W, 3), BGR, with people.
        points: Where to measure.
        tick: Called `points.steps(has_resolutions(model, options))` times.

    Returns:
        Plain data: machine, model and options, and `panels`: by name a list of rows, one per point.

    Raises:
        MissingModelError: The model's files are not here.
        ValueError: An option out of range.
        RuntimeError: No device runs the model.
    """
    view = fitted(pictures[0], *CAMERA)
    with ExitStack() as stack:

        def load(**more: Any) -> Segmenter:
            return stack.enter_context(bodypix_ros.load(model, **{**options, **more}))

        latency, throughput = (load(performance_hint=hint) for hint in HINTS)
        cases = [_Case(latency, fitted(pictures[0], *size)) for size in points.sizes]
        people = cutouts(latency, list(pictures))
        crowds = [_Case(latency, crowd(people, count, *CROWD)) for count in points.people]
        panels = {
            "cameras": cameras({"LATENCY": latency, "THROUGHPUT": throughput}, view, points, tick),
            "people": [
                {"pasted": count, **row}
                for count, row in zip(points.people, _in_turns(crowds, points.repetitions, tick), strict=True)
            ],
            "sizes": _in_turns(cases, points.repetitions, tick),
            "requests": requests(throughput, view, points, tick),
        }
        if has_resolutions(model, options):
            cases = [_Case(load(internal_resolution=name), view) for name in points.resolutions]
            panels["resolutions"] = [
                {"resolution": name, **row}
                for name, row in zip(
                    points.resolutions, _in_turns(cases, points.repetitions, tick), strict=True
                )
            ]
        return {
            "kind": "scaling",
            "machine": machine(),
            **setting(latency),
            "repetitions": points.repetitions,
            "rounds": points.rounds,
            "slice_s": points.slice_s,
            "panels": panels,
        }


def has_resolutions(model: str, options: Mapping[str, Any]) -> bool:
    """Whether the model with these options has an internal resolution."""
    return "internal_resolution" in options_of(family_of(model).options_for(options))


class _Case:
    """One point of a panel: calls of the bare network and of `segment`."""

    def __init__(self, segmenter: Segmenter, image: Image) -> None:
        self.segmenter, self.image = segmenter, image
        self.bare, self.see = segmenter.bare_network(*image.shape[:2]), seeing(segmenter)
        self.people = 0
        self.ms: list[tuple[float, float]] = []

    def turn(self, counted: bool) -> None:
        for _ in range(2):  # the first finds the caches as the last case left them
            start = time.perf_counter()
            self.bare()
            middle = time.perf_counter()
            scene = self.see(self.image)
            end = time.perf_counter()
        self.people = len(scene.persons)
        if counted:
            self.ms.append(((middle - start) * 1e3, (end - middle) * 1e3))

    def row(self) -> Figures:
        height, width = self.image.shape[:2]
        network_height, network_width = self.segmenter.input_size(height, width)
        bare, segment = (round(float(value), 3) for value in np.median(self.ms, axis=0))
        return {
            "width": width,
            "height": height,
            "network_width": network_width,
            "network_height": network_height,
            "people": self.people,
            "bare_ms": bare,
            "segment_ms": segment,
            "ratio": round(segment / max(bare, 1e-9), 3),
            "overhead_ms": round(segment - bare, 3),
        }


def _in_turns(cases: Sequence[_Case], repetitions: int, tick: Callable[[], object]) -> list[Figures]:
    for case in cases:
        case.turn(counted=False)
    for _ in range(repetitions):
        for case in cases:
            case.turn(counted=True)
            tick()
    return [case.row() for case in cases]


def cameras(
    segmenters: Mapping[str, Segmenter], image: Image, points: Points, tick: Callable[[], object]
) -> list[Figures]:
    """Frames per second and latency against cameras, for each performance hint.

    Every camera is a thread with a stream of its own that calls `segment` as fast as it can.

    Args:
        segmenters: By performance hint.
        image: uint8 (H, W, 3), BGR: what all cameras see.
        points: How many cameras, and how often.
        tick: Called after each slice.

    Returns:
        Per hint and number of cameras `fps`, the median over rounds, of all cameras together; `latency_ms` of
        a call: median and p95 of all calls, and the median of the camera that waits longest; and `frames`,
        each camera's over all rounds.
    """
    cases = [(hint, count) for hint in segmenters for count in points.cameras]
    slices: dict[tuple[str, int], list[_Slice]] = {case: [] for case in cases}
    for segmenter in segmenters.values():
        segmenter.segment(image)
    for _ in range(points.rounds):
        for hint, count in cases:
            slices[hint, count].append(_slice(segmenters[hint], image, count, points.slice_s))
            tick()
    rows = []
    for (hint, count), rounds in slices.items():
        each = [np.concatenate(camera) for camera in zip(*(one.latencies_ms for one in rounds), strict=True)]
        median, p95 = np.percentile(np.concatenate(each), [50, 95])
        slowest = max(float(np.median(camera)) for camera in each)
        rows.append(
            {
                "hint": hint,
                "cameras": count,
                "fps": round(float(np.median([sum(one.frames) / one.seconds for one in rounds])), 2),
                "latency_ms": {
                    "median": round(float(median), 3),
                    "p95": round(float(p95), 3),
                    "slowest": round(slowest, 3),
                },
                "frames": np.sum([one.frames for one in rounds], axis=0).tolist(),
            }
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Slice:
    seconds: float
    frames: list[int]
    latencies_ms: list[list[float]]


def _slice(segmenter: Segmenter, image: Image, count: int, seconds: float) -> _Slice:
    """Let so many cameras run for some seconds; each finishes the frame that it has begun."""
    ends: list[list[float]] = [[] for _ in range(count)]
    latencies: list[list[float]] = [[] for _ in range(count)]
    failures: list[Exception] = []
    begin = threading.Barrier(count + 1)
    until = [0.0]

    def see(camera: int) -> None:
        look = seeing(segmenter)
        begin.wait()
        try:
            while not ends[camera] or time.perf_counter() < until[0]:
                started = time.perf_counter()
                look(image)
                ends[camera].append(time.perf_counter())
                latencies[camera].append((ends[camera][-1] - started) * 1e3)
        except Exception as error:  # noqa: BLE001 - told on the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=see, args=(camera,), daemon=True) for camera in range(count)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    until[0] = started + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    frames = [len(one) for one in ends]
    return _Slice(max(map(max, ends)) - started, frames, latencies)


def requests(segmenter: Segmenter, image: Image, points: Points, tick: Callable[[], object]) -> list[Figures]:
    """The bare network's frames per second and latency against requests that run at once.

    Args:
        segmenter: Loaded for throughput.
        image: uint8 (H, W, 3), BGR.
        points: How many requests, and how often.
        tick: Called after each slice.

    Returns:
        Per number of requests `fps`, the median over rounds, and `latency_ms`, the mean that follows from it:
        requests / fps.
    """
    segmenter.segment(image)
    network: Network = segmenter.network(*image.shape[:2])
    with network.request() as request:
        values = request.input.copy()
    queues = [Queue(network.compiled, values, count) for count in points.requests]
    rates: list[list[float]] = [[] for _ in queues]
    for _ in range(points.rounds):
        for queue, found in zip(queues, rates, strict=True):
            one = queue.run(points.slice_s)
            found.append(one["frames"] / one["seconds"])
            tick()
    rows = []
    for queue, found in zip(queues, rates, strict=True):
        fps = round(float(np.median(found)), 2)
        latency_ms = round(queue.requests * 1e3 / max(fps, 1e-9), 3)
        rows.append({"requests": queue.requests, "fps": fps, "latency_ms": latency_ms})
    return rows
