"""How a camera sees: pixels and the rays through them."""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PlacingError

Points = npt.NDArray[np.float64]


_FISHEYE: Final = "equidistant"

# The number of coefficients OpenCV takes, by the names that sensor_msgs/distortion_models.hpp has.
_COEFFICIENTS: Final = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), _FISHEYE: (4,)}


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """How a camera sees.

    Attributes:
        width: Of its images, in pixels.
        height: Of its images, in pixels.
        matrix: float64 (3, 3), the camera matrix of its images as they are, not rectified.
        distortion: float64 (N,), coefficients as OpenCV has them; none: no distortion.
        fisheye: Whether they are those of `cv2.fisheye`.
    """

    width: int
    height: int
    matrix: Points
    distortion: Points
    fisheye: bool = False

    @classmethod
    def of(cls, info: Any) -> "Lens":
        """Read a sensor_msgs/CameraInfo.

        Raises:
            PlacingError: The camera is not calibrated, or its distortion is of an unknown kind.
        """
        matrix = np.array(info.k, np.float64).reshape(3, 3)
        distortion = np.array(info.d, np.float64)
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise PlacingError("camera_info has no camera matrix: calibrate the camera")
        if not np.isfinite(distortion).all():
            raise PlacingError("camera_info has a distortion that is not finite: calibrate the camera")
        model = info.distortion_model
        if not distortion.any():
            return cls(info.width, info.height, matrix, np.zeros(0))
        if model not in _COEFFICIENTS or len(distortion) not in _COEFFICIENTS[model]:
            raise PlacingError(
                f"camera_info has the distortion model '{model}' with {len(distortion)} coefficients, but "
                f"known are {', '.join(_COEFFICIENTS)}"
            )
        return cls(info.width, info.height, matrix, distortion, model == _FISHEYE)

    def check(self, width: int, height: int) -> None:
        """Check that images are those of this lens.

        Raises:
            PlacingError: They are of another size.
        """
        if (width, height) != (self.width, self.height):
            raise PlacingError(
                f"camera_info is of {self.width}x{self.height}, but the images are {width}x{height}"
            )

    def rays(self, pixels: Points) -> Points:
        """Where rays through pixels meet the plane 1 m in front of the camera: float64 (N, 2) to (N, 2)."""
        points = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        if self.fisheye:
            found = cv2.fisheye.undistortPoints(points, self.matrix, self.distortion)
        else:
            found = cv2.undistortPoints(
                points, self.matrix, self.distortion if len(self.distortion) else None
            )
        return np.asarray(found, np.float64).reshape(-1, 2)
