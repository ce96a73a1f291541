"""What every segmenter is: image in, Scene out."""

import abc
import dataclasses
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros.runtime import Runtime, Timings
from bodypix_ros.scene import Box, Scene

_CHANNELS = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
}
ENCODINGS = tuple(_CHANNELS)
"""What `Segmenter.segment` takes."""


def as_pixels(
    image: npt.NDArray[np.uint8], encoding: str
) -> tuple[npt.NDArray[np.uint8], tuple[int, int, int]]:
    """Check an image, and say where its colours are.

    Args:
        image: uint8 (H, W, C), or (H, W) for mono8.
        encoding: One of ENCODINGS.

    Returns:
        The image as (H, W, C), without copying, and the channels of red, green and blue.

    Raises:
        TypeError: Not a uint8 array.
        ValueError: Unknown encoding, or a shape that does not go with it.
    """
    if encoding not in _CHANNELS:
        raise ValueError(f"encoding is '{encoding}', but must be one of {', '.join(ENCODINGS)}")
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image is {kind}, but must be a numpy array of uint8")
    count, channels = _CHANNELS[encoding]
    pixels = image[:, :, np.newaxis] if encoding == "mono8" and image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] != count:
        raise ValueError(f"image has shape {image.shape}, but {encoding} needs (height, width, {count})")
    if 0 in pixels.shape:
        raise ValueError(f"image has shape {image.shape}: it has no pixels")
    return pixels, channels


S = TypeVar("S", bound="Segmenter")


class Segmenter(abc.ABC):
    """A loaded model. May be called from several threads; use it as a context manager, or `close` it.

    Attributes:
        model: Its name in the catalogue.
        timings: Of the latest call of `segment`.
    """

    model: str
    timings: Timings

    @property
    @abc.abstractmethod
    def options(self) -> Any:
        """The options in force, a frozen dataclass."""

    @property
    @abc.abstractmethod
    def device(self) -> str:
        """What executes the model."""

    @property
    @abc.abstractmethod
    def precision(self) -> str:
        """What the device computes in: f32 or f16."""

    @property
    @abc.abstractmethod
    def threads(self) -> int | None:
        """Threads that the device computes with, None where it has none to count."""

    @property
    @abc.abstractmethod
    def requests(self) -> int:
        """How many images it works on at once; a thread with one more waits."""

    @property
    @abc.abstractmethod
    def load_s(self) -> float:
        """Seconds that loading took, the first network's compilation included."""

    @property
    @abc.abstractmethod
    def networks_compiled(self) -> int:
        """How many networks were compiled so far: one per input size."""

    @abc.abstractmethod
    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: Any = None) -> Scene:
        """See people.

        Args:
            image: uint8 (H, W, C), or (H, W) for mono8; any size at any call; read-only and strided arrays
                are welcome; never changed.
            encoding: rgb8, bgr8, rgba8, bgra8 or mono8.
            stamp: Handed through to `Scene.stamp`.

        Raises:
            TypeError: Not a uint8 array.
            ValueError: Unknown encoding, or a shape that does not go with it.
            RuntimeError: The device failed.
        """

    @abc.abstractmethod
    def update(self, **options: Any) -> None:
        """Change options while running; all of them or, with ValueError, none."""

    @abc.abstractmethod
    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for images of height x width."""

    @abc.abstractmethod
    def prepare(self, height: int, width: int) -> None:
        """Compile now what images of height x width will need."""

    @abc.abstractmethod
    def bare_network(self, height: int, width: int) -> Callable[[], None]:
        """The network alone for images of height x width, its input already there: for `bench`."""

    def stream(self) -> "Stream":
        """A stream for the images of one camera or video, which come in their order."""
        return Stream(self)

    def close(self) -> None:  # noqa: B027
        """Let go of the device. Calling it again does nothing."""

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Stream:
    """The images of one camera or video, in their order. Models that follow people remember them here.

    This one remembers nothing: it serves models that see every image for itself. Streams of one segmenter
    may be used from different threads, one stream only from one at a time.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        """See `Segmenter.stream`."""
        self._segmenter = segmenter

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: Any = None) -> Scene:
        """See people, as `Segmenter.segment` does, with what is known from the images before.

        Args:
            image: As for `Segmenter.segment`.
            encoding: As for `Segmenter.segment`.
            stamp: When the image was taken, for what depends on time: seconds, or an object with `sec` and
                `nanosec`; anything else counts as 1/30 s after the image before. Handed through to
                `Scene.stamp`.

        Raises:
            TypeError: Not a uint8 array.
            ValueError: Unknown encoding, or a shape that does not go with it.
            RuntimeError: The device failed.
        """
        return self._segmenter.segment(image, encoding, stamp=stamp)

    def reset(self) -> None:
        """Forget the images before."""


class NetworkSegmenter(Segmenter):
    """A segmenter by what its networks tell: where they run, in what precision, and for how long they loaded.

    Attributes:
        networks: What runs, the network that `bare_network` times first; empty once closed.
        size: Height and width of that network's input, where it is the same for all images.
    """

    networks: tuple[Runtime, ...]
    size: tuple[int, int]

    @property
    def device(self) -> str:
        """What executes the model."""
        return self._main.device

    @property
    def precision(self) -> str:
        """What the device computes in."""
        return self._main.precision

    @property
    def threads(self) -> int | None:
        """Threads that the device computes with."""
        return self._main.threads

    @property
    def requests(self) -> int:
        """How many images it works on at once."""
        return self._main.requests

    @property
    def load_s(self) -> float:
        """Seconds that loading took."""
        return sum(network.load_s for network in self.open_networks)

    @property
    def networks_compiled(self) -> int:
        """How many networks were compiled so far."""
        return sum(network.networks_compiled for network in self.open_networks)

    @property
    def open_networks(self) -> tuple[Runtime, ...]:
        """Its networks.

        Raises:
            RuntimeError: The segmenter was closed.
        """
        if not self.networks:
            raise RuntimeError(f"{self.model} was closed; load it again")
        return self.networks

    @property
    def _main(self) -> Runtime:
        return self.open_networks[0]

    def close(self) -> None:
        """Let go of the device."""
        self.networks = ()

    def input_size(self, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002
        """Height and width of the network's input, whatever the image's."""
        return self.size

    def prepare(self, height: int, width: int) -> None:
        """Nothing is left to do: loading compiles all networks."""

    def bare_network(self, height: int, width: int) -> Callable[[], None]:
        """The network alone, with its raw outputs."""
        network = self._main.network(*self.input_size(height, width))

        def infer() -> None:
            with network.request() as request:
                request.infer()

        return infer


def keypoint_box(keypoints: npt.NDArray[np.float32], least: float, shape: tuple[int, int]) -> Box:
    """The bounds of a person's confident keypoints, clipped to the image; zeros without any.

    Args:
        keypoints: float32 (K, 3), x, y, score.
        least: Keypoints count above this score.
        shape: Rows and columns of the image.
    """
    points = keypoints[keypoints[:, 2] > least, :2]
    if not len(points):
        return 0, 0, 0, 0
    size = (shape[1], shape[0])
    x0, y0 = np.clip(np.floor(points.min(axis=0)), 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.floor(points.max(axis=0)) + 1, 0, size).astype(int).tolist()
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else (0, 0, 0, 0)


def option(
    default: Any, text: str, *, low: float | None = None, high: float | None = None, **extra: Any
) -> Any:
    """A field of an options dataclass: what it means, and its range (`live=False`: fixed once loaded)."""
    return dataclasses.field(default=default, metadata={"text": text, "low": low, "high": high, **extra})


def check_ranges(options: Any) -> None:
    """Check the fields of an options dataclass that were made with `option`.

    Raises:
        ValueError: Naming the option, its value and its range.
    """
    for field in dataclasses.fields(options):
        value: Any = getattr(options, field.name)
        kind: Any = type(field.default)
        if field.metadata.get("checked_elsewhere"):
            continue
        if kind is bool:
            if not isinstance(value, (bool, np.bool_)):
                raise ValueError(f"{field.name} is {value!r:.80}, but must be True or False")
            continue
        low, high = field.metadata["low"], field.metadata["high"]
        allowed = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
            unit = "a whole number" if kind is int else "a number"
            raise ValueError(f"{field.name} is {value!r:.80}, but must be {unit} from {low} to {high}")


def replace_options(options: Any, changes: dict[str, Any]) -> Any:
    """A checked copy of an options dataclass.

    Raises:
        ValueError: Unknown option, or a value out of range.
    """
    known = {field.name for field in dataclasses.fields(options)}
    for name in changes:
        if name not in known:
            raise ValueError(f"there is no option '{name}'; there are: {', '.join(sorted(known))}")
    return dataclasses.replace(options, **changes)
