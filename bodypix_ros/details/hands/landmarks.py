"""The outputs of the hand network -> one hand (MediaPipe: TensorsToLandmarks, HandLandmarksToRect)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bodypix_ros.details.hands.known import LANDMARKS, SIZE
from bodypix_ros.imaging.region import Region
from bodypix_ros.kernels import Array, Float, kernel

WRIST, THUMB_CMC, INDEX_MCP, MIDDLE_MCP, RING_MCP, PINKY_MCP = 0, 1, 5, 9, 13, 17
_PALM = np.array((0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18))
"""The landmarks that a region is made of: without the fingers' ends, which move most."""
_ENLARGED, _FORWARD = 2.0, 0.1
"""Side of a region per longer side of the box around these, and how much of it the region lies farther on."""


Point = tuple[float, float]
"""x and y in image pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network says of one region.

    What follows from the points is worked out at once, by a kernel: after an inference nothing that Python
    needs is in a processor's caches, so that each call of numpy takes ten times as long as by itself.

    Attributes:
        score: Probability that there is a hand, 0..1.
        right: Probability that it is a right one, 0..1.
        keypoints: float32 (21, 3), x and y in image pixels, and the score.
        world: float32 (21, 3), x, y, z in metres from the wrist, axes as the camera's.
        region: Where to look for the same hand again; None where the points make none.
        wrist: x and y in image pixels.
        palm: Of its middle: between wrist and knuckles.
        middle: The points' mean.
        size: The longer side of the box around the points, in pixels.
    """

    score: float
    right: float
    keypoints: npt.NDArray[np.float32]
    world: npt.NDArray[np.float32]
    region: Region | None
    wrist: Point
    palm: Point
    middle: Point
    size: float

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
        keypoints = np.empty_like(self.keypoints)
        x, y = to[0] - c * wrist[0] + s * wrist[1], to[1] - s * wrist[0] - c * wrist[1]
        facts = _place(self.keypoints, x, y, c, s, self.score, _PALM, keypoints)
        return _look(self.score, self.right, keypoints, self.world, facts)


def decode(outputs: Mapping[str, npt.NDArray[np.float32]], region: Region, *, mirrored: bool = False) -> Look:
    """Read the network's outputs.

    Args:
        outputs: By the names of SHAPES, without the batch.
        region: Where was looked.
        mirrored: Whether the image is, so that left hands look like right ones.
    """
    keypoints, world = np.empty((LANDMARKS, 3), np.float32), np.empty((LANDMARKS, 3), np.float32)
    score, right = float(outputs["presence"][0]), float(outputs["right"][0])
    facts = _read(
        outputs["points"], outputs["world"], region.x, region.y, region.side / SIZE, region.rotation, score,
        _PALM, keypoints, world,
    )  # fmt: skip
    if not all(map(math.isfinite, facts)):
        score = 0.0  # a device that computes nonsense sees no hand
    return _look(score, 1 - right if mirrored else right, keypoints, world, facts)


_Facts: TypeAlias = tuple[float, ...]
"""x, y, side and rotation of a region, side 0 where there is none; x and y of wrist, palm and middle; the
size: see `Look`."""
_FACTS: Final = "UniTuple(float64, 11)"


def _look(
    score: float,
    right: float,
    keypoints: npt.NDArray[np.float32],
    world: npt.NDArray[np.float32],
    facts: _Facts,
) -> Look:
    x, y, side, rotation, wrist_x, wrist_y, palm_x, palm_y, middle_x, middle_y, size = facts
    region = Region(x, y, side, rotation) if side else None
    return Look(
        score,
        right,
        keypoints,
        world,
        region,
        (wrist_x, wrist_y),
        (palm_x, palm_y),
        (middle_x, middle_y),
        size,
    )


@kernel(inline=True)
def _square(points: Array, palm: Array) -> tuple[Float, Float, Float, Float]:
    """Where to look again: x, y, side and rotation; side 0 where nothing can be seen there.

    A square in which the fingers are up (MediaPipe: HandLandmarksToRect, RectTransformation).
    """
    wrist = points[WRIST]
    middle_x = (points[INDEX_MCP, 0] + points[RING_MCP, 0]) / 4 + points[MIDDLE_MCP, 0] / 2
    middle_y = (points[INDEX_MCP, 1] + points[RING_MCP, 1]) / 4 + points[MIDDLE_MCP, 1] / 2
    rotation = np.arctan2(middle_x - wrist[0], wrist[1] - middle_y)
    c, s = np.cos(rotation), np.sin(rotation)
    left, top, right, bottom = np.inf, np.inf, -np.inf, -np.inf
    for k in palm:
        x, y = c * points[k, 0] + s * points[k, 1], c * points[k, 1] - s * points[k, 0]
        left, right = min(left, x), max(right, x)
        top, bottom = min(top, y), max(bottom, y)
    longer = max(right - left, bottom - top)
    if not 1 <= longer <= 1e6:
        return 0.0, 0.0, 0.0, 0.0
    x, y = (left + right) / 2, (top + bottom) / 2 - _FORWARD * longer
    return c * x - s * y, s * x + c * y, _ENLARGED * longer, rotation


@kernel(
    f"{_FACTS}(float32[:, ::1], float64, float64, float64, float64, float64, int64[::1], float32[:, ::1])"
)
def _place(
    points: Array, x: float, y: float, c: float, s: float, score: float, palm: Array, keypoints: Array
) -> Any:
    """Turn and scale points by c and s, move them by x and y: write keypoints, and return `_Facts`."""
    count, longer = points.shape[0], 0.0
    placed, middle = np.empty((count, 2), np.float64), np.zeros(2, np.float64)
    for k in range(count):
        placed[k, 0] = x + c * points[k, 0] - s * points[k, 1]
        placed[k, 1] = y + s * points[k, 0] + c * points[k, 1]
        keypoints[k, 0], keypoints[k, 1], keypoints[k, 2] = placed[k, 0], placed[k, 1], score
    for axis in range(2):
        least, most = np.inf, -np.inf
        for k in range(count):
            least, most = min(least, placed[k, axis]), max(most, placed[k, axis])
            middle[axis] += placed[k, axis] / count
        longer = max(longer, most - least)
    (x, y), (knuckle_x, knuckle_y) = placed[WRIST], placed[MIDDLE_MCP]
    return (
        *_square(placed, palm), x, y, (x + knuckle_x) / 2, (y + knuckle_y) / 2, middle[0], middle[1], longer,
    )  # fmt: skip


@kernel(
    f"{_FACTS}(float32[::1], float32[::1], float64, float64, float64, float64, float64, int64[::1],"
    " float32[:, ::1], float32[:, ::1])"
)
def _read(
    points: Array, metres: Array, x: float, y: float, scale: float, rotation: float, score: float,
    palm: Array, keypoints: Array, world: Array,
) -> Any:  # fmt: skip
    """From crop and region to the image as `_place`; and metres from the crop's axes, about the wrist."""
    c, s, half = np.cos(rotation), np.sin(rotation), scale * SIZE / 2
    metres = metres.reshape(-1, 3)
    x += 0 * metres.sum()  # a metre that is no number makes the points none, too
    for k in range(world.shape[0]):
        u, v = metres[k, 0] - metres[WRIST, 0], metres[k, 1] - metres[WRIST, 1]
        world[k, 0], world[k, 1], world[k, 2] = c * u - s * v, s * u + c * v, metres[k, 2] - metres[WRIST, 2]
    return _place(
        points.reshape(-1, 3),
        x - half * (c - s),
        y - half * (s + c),
        scale * c,
        scale * s,
        score,
        palm,
        keypoints,
    )
