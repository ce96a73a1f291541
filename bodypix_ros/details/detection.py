"""What MediaPipe's detectors have in common: anchors, and boxes that are merged."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

_LARGEST_LOGIT = 100.0
_OVERLAP = 0.3
"""Boxes that share more than this (intersection over union) are of one thing."""
_SQUARE = 1.1
"""Images whose sides differ by less are looked at as a whole, without squares of the shorter side."""
_SHARED = 0.25
"""Share of a square that the next one repeats at least."""
_LARGE = 720
"""Pixels of the shorter side from which squares of half of it are looked at, too."""
_MOST = 8
"""The longer side of an image in sides of a square, at most: so long an image is looked at in larger ones."""


@cache
def anchors(grids: tuple[tuple[int, int], ...]) -> npt.NDArray[np.float64]:
    """The centres of anchors (MediaPipe: SsdAnchors), x and y as shares of the input: float64 (n, 2).

    Args:
        grids: Cells per axis, and anchors per cell, one pair for each layer.
    """
    layers = []
    for cells, count in grids:
        y, x = np.divmod(np.arange(cells * cells), cells)
        layers.append(np.repeat((np.stack([x, y], axis=1) + 0.5) / cells, count, axis=0))
    return np.concatenate(layers)


def decode(
    values: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    least: float,
    size: int,
    centres: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Decode a detector's outputs (MediaPipe: TensorsToDetections).

    Args:
        values: float32 (n, 4 + 2 m), in pixels of the input: centre of a box relative to the anchor, width
            and height; x and y of m points relative to the anchor.
        logits: float32 (n, 1).
        least: Least score.
        size: Rows and columns of the input.
        centres: From `anchors`.

    Returns:
        The scores, float64 (k,), falling; and of each its values in pixels of the input: float64
        (k, 4 + 2 m).
    """
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0].astype(np.float64), -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    chosen = np.flatnonzero(scores >= least)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    decoded = values[chosen].astype(np.float64)
    points = [0, 1, *range(4, values.shape[1])]
    decoded[:, points] += np.tile(size * centres[chosen], len(points) // 2)
    return scores[chosen], decoded


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


def squares(height: int, width: int) -> Sequence[tuple[float, float, float]]:
    """Squares in which things are looked for: x and y of the left upper corner, and side, in image pixels.

    The whole image; where it is longer than wide squares of its shorter side that overlap; and in a large one
    squares of half of that: what is small in the whole is looked at more closely.
    """
    long, short = max(height, width), min(height, width)
    whole = ((width - long) / 2, (height - long) / 2, float(long))
    finer = _tiles(height, width, short / 2) if short >= _LARGE else ()
    if long < _SQUARE * short:
        return (whole, *finer)
    return (whole, *_tiles(height, width, max(float(short), long / _MOST)), *finer)


def _tiles(height: int, width: int, side: float) -> Sequence[tuple[float, float, float]]:
    """Squares of a side that cover an image, overlap, and reach beyond it only where they are larger."""
    xs, ys = (
        np.linspace(0, size - side, max(2, int(np.ceil((size / side - _SHARED) / (1 - _SHARED))))).tolist()
        if size > side
        else [(size - side) / 2]
        for size in (width, height)
    )
    return tuple((x, y, side) for y in ys for x in xs)
