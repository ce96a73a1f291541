"""A drawn person, whom every model sees: what devices are tried on, since no photograph is shipped.

Lengths are shares of the side of a square, x to the right and y downwards; colours are red, green, blue.
"""

from functools import cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

_Colour = tuple[int, int, int]
_Point = tuple[float, float]

_SIDE: Final = 1024
_FLOOR_Y: Final = 0.82
_SKIN: Final = (214, 164, 138)
_HAIR: Final = (60, 40, 30)
_SHIRT: Final = (60, 90, 160)
_TROUSERS: Final = (50, 50, 65)
_TORSO: Final = (
    (0.40, 0.235), (0.455, 0.215), (0.545, 0.215), (0.60, 0.235), (0.585, 0.40), (0.585, 0.54), (0.415, 0.54),
    (0.415, 0.40),
)  # fmt: skip


class _Limb(NamedTuple):
    begin: _Point
    end: _Point
    radii: tuple[float, float]
    colour: _Colour


class _Oval(NamedTuple):
    centre: _Point
    radii: tuple[float, float]
    colour: _Colour
    degrees: int = 360


_LIMBS: Final = (
    # Legs.
    _Limb((0.455, 0.52), (0.445, 0.72), (0.040, 0.030), _TROUSERS),
    _Limb((0.545, 0.52), (0.555, 0.72), (0.040, 0.030), _TROUSERS),
    _Limb((0.445, 0.72), (0.440, 0.90), (0.030, 0.020), _TROUSERS),
    _Limb((0.555, 0.72), (0.560, 0.90), (0.030, 0.020), _TROUSERS),
    _Limb((0.440, 0.915), (0.425, 0.925), (0.018, 0.016), (30, 25, 25)),
    _Limb((0.560, 0.915), (0.575, 0.925), (0.018, 0.016), (30, 25, 25)),
    # Arms: the right one hangs, the left one is lifted, so that left and right are not the same.
    _Limb((0.405, 0.25), (0.365, 0.38), (0.027, 0.023), _SHIRT),
    _Limb((0.365, 0.385), (0.350, 0.50), (0.019, 0.015), _SKIN),
    _Limb((0.350, 0.50), (0.348, 0.535), (0.017, 0.014), _SKIN),
    _Limb((0.595, 0.25), (0.665, 0.36), (0.027, 0.023), _SHIRT),
    _Limb((0.668, 0.365), (0.735, 0.27), (0.019, 0.015), _SKIN),
    _Limb((0.735, 0.27), (0.748, 0.235), (0.017, 0.014), _SKIN),
    # Neck.
    _Limb((0.50, 0.19), (0.50, 0.22), (0.026, 0.030), _SKIN),
)
_FACE: Final = (
    _Oval((0.5, 0.115), (0.062, 0.078), _HAIR),
    _Oval((0.5, 0.135), (0.050, 0.066), _SKIN),
    _Oval((0.449, 0.135), (0.008, 0.014), (196, 146, 120)),
    _Oval((0.551, 0.135), (0.008, 0.014), (196, 146, 120)),
    _Oval((0.480, 0.127), (0.0095, 0.0055), (245, 245, 245)),
    _Oval((0.520, 0.127), (0.0095, 0.0055), (245, 245, 245)),
    _Oval((0.480, 0.127), (0.005, 0.005), (40, 30, 25)),
    _Oval((0.520, 0.127), (0.005, 0.005), (40, 30, 25)),
    _Oval((0.480, 0.1135), (0.011, 0.0025), _HAIR),
    _Oval((0.520, 0.1135), (0.011, 0.0025), _HAIR),
    _Oval((0.4985, 0.141), (0.004, 0.011), (180, 128, 104)),
    _Oval((0.5, 0.170), (0.019, 0.006), (170, 80, 80), 180),
)


def figure(height: int, width: int) -> npt.NDArray[np.float32]:
    """Somebody who stands upright and lifts an arm, as tall as the picture allows.

    Args:
        height: Rows.
        width: Columns.

    Returns:
        float32 (height, width, 3), red, green, blue, 0..255.
    """
    side = min(height, width)
    square: Any = cv2.resize(_drawn(), (side, side), interpolation=cv2.INTER_AREA)
    above, left = (height - side) // 2, (width - side) // 2
    around = ((above, height - side - above), (left, width - side - left), (0, 0))
    picture: npt.NDArray[np.float32] = np.pad(square, around, mode="edge")
    return picture


@cache
def _drawn() -> npt.NDArray[np.float32]:
    """The figure as float32 (_SIDE, _SIDE, 3), with soft edges and light from the left, as in photographs."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)[..., np.newaxis] / _SIDE
    wall, floor = np.array([190, 195, 185]) - 35 * y, np.array([120, 100, 80]) - 15 * y
    image = np.where(y > _FLOOR_Y, floor, wall).astype(np.uint8)
    corners = np.array([_pixel(point) for point in _TORSO])
    cv2.fillPoly(image, [corners], _SHIRT, cv2.LINE_AA)
    for limb in _LIMBS:
        for share in np.linspace(0, 1, 60):
            centre = np.add(limb.begin, share * np.subtract(limb.end, limb.begin))
            radius = limb.radii[0] + share * (limb.radii[1] - limb.radii[0])
            cv2.circle(image, _pixel(centre), round(radius * _SIDE), limb.colour, cv2.FILLED, cv2.LINE_AA)
    for oval in _FACE:
        axes = _pixel(oval.radii)
        cv2.ellipse(
            image, _pixel(oval.centre), axes, 0, 0, oval.degrees, oval.colour, cv2.FILLED, cv2.LINE_AA
        )
    lit = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 4) * (1.12 - 0.24 * x)
    drawn: npt.NDArray[np.float32] = np.clip(lit, 0, 255).astype(np.float32)
    return drawn


def _pixel(point: Any) -> tuple[int, int]:
    return round(float(point[0]) * _SIDE), round(float(point[1]) * _SIDE)
