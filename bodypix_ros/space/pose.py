"""Persons in metres -> persons in the camera's frame.

A model gives a person's keypoints in metres around the hips, and in pixels of the image. Where the camera
must stand for the ones to be seen as the others is what `solvePnP` finds.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens, Points

LEAST_POINTS: Final = 6
"""So many keypoints in pixels and metres place a person."""

LARGEST_ERROR: Final = 0.1
"""A person is placed if it is seen where its keypoints are, up to so much of its size in the image (RMS)."""

NEAREST_M: Final = 0.05
"""Nobody is nearer than so many metres."""


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
