"""Heatmaps, offsets and displacements of a pass -> poses, with keypoints between the points of its grid.

As the original decodes, but that every step along the skeleton reads the grid bilinearly and is refined five
times instead of twice, the root's, too.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.roots import TREE, falling, find_roots, is_near
from bodypix_ros.segmenters.bodypix.original.scores import probability
from bodypix_ros.segmenters.bodypix.people.views import View

MOST = 30
"""Poses that are decoded in a pass."""
_ROOT = 0.1
"""Least score of a keypoint that a pose starts from."""
_NMS_RADIUS = 20.0
"""Pixels of input within which a root belongs to an earlier pose."""
_REFINE = 5
_SEEN = 0.2
"""Keypoints above this score say how large a person is."""
_TOO_SMALL, _LARGE_ENOUGH, _SMALL_ENOUGH, _TOO_LARGE = 50.0, 180.0, 350.0, 850.0
"""Sizes in pixels of input between which a pose becomes, and ceases to be, trusted."""
_MARGIN = 12.0
"""Pixels of input between a keypoint and a crop's edge from which it counts as inside."""


class Found(NamedTuple):
    """The poses of a pass, best root first.

    Attributes:
        poses: float32 (N, 17, 3): x, y in picture pixels, score.
        trusted: float32 (N,), how far each is trusted, 0..1.
        scores: float32 (N,), the mean score of those keypoints that no earlier pose has.
    """

    poses: npt.NDArray[np.float32]
    trusted: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]


def decode(
    heatmaps: npt.NDArray[np.float32],
    short_offsets: npt.NDArray[np.float32],
    forward: npt.NDArray[np.float32],
    backward: npt.NDArray[np.float32],
    view: View,
    shape: tuple[int, int],
    stride: int,
) -> Found:
    """Decode the poses of a pass.

    Args:
        heatmaps: float32 (points_y, points_x, 17), logits.
        short_offsets: float32 (points_y, points_x, 34), dy then dx, pixels of input.
        forward: float32 (points_y, points_x, 32), displacements parent to child, dy then dx.
        backward: float32 (points_y, points_x, 32), displacements child to parent.
        view: What the pass saw.
        shape: Rows and columns of the picture.
        stride: Pixels of input between two points.
    """
    found = np.empty((MOST, len(KEYPOINTS), 3), np.float32)
    trusted, scores = np.empty(MOST, np.float32), np.empty(MOST, np.float32)
    count = _decode(
        heatmaps, short_offsets, forward, backward, TREE, stride, view.step, view.left, view.top,
        shape[0], shape[1], found, trusted, scores,
    )  # fmt: skip
    return Found(found[:count], trusted[:count], scores[:count])


@kernel(inline=True)
def extent(pose: Array) -> Float:
    """Longer side of the box of a pose's keypoints that score enough; of the best four, where too few do."""
    x0, y0, x1, y1 = bounds(pose)
    longer: Float = max(x1 - x0, y1 - y0, np.float32(4))
    return longer


@kernel(inline=True)
def bounds(pose: Array) -> tuple[Float, Float, Float, Float]:
    """x0, y0, x1, y1 of those keypoints."""
    least, count = np.float32(_SEEN), 0
    for k in range(pose.shape[0]):
        count += pose[k, 2] > least
    if count < 3:
        best = np.full(4, -np.inf, np.float32)
        for k in range(pose.shape[0]):
            worst = 0
            for m in range(1, 4):
                if best[m] < best[worst]:
                    worst = m
            best[worst] = max(best[worst], pose[k, 2])
        least = np.min(best)
    x0 = y0 = np.float32(np.inf)
    x1 = y1 = np.float32(-np.inf)
    for k in range(pose.shape[0]):
        if pose[k, 2] > least or (count < 3 and pose[k, 2] == least):
            x0, x1 = min(x0, pose[k, 0]), max(x1, pose[k, 0])
            y0, y1 = min(y0, pose[k, 1]), max(y1, pose[k, 1])
    return x0, y0, x1, y1


@kernel(inline=True)
def trust(size: Float) -> Float:
    """How far a pose of `size` pixels of input is trusted: rises, and falls again, with its logarithm."""
    rise = (np.log(size) - np.log(_TOO_SMALL)) / (np.log(_LARGE_ENOUGH) - np.log(_TOO_SMALL))
    fall = (np.log(_TOO_LARGE) - np.log(size)) / (np.log(_TOO_LARGE) - np.log(_SMALL_ENOUGH))
    trusted: Float = min(max(min(rise, fall), 0.0), 1.0)
    return trusted


@kernel(inline=True)
def _between(grid: Array, y: Float, x: Float, c: int) -> Float:
    """A channel of a grid at (y, x), in points and clamped, bilinearly."""
    points_y, points_x = grid.shape[0], grid.shape[1]
    y, x = min(max(y, 0.0), points_y - 1.0), min(max(x, 0.0), points_x - 1.0)
    i, j = min(int(y), points_y - 2), min(int(x), points_x - 2)
    fy, fx = y - i, x - j
    upper = grid[i, j, c] + (grid[i, j + 1, c] - grid[i, j, c]) * fx
    lower = grid[i + 1, j, c] + (grid[i + 1, j + 1, c] - grid[i + 1, j, c]) * fx
    value: Float = upper + (lower - upper) * fy
    return value


@kernel(inline=True)
def _refined(offsets: Array, stride: int, y: Float, x: Float, k: int, times: int) -> tuple[Float, Float]:
    keypoints = offsets.shape[2] // 2
    last_y, last_x = (offsets.shape[0] - 1.0) * stride, (offsets.shape[1] - 1.0) * stride
    for _ in range(times):
        y, x = min(max(y, 0.0), last_y), min(max(x, 0.0), last_x)
        dy = _between(offsets, y / stride, x / stride, k)
        x += _between(offsets, y / stride, x / stride, keypoints + k)
        y += dy
    return y, x


_GRID = "Array(float32, 3, 'C', readonly=True)"


@kernel(
    f"intp({_GRID}, {_GRID}, {_GRID}, {_GRID}, intp[:, ::1], intp, float64, float64, float64, intp, intp,"
    " float32[:, :, ::1], float32[::1], float32[::1])"
)
def _decode(
    heatmaps: Array, offsets: Array, forward: Array, backward: Array, tree: Array, stride: int, step: Float,
    left: Float, top: Float, height: int, width: int, out: Array, trusted: Array, scores: Array,
) -> int:  # fmt: skip
    points_y, points_x, keypoints = heatmaps.shape
    edges = tree.shape[0]
    least = np.float32(np.log(_ROOT / (1.0 - _ROOT)))
    root = np.empty((heatmaps.size, 3), np.intp)
    logit = np.empty(heatmaps.size, np.float32)
    found = find_roots(heatmaps, least, root, logit)
    order = falling(logit[:found])

    poses = np.zeros((out.shape[0], keypoints, 3))
    squared_radius = _NMS_RADIUS * _NMS_RADIUS
    known = np.empty(keypoints, np.bool_)
    last_y, last_x = (height - 1 - top) / step, (width - 1 - left) / step
    margin = _MARGIN
    count = 0
    for index in order:
        if count == out.shape[0]:
            break
        i, j, k = root[index, 0], root[index, 1], root[index, 2]
        y = i * stride + np.float64(offsets[i, j, k])
        x = j * stride + np.float64(offsets[i, j, keypoints + k])
        y, x = _refined(offsets, stride, y, x, k, _REFINE - 1)
        if is_near(poses, count, k, y, x, squared_radius):
            continue
        pose = poses[count]
        pose[k, 0], pose[k, 1], pose[k, 2] = x, y, probability(logit[index])
        known[:] = False
        known[k] = True
        for walk in range(2 * edges):
            edge = edges - 1 - walk if walk < edges else walk - edges
            source, target = tree[edge, 0], tree[edge, 1]
            if walk < edges:
                source, target = target, source
            if not known[source] or known[target]:
                continue
            at_y, at_x = pose[source, 1] / stride, pose[source, 0] / stride
            if walk < edges:
                y = pose[source, 1] + _between(backward, at_y, at_x, edge)
                x = pose[source, 0] + _between(backward, at_y, at_x, edges + edge)
            else:
                y = pose[source, 1] + _between(forward, at_y, at_x, edge)
                x = pose[source, 0] + _between(forward, at_y, at_x, edges + edge)
            y, x = _refined(offsets, stride, y, x, target, _REFINE)
            pose[target, 0], pose[target, 1] = x, y
            pose[target, 2] = probability(_between(heatmaps, y / stride, x / stride, target))
            known[target] = True
        total, inside = 0.0, 0
        for m in range(keypoints):
            x, y = pose[m, 0], pose[m, 1]
            if not is_near(poses, count, m, y, x, squared_radius):
                total += pose[m, 2]
            within = left <= 1 or x > margin
            within &= top <= 1 or y > margin
            within &= last_x < (points_x - 1) * stride + 1 / step or x < (points_x - 1) * stride - margin
            within &= last_y < (points_y - 1) * stride + 1 / step or y < (points_y - 1) * stride - margin
            inside += within
            out[count, m, 0] = left + x * step
            out[count, m, 1] = top + y * step
            out[count, m, 2] = pose[m, 2]
        share = inside / keypoints
        worth = np.sqrt(total / keypoints * probability(logit[index])) * trust(extent(out[count]) / step)
        trusted[count] = worth * share * share
        scores[count] = total / keypoints
        count += 1
    return count
