"""A lattice for each person: how far what lies there is from the person's keypoints, and the logit of person.

Its points are 12 pixels of input apart. How far: that the long offsets of a point lead from the keypoints.
Between the points both are bilinear.
"""

from typing import Final

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.people.decoding import extent
from bodypix_ros.segmenters.bodypix.people.passes import (
    LEFT,
    OFFSET,
    POINT,
    POINTS_X,
    POINTS_Y,
    SEGMENT,
    STEP,
    TOP,
)
from bodypix_ros.segmenters.bodypix.people.planning import person_box

FARTHEST: Final = 0.6
"""Distance of a pixel's offsets from a person's keypoints, by the person's size, within which it may be the
person's."""
LEAST_TRUST: Final = 0.05
"""Trust of a pose from which it owns pixels."""
_LATTICE = 12.0
"""Pixels of input between the points of a lattice."""
_AROUND = 0.35
"""Share of a person's size that is looked at around the person's box."""
_SWEET = 320.0
"""Size in pixels of input at which masks are best."""
_HOLDS = 0.9
"""Share of a person's box that a pass must have seen."""
_CONFIDENT = 0.3
"""Score above which a keypoint says whose a pixel is."""
_FOLLOWED = 3
"""How often the offsets are followed."""
_NOWHERE = 1e3
"""Distance of points where nobody is: nothing between them and another is near, and still it is a number."""

X0, Y0, X1, Y1, OWNER, AT, ROWS, COLUMNS, KEPT = range(9)

_K = len(KEYPOINTS)


@kernel(
    "intp(int64[:, ::1], float64[:, ::1], Array(float32, 3, 'C', readonly=True),"
    " Array(float32, 1, 'C', readonly=True), intp, intp, int64[:, ::1], float64[:, ::1])"
)
def place_all(
    at: Array, place: Array, poses: Array, trusted: Array, height: int, width: int, whole: Array,
    weights: Array,
) -> int:  # fmt: skip
    """Choose each person's passes and lattice; returns the points of all lattices."""
    points = 0
    for n in range(poses.shape[0]):
        if trusted[n] < np.float32(LEAST_TRUST):
            continue
        size = extent(poses[n])
        x0, y0, x1, y1 = person_box(poses[n], size)
        left, right = max(x0, 0.0), min(x1, width - 1.0)
        top, bottom = max(y0, 0.0), min(y1, height - 1.0)
        area = max((right - left) * (bottom - top), 1.0)
        best, total = 0, 0.0
        for k in range(place.shape[0]):
            last_y = place[k, TOP] + (at[k, POINTS_Y] - 1) * place[k, POINT]
            last_x = place[k, LEFT] + (at[k, POINTS_X] - 1) * place[k, POINT]
            high = max(min(bottom, last_y) - max(top, place[k, TOP]), 0.0)
            wide = max(min(right, last_x) - max(left, place[k, LEFT]), 0.0)
            if k and not high * wide > _HOLDS * area:
                continue
            off = np.log(size / place[k, STEP] / _SWEET)
            weights[n, 1 + k] = np.exp(-off * off) + 1e-4
            total += weights[n, 1 + k]
            if weights[n, 1 + k] > weights[n, 1 + best]:
                best = k
        weights[n, 1:] /= total
        around = np.float32(_AROUND) * size
        whole[n, X0], whole[n, X1] = max(int(x0 - around), 0), min(int(x1 + around) + 1, width)
        whole[n, Y0], whole[n, Y1] = max(int(y0 - around), 0), min(int(y1 + around) + 1, height)
        if whole[n, X1] - whole[n, X0] < 2 or whole[n, Y1] - whole[n, Y0] < 2:
            continue
        step = max(_LATTICE * place[best, STEP], 1.0)
        whole[n, OWNER], weights[n, 0] = best, step
        whole[n, AT] = points
        whole[n, ROWS] = int(np.ceil((whole[n, Y1] - 1 - whole[n, Y0]) / step)) + 1
        whole[n, COLUMNS] = int(np.ceil((whole[n, X1] - 1 - whole[n, X0]) / step)) + 1
        whole[n, KEPT] = 1
        points += whole[n, ROWS] * whole[n, COLUMNS]
    return points


@kernel(inline=True)
def on_grid(values: Array, begin: int, points_y: int, points_x: int, y: Float, x: Float) -> Float:
    """The logit of person at (y, x), in points and clamped, bilinearly."""
    y = min(max(y, np.float32(0)), np.float32(points_y - 1))
    x = min(max(x, np.float32(0)), np.float32(points_x - 1))
    i, j = min(int(y), points_y - 2), min(int(x), points_x - 2)
    fy, fx = y - np.float32(i), x - np.float32(j)
    p = begin + i * points_x + j
    upper = values[p] + (values[p + 1] - values[p]) * fx
    lower = values[p + points_x] + (values[p + points_x + 1] - values[p + points_x]) * fx
    value: Float = upper + (lower - upper) * fy
    return value


@kernel(inline=True)
def _logits(
    values: Array, at: Array, place: Array, weights: Array, whole: Array, mean: Array, most: Array
) -> None:
    """Write the logit of person at each point of a person's lattice, and the largest of any pass."""
    step = weights[0]
    columns = whole[COLUMNS]
    for i in range(whole[ROWS]):
        for j in range(columns):
            mean[i * columns + j] = 0
            most[i * columns + j] = -np.inf
    for k in range(place.shape[0]):
        weight = np.float32(weights[1 + k])
        if weight == 0:
            continue
        for i in range(whole[ROWS]):
            y = np.float32((whole[Y0] + i * step - place[k, TOP]) / place[k, POINT])
            for j in range(columns):
                x = np.float32((whole[X0] + j * step - place[k, LEFT]) / place[k, POINT])
                here = on_grid(values, at[k, SEGMENT], at[k, POINTS_Y], at[k, POINTS_X], y, x)
                mean[i * columns + j] += weight * here
                most[i * columns + j] = max(most[i * columns + j], here)


@kernel(inline=True)
def _near_person(most: Array, i: int, j: int, rows: int, columns: int, threshold: Float) -> bool:
    for a in range(max(i - 1, 0), min(i + 2, rows)):
        for b in range(max(j - 1, 0), min(j + 2, columns)):
            if most[a * columns + b] > threshold:
                return True
    return False


@kernel(inline=True)
def _distances(
    values: Array, at: Array, place: Array, pose: Array, whole: Array, step: Float, most: Array,
    threshold: Float, out: Array,
) -> None:  # fmt: skip
    """Write how far the offsets of a person's points lead from the keypoints; far where nobody is."""
    rows, columns = whole[ROWS], whole[COLUMNS]
    count, lanes = 0, np.empty(rows * columns, np.int32)
    for i in range(rows):
        for j in range(columns):
            out[i * columns + j] = np.float32(_NOWHERE)
            if _near_person(most, i, j, rows, columns, threshold):
                lanes[count] = i * columns + j
                count += 1
    owner = whole[OWNER]
    grid_y, grid_x = at[owner, POINTS_Y], at[owner, POINTS_X]
    point = np.float32(place[owner, POINT])
    to_points = np.float32(place[owner, STEP]) / point
    first_y = np.float32((whole[Y0] - place[owner, TOP]) / place[owner, POINT])
    first_x = np.float32((whole[X0] - place[owner, LEFT]) / place[owner, POINT])
    apart = np.float32(step / place[owner, POINT])
    last_y, last_x = np.float32(grid_y - 1), np.float32(grid_x - 1)

    # Keypoints that count, their places in points, and the size that distances are measured by.
    confident = 0
    for k in range(_K):
        confident += pose[k, 2] > np.float32(_CONFIDENT)
    low_x = low_y = np.float32(np.inf)
    high_x = high_y = np.float32(-np.inf)
    total = np.float32(0)
    for k in range(_K):
        if confident >= 2 and not pose[k, 2] > np.float32(_CONFIDENT):
            continue
        total += pose[k, 2]
        low_x, high_x = min(low_x, pose[k, 0]), max(high_x, pose[k, 0])
        low_y, high_y = min(low_y, pose[k, 1]), max(high_y, pose[k, 1])
    longer = max(high_x - low_x, high_y - low_y) * np.float32(0.25)
    area = max(max(high_x - low_x, longer) * max(high_y - low_y, longer), np.float32(16)) / (point * point)

    y, x = np.empty(count, np.float32), np.empty(count, np.float32)
    squared = np.zeros(count, np.float32)
    values_at = at[owner, OFFSET]
    for k in range(_K):
        if confident >= 2 and not pose[k, 2] > np.float32(_CONFIDENT):
            continue
        weight = pose[k, 2] / (total * area)
        goal_y = np.float32((pose[k, 1] - place[owner, TOP]) / place[owner, POINT])
        goal_x = np.float32((pose[k, 0] - place[owner, LEFT]) / place[owner, POINT])
        for p in range(count):
            i = lanes[p] // columns
            y[p] = first_y + np.float32(i) * apart
            x[p] = first_x + np.float32(lanes[p] - i * columns) * apart
        for _ in range(_FOLLOWED):
            for p in range(count):
                gy, gx = min(max(y[p], np.float32(0)), last_y), min(max(x[p], np.float32(0)), last_x)
                i, j = min(int(gy), grid_y - 2), min(int(gx), grid_x - 2)
                fy, fx = gy - np.float32(i), gx - np.float32(j)
                q = np.uint64(values_at + (i * grid_x + j) * 2 * _K + k)
                r = q + np.uint64(grid_x * 2 * _K)
                right, dx = np.uint64(2 * _K), np.uint64(_K)
                upper = values[q] + (values[q + right] - values[q]) * fx
                lower = values[r] + (values[r + right] - values[r]) * fx
                y[p] += (upper + (lower - upper) * fy) * to_points
                q, r = q + dx, r + dx
                upper = values[q] + (values[q + right] - values[q]) * fx
                lower = values[r] + (values[r + right] - values[r]) * fx
                x[p] += (upper + (lower - upper) * fy) * to_points
        for p in range(count):
            dy, dx_ = goal_y - y[p], goal_x - x[p]
            squared[p] += weight * (dy * dy + dx_ * dx_)
    for p in range(count):
        out[lanes[p]] = np.sqrt(squared[p])


@kernel(inline=True)
def on_lattice(lattice: Array, whole: Array, step: Float, y: Float, x: Float) -> Float:
    """A person's lattice at picture pixel (y, x), bilinearly; infinite outside the person's box."""
    if not (whole[X0] <= x < whole[X1] and whole[Y0] <= y < whole[Y1]):
        return np.float32(np.inf)
    gy, gx = np.float32((y - whole[Y0]) / step), np.float32((x - whole[X0]) / step)
    i, j = min(int(gy), whole[ROWS] - 2), min(int(gx), whole[COLUMNS] - 2)
    fy, fx = gy - np.float32(i), gx - np.float32(j)
    p = whole[AT] + i * whole[COLUMNS] + j
    upper = lattice[p] + (lattice[p + 1] - lattice[p]) * fx
    p += whole[COLUMNS]
    lower = lattice[p] + (lattice[p + 1] - lattice[p]) * fx
    value: Float = upper + (lower - upper) * fy
    return value


@kernel(
    "void(float32[::1], int64[:, ::1], float64[:, ::1], Array(float32, 3, 'C', readonly=True), float64,"
    " int64[:, ::1], float64[:, ::1], intp, intp, float32[::1], float32[::1], float32[::1])"
)
def claim(
    values: Array, at: Array, place: Array, poses: Array, threshold: Float, whole: Array, weights: Array,
    begin: int, end: int, mean: Array, distance: Array, claimed: Array,
) -> None:  # fmt: skip
    """Fill the lattices of people begin to end, and count the picture's pixels that they claim."""
    logit, points = np.float32(threshold), 0
    for n in range(begin, end):
        points = max(points, whole[n, ROWS] * whole[n, COLUMNS])
    most = np.empty(points, np.float32)
    for n in range(begin, end):
        if not whole[n, KEPT]:
            continue
        first, last = whole[n, AT], whole[n, AT] + whole[n, ROWS] * whole[n, COLUMNS]
        step = weights[n, 0]
        _logits(values, at, place, weights[n], whole[n], mean[first:last], most)
        _distances(values, at, place, poses[n], whole[n], step, most, logit, distance[first:last])
        for p in range(first, last):
            claimed[n] += mean[p] > logit and distance[p] < np.float32(FARTHEST)
        claimed[n] *= np.float32(step * step)
