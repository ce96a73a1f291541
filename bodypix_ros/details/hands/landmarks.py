"""The outputs of the hand network -> one hand (MediaPipe: TensorsToLandmarks, HandLandmarksToRect)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.details.hands.known import LANDMARKS, SIZE
from bodypix_ros.imaging.region import Region
from bodypix_ros.kernels import Array, kernel

WRIST, THUMB_CMC, INDEX_MCP, MIDDLE_MCP, RING_MCP, PINKY_MCP = 0, 1, 5, 9, 13, 17
_PALM = np.array((0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18))
"""The landmarks that a region is made of: without the fingers' ends, which move most."""
_ENLARGED, _FORWARD = 2.0, 0.1
"""Side of a region per longer side of the box around these, and how much of it the region lies farther on."""


Point = tuple[float, float]
"""x and y in image pixels."""


@dataclass(slots=True, eq=False)
class Look:
    """What the network says of one region. It does not change.

    What follows from the points is worked out once, by a kernel: after an inference nothing that Python needs
    is in a processor's caches, so that each call of numpy takes ten times as long as by itself.

    Attributes:
        score: Probability that there is a hand, 0..1.
        right: Probability that it is a right one, 0..1.
        points: float64 (21, 2), x and y in image pixels.
        world: float64 (21, 3), x, y, z in metres from the wrist, axes as the camera's.
        region: Where to look for the same hand again; None where the points make none.
        wrist: x and y in image pixels.
        palm: Of its middle: between wrist and knuckles.
        middle: The points' mean.
        size: The longer side of the box around the points, in pixels.
    """

    score: float
    right: float
    points: npt.NDArray[np.float64]
    world: npt.NDArray[np.float64]
    region: Region | None = field(init=False)
    wrist: Point = field(init=False)
    palm: Point = field(init=False)
    middle: Point = field(init=False)
    size: float = field(init=False)

    def __post_init__(self) -> None:
        """Work out what follows."""
        facts = np.empty(11)
        has_region = _facts(self.points, _PALM, facts)
        x, y, side, rotation, *rest = facts.tolist()
        self.region = Region(x, y, side, rotation) if has_region else None
        wrist_x, wrist_y, palm_x, palm_y, middle_x, middle_y, self.size = rest
        self.wrist, self.palm, self.middle = (wrist_x, wrist_y), (palm_x, palm_y), (middle_x, middle_y)

    def moved(self, wrist: Point, to: Point, turned: float) -> "Look":
        """The same hand after its arm moved, turned as that.

        Args:
            wrist: Where the arm ended, x and y in image pixels.
            to: Where it ends now.
            turned: Radians by which it was turned, clockwise.
        """
        if wrist == to and not turned:
            return self
        c, s = math.cos(turned), math.sin(turned)
        return replace(self, points=(self.points - wrist) @ np.array([[c, s], [-s, c]]) + to)


def decode(outputs: Mapping[str, npt.NDArray[np.float32]], region: Region, *, mirrored: bool = False) -> Look:
    """Read the network's outputs.

    Args:
        outputs: By the names of SHAPES, without the batch.
        region: Where was looked.
        mirrored: Whether the image is, so that left hands look like right ones.
    """
    points, world = np.empty((LANDMARKS, 2)), np.empty((LANDMARKS, 3))
    scale = region.side / SIZE
    _place(outputs["points"], outputs["world"], region.x, region.y, scale, region.rotation, points, world)
    right = float(outputs["right"][0])
    return Look(float(outputs["presence"][0]), 1 - right if mirrored else right, points, world)


@kernel(
    "void(float32[::1], float32[::1], float64, float64, float64, float64, float64[:, ::1], float64[:, ::1])"
)
def _place(
    crop: Array, metres: Array, x: float, y: float, scale: float, rotation: float, points: Array, world: Array
) -> None:
    """From crop and region to the image, about the wrist: see `Look`."""
    c, s = np.cos(rotation), np.sin(rotation)
    for k in range(points.shape[0]):
        u, v = scale * (crop[3 * k] - SIZE / 2), scale * (crop[3 * k + 1] - SIZE / 2)
        points[k, 0], points[k, 1] = x + c * u - s * v, y + s * u + c * v
        u, v = np.float64(metres[3 * k] - metres[0]), np.float64(metres[3 * k + 1] - metres[1])
        world[k, 0], world[k, 1] = c * u - s * v, s * u + c * v
        world[k, 2] = metres[3 * k + 2] - metres[2]


@kernel(inline=True)
def _square(points: Array, palm: Array, square: Array) -> bool:
    """Write x, y, side and rotation of a region; returns whether there is one."""
    wrist = points[WRIST]
    middle = (points[INDEX_MCP] + points[RING_MCP]) / 4 + points[MIDDLE_MCP] / 2
    rotation = np.arctan2(middle[0] - wrist[0], wrist[1] - middle[1])
    c, s = np.cos(rotation), np.sin(rotation)
    left, top, right, bottom = np.inf, np.inf, -np.inf, -np.inf
    for k in palm:
        x, y = c * points[k, 0] + s * points[k, 1], c * points[k, 1] - s * points[k, 0]
        left, right = min(left, x), max(right, x)
        top, bottom = min(top, y), max(bottom, y)
    longer = max(right - left, bottom - top)
    if not 1 <= longer <= 1e6:
        return False
    x, y = (left + right) / 2, (top + bottom) / 2 - _FORWARD * longer
    square[0], square[1], square[2], square[3] = c * x - s * y, s * x + c * y, _ENLARGED * longer, rotation
    return True


@kernel("boolean(float64[:, ::1], int64[::1], float64[::1])")
def _facts(points: Array, palm: Array, facts: Array) -> bool:
    """Write x, y, side and rotation of a region; x and y of wrist, palm and middle; and the size: see `Look`.

    The region is a square in which the fingers are up (MediaPipe: HandLandmarksToRect, RectTransformation).
    Returns whether there is one.
    """
    longer = 0.0
    for axis in range(2):
        least, most, total = np.inf, -np.inf, 0.0
        for k in range(points.shape[0]):
            least, most = min(least, points[k, axis]), max(most, points[k, axis])
            total += points[k, axis]
        longer = max(longer, most - least)
        facts[4 + axis] = points[WRIST, axis]
        facts[6 + axis] = (points[WRIST, axis] + points[MIDDLE_MCP, axis]) / 2
        facts[8 + axis] = total / points.shape[0]
    facts[10] = longer
    return _square(points, palm, facts)
