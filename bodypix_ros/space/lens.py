"""How a camera sees: pixels and the rays through them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PlacingError
from bodypix_ros.space.calibration import guess

Points = npt.NDArray[np.float64]


_FISHEYE: Final = "equidistant"

# The number of coefficients OpenCV takes, by the names that sensor_msgs/distortion_models.hpp has.
_COEFFICIENTS: Final = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), _FISHEYE: (4,)}

_STEP: Final = 8
_WORST_PX: Final = 1.0
"""A ray must be seen within so many pixels of where it was asked for."""


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

    def __post_init__(self) -> None:
        """Refuse images without pixels."""
        if not (self.width > 0 and self.height > 0):
            raise PlacingError(
                f"no lens has images of {self.width}x{self.height} pixels: give their width and height"
            )

    @classmethod
    def from_fov(cls, width: int, height: int, fov_deg: float) -> "Lens":
        """Guess a lens without distortion that looks through the middle of its images.

        Directions are as good as the angle; so are the places that BlazePose's metres give.

        Args:
            width: Of the images, in pixels.
            height: Of the images, in pixels.
            fov_deg: The horizontal angle of view, above 0 and below 180.

        Raises:
            PlacingError: Such a lens cannot be.
        """
        if not (width > 0 and height > 0 and 0 < fov_deg < 180):
            raise PlacingError(
                f"no lens sees {width}x{height} pixels over {fov_deg} degrees: give a size in pixels, and an "
                "angle of view above 0 and below 180"
            )
        return cls(width, height, np.array(guess(width, height, fov_deg).k).reshape(3, 3), np.zeros(0))

    @classmethod
    def from_info(cls, info: Any) -> "Lens":
        """Read a sensor_msgs/CameraInfo, for the images that it comes with: binned, and cut out.

        What binning and region of interest make of the matrix is as in image_geometry's PinholeCameraModel.

        Raises:
            PlacingError: The camera is not calibrated, its images have no size, or its distortion is of an
                unknown kind.
        """
        matrix = np.array(info.k, np.float64)
        distortion = np.array(info.d, np.float64)
        matrix = matrix.reshape(3, 3) if matrix.size == 9 else np.zeros((3, 3))
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise PlacingError("camera_info has no camera matrix: calibrate the camera")
        if not np.isfinite(distortion).all():
            raise PlacingError("camera_info has a distortion that is not finite: calibrate the camera")
        width, height, matrix = _as_sent(info, matrix)
        model = info.distortion_model
        if not distortion.any():
            return cls(width, height, matrix, np.zeros(0))
        if model not in _COEFFICIENTS or len(distortion) not in _COEFFICIENTS[model]:
            raise PlacingError(
                f"camera_info has the distortion model '{model}' with {len(distortion)} coefficients, but "
                f"known are {', '.join(_COEFFICIENTS)}"
            )
        return cls(width, height, matrix, distortion, model == _FISHEYE)

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
        """Where rays through pixels meet the plane 1 m in front of the camera: float64 (N, 2) to (N, 2).

        Where the distortion has no inverse, as at the corners of some calibrations, it is left out.
        """
        points = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.zeros((0, 2))
        if not len(self.distortion):
            return np.asarray(cv2.undistortPoints(points, self.matrix, None), np.float64).reshape(-1, 2)
        camera, still = (self.matrix, self.distortion), np.zeros(3)
        if self.fisheye:
            found = cv2.fisheye.undistortPoints(points, *camera).reshape(-1, 2)
            solid = cv2.convertPointsToHomogeneous(found)
            again, _ = cv2.fisheye.projectPoints(solid, still, still, *camera)
        else:
            found = cv2.undistortPoints(points, *camera).reshape(-1, 2)
            again, _ = cv2.projectPoints(cv2.convertPointsToHomogeneous(found), still, still, *camera)
        lost = ~(np.abs(again.reshape(-1, 2) - points[:, 0]).max(axis=1) < _WORST_PX)
        found[lost] = cv2.undistortPoints(points[lost], self.matrix, None).reshape(-1, 2) if lost.any() else 0
        return np.asarray(found, np.float64)

    def table(self) -> npt.NDArray[np.float32]:
        """The rays through all pixels: float32 (height, width, 2), made once for a lens."""
        return _table(self)


@lru_cache(maxsize=16)
def _table(lens: Lens) -> npt.NDArray[np.float32]:
    # Rays bend so little from pixel to pixel that a line between some of them is the same.
    across, down = (_between(size) for size in (lens.width, lens.height))
    known = np.stack(np.meshgrid(across[0], down[0]), axis=-1)
    rays = lens.rays(known.reshape(-1, 2)).reshape(known.shape)
    table = np.einsum("yi,ijk,xj->yxk", down[1], rays, across[1], optimize=True).astype(np.float32)
    table = np.ascontiguousarray(table)
    table.flags.writeable = False
    return table


def _between(size: int) -> tuple[Points, Points]:
    """Some places on a line of pixels, and how much of each is in every pixel: float64 (n,), (size, n)."""
    count = max(2, size // _STEP + 1)
    places = np.linspace(0, max(1, size - 1), count)
    weights = 1 - np.abs(np.arange(size)[:, np.newaxis] - places) / (places[1] - places[0])
    return places, np.maximum(weights, 0)


def _as_sent(info: Any, matrix: Points) -> tuple[int, int, Points]:
    """Width, height and camera matrix of images that are a part of the sensor's, of several pixels each."""
    region = getattr(info, "roi", None)
    wide, high = (region.width, region.height) if region is not None else (0, 0)
    left, top = (region.x_offset, region.y_offset) if region is not None else (0, 0)
    binned = [max(1, getattr(info, name, 1)) for name in ("binning_x", "binning_y")]
    scaled = matrix.copy()
    scaled[0, 2] -= left
    scaled[1, 2] -= top
    scaled[0] /= binned[0]
    scaled[1] /= binned[1]
    return (wide or info.width) // binned[0], (high or info.height) // binned[1], scaled
