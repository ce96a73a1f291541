"""Frames: where the camera stands in others."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.space.lens import Points


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame, and where the camera's optical frame is in it.

    Attributes:
        name: Of the frame.
        rotation: float64 (3, 3), of vectors in the optical frame into this one.
        origin: float64 (3,), the camera in this frame, metres.
    """

    name: str
    rotation: Points = field(default_factory=lambda: np.eye(3))
    origin: Points = field(default_factory=lambda: np.zeros(3))

    def points(self, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Points (..., 3) of the optical frame in this one, of the same type."""
        rotation, origin = self.rotation.astype(points.dtype), self.origin.astype(points.dtype)
        moved: npt.NDArray[Any] = points @ rotation.T + origin
        return moved

    def covariance(self, covariance: Points) -> Points:
        """A covariance (3, 3) of the optical frame in this one."""
        turned: Points = self.rotation @ covariance @ self.rotation.T
        return turned


def quaternion(rotation: Points) -> Points:
    """float64 (4,), x, y, z, w of a rotation (3, 3), also of what is one only nearly (Bar-Itzhack 2000)."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    # Lower triangle; the eigenvector of the largest eigenvalue is it.
    symmetric = np.array(
        [
            [a - e - i, 0, 0, 0],
            [b + d, e - a - i, 0, 0],
            [c + g, f + h, i - a - e, 0],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    _, vectors = np.linalg.eigh(symmetric)
    found: Points = vectors[:, -1]
    return found if found[3] >= 0 else -found


def rotation_of(x: float, y: float, z: float, w: float) -> Points:
    """float64 (3, 3), the rotation of a quaternion of any length but 0."""
    x, y, z, w = np.array([x, y, z, w]) / np.sqrt(x * x + y * y + z * z + w * w)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
