"""Where poses begin: helpers of whoever decodes them. Nothing here is compiled by itself."""

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS, POSE_TREE
from bodypix_ros.kernels import Array, Float, kernel

TREE = np.array([[KEYPOINTS.index(parent), KEYPOINTS.index(child)] for parent, child in POSE_TREE], np.intp)


@kernel(inline=True)
def is_near(poses: Array, count: int, k: int, y: Float, x: Float, squared_radius: Float) -> bool:
    """Is (y, x) within the radius of keypoint k of one of the first `count` poses?"""
    for n in range(count):
        dy, dx = poses[n, k, 1] - y, poses[n, k, 0] - x
        if dy * dy + dx * dx <= squared_radius:
            return True
    return False


@kernel(inline=True)
def falling(values: Array) -> Array:
    """The indices that sort values from the largest down, equal ones in their order: a merge sort.

    numpy's own takes numba five seconds to compile.
    """
    order, merged = np.arange(values.size), np.empty(values.size, np.intp)
    width = 1
    while width < values.size:
        for begin in range(0, values.size, 2 * width):
            middle, end = min(begin + width, values.size), min(begin + 2 * width, values.size)
            i, j = begin, middle
            for k in range(begin, end):
                if i < middle and (j == end or values[order[i]] >= values[order[j]]):
                    merged[k] = order[i]
                    i += 1
                else:
                    merged[k] = order[j]
                    j += 1
        order, merged = merged, order
        width *= 2
    return order


@kernel(inline=True)
def find_roots(heatmaps: Array, least: Float, root: Array, logit: Array) -> int:
    """Write where keypoints are at or above a logit and not below any neighbour of the same keypoint.

    `root` gets rows, columns and keypoints, `logit` their values; returns how many there are.
    """
    points_y, points_x, keypoints = heatmaps.shape
    found = 0
    for y in range(points_y):
        for x in range(points_x):
            for k in range(keypoints):
                value = heatmaps[y, x, k]
                if not value >= least:
                    continue
                largest = True
                for i in range(max(y - 1, 0), min(y + 2, points_y)):
                    for j in range(max(x - 1, 0), min(x + 2, points_x)):
                        largest = largest and not heatmaps[i, j, k] > value
                if not largest:
                    continue
                root[found, 0], root[found, 1], root[found, 2] = y, x, k
                logit[found] = value
                found += 1
    return found
