"""The output of the detector -> where people are (MediaPipe: SsdAnchors, TensorsToDetections, NMS)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.details.detection import anchors, decode, suppress
from bodypix_ros.imaging.region import Region
from bodypix_ros.segmenters.blazepose.region import around

SIZE = 224
"""Rows and columns of the network's input."""
_GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells per axis and anchors per cell: strides 8, 16 and three times 32, two anchors each."""
ANCHORS = sum(cells * cells * count for cells, count in _GRIDS)
VALUES = 12
"""Per anchor: centre, width and height of the face's box, and x, y of four points."""
WEAK = 0.5
"""Share of the least score from which anchors are merged in parts of an image, which steadies the regions."""
_MOST_TILT = math.pi / 3
"""Radians; whoever is turned farther in a tile is hardly ever a person."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A person found.

    Attributes:
        score: How sure the detector is, 0..1.
        region: Where to look for the landmarks.
        hips: float64 (2,), x, y of the middle of the hips in image pixels.
        shoulders: float64 (2,), of the middle of the shoulders.
        doubtful: The landmarks must be found again from the landmarks, or there is nobody.
    """

    score: float
    region: Region
    hips: npt.NDArray[np.float64]
    shoulders: npt.NDArray[np.float64]
    doubtful: bool = False


def detections(
    values: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    least: float,
    to_image: npt.NDArray[np.float64],
) -> list[Detection]:
    """Decode the network's outputs.

    Args:
        values: float32 (ANCHORS, 12), in pixels of the input, relative to the anchors.
        logits: float32 (ANCHORS, 1).
        least: Least score.
        to_image: float64 (2, 3), from x, y, 1 in the input to x, y in the image.

    Returns:
        By falling score, one for each person.
    """
    scores, decoded = decode(values, logits, least, SIZE, anchors(_GRIDS))
    found = []
    for score, merged in suppress(scores, decoded):
        hips, rim, shoulders = merged[4:10].reshape(3, 2) @ to_image[:, :2].T + to_image[:, 2]
        region = around(hips, rim)
        if region is not None:
            found.append(Detection(score, region, hips, shoulders))
    return found


def in_tile(found: Iterable[Detection], tile: Region) -> list[Detection]:
    """Those of a tile's detections that are worth a look, marked as doubtful.

    A tile cuts people in pieces and enlarges what is no person, so that most detections in it are false. Of
    these most are turned, or have their hips outside of the tile.
    """
    return [
        replace(one, doubtful=True)
        for one in found
        if abs(one.region.rotation) <= _MOST_TILT
        and max(abs(one.hips[0] - tile.x), abs(one.hips[1] - tile.y)) <= tile.side / 2
    ]
