"""What every family of models is to the rest: pixels in, a Sight out."""

import abc
from collections.abc import Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import OptionError
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.models import ranges
from bodypix_ros.runtime.comparison import Example, Values
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.runtime.quantize import Rounding
from bodypix_ros.scene import Box, Scene, Timings
from bodypix_ros.segmenters.figure import figure


class Sight(NamedTuple):
    """What a family saw in one image, before anything else is made of it.

    Attributes:
        scene: Without stamp and timings.
        timings: Of this family's work.
    """

    scene: Scene
    timings: Timings


class Memory(Protocol):
    """What a family remembers of a camera's images before."""

    def reset(self) -> None:
        """Forget them."""


Options = TypeVar("Options")
M = TypeVar("M", bound=Memory)


class Seer(abc.ABC, Generic[Options, M]):
    """A family's arithmetic around its networks. May be called from several threads.

    A subclass is made with (model, files, placement, options): the catalogue's entry, the paths of its files
    by `ModelFile.path`, where to run, and the options in force.

    Attributes:
        networks: What runs, the network that is timed by itself first.
        smooths: Whether it smooths people's keypoints by itself, where a stream is to be smooth.
    """

    networks: tuple[Networks, ...]
    smooths: bool = False

    @abc.abstractmethod
    def see(self, pixels: Pixels, options: Options, stamp: object, memory: M | None) -> Sight:
        """See people.

        Args:
            pixels: The image.
            options: In force for it.
            stamp: When it was taken, as the caller has it.
            memory: What `remember` gave for the stream that the image belongs to; None for one by itself.

        Raises:
            DeviceError: The device failed.
        """

    @abc.abstractmethod
    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the first network's input for images of height x width."""

    def inputs(self, height: int, width: int) -> list[tuple[int, int, int]]:
        """For each network that such images need what `Networks.network` takes: height, width, at once."""
        return [(*self.input_size(height, width), 1)]

    def remember(self) -> M | None:
        """A memory for a new stream; None where every image is seen for itself."""
        return None

    def close(self) -> None:
        """Let go of what is not a network."""


def rounding_for(model: str, placement: Placement, *, by_default: bool = False) -> Rounding | None:
    """What `Networks` needs to compute a model in 8 bits; None where that is not asked for.

    Args:
        model: Its name.
        placement: What is asked for.
        by_default: Whether it is, where no precision is asked for and there are ranges.

    Raises:
        OptionError: There is nothing for this model.
        RangesError: The file is damaged, or of other models.
    """
    if placement.precision == "int8":
        return _rounding(ranges.find(model, placement.ranges))
    if by_default and not placement.precision and (placement.ranges or ranges.has(model)):
        return _rounding(ranges.find(model, placement.ranges))
    if placement.ranges:
        raise OptionError("ranges", f"ranges: {placement.ranges} is for precision int8; ask for that, too")
    return None


def _rounding(known: ranges.Ranges) -> Rounding:
    return Rounding(known.ranges, known.means)


def example(scale: float, bias: Values | float, bounds: Mapping[str, Mapping[str, float]]) -> Example:
    """The drawn figure, as a network takes it.

    Args:
        scale: Factor of a pixel value.
        bias: Added to red, green and blue.
        bounds: By output, by precision: the largest `runtime.comparison.difference` of a sound device.
    """

    def picture(height: int, width: int) -> Values:
        values: Values = figure(height, width) * np.float32(scale) + np.float32(bias)
        return values

    return Example(picture, bounds)


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
