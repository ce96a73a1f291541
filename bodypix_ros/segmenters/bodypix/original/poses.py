"""Heatmaps, offsets and displacements -> poses, best root first (reference: decode_multiple_poses)."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.geometry import Geometry
from bodypix_ros.segmenters.bodypix.original.roots import TREE, falling, find_roots, is_near
from bodypix_ros.segmenters.bodypix.original.scores import probability


def decode(
    heatmaps: npt.NDArray[np.float32],
    short_offsets: npt.NDArray[np.float32],
    forward: npt.NDArray[np.float32],
    backward: npt.NDArray[np.float32],
    geometry: Geometry,
    max_detections: int,
    score_threshold: float,
    nms_radius: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Decode all poses, and give those that score enough; the others have only suppressed later ones.

    Args:
        heatmaps: float32 (points_y, points_x, 17), logits.
        short_offsets: float32 (points_y, points_x, 34), dy then dx, internal pixels.
        forward: float32 (points_y, points_x, 32), displacements parent to child, dy then dx.
        backward: float32 (points_y, points_x, 32), displacements child to parent.
        geometry: Of the image's size.
        max_detections: At most so many poses are decoded.
        score_threshold: Least score of a root keypoint, and of a pose.
        nms_radius: Internal pixels within which a keypoint belongs to an earlier pose.

    Returns:
        float32 (N, 17, 3): x, y in image pixels, score; and float32 (N,): the poses' scores; best root first.
    """
    found = np.empty((max_detections, len(KEYPOINTS), 3), np.float32)
    scores = np.empty(max_detections, np.float32)
    x, y = geometry.x, geometry.y
    count = _decode(
        heatmaps, short_offsets, forward, backward, TREE, geometry.stride, score_threshold, nms_radius,
        x.padded / x.internal, x.before, y.padded / y.internal, y.before, found, scores,
    )  # fmt: skip
    return found[:count], scores[:count]


@kernel(inline=True)
def _cell(position: Float, stride: int, points: int) -> int:
    return min(max(int(np.floor(position / stride + 0.5)), 0), points - 1)


@kernel(inline=True)
def _step(
    heatmaps: Array,
    offsets: Array,
    displacements: Array,
    stride: int,
    edge: int,
    source: int,
    target: int,
    pose: Array,
) -> None:
    """Find keypoint `target` of a pose from its known keypoint `source` along one edge of the tree."""
    points_y, points_x, keypoints = heatmaps.shape
    edges = displacements.shape[2] // 2
    i, j = _cell(pose[source, 1], stride, points_y), _cell(pose[source, 0], stride, points_x)
    y = pose[source, 1] + displacements[i, j, edge]
    x = pose[source, 0] + displacements[i, j, edges + edge]
    for _ in range(2):
        i, j = _cell(y, stride, points_y), _cell(x, stride, points_x)
        y = i * stride + np.float64(offsets[i, j, target])
        x = j * stride + np.float64(offsets[i, j, keypoints + target])
    i, j = _cell(y, stride, points_y), _cell(x, stride, points_x)
    pose[target, 0], pose[target, 1], pose[target, 2] = x, y, probability(heatmaps[i, j, target])


_GRID = "Array(float32, 3, 'C', readonly=True)"


@kernel(
    f"intp({_GRID}, {_GRID}, {_GRID}, {_GRID}, intp[:, ::1], intp, float64, float64, float64, intp, float64,"
    " intp, float32[:, :, ::1], float32[::1])"
)
def _decode(
    heatmaps: Array,
    offsets: Array,
    forward: Array,
    backward: Array,
    tree: Array,
    stride: int,
    score_threshold: Float,
    nms_radius: Float,
    scale_x: Float,
    before_x: int,
    scale_y: Float,
    before_y: int,
    out: Array,
    scores: Array,
) -> int:
    keypoints = heatmaps.shape[2]
    least = np.log(score_threshold / (1.0 - score_threshold)) if score_threshold > 0.0 else -np.inf

    root = np.empty((heatmaps.size, 3), np.intp)  # memory is not taken before it is written to
    logit = np.empty(heatmaps.size, np.float32)
    found = find_roots(heatmaps, least, root, logit)
    order = falling(logit[:found])

    # In float64, as the reference computes: rounding to a grid cell must not tip over.
    poses = np.zeros((scores.size, keypoints, 3))
    good = 0
    squared_radius = nms_radius * nms_radius
    known = np.empty(keypoints, np.bool_)
    count = 0
    for index in order:
        if count == scores.size:
            break
        i, j, k = root[index, 0], root[index, 1], root[index, 2]
        y = i * stride + np.float64(offsets[i, j, k])
        x = j * stride + np.float64(offsets[i, j, keypoints + k])
        if is_near(poses, count, k, y, x, squared_radius):
            continue
        pose = poses[count]
        pose[k, 0], pose[k, 1], pose[k, 2] = x, y, probability(logit[index])
        known[:] = False
        known[k] = True
        for edge in range(tree.shape[0] - 1, -1, -1):
            parent, child = tree[edge, 0], tree[edge, 1]
            if known[child] and not known[parent]:
                _step(heatmaps, offsets, backward, stride, edge, child, parent, pose)
                known[parent] = True
        for edge in range(tree.shape[0]):
            parent, child = tree[edge, 0], tree[edge, 1]
            if known[parent] and not known[child]:
                _step(heatmaps, offsets, forward, stride, edge, parent, child, pose)
                known[child] = True
        total = 0.0
        for m in range(keypoints):
            if not is_near(poses, count, m, pose[m, 1], pose[m, 0], squared_radius):
                total += pose[m, 2]
        count += 1
        if total / keypoints >= score_threshold:
            for m in range(keypoints):
                out[good, m, 0] = pose[m, 0] * scale_x - before_x
                out[good, m, 1] = pose[m, 1] * scale_y - before_y
                out[good, m, 2] = pose[m, 2]
            scores[good] = total / keypoints
            good += 1
    return good
