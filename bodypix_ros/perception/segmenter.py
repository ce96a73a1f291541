"""A loaded model, and the streams of images that it sees."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_fields
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.details.hands.known import HandMemory
from bodypix_ros.details.network import Spent
from bodypix_ros.errors import ClosedError, DeviceError, OptionError
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.options import options_of
from bodypix_ros.perception.detailing import DETAILS, Details
from bodypix_ros.runtime.network import Graph, Network, Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.scene import Face, Scene, Timings
from bodypix_ros.segmenters.base import Memory, Seer
from bodypix_ros.segmenters.families import changed

if TYPE_CHECKING:
    from bodypix_ros.perception.following import Following

_STREAMS = "bodypix_ros.perception.following"


def compile_ahead() -> None:
    """Compile what not every program needs: the kernels of streams, and of details.

    Else they are compiled with the first stream, and when an option such as `edges` is switched on.
    """
    import_module(_STREAMS)
    for detail in DETAILS:
        import_module(detail)


class Segmenter:
    """A loaded model. May be called from several threads; use it as a context manager, or `close` it.

    It belongs to the process that loaded it: a fork of it says so and does nothing.

    Attributes:
        model: Its name in the catalogue.
        gives: What it knows of people, those of "keypoints", "parts" and "metres".
    """

    def __init__(
        self,
        model: str,
        seer: Seer[Any, Any],
        options: Any,
        gives: frozenset[str],
        details: Details | None = None,
    ) -> None:
        """See `bodypix_ros.load`.

        Args:
            model: Its name.
            seer: The family's arithmetic, with the networks compiled.
            options: The family's.
            gives: What the family knows.
            details: Loads what the options ask for; None: they ask for none that needs a network.
        """
        self.model, self.gives = model, gives
        self._details = details or Details(Placement())
        self._seer: Seer[Any, Any] | None = seer
        self._adopt(options)
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
    def remembers(self) -> bool:
        """Whether the model itself sees an image otherwise after the images before."""
        return self._open.remember() is not None

    @property
    def lacking(self) -> Mapping[str, str]:
        """What options asked for so far and have not got: why, by option."""
        return self._details.lacking

    @property
    def load_s(self) -> float:
        """Seconds that loading took, the first networks' compilation included."""
        return sum(networks.load_s for networks in self._all_networks)

    @property
    def networks_compiled(self) -> int:
        """How many networks were compiled so far: one per input size, two where it is inferred in pairs."""
        return sum(networks.networks_compiled for networks in self._all_networks)

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
        return self._see(image, encoding, stamp)

    def find_faces(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8") -> tuple[Face, ...]:
        """Look for faces alone, whatever the options: to see what of them is left in a picture.

        Args:
            image: As for `segment`.
            encoding: As for `segment`.

        Returns:
            By falling score.

        Raises:
            TypeError: Not a uint8 array.
            ImageError: A ValueError: unknown encoding, or a shape that does not go with it.
            MissingModelError: The face detector's file is not here; names what to get and where to put it.
            DeviceError: The device failed, or the process was forked after loading.
            ClosedError: A RuntimeError: it was closed.
        """
        pixels, _ = as_pixels(image, encoding), self._open
        return self._details.find_faces(pixels)

    def seen(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The image that a Scene is of: mirrored where the options mirror what they are given.

        Args:
            image: uint8 (H, W, C).
        """
        return np.ascontiguousarray(image[:, ::-1]) if _mirrors(self._options) else image

    def stream(self, after: "Stream | None" = None) -> "Stream":
        """A stream for the images of one camera or video, which come in their order.

        Args:
            after: The stream of another segmenter that saw the same camera so far: people keep their ids.
        """
        from bodypix_ros.perception.following import Following

        following = Following() if after is None else after._before.following
        return Stream(self, Remembered(self._open.remember(), following, HandMemory()))

    def update(self, **options: Any) -> None:
        """Change options while running: all of them or, with an error, none.

        Raises:
            OptionError: Unknown, out of range, or fixed once the model is loaded.
            MissingModelError: An option needs another model, whose file is not here.
            DeviceError: The device does not compile that, or the process was forked after loading.
            ClosedError: A RuntimeError: it was closed.
        """
        _ = self._open  # else a network of a detail might be loaded for nobody
        after = changed(self._options, options)
        for name, known in options_of(after).items():
            if not known.live and known.plain(after) != known.plain(self._options):
                raise OptionError(name, f"{name} cannot change while running; load the model again")
        self._adopt(after)

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for images of height x width."""
        return self._open.input_size(height, width)

    def prepare(self, height: int, width: int) -> None:
        """Compile now what images of height x width will need.

        Raises:
            DeviceError: The device failed.
        """
        for each in self._open.inputs(height, width):
            self._main.network(*each)

    def is_ready(self, height: int, width: int) -> bool:
        """Whether images of height x width need no compilation."""
        return all(self._main.is_compiled(*each) for each in self._open.inputs(height, width))

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

    def _adopt(self, options: Any) -> None:
        self._details.load(options)
        self._options, self._in_stream = options, options.in_stream()

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
    def _all_networks(self) -> list[Networks]:
        return [*self._open.networks, *self._details.networks]

    @property
    def _main(self) -> Networks:
        return self._open.networks[0]

    def _see(
        self,
        image: npt.NDArray[np.uint8],
        encoding: str,
        stamp: object,
        before: "Remembered | None" = None,
    ) -> Scene:
        """One image's way: see, and whatever comes after it."""
        pixels, seer, options = as_pixels(image, encoding), self._open, self._options
        if before is None:
            scene, timings = seer.see(pixels, options, stamp, None)
        else:
            scene, timings = seer.see(pixels, self._in_stream, stamp, before.memory)
        started, spent = time.perf_counter(), Spent()
        mirrored = _mirrors(options)
        if mirrored:  # the Scene is of the mirrored image
            pixels = pixels._replace(array=pixels.array[:, ::-1])
        hands = before.hands if before is not None else None
        scene = self._details.apply(scene, pixels, options, spent, hands, mirrored=mirrored)
        if before is not None:
            scene = before.following.apply(scene, pixels, options, stamp, smooth=not seer.smooths)
        rest_ms = (time.perf_counter() - started) * 1e3 - spent.pre_ms - spent.infer_ms
        total = Timings(
            timings.pre_ms + spent.pre_ms, timings.infer_ms + spent.infer_ms, timings.post_ms + rest_ms
        )
        return with_fields(scene, stamp=stamp, timings=total)


def _mirrors(options: Any) -> bool:
    """Whether Scenes are of the mirrored image."""
    return bool(getattr(options, "flip_horizontal", False))


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a stream's images before.

    Attributes:
        memory: The family's.
        following: Who is who.
        hands: Where hands were.
    """

    memory: Memory | None
    following: "Following"
    hands: HandMemory


class Stream:
    """The images of one camera or video, in their order. What is known of the images before is kept here.

    Streams of one segmenter may be used from different threads, one stream only from one at a time.
    """

    def __init__(self, segmenter: Segmenter, before: Remembered) -> None:
        """See `Segmenter.stream`."""
        self._segmenter, self._before = segmenter, before

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
        return self._segmenter._see(image, encoding, stamp, self._before)

    def reset(self) -> None:
        """Forget the images before; ids of people are not used again."""
        self._before.following.reset()
        self._before.hands.reset()
        if self._before.memory is not None:
            self._before.memory.reset()
