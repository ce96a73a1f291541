"""The model behind the node: loaded in the background, left for the next device when one keeps failing."""

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros import segmenters
from bodypix_ros.ros.parameters import Settings
from bodypix_ros.runtime import AUTO, devices
from bodypix_ros.scene import Scene
from bodypix_ros.segmenters import Segmenter
from bodypix_ros.segmenters.base import Stream

FAILURES = 3
"""After so many failures in a row a device is left."""

T = TypeVar("T")


class Log(Protocol):
    """Where the node's plain parts say what happened."""

    def info(self, text: str) -> None:
        """Worth knowing."""

    def warning(self, text: str) -> None:
        """Worth doing something about."""

    def error(self, text: str) -> None:
        """Something failed."""


def in_background(call: Callable[[], T], name: str) -> "Future[T]":
    """Call something on a thread of its own that the end of the process does not wait for.

    OpenVINO's native calls cannot be cancelled; a `ThreadPoolExecutor` would wait for them.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def devices_after(wanted: str, failed: str, available: Sequence[str]) -> list[str]:
    """The devices still to try, in order.

    Args:
        wanted: The parameter `device`: AUTO, a device, or several in order.
        failed: The device that failed, as OpenVINO calls it: "GPU.0".
        available: The devices that are here.
    """
    if wanted.strip().upper() == "AUTO":
        order = [name for kind in AUTO for name in available if name.split(".")[0] == kind]
    else:
        kinds = {name.split(".")[0] for name in available}
        names = [name.strip().upper() for name in wanted.split(",")]
        order = [name for name in names if name in available or name in kinds]
    for name in (failed, failed.split(".")[0]):
        if name in order:
            return order[order.index(name) + 1 :]
    return [name for name in order if name != failed]


class Inference:
    """A segmenter that survives its device. May be called from several threads."""

    def __init__(
        self,
        load: Callable[[str], Segmenter],
        device: str,
        available: Callable[[], Sequence[str]],
        log: Log,
    ) -> None:
        """Load the model.

        Args:
            load: Loads it for a device, or an order of devices.
            device: The parameter `device`.
            available: The devices that are here; asked only after failures.
            log: Gets told when a device is left.
        """
        self._load, self._wanted, self._available, self._log = load, device, available, log
        self._lock = threading.Lock()
        self._failures = 0
        self._options: dict[str, Any] = {}
        self._ready: set[tuple[int, int]] = set()
        self.left: tuple[str, ...] = ()
        self.segmenter = load(device)

    def update(self, options: Mapping[str, Any]) -> None:
        """Bring the model's options to these values, leaving aside those that it does not have.

        Costs nothing where they are the same as the last time.
        """
        if options != self._options:
            known = {field.name for field in dataclasses.fields(self.segmenter.options)}
            self.segmenter.update(**{name: value for name, value in options.items() if name in known})
            self._options = dict(options)

    def is_ready(self, height: int, width: int) -> bool:
        """Whether images of this size need no compilation any more."""
        return self.segmenter.input_size(height, width) in self._ready

    def prepare(self, height: int, width: int) -> None:
        """Compile for images of this size.

        Raises:
            RuntimeError: The device failed.
        """
        self._guarded(lambda segmenter: segmenter.prepare(height, width))
        self._ready.add(self.segmenter.input_size(height, width))

    def stream(self) -> "InferenceStream":
        """A stream for the images of one camera: models that follow people remember them in it."""
        return InferenceStream(self)

    def segment(
        self, stream: "InferenceStream", image: npt.NDArray[np.uint8], encoding: str, stamp: Any
    ) -> Scene:
        """See people: what `InferenceStream.segment` does.

        Raises:
            RuntimeError: The device failed; after FAILURES in a row the next one was loaded meanwhile.
        """
        return self._guarded(lambda segmenter: stream.of(segmenter).segment(image, encoding, stamp=stamp))

    def close(self) -> None:
        """Let go of the device."""
        self.segmenter.close()

    def _guarded(self, call: Callable[[Segmenter], T]) -> T:
        segmenter = self.segmenter
        try:
            result = call(segmenter)
        except RuntimeError:
            with self._lock:
                self._count_failure(segmenter)
            raise
        self._failures = 0
        return result

    def _count_failure(self, segmenter: Segmenter) -> None:
        if segmenter is not self.segmenter:
            return  # another thread has left that device already
        self._failures += 1
        if self._failures % FAILURES:
            return
        device = segmenter.device
        rest = devices_after(self._wanted, device, self._available())
        if not rest:
            self._log.error(f"{device} failed {self._failures} times in a row, and no other device is left")
            return
        try:
            self.segmenter = self._load(",".join(rest))
        except (RuntimeError, ValueError) as error:
            self._log.error(
                f"{device} failed {self._failures} times in a row, but {', '.join(rest)} "
                f"cannot be used: {error}"
            )
            return
        self._ready.clear()
        self._failures, self._options = 0, {}
        self.left += (device,)
        self._log.warning(
            f"{device} failed {FAILURES} times in a row and is left; {self.segmenter.device} executes now"
        )


class InferenceStream:
    """The images of one camera, in their order, whichever segmenter sees them. For one thread at a time."""

    def __init__(self, inference: Inference) -> None:
        """See `Inference.stream`."""
        self._inference = inference
        self._segmenter: Segmenter | None = None
        self._stream: Stream | None = None

    def segment(self, image: npt.NDArray[np.uint8], encoding: str, stamp: Any = None) -> Scene:
        """See people, as `segmenters.base.Stream.segment` does.

        Args:
            image: uint8 (H, W, C), or (H, W) for mono8.
            encoding: rgb8, bgr8, rgba8, bgra8 or mono8.
            stamp: When the image was taken; an object with `sec` and `nanosec`.

        Raises:
            RuntimeError: The device failed; after FAILURES in a row the next one was loaded meanwhile.
        """
        return self._inference.segment(self, image, encoding, stamp)

    def of(self, segmenter: Segmenter) -> Stream:
        """The segmenter's own stream; a new one when the segmenter was replaced."""
        if self._stream is None or segmenter is not self._segmenter:
            self._segmenter, self._stream = segmenter, segmenter.stream()
        return self._stream


def load(settings: Settings, log: Log) -> Inference:
    """Load the model that the settings name.

    Raises:
        MissingModelError: The model's files are not here; names what to get and where to put it.
        ValueError: Unknown device, or something that the device does not do.
        RuntimeError: No device compiles the model.
    """

    def load_for(device: str) -> Segmenter:
        return segmenters.load(device=device, **settings.load_arguments())

    return Inference(load_for, settings.node.device, lambda: [d.name for d in devices()], log)
