"""Where in the image a person is looked for: in a square in which the person stands upright."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.region import Region

MARGIN = 1.25
"""Side of a region per diameter of the person's circle (MediaPipe: RectTransformation scale)."""
SAME_PERSON = 0.25
"""Trunks that are closer than this share of the circle's radius (20 to 25 cm) are one person's."""
_CENTRES, _SIDES, _TURNS = 2**18, 2**15, 2**18
"""Steps in which regions differ: per side, counted as the next power of two, and per turn.

Devices differ in the last digits of their outputs. On a grid most regions are the same everywhere all the
same; else every sample of a crop would move a little, and outlines with it. A step moves the corners of a
crop by a hundredth of a cell at most.
"""
_OBLONG = 1.15
"""Long side per short side from which the parts show more than the whole image."""
_MOST_PARTS = 8
_TILES = 3
"""Long side of the image per side of a tile."""
_TILE_OVERLAP = 0.3
"""Of a tile's side, at least."""
_LEAST_TILE = 112
"""Image pixels; the detector's input enlarges anything smaller more than twice, which shows nothing new."""


class Body(Protocol):
    """Somebody found: by the detector, or by the landmark network."""

    @property
    def region(self) -> Region:
        """Where the person is."""

    @property
    def hips(self) -> npt.NDArray[np.float64]:
        """float64 (2,), x, y of their middle in image pixels."""

    @property
    def shoulders(self) -> npt.NDArray[np.float64]:
        """float64 (2,), x, y of their middle in image pixels."""


def same_person(a: Body, b: Body) -> bool:
    """Whether two are one person."""
    apart = (np.hypot(*(a.hips - b.hips)) + np.hypot(*(a.shoulders - b.shoulders))) / 2
    return bool(apart < SAME_PERSON * max(radius_of(a.region), radius_of(b.region)))


def radius_of(region: Region) -> float:
    """The radius of a person's circle, in image pixels: about half the height of somebody who stands."""
    return region.side / 2 / MARGIN


def whole_image(height: int, width: int) -> Region:
    """The square around an image, for the detector."""
    return Region(width / 2, height / 2, max(height, width))


def parts_of_image(height: int, width: int) -> list[Region]:
    """Squares as high as the image is short, half over one another, along an image that is not square.

    In them the detector sees people larger than in the whole image.
    """
    side, length = min(height, width), max(height, width)
    if length < _OBLONG * side:
        return []
    count = min(math.ceil((length - side) / (side / 2)) + 1, _MOST_PARTS)
    centres = np.linspace(side / 2, length - side / 2, count).tolist()
    return [
        Region(centre, side / 2, side) if width > height else Region(side / 2, centre, side)
        for centre in centres
    ]


def tiles_of_image(height: int, width: int) -> list[Region]:
    """Squares of a third of the image's length, which overlap: at most 16, row by row.

    In them the detector sees small people large enough.
    """
    side = max(height, width) / _TILES
    if side < _LEAST_TILE:
        return []
    return [Region(x, y, side) for y in _along(height, side) for x in _along(width, side)]


def _along(length: int, side: float) -> list[float]:
    """The centres of tiles along an axis; one in the middle where the tile is longer."""
    if length <= side:
        return [length / 2]
    count = math.ceil((length - side) / (side * (1 - _TILE_OVERLAP))) + 1
    centres: list[float] = np.linspace(side / 2, length - side / 2, count).tolist()
    return centres


def around(centre: npt.NDArray[np.floating], rim: npt.NDArray[np.floating]) -> Region | None:
    """The region of a person (MediaPipe: AlignmentPointsRects, RectTransformation).

    Args:
        centre: x, y of the middle of the hips.
        rim: x, y of a point on the circle around the person, in the direction of the head.

    Returns:
        A region in which that direction is up, on a grid; None where the points make none.
    """
    dx, dy = float(rim[0] - centre[0]), float(rim[1] - centre[1])
    radius = math.hypot(dx, dy)
    if not 0.5 <= radius <= 1e6 or not np.isfinite(centre).all():
        return None
    side = 2 * MARGIN * radius
    side = _on_grid(side, side, _SIDES)
    x, y = (_on_grid(float(value), side, _CENTRES) for value in centre)
    turn = round((math.pi / 2 - math.atan2(-dy, dx)) / (2 * math.pi) * _TURNS)
    turn = (turn + _TURNS // 2) % _TURNS - _TURNS // 2
    return Region(x, y, side, 2 * math.pi * turn / _TURNS)


def _on_grid(value: float, side: float, steps: int) -> float:
    step = 2.0 ** math.frexp(side)[1] / steps
    return step * round(value / step)
