"""A square of an image that a network looks at, turned so that what it is for stands upright in it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Region:
    """A square in image pixels.

    Attributes:
        x: Of the centre.
        y: Of the centre.
        side: Length of its sides.
        rotation: Radians by which it is turned, clockwise as the picture is seen, in [-pi, pi).
    """

    x: float
    y: float
    side: float
    rotation: float = 0.0

    def to_image(self, size: int) -> npt.NDArray[np.float64]:
        """The matrix from a crop of size x size pixels into the image.

        Pixel i of a crop is at i * side / size from the region's corner, without half-pixel centres, as the
        networks were trained (MediaPipe: ImageToTensor).

        Returns:
            float64 (2, 3): from x, y, 1 in the crop to x, y in the image.
        """
        scale = self.side / size
        c, s = scale * math.cos(self.rotation), scale * math.sin(self.rotation)
        half = size / 2
        return np.array([[c, -s, self.x - half * (c - s)], [s, c, self.y - half * (s + c)]])

    def to_crop(self, size: int) -> npt.NDArray[np.float64]:
        """The matrix from x, y, 1 in the image to x, y in the crop: float64 (2, 3)."""
        turn = size / self.side * self.turn().T
        return np.column_stack([turn, size / 2 - turn @ np.array([self.x, self.y])])

    def turn(self) -> npt.NDArray[np.float64]:
        """Its rotation as a matrix, float64 (2, 2)."""
        c, s = math.cos(self.rotation), math.sin(self.rotation)
        return np.array([[c, -s], [s, c]])
