"""The outputs of the hand network -> one hand (MediaPipe: TensorsToLandmarks, HandLandmarksToRect)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network says of one region.

    Attributes:
        score: Probability that there is a hand, 0..1.
        right: Probability that it is a right one, 0..1.
        points: float64 (21, 2), x and y in image pixels.
        world: float64 (21, 3), x, y, z in metres from the wrist, axes as the camera's.
    """

    score: float
    right: float
    points: npt.NDArray[np.float64]
    world: npt.NDArray[np.float64]

    @property
    def region(self) -> Region | None:
        """Where to look for the same hand again; None where the points make none."""
        return around(self.points)

    def moved(self, wrist: npt.NDArray[np.float64], to: npt.NDArray[np.float64], turned: float) -> "Look":
        """The same hand after its arm moved, turned as that.

        Args:
            wrist: float64 (2,), where the arm ended, x and y in image pixels.
            to: float64 (2,), where it ends now.
            turned: Radians by which it was turned, clockwise.
        """
        c, s = math.cos(turned), math.sin(turned)
        return replace(self, points=(self.points - wrist) @ np.array([[c, s], [-s, c]]) + to)

    @property
    def size(self) -> float:
        """The longer side of the box around the points, in pixels."""
        return float(np.ptp(self.points, axis=0).max())


def decode(outputs: Mapping[str, npt.NDArray[np.float32]], region: Region) -> Look:
    """Read the network's outputs.

    Args:
        outputs: By the names of SHAPES, without the batch.
        region: Where was looked.
    """
    points, world = np.empty((LANDMARKS, 2)), np.empty((LANDMARKS, 3))
    scale = region.side / SIZE
    _place(outputs["points"], outputs["world"], region.x, region.y, scale, region.rotation, points, world)
    return Look(float(outputs["presence"][0]), float(outputs["right"][0]), points, world)


def around(points: npt.NDArray[np.float64]) -> Region | None:
    """The region of a hand (MediaPipe: HandLandmarksToRect, RectTransformation).

    Args:
        points: float64 (21, 2), x and y in image pixels.

    Returns:
        A square in which the fingers are up; None where the points make none.
    """
    square = np.empty(4)
    if not _square(points, _PALM, square):
        return None
    x, y, side, rotation = square.tolist()
    return Region(x, y, side, rotation)


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


@kernel("boolean(float64[:, ::1], int64[::1], float64[::1])")
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
