"""Persons in metres -> persons in the camera's frame, and the message about them. Without rclpy.

A model gives a person's keypoints in metres around the hips, and in pixels of the image. Where the camera
must stand for the ones to be seen as the others is what `solvePnP` finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages import MessageTypes
from bodypix_ros.scene import Scene

Points = npt.NDArray[np.float64]

LEAST_POINTS: Final = 6
"""So many keypoints in pixels and metres place a person."""

LARGEST_ERROR: Final = 0.1
"""A person is placed if it is seen where its keypoints are, up to so much of its size in the image (RMS)."""

NEAREST_M: Final = 0.05
"""Nobody is nearer than so many metres."""

_FISHEYE: Final = "equidistant"
# The number of coefficients OpenCV takes, by the names that sensor_msgs/distortion_models.hpp has.
_COEFFICIENTS: Final = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), _FISHEYE: (4,)}


class PlacingError(ValueError):
    """A camera_info that nobody can be placed with; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """How a camera sees.

    Attributes:
        width: Of its images.
        height: Likewise.
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


def place(
    keypoints: npt.NDArray[np.float32], metres: npt.NDArray[np.float32], lens: Lens, min_score: float
) -> npt.NDArray[np.float32] | None:
    """Find out where a person is.

    Args:
        keypoints: float32 (K, 3), x and y in image pixels, score.
        metres: float32 (K, 4), x to the right, y down and z forward in metres around any point, score.
        lens: The camera's.
        min_score: Keypoints above this score say where the person is.

    Returns:
        float32 (K, 4): x, y, z in metres in the camera's optical frame (x right, y down, z forward), score;
        None where the keypoints do not tell.
    """
    used = (
        (keypoints[:, 2] > min_score) & np.isfinite(keypoints).all(axis=1) & np.isfinite(metres).all(axis=1)
    )
    if used.sum() < LEAST_POINTS:
        return None
    seen, solid = lens.rays(keypoints[used, :2].astype(np.float64)), metres[used, :3].astype(np.float64)
    size = _size(seen)
    if not np.isfinite(seen).all() or _is_line(seen) or _is_line(solid):
        return None
    pose = _pose(seen, solid)
    if pose is None:
        return None
    rotation, translation = pose
    placed = solid @ rotation.T + translation
    if not np.isfinite(placed).all() or placed[:, 2].min() < NEAREST_M:
        return None
    if _rms(placed[:, :2] / placed[:, 2:] - seen) > LARGEST_ERROR * size:
        return None
    points = metres[:, :3].astype(np.float64) @ rotation.T + translation
    return np.column_stack([points, metres[:, 3]]).astype(np.float32)


def _pose(seen: Points, solid: Points) -> tuple[Points, Points] | None:
    """Rotation (3, 3) and translation (3,) that bring `solid` in front of the camera."""
    # The metres are as the camera sees them but for where the person is. To start from there keeps people
    # from being turned inside out: seen from afar, a figure and its mirror image in depth look the same.
    distance = _size(solid[:, :2]) / _size(seen)
    middle = np.append(seen.mean(axis=0) * distance, distance) - [*solid[:, :2].mean(axis=0), 0.0]
    plain = np.eye(3)
    try:
        found, turn, shift = cv2.solvePnP(
            solid, seen, plain, None,
            rvec=np.zeros((3, 1)), tvec=middle.reshape(3, 1).copy(),
            useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE,
        )  # fmt: skip
    except cv2.error:
        return None
    if not found:
        return None
    return np.asarray(cv2.Rodrigues(turn)[0], np.float64), np.asarray(shift, np.float64).ravel()


def _size(points: Points) -> float:
    return float(np.linalg.norm(np.ptp(points, axis=0)))


def _rms(errors: Points) -> float:
    return float(np.sqrt((errors**2).sum(axis=1).mean()))


def _is_line(points: Points) -> bool:
    """Whether all points are one, or on one line."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] <= 1e-3 * spread[0])


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A person in the camera's frame.

    Attributes:
        track_id: The person's number, or None.
        score: The person's.
        points: float32 (K, 4), x, y, z in metres in the camera's optical frame, score.
    """

    track_id: int | None
    score: float
    points: npt.NDArray[np.float32]


def place_all(scene: Scene, lens: Lens, min_score: float) -> list[Placed]:
    """Place the persons of a Scene, in their order, without those whose place cannot be told.

    Raises:
        PlacingError: The Scene is not of this lens's images.
    """
    height, width = scene.person_mask.shape
    lens.check(width, height)
    placed = []
    for person in scene.persons:
        if person.keypoints_3d is None:
            continue
        points = place(person.keypoints, person.keypoints_3d, lens, min_score)
        if points is not None:
            placed.append(Placed(person.track_id, person.score, points))
    return placed


def keypoints_3d(types: MessageTypes, header: Any, names: Sequence[str], people: Sequence[Placed]) -> Any:
    """Make the vision_msgs/Detection3DArray `keypoints_3d`: one result per keypoint of every placed person.

    A result's class_id is the keypoint's name, its position is in metres in the image's optical frame; the
    box holds all keypoints.

    Args:
        types: The message classes.
        header: Handed through.
        names: Of the keypoints.
        people: Those who were placed.
    """
    message = types.Detection3DArray()
    message.header = header
    message.detections = detections = []
    for person in people:
        detection = types.Detection3D()
        detection.header = header
        detection.id = "" if person.track_id is None else str(person.track_id)
        low, high = person.points[:, :3].min(axis=0), person.points[:, :3].max(axis=0)
        position, size = detection.bbox.center.position, detection.bbox.size
        position.x, position.y, position.z = ((low + high) / 2).tolist()
        size.x, size.y, size.z = (high - low).tolist()
        detection.results = results = []
        for name, (x, y, z, score) in zip(names, person.points.tolist(), strict=True):
            result = types.ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = name, score
            position = result.pose.pose.position
            position.x, position.y, position.z = x, y, z
            results.append(result)
        detections.append(detection)
    return message
