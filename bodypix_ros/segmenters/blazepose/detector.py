"""The output of the detector -> where people are (MediaPipe: SsdAnchors, TensorsToDetections, NMS)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bodypix_ros.segmenters.blazepose.region import Region, around

SIZE = 224
"""Rows and columns of the network's input."""
_GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells per axis and anchors per cell: strides 8, 16 and three times 32, two anchors each."""
ANCHORS = sum(cells * cells * count for cells, count in _GRIDS)
VALUES = 12
"""Per anchor: centre, width and height of the face's box, and x, y of four points."""
_LARGEST_LOGIT = 100.0
_OVERLAP = 0.3
"""Boxes that share more than this (intersection over union) are of one person."""
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


@lru_cache(maxsize=1)
def anchors() -> npt.NDArray[np.float64]:
    """The centres of the anchors, x and y as shares of the input: float64 (ANCHORS, 2)."""
    layers = []
    for cells, count in _GRIDS:
        y, x = np.divmod(np.arange(cells * cells), cells)
        layers.append(np.repeat((np.stack([x, y], axis=1) + 0.5) / cells, count, axis=0))
    return np.concatenate(layers)


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
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0].astype(np.float64), -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    chosen = np.flatnonzero(scores >= least)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    decoded = values[chosen].astype(np.float64)
    decoded[:, [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]] += np.tile(SIZE * anchors()[chosen], 5)
    found = []
    for score, merged in suppress(scores[chosen], decoded):
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


def suppress(
    scores: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> list[tuple[float, npt.NDArray[np.float64]]]:
    """Merge detections whose boxes overlap (MediaPipe: NonMaxSuppression, algorithm WEIGHTED).

    Args:
        scores: float64 (n,), falling.
        values: float64 (n, m): centre x, y, width and height of the box, then coordinates.

    Returns:
        Score of the best and mean of the values, weighted by the scores, for each group; by falling score.
    """
    low, high = values[:, :2] - values[:, 2:4] / 2, values[:, :2] + values[:, 2:4] / 2
    area = np.prod(np.maximum(high - low, 0), axis=1)
    merged = []
    rest = np.arange(len(scores))
    while len(rest):
        first = rest[0]
        shared = np.maximum(np.minimum(high[rest], high[first]) - np.maximum(low[rest], low[first]), 0)
        common = np.prod(shared, axis=1)
        union = area[rest] + area[first] - common
        same = common > _OVERLAP * union
        same[0] = True
        group = rest[same]
        merged.append((float(scores[first]), np.average(values[group], axis=0, weights=scores[group])))
        rest = rest[~same]
    return merged
