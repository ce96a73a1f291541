"""How much of the processor's throughput the node's pipeline turns into published frames.

The pipeline of the segmenter node, without ROS: every camera's mailbox is refilled when its frame is taken,
so the pipeline never waits for a camera, and what it publishes goes nowhere. Against it stands the network
alone: the same compiled network, kept busy by OpenVINO's own queue of requests, its inputs already there. The
two take turns of some seconds each, because computers have slow phases.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.bags import typestore
from bodypix_ros.benchmarks import Figures, beside
from bodypix_ros.benchmarks.ceiling import LEAD_S, Queue
from bodypix_ros.benchmarks.machine import fitted, machine
from bodypix_ros.errors import DeviceError, OptionError
from bodypix_ros.media import Image
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.types import MessageTypes
from bodypix_ros.ros.segmenter import inference
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.pipeline import Camera, Frame, Pipeline

WIDTH, HEIGHT = 640, 480
"""Of every camera's images."""
FPS = 30
"""Frames per second that the images' stamps tell, for models that follow people."""
_FIRST_FRAME_S = 120.0
_DRAIN_S = 10.0

Tick = Callable[[], object]


class Sink:
    """A camera's topics: takes everything, keeps nothing, and has the camera's next frame ready.

    Attributes:
        fed: Frames put so far.
        published: Frames of which everything was published.
        feeding: Whether a frame that was taken is replaced.
    """

    def __init__(self, name: str, make_message: Callable[[], Any]) -> None:
        """Put nothing yet.

        Args:
            name: The camera's.
            make_message: Makes its image, a sensor_msgs/Image.
        """
        self.name = name
        # Two in turn: one is put while the other's header is still being published.
        self._messages = make_message(), make_message()
        self.fed = self.published = self.replaced = 0
        self.feeding = False
        self._pipeline: Pipeline | None = None

    def feed(self, pipeline: Pipeline) -> None:
        """Begin to put frames."""
        self._pipeline, self.feeding = pipeline, True
        self._put()

    def listeners(self, topic: str) -> int:  # noqa: ARG002
        """Somebody always wants everything."""
        return 1

    def publish(self, topic: str, message: Any) -> None:  # noqa: ARG002
        """Take a message. With a frame's first one its mailbox has become empty: fill it."""
        if topic == "instance_mask":
            self.published += 1
            if self.feeding:
                self._put()

    def _put(self) -> None:
        assert self._pipeline is not None
        message = self._messages[self.fed % 2]
        message.header.stamp.sec, part = divmod(self.fed, FPS)
        message.header.stamp.nanosec = part * 1_000_000_000 // FPS
        self.replaced += self._pipeline.mailboxes.put(self.name, Frame(message, time.monotonic()))
        self.fed += 1


class Cameras:
    """The node's pipeline with cameras that are faster than it."""

    def __init__(self, model: inference.Inference, settings: Settings, pictures: Sequence[Image]) -> None:
        """Start it.

        Args:
            model: The model, loaded with these settings.
            settings: The node's.
            pictures: uint8 (H, W, 3), BGR; each camera sees one of them, fitted into WIDTH x HEIGHT.
        """
        store = typestore.typestore()
        types = typestore.rosbags_types(store)

        def serialize(message: Any) -> bytes:
            return bytes(store.serialize_cdr(message, message.__msgtype__))

        names = settings.node.camera_names
        views = [fitted(pictures[k % len(pictures)], WIDTH, HEIGHT) for k in range(len(names))]
        self.sinks = [
            Sink(name, partial(_message, types, name, view)) for name, view in zip(names, views, strict=True)
        ]
        self._cameras = [Camera(sink.name, sink) for sink in self.sinks]
        self._pipeline = Pipeline(
            model, settings, types, serialize, lambda _: None, logging.getLogger(__name__)
        )
        self._pipeline.start(self._cameras)

    def run(self, seconds: float) -> Figures:
        """Let it run.

        Returns:
            seconds, frames per camera, and cpu_s: processor time of the whole process.
        """
        for sink in self.sinks:
            sink.feed(self._pipeline)
        time.sleep(LEAD_S)
        started_s, cpu_s = time.perf_counter(), time.process_time()
        before = [sink.published for sink in self.sinks]
        time.sleep(seconds)
        after = [sink.published for sink in self.sinks]
        result = {
            "seconds": time.perf_counter() - started_s,
            "frames": [late - early for early, late in zip(before, after, strict=True)],
            "cpu_s": time.process_time() - cpu_s,
        }
        self._drain()
        return result

    def warm_up(self) -> None:
        """Have every camera served once: compiles what is not compiled yet.

        Raises:
            DeviceError: A camera is not served.
        """
        for sink in self.sinks:
            sink.feed(self._pipeline)
        end_s = time.monotonic() + _FIRST_FRAME_S
        while not all(sink.published for sink in self.sinks) and time.monotonic() < end_s:
            time.sleep(0.01)
            if failed := next((c for c in self._cameras if c.statistics.last_error), None):
                raise DeviceError(f"the pipeline failed: {failed.statistics.last_error}")
        self._drain()
        if starved := [sink.name for sink in self.sinks if not sink.published]:
            raise DeviceError(f"no frame of {', '.join(starved)} was published")

    def counts(self) -> dict[str, int]:
        """What became of all frames: those fed are those published and those dropped for some reason."""
        total = {"fed": sum(sink.fed for sink in self.sinks)}
        for camera, sink in zip(self._cameras, self.sinks, strict=True):
            counts = asdict(camera.statistics.counts) | {"replaced": sink.replaced}
            for name in ("published", "replaced", "over_rate", "idle", "bad", "failed"):
                total[name] = total.get(name, 0) + counts[name]
        return total

    def times(self) -> dict[str, float | None]:
        """Median milliseconds of a frame of the latest seconds: in `segment`, and around it."""
        now_s = time.monotonic()
        result = {}
        for name in ("segment_ms", "overhead_ms"):
            values = [getattr(camera.statistics, name).percentile(now_s, 50) for camera in self._cameras]
            known = [value for value in values if value is not None]
            result[name] = round(float(np.median(known)), 3) if known else None
        return result

    def stop(self) -> None:
        """Take no more frames."""
        for sink in self.sinks:
            sink.feeding = False
        self._pipeline.stop(_DRAIN_S)

    def _drain(self) -> None:
        """Wait until nothing is under way, so that what comes next has the processor for itself."""
        for sink in self.sinks:
            sink.feeding = False
        end_s = time.monotonic() + _DRAIN_S
        while time.monotonic() < end_s:
            counts = self.counts()
            if counts["fed"] == sum(counts.values()) - counts["fed"]:
                return
            time.sleep(0.002)


def _message(types: MessageTypes, name: str, image: Image) -> Any:
    """A camera's image, its data as a message of ROS has them."""
    message = images.bgr_image(types, types.Image().header, image)
    message.header.frame_id, message.header.stamp.nanosec = name, 1
    return message


def summary(bare: Sequence[Mapping[str, Any]], pipeline: Sequence[Mapping[str, Any]]) -> Figures:
    """Frames per second of both, round by round and as medians.

    Args:
        bare: What `Queue.run` gave in each round.
        pipeline: What `Cameras.run` gave in each round.
    """
    rates = [one["frames"] / one["seconds"] for one in bare]
    per_camera = np.array([one["frames"] for one in pipeline]) / [[one["seconds"]] for one in pipeline]
    totals = per_camera.sum(axis=1)
    ratios = totals / rates
    shares = np.median(per_camera, axis=0)
    alone = _rate(rates, sum(one["cpu_s"] for one in bare), sum(one["frames"] for one in bare))
    whole = _rate(totals, sum(one["cpu_s"] for one in pipeline), sum(sum(one["frames"]) for one in pipeline))
    return {
        "bare": alone,
        "pipeline": whole,
        "ratio": round(float(np.median(ratios)), 4),
        "ratio_per_round": [round(float(ratio), 4) for ratio in ratios],
        "ratio_by_cpu": round(alone["cpu_ms_per_frame"] / max(whole["cpu_ms_per_frame"], 1e-9), 4),
        "fps_per_camera": [round(float(share), 2) for share in shares],
        "fairness": round(float((shares.max() - shares.min()) / max(shares.mean(), 1e-9)), 4),
    }


def _rate(per_round: Sequence[float] | npt.NDArray[Any], cpu_s: float, frames: int) -> Figures:
    return {
        "fps": round(float(np.median(per_round)), 2),
        "fps_per_round": [round(float(rate), 2) for rate in per_round],
        "cpu_ms_per_frame": round(cpu_s * 1e3 / max(frames, 1), 3),
    }


def settings_for(model: str, cameras: int, hint: str, options: Mapping[str, Any]) -> Settings:
    """The node's settings.

    Args:
        model: Its name.
        cameras: How many.
        hint: LATENCY or THROUGHPUT.
        options: More parameters; those that are None are left out.

    Raises:
        ValueError: A value out of range, or an option of another algorithm.
    """
    given = {name: str(value) if name in ("model_dir", "cache_dir") else value
             for name, value in options.items() if value is not None}  # fmt: skip
    names = tuple(f"camera{k + 1}" for k in range(cameras))
    settings = Settings().changed({**given, "model": model, "performance_hint": hint, "cameras": names})
    for name, sentence in settings.without_effect().items():
        raise OptionError(name, sentence)
    return settings


def measure(
    settings: Sequence[Settings],
    pictures: Sequence[Image],
    *,
    rounds: int = 5,
    slice_s: float = 2.0,
    tick: Tick = lambda: None,
) -> Figures:
    """Let pipeline and bare network take turns.

    Args:
        settings: The node's, as from `settings_for`; several take turns, too.
        pictures: uint8 (H, W, 3), BGR.
        rounds: Slices of each.
        slice_s: Seconds of one slice.
        tick: Called after each slice: 2 * rounds times for each of the settings.

    Returns:
        Plain data, of several settings as `benchmarks.beside` has it. `bare` and `pipeline`: frames per
        second, as median and per round, and processor time per frame; `ratio`: the median over rounds of
        pipeline / bare; `ratio_by_cpu`: the same of frames per second of processor time, which other programs
        disturb less; per camera its frames per second, and `fairness`, their (max - min) / mean; `counts`:
        what became of all frames.

    Raises:
        MissingModelError: The model's files are not here.
        ValueError: Unknown device, or what the device does not do.
        DeviceError: No device runs the model, or a camera is not served.
    """
    with ExitStack() as stack:
        rigs = [_Rig(stack, one, pictures) for one in settings]
        for _ in range(rounds):
            for rig in rigs:
                rig.bare.append(rig.queue.run(slice_s))
                tick()
                rig.pipeline.append(rig.cameras.run(slice_s))
                tick()
        return beside([{**rig.figures(), "rounds": rounds, "slice_s": slice_s} for rig in rigs])


class _Rig:
    """A pipeline, the same network bare, and what both gave so far."""

    def __init__(self, stack: ExitStack, settings: Settings, pictures: Sequence[Image]) -> None:
        self.settings = settings
        model = stack.enter_context(closing(inference.load(settings, logging.getLogger(__name__))))
        self.segmenter = model.segmenter
        self.cameras = Cameras(model, settings, pictures)
        stack.callback(self.cameras.stop)
        self.cameras.warm_up()
        network = self.segmenter.network(HEIGHT, WIDTH)
        with network.request() as request:
            self.queue = Queue(network.compiled, request.input.copy())
        self.bare: list[Figures] = []
        self.pipeline: list[Figures] = []

    def figures(self) -> Figures:
        """What came out."""
        segmenter = self.segmenter
        height, width = segmenter.input_size(HEIGHT, WIDTH)
        return {
            "kind": "cameras",
            "machine": machine(),
            "model": segmenter.model,
            "device": segmenter.device,
            "precision": segmenter.precision,
            "threads": segmenter.threads,
            "performance_hint": self.settings.node.hint,
            "cameras": len(self.cameras.sinks),
            "image": [WIDTH, HEIGHT],
            "network": [width, height],
            "requests": self.queue.requests,
            "options": asdict(segmenter.options),
            **summary(self.bare, self.pipeline),
            "counts": self.cameras.counts(),
            "times": self.cameras.times(),
        }
