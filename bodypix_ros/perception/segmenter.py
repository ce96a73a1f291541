"""A loaded model, and the streams of images that it sees."""

import os
from collections.abc import Callable
from dataclasses import replace as with_fields
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import ClosedError, DeviceError, OptionError
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.options import options_of, replace
from bodypix_ros.runtime.network import Graph, Network, Networks
from bodypix_ros.scene import Scene
from bodypix_ros.segmenters.base import Memory, Seer


class Segmenter:
    """A loaded model. May be called from several threads; use it as a context manager, or `close` it.

    It belongs to the process that loaded it: a fork of it says so and does nothing.

    Attributes:
        model: Its name in the catalogue.
        gives: What it knows of people, those of "keypoints", "parts" and "metres".
    """

    def __init__(self, model: str, seer: Seer[Any, Any], options: Any, gives: frozenset[str]) -> None:
        """See `bodypix_ros.load`.

        Args:
            model: Its name.
            seer: The family's arithmetic, with the networks compiled.
            options: The family's.
            gives: What the family knows.
        """
        self.model, self.gives = model, gives
        self._seer: Seer[Any, Any] | None = seer
        self._options = options
        self._process = os.getpid()

    @property
    def options(self) -> Any:
        """The options in force, a frozen dataclass."""
        return self._options

    @property
    def device(self) -> str:
        """What executes the model."""
        return self._main.device

    @property
    def precision(self) -> str:
        """What the device computes in: f32, f16 or int8."""
        return self._main.precision

    @property
    def threads(self) -> int | None:
        """Threads that the device computes with, None where it has none to count."""
        return self._main.threads

    @property
    def requests(self) -> int:
        """How many images it works on at once; a thread with one more waits."""
        return self._main.requests

    @property
    def load_s(self) -> float:
        """Seconds that loading took, the first networks' compilation included."""
        return sum(networks.load_s for networks in self._open.networks)

    @property
    def networks_compiled(self) -> int:
        """How many networks were compiled so far: one per input size."""
        return sum(networks.networks_compiled for networks in self._open.networks)

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: object = None) -> Scene:
        """See people in a picture of its own; for a camera or video use `stream`.

        Args:
            image: uint8 (H, W, C), or (H, W) for mono8; any size at any call; read-only and strided arrays
                are welcome; never changed.
            encoding: rgb8, bgr8, rgba8, bgra8 or mono8.
            stamp: Handed through to `Scene.stamp`.

        Raises:
            TypeError: Not a uint8 array.
            ImageError: A ValueError: unknown encoding, or a shape that does not go with it.
            DeviceError: A RuntimeError: the device failed, or the process was forked after loading.
            ClosedError: A RuntimeError: it was closed.
        """
        return self._see(image, encoding, stamp, None)

    def stream(self) -> "Stream":
        """A stream for the images of one camera or video, which come in their order."""
        return Stream(self, self._open.remember())

    def update(self, **options: Any) -> None:
        """Change options while running: all of them or, with an error, none.

        Raises:
            OptionError: Unknown, out of range, or fixed once the model is loaded.
        """
        changed = replace(self._options, options)
        for name, known in options_of(changed).items():
            if not known.live and known.plain(changed) != known.plain(self._options):
                raise OptionError(name, f"{name} cannot change while running; load the model again")
        self._options = changed

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for images of height x width."""
        return self._open.input_size(height, width)

    def prepare(self, height: int, width: int) -> None:
        """Compile now what images of height x width will need.

        Raises:
            DeviceError: The device failed.
        """
        self.network(height, width)

    def is_ready(self, height: int, width: int) -> bool:
        """Whether images of height x width need no compilation."""
        return self._main.is_compiled(*self.input_size(height, width))

    @property
    def graph(self) -> Graph:
        """The first network's, in f32, not compiled."""
        return self._main.graph

    def network(self, height: int, width: int) -> Network:
        """The first network for images of height x width, compiled if it is not yet."""
        return self._main.network(*self.input_size(height, width))

    def bare_network(self, height: int, width: int) -> Callable[[], None]:
        """The network alone for images of height x width, its input already there: for `bench`."""
        network = self.network(height, width)

        def infer() -> None:
            with network.request() as request:
                request.infer()

        return infer

    def close(self) -> None:
        """Let go of the device. Calling it again does nothing, nor does it in a fork of the process."""
        if os.getpid() != self._process:
            return  # whoever let go here would wait for threads that only the parent has
        seer, self._seer = self._seer, None
        if seer is not None:
            seer.close()

    def __enter__(self) -> "Segmenter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _open(self) -> Seer[Any, Any]:
        if self._seer is None:
            raise ClosedError(f"{self.model} was closed; load it again")
        if os.getpid() != self._process:
            # Threads do not survive a fork: an inference would wait for them for ever.
            raise DeviceError(
                f"{self.model} was loaded in process {self._process}, and this is its fork {os.getpid()}: "
                "load the model in the child, or start it with multiprocessing's 'spawn'"
            )
        return self._seer

    @property
    def _main(self) -> Networks:
        return self._open.networks[0]

    def _see(
        self, image: npt.NDArray[np.uint8], encoding: str, stamp: object, memory: Memory | None
    ) -> Scene:
        """One image's way: see, and whatever comes after it."""
        pixels = as_pixels(image, encoding)
        scene, timings = self._open.see(pixels, self._options, stamp, memory)
        return with_fields(scene, stamp=stamp, timings=timings)


class Stream:
    """The images of one camera or video, in their order. What is known of the images before is kept here.

    Streams of one segmenter may be used from different threads, one stream only from one at a time.
    """

    def __init__(self, segmenter: Segmenter, memory: Memory | None) -> None:
        """See `Segmenter.stream`."""
        self._segmenter, self._memory = segmenter, memory

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: object = None) -> Scene:
        """See people, as `Segmenter.segment` does, with what is known from the images before.

        Args:
            image: As for `Segmenter.segment`.
            encoding: As for `Segmenter.segment`.
            stamp: When the image was taken, for what depends on time: seconds, or an object with `sec` and
                `nanosec`; anything else counts as 1/30 s after the image before. Handed through to
                `Scene.stamp`.

        Raises:
            TypeError: Not a uint8 array.
            ImageError: A ValueError: unknown encoding, or a shape that does not go with it.
            DeviceError: A RuntimeError: the device failed, or the process was forked after loading.
            ClosedError: A RuntimeError: the segmenter was closed.
        """
        return self._segmenter._see(image, encoding, stamp, self._memory)

    def reset(self) -> None:
        """Forget the images before."""
        if self._memory is not None:
            self._memory.reset()
