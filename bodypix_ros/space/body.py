"""Which way somebody faces: the frame of a body, as REP-155 has it."""

from collections.abc import Sequence

import numpy as np

from bodypix_ros.space.lens import Points
from bodypix_ros.space.placing import PlacedPerson

_LEAST_M = 0.08
"""Two joints nearer than this say nothing of a direction."""


def body(placed: PlacedPerson, names: Sequence[str]) -> tuple[Points, Points]:
    """The frame of a body in the camera's optical frame: between the hips, x forward, z up.

    Where hips or shoulders are not seen the position is the origin, the image's up is up, and the body faces
    the camera.

    Args:
        placed: Somebody who has a place.
        names: Of the keypoints.

    Returns:
        float64 (3,), the origin, and (3, 3), the axes as columns.
    """
    rows = {name: row for row, name in enumerate(names)}

    def joint(name: str) -> Points | None:
        row = rows.get(name)
        if row is None or placed.keypoints[row, 3] <= 0:
            return None
        return placed.keypoints[row, :3].astype(np.float64)

    left_hip, right_hip = joint("left_hip"), joint("right_hip")
    left, right = joint("left_shoulder"), joint("right_shoulder")
    hips, shoulders = _middle(left_hip, right_hip), _middle(left, right)
    origin = placed.position if hips is None else hips
    up = np.array([0.0, -1.0, 0.0])
    if hips is not None and shoulders is not None and np.linalg.norm(shoulders - hips) > _LEAST_M:
        up = _unit(shoulders - hips)
    across = None  # to the body's left
    for one, other in ((left, right), (left_hip, right_hip)):
        if one is not None and other is not None and across is None:
            flat = (one - other) - up * (up @ (one - other))
            across = _unit(flat) if np.linalg.norm(flat) > _LEAST_M else None
    if across is None:
        toward = -placed.position / placed.distance
        forward = toward - up * (up @ toward)
        if np.linalg.norm(forward) < 1e-6:
            forward = np.array([0.0, 0.0, -1.0]) - up * -up[2]
        across = np.cross(up, _unit(forward))
    forward = np.cross(across, up)
    return origin, np.column_stack([forward, across, up])


def _middle(one: Points | None, other: Points | None) -> Points | None:
    return None if one is None or other is None else (one + other) / 2


def _unit(vector: Points) -> Points:
    unit: Points = vector / np.linalg.norm(vector)
    return unit
