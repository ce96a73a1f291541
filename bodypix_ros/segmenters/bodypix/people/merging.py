"""Poses of several passes -> one pose per person."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINT_SIGMAS
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.roots import falling
from bodypix_ros.segmenters.bodypix.people.decoding import extent

_LEAST = 0.02
"""Trust of a pose from which it counts."""
_SAME = 0.5
"""Similarity of keypoints (OKS) above which two poses are one person."""
_AREA = 0.35
"""Area of a person by the square of the longer side."""
_VARIANCE = np.square(2 * np.array(KEYPOINT_SIGMAS, np.float32))


def merge(
    poses: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], most: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Join poses of the same person.

    Args:
        poses: float32 (N, 17, 3), x, y in picture pixels, score; of all passes.
        scores: float32 (N,), how far each is trusted.
        most: At most so many people.

    Returns:
        float32 (M, 17, 3) and float32 (M,), by falling score. A keypoint is the mean over the poses of its
        person, and its score the best of them.
    """
    found = np.empty((most, *poses.shape[1:]), np.float32)
    trusted = np.empty(most, np.float32)
    count = _merge(poses, scores, _VARIANCE, found, trusted)
    return found[:count], trusted[:count]


def similarity(poses: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How alike poses are: COCO's object keypoint similarity, 0..1, by the larger one's size.

    Args:
        poses: float32 (N, 17, 3), x, y in picture pixels, score.
        others: float32 (M, 17, 3).

    Returns:
        float32 (N, M).
    """
    alike = np.empty((len(poses), len(others)), np.float32)
    _similarity(poses, others, _VARIANCE, alike)
    return alike


@kernel(inline=True)
def _alike(pose: Array, other: Array, variance: Array, size: Float) -> Float:
    """Similarity of two poses for a person of that size."""
    area = np.float32(_AREA) * size * size
    total = np.float32(0)
    for k in range(pose.shape[0]):
        dx, dy = pose[k, 0] - other[k, 0], pose[k, 1] - other[k, 1]
        total += np.exp(-(dx * dx + dy * dy) / (2 * variance[k] * area))
    alike: Float = total / np.float32(pose.shape[0])
    return alike


@kernel(
    "void(Array(float32, 3, 'A', readonly=True), Array(float32, 3, 'A', readonly=True), float32[::1],"
    " float32[:, ::1])"
)
def _similarity(poses: Array, others: Array, variance: Array, out: Array) -> None:
    for n in range(poses.shape[0]):
        size = extent(poses[n])
        for m in range(others.shape[0]):
            out[n, m] = _alike(poses[n], others[m], variance, max(size, extent(others[m])))


@kernel(
    "intp(Array(float32, 3, 'A', readonly=True), Array(float32, 1, 'A', readonly=True), float32[::1],"
    " float32[:, :, ::1], float32[::1])"
)
def _merge(poses: Array, scores: Array, variance: Array, out: Array, trusted: Array) -> int:
    keypoints = poses.shape[1]
    order = falling(scores)
    size = np.empty(poses.shape[0], np.float32)
    for n in order:
        size[n] = extent(poses[n])
    first = np.empty(out.shape[0], np.intp)  # the best pose of each person
    weight = np.empty((out.shape[0], keypoints), np.float32)
    count = 0
    for n in order:
        if not scores[n] > np.float32(_LEAST):
            break
        person = -1
        for g in range(count):
            m = first[g]
            if _alike(poses[n], poses[m], variance, max(size[m], size[n] * np.float32(0.5))) > _SAME:
                person = g
                break
        if person < 0:
            if count == out.shape[0]:
                continue
            person = count
            first[person], trusted[person] = n, scores[n]
            out[person] = 0
            weight[person] = 0
            count += 1
        m = first[person]
        area = np.float32(_AREA) * size[m] ** 2
        for k in range(keypoints):
            dx, dy = poses[n, k, 0] - poses[m, k, 0], poses[n, k, 1] - poses[m, k, 1]
            near = np.exp(-(dx * dx + dy * dy) / (8 * variance[k] * area))
            w = scores[n] * (poses[n, k, 2] + np.float32(0.02)) * near
            out[person, k, 0] += w * poses[n, k, 0]
            out[person, k, 1] += w * poses[n, k, 1]
            out[person, k, 2] = max(out[person, k, 2], poses[n, k, 2])
            weight[person, k] += w
    for person in range(count):
        for k in range(keypoints):
            out[person, k, 0] /= weight[person, k]  # the best pose's own weight is above 0
            out[person, k, 1] /= weight[person, k]
    return count
