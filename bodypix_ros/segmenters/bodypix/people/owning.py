"""Which pixels a person's pose claims, who is there twice, and what each is worth.

Of each person a lattice is made, 12 pixels of input apart: how far the long offsets of the points there lead
from the person's keypoints, and the logit of person. Between the points both are bilinear.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.poses import sigmoid
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
    Tables,
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
_ALIKE, _INSIDE, _WORSE = 0.8, 0.8, 0.7
"""Overlap of two people's masks, or share of one inside the other's, from which the worse is a duplicate; the
latter only where it is so much worse."""
_CONTESTED = 0.25
"""Exponent of the share of the claimed pixels that a person gets."""
_UNSEEN = 0.3
"""Stands for the mean probability of a person without pixels."""
_NOWHERE = 1e3
"""Distance of points where nobody is: nothing between them and another is near, and still it is a number."""
_FULL = 0.3
"""Pixels of a person by the square of the keypoints' longer side, below which something is wrong."""

X0, Y0, X1, Y1, OWNER, AT, ROWS, COLUMNS, KEPT = range(9)

_K = len(KEYPOINTS)


class Claims:
    """What people claim, in the order of their poses.

    Attributes:
        whole: int64 (N, 9): the box that is looked at, half open; the pass that owns the person; where the
            lattices begin, their rows and columns; whether pixels may be the person's at all.
        weights: float64 (N, 1 + P): picture pixels between the points of the lattice; how much each pass
            counts for the mask, together 1.
        distance: float32 (n,), the lattices of distances.
        score: float32 (N,), what each person is worth; 0 for one that is dropped.
    """

    def __init__(
        self,
        passes: Tables,
        poses: npt.NDArray[np.float32],
        trusted: npt.NDArray[np.float32],
        shape: tuple[int, int],
        threshold: float,
    ) -> None:
        """Work all of it out.

        Args:
            passes: Of the image.
            poses: float32 (N, 17, 3), x, y in picture pixels, score; by falling trust.
            trusted: float32 (N,), how far each is trusted.
            shape: Rows and columns of the picture.
            threshold: Logit of person above which a pixel is a person's.
        """
        self.whole = np.zeros((len(poses), 9), np.int64)
        self.weights = np.zeros((len(poses), 1 + len(passes.place)))
        points = _place(passes.at, passes.place, poses, trusted, *shape, self.whole, self.weights)
        self.distance = np.empty(points, np.float32)
        self.score = np.zeros(len(poses), np.float32)
        _weigh(
            passes.values, passes.at, passes.place, poses, trusted, threshold, self.whole, self.weights,
            self.distance, self.score,
        )  # fmt: skip


_POSES = "Array(float32, 3, 'C', readonly=True), Array(float32, 1, 'C', readonly=True)"


@kernel(f"intp(int64[:, ::1], float64[:, ::1], {_POSES}, intp, intp, int64[:, ::1], float64[:, ::1])")
def _place(
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


@kernel(inline=True)
def _meet(one: Array, other: Array) -> bool:
    """Whether two people's boxes overlap."""
    across: bool = one[X0] < other[X1] and other[X0] < one[X1]
    return across and one[Y0] < other[Y1] and other[Y0] < one[Y1]


@kernel(inline=True)
def _is_duplicate(
    n: int, m: int, whole: Array, weights: Array, distance: Array, mean: Array, claimed: Array,
    trusted: Array, threshold: Float,
) -> bool:  # fmt: skip
    """Whether person n claims what the better person m does."""
    both = np.float32(0)
    step = weights[n, 0]
    far = np.float32(FARTHEST)
    for i in range(whole[n, ROWS]):
        y = whole[n, Y0] + i * step
        if not whole[m, Y0] <= y < whole[m, Y1]:
            continue
        for j in range(whole[n, COLUMNS]):
            p = whole[n, AT] + i * whole[n, COLUMNS] + j
            if not (mean[p] > threshold and distance[p] < far):
                continue
            x = whole[n, X0] + j * step
            if on_lattice(distance, whole[m], weights[m, 0], y, x) < far:
                both += on_lattice(mean, whole[m], weights[m, 0], y, x) > threshold
    both *= np.float32(step * step)
    if both > np.float32(_ALIKE) * (claimed[n] + claimed[m] - both):
        return True
    inside = both > np.float32(_INSIDE) * max(claimed[n], np.float32(1))
    worse: bool = inside and trusted[n] < np.float32(_WORSE) * trusted[m]
    return worse


@kernel(
    f"void(float32[::1], int64[:, ::1], float64[:, ::1], {_POSES}, float64, int64[:, ::1], float64[:, ::1],"
    " float32[::1], float32[::1])"
)
def _weigh(
    values: Array, at: Array, place: Array, poses: Array, trusted: Array, threshold: Float, whole: Array,
    weights: Array, distance: Array, score: Array,
) -> None:  # fmt: skip
    people = poses.shape[0]
    logit = np.float32(threshold)
    mean, most = np.empty(distance.size, np.float32), np.empty(distance.size, np.float32)
    claimed = np.zeros(people, np.float32)  # picture pixels
    other = np.empty(people, np.intp)
    for n in range(people):
        if not whole[n, KEPT]:
            continue
        begin, end = whole[n, AT], whole[n, AT] + whole[n, ROWS] * whole[n, COLUMNS]
        step = weights[n, 0]
        _logits(values, at, place, weights[n], whole[n], mean[begin:end], most[begin:end])
        _distances(values, at, place, poses[n], whole[n], step, most[begin:end], logit, distance[begin:end])
        for p in range(begin, end):
            claimed[n] += mean[p] > logit and distance[p] < np.float32(FARTHEST)
        claimed[n] *= np.float32(step * step)
        for m in range(n):
            if (
                whole[m, KEPT]
                and _meet(whole[n], whole[m])
                and _is_duplicate(n, m, whole, weights, distance, mean, claimed, trusted, logit)
            ):
                whole[n, KEPT] = 0
                break
    for n in range(people):
        if not whole[n, KEPT]:
            continue
        step = weights[n, 0]
        count = 0
        for m in range(people):
            if m != n and whole[m, KEPT] and _meet(whole[n], whole[m]):
                other[count] = m
                count += 1
        won, total = np.float32(0), np.float32(0)
        for i in range(whole[n, ROWS]):
            y = whole[n, Y0] + i * step
            for j in range(whole[n, COLUMNS]):
                p = whole[n, AT] + i * whole[n, COLUMNS] + j
                if not (mean[p] > logit and distance[p] < np.float32(FARTHEST)):
                    continue
                x = whole[n, X0] + j * step
                mine = True
                for c in range(count):
                    m = other[c]
                    mine = mine and not on_lattice(distance, whole[m], weights[m, 0], y, x) < distance[p]
                if mine:
                    won += np.float32(1)
                    total += np.float32(sigmoid(mean[p]))
        sure = total / won if won else np.float32(_UNSEEN)
        area = max(won * np.float32(step * step), np.float32(1))
        share = min(area / max(claimed[n], np.float32(1)), np.float32(1))
        full = min(area / (np.float32(_FULL) * extent(poses[n]) ** 2), np.float32(1))
        score[n] = trusted[n] * share ** np.float32(_CONTESTED) * np.sqrt(full) * sure
