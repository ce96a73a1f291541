"""Where a person's head is, by keypoints."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

_FACE: Final = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_SHOULDERS: Final = ("left_shoulder", "right_shoulder")
_OF_FACE, _OF_WIDTH, _OF_NECK = 1.25, 0.3, 0.4
"""Radius of a head in distances: from the middle of the face's keypoints to the farthest of them, from one
shoulder to the other, from the middle of the face to that of the shoulders. The largest counts: from the side
shoulders show no width, and from behind the face shows little."""


_FEW: Final = 3
_STRAY: Final = 4.0
"""Of more than so many keypoints of a face those are left aside that are so many times as far from the middle
as half of them are: an ear that was found on a neighbour makes no head."""


class Head(NamedTuple):
    """A disc that a head is in.

    Attributes:
        x: Of its middle, in image pixels.
        y: Of its middle.
        radius: In pixels.
    """

    x: float
    y: float
    radius: float


def head_of(keypoints: npt.NDArray[np.floating], names: Sequence[str], least: float) -> Head | None:
    """Find the head of a person.

    Args:
        keypoints: (K, 3): x, y in image pixels, score.
        names: Of the rows.
        least: Keypoints count above this score.

    Returns:
        None where no keypoint of the face counts.
    """
    face, shoulders = (_those(keypoints, names, wanted, least) for wanted in (_FACE, _SHOULDERS))
    if not len(face):
        return None
    if len(face) > _FEW:
        apart = np.hypot(*(face - np.median(face, axis=0)).T)
        face = face[apart <= _STRAY * max(float(np.median(apart)), 1.0)]
    middle = face.mean(axis=0)
    radius = _OF_FACE * float(np.hypot(*(face - middle).T).max())
    if len(shoulders):
        radius = max(radius, _OF_NECK * float(np.hypot(*(shoulders.mean(axis=0) - middle))))
    if len(shoulders) == len(_SHOULDERS):
        radius = max(radius, _OF_WIDTH * float(np.hypot(*(shoulders[1] - shoulders[0]))))
    return Head(float(middle[0]), float(middle[1]), radius)


def _those(
    keypoints: npt.NDArray[np.floating], names: Sequence[str], wanted: Sequence[str], least: float
) -> npt.NDArray[np.floating]:
    """Give x and y, (N, 2), of those that are wanted and count."""
    rows = [row for row, name in enumerate(names[: len(keypoints)]) if name in wanted]
    points = keypoints[rows]
    return points[(points[:, 2] > least) & np.isfinite(points).all(axis=1), :2]
