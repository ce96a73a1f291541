"""The outputs of the hand network -> one hand (MediaPipe: TensorsToLandmarks, HandLandmarksToRect)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.region import Region

SIZE = 224
"""Rows and columns of the network's input."""
LANDMARKS = 21
SHAPES = {"points": (1, LANDMARKS * 3), "presence": (1, 1), "right": (1, 1), "world": (1, LANDMARKS * 3)}
"""Of the outputs, in the network's order."""
WRIST, THUMB_CMC, INDEX_MCP, MIDDLE_MCP, RING_MCP, PINKY_MCP = 0, 1, 5, 9, 13, 17
_PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
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

    def moved(self, by: npt.NDArray[np.float64]) -> "Look":
        """The same hand elsewhere in the image.

        Args:
            by: float64 (2,), pixels in x and y.
        """
        return replace(self, points=self.points + by)

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
    to_image = region.to_image(SIZE)
    points = outputs["points"].reshape(LANDMARKS, 3)[:, :2].astype(np.float64)
    world = outputs["world"].reshape(LANDMARKS, 3).astype(np.float64)
    world[:, :2] = world[:, :2] @ region.turn().T
    return Look(
        score=float(outputs["presence"][0]),
        # The network was trained on mirrored pictures, as of somebody who looks at a screen: what it calls a
        # right hand is a left one.
        right=1 - float(outputs["right"][0]),
        points=points @ to_image[:, :2].T + to_image[:, 2],
        world=world - world[WRIST],
    )


def around(points: npt.NDArray[np.float64]) -> Region | None:
    """The region of a hand (MediaPipe: HandLandmarksToRect, RectTransformation).

    Args:
        points: float64 (21, 2), x and y in image pixels.

    Returns:
        A square in which the fingers are up; None where the points make none.
    """
    if not np.isfinite(points).all():
        return None
    ahead = (points[INDEX_MCP] + points[RING_MCP]) / 4 + points[MIDDLE_MCP] / 2 - points[WRIST]
    rotation = math.atan2(ahead[0], -ahead[1])
    turn = Region(0, 0, 1, rotation).turn()
    upright = points[list(_PALM)] @ turn
    low, high = upright.min(axis=0), upright.max(axis=0)
    longer = float((high - low).max())
    if not 1 <= longer <= 1e6:
        return None
    centre = turn @ ((low + high) / 2 - np.array([0, _FORWARD * longer]))
    return Region(float(centre[0]), float(centre[1]), _ENLARGED * longer, rotation)
