"""A model's ranges for INT8, made of pictures as it will see them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import OptionError
from bodypix_ros.models.ranges import Ranges
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.runtime.calibration import METHODS, Survey, Trial

Pictures = Iterable[npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ranges, and why these.

    Attributes:
        ranges: Of all pictures, by the best method.
        method: Which that is.
        losses: By method, the relative error of what the network gives for half of the pictures, with ranges
            from the other half.
        pictures: How many were seen.
    """

    ranges: Ranges
    method: str
    losses: dict[str, float]
    pictures: int


def calibrate(segmenter: Segmenter, pictures: Callable[[], Pictures]) -> Calibration:
    """Measure the ranges of a model.

    Args:
        segmenter: The model, in f32, with one request.
        pictures: Gives them, uint8 (H, W, 3), BGR; called twice, so that none has to be kept.

    Raises:
        OptionError: There are less than two pictures.
    """
    every, half = Survey(segmenter.graph), Survey(segmenter.graph)
    for number, image in enumerate(pictures()):
        values = _seen(segmenter, image)
        every.add(values)
        if number % 2 == 0:
            half.add(values)
    if every.pictures < 2:
        raise OptionError("images", "images: at least two are needed, one of them to try the ranges on")
    trial = Trial(segmenter.graph, {name: half.rounding(method) for name, method in METHODS.items()})
    for number, image in enumerate(pictures()):
        if number % 2:
            trial.add(_seen(segmenter, image))
    losses = trial.losses()
    best = min(losses, key=lambda name: losses[name])
    made = f"{best} of {every.pictures} pictures; relative error {losses[best]:.3f} of the held-out half"
    rounding = every.rounding(METHODS[best])
    ranges = Ranges((segmenter.model,), made, rounding.ranges, rounding.means)
    return Calibration(ranges, best, losses, every.pictures)


def _seen(segmenter: Segmenter, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A picture as the network takes it: what `segment` leaves in the request."""
    segmenter.segment(image)
    with segmenter.network(*image.shape[:2]).request() as request:
        values: npt.NDArray[np.float32] = request.input.copy()
        return values
