"""Logits on the output grid -> person mask and part labels of the image, exactly, at the cost of outlines.

The reference resizes the logits to the internal size, takes the sigmoid, resizes again to the image, compares
person with the threshold and takes the largest part. Both resizes are bilinear, so every value is a convex
combination of its four neighbours, and the sigmoid is monotone. Hence:

- a grid cell whose four corners all lie above (below) the threshold is all person (background);
- a part that leads at all four corners leads in the whole cell, and a part that some leader of a corner beats
  at all four corners leads nowhere in it;
- the same holds for each internal step within a cell, whose pixels depend on its four internal corners only.

What is left for arithmetic per pixel are the steps that an outline crosses.
"""

import math

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, kernel
from bodypix_ros.segmenters.bodypix.geometry import Geometry

_PAD = 64  # more than the largest stride: length of the scratch rows of one cell


def person_and_parts(
    segments: npt.NDArray[np.float32],
    parts: npt.NDArray[np.float32] | None,
    geometry: Geometry,
    threshold: float,
    person_mask: npt.NDArray[np.uint8],
    part_mask: npt.NDArray[np.uint8] | None,
) -> None:
    """Fill the person mask and, with `parts`, the part mask.

    Args:
        segments: float32 (points_y, points_x, 1), logits of person.
        parts: float32 (points_y, points_x, 24), logits of the parts, or None.
        geometry: Of the image's size.
        threshold: Person where the probability is above it.
        person_mask: uint8 (H, W), overwritten with 0 and 1.
        part_mask: uint8 (H, W), overwritten with 0 and part id + 1.
    """
    if parts is None or part_mask is None:
        parts, part_mask = _NO_PARTS, _NO_MASK
    person_mask.fill(0)
    part_mask.fill(0)
    y, x = geometry.y, geometry.x
    _masks(
        segments, parts, geometry.stride, np.float32(threshold), np.float32(_logit(threshold)),
        y.first, y.fraction, x.first, x.fraction, person_mask, part_mask,
    )  # fmt: skip


def confidence(segments: npt.NDArray[np.float32], geometry: Geometry, out: npt.NDArray[np.uint8]) -> None:
    """Fill `out`, uint8 (H, W), with the probability of person * 255, rounded to nearest."""
    y, x = geometry.y, geometry.x
    _confidence(
        segments, geometry.stride, y.internal, x.internal, y.step, y.fraction, x.step, x.fraction, out
    )


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))


_NO_PARTS = np.zeros((1, 1, 0), np.float32)
_NO_MASK = np.zeros((0, 0), np.uint8)


@kernel(inline=True)
def _sigmoid(value: float) -> np.float32:
    score: np.float32 = np.float32(1) / (np.float32(1) + np.exp(-value))
    return score


@kernel(inline=True)
def _mix(corners: Array, fy: float, fx: float) -> np.float32:
    top = corners[0] + (corners[1] - corners[0]) * fx
    bottom = corners[2] + (corners[3] - corners[2]) * fx
    score: np.float32 = top + (bottom - top) * fy
    return score


@kernel(inline=True)
def _fill(image: Array, i0: int, i1: int, j0: int, j1: int, value: int) -> None:
    for i in range(i0, i1):
        for j in range(j0, j1):
            image[i, j] = value


@kernel(inline=True)
def _leaders(parts: Array, leader: Array) -> None:
    """The leading part at each grid point; of equal ones the first, as argmax has it."""
    for y in range(parts.shape[0]):
        for x in range(parts.shape[1]):
            best = 0
            for c in range(1, parts.shape[2]):
                if parts[y, x, c] > parts[y, x, best]:
                    best = c
            leader[y, x] = best


@kernel(inline=True)
def _candidates(parts: Array, leader: Array, y0: int, y1: int, x0: int, x1: int, candidate: Array) -> int:
    """Write the parts that may lead somewhere in a cell, in rising order; return how many there are."""
    leaders = (leader[y0, x0], leader[y0, x1], leader[y1, x0], leader[y1, x1])
    count = 0
    for c in range(parts.shape[2]):
        beaten = False
        for d in leaders:
            if c == d:
                beaten = False
                break
            beaten |= (
                parts[y0, x0, d] >= parts[y0, x0, c]
                and parts[y0, x1, d] >= parts[y0, x1, c]
                and parts[y1, x0, d] >= parts[y1, x0, c]
                and parts[y1, x1, d] >= parts[y1, x1, c]
            )
        if not beaten:
            candidate[count] = c
            count += 1
    return count


@kernel(
    "void(Array(float32, 3, 'C', readonly=True), Array(float32, 3, 'C', readonly=True), intp, float32,"
    " float32, int32[::1], float32[::1], int32[::1], float32[::1], uint8[:, ::1], uint8[:, ::1])"
)
def _masks(
    segments: Array,
    parts: Array,
    stride: int,
    threshold: float,
    logit: float,
    first_y: Array,
    fraction_y: Array,
    first_x: Array,
    fraction_x: Array,
    person: Array,
    labels: Array,
) -> None:
    points_y, points_x, channels = segments.shape[0], segments.shape[1], parts.shape[2]
    steps_y, steps_x = first_y.size - 1, first_x.size - 1
    leader = np.zeros((points_y, points_x), np.intp)
    _leaders(parts, leader)
    candidate = np.zeros(max(channels, 1), np.intp)
    # Two internal rows of the cell at hand: logits of person and of each candidate, who leads, who is person.
    segment = np.empty((2, _PAD), np.float32)
    above = np.empty((2, _PAD), np.uint8)
    part = np.empty((2, max(channels, 1), _PAD), np.float32)
    lead = np.zeros((2, _PAD), np.intp)
    corners = np.empty(4, np.float32)
    part_corners = np.empty((max(channels, 1), 4), np.float32)
    lerp = np.arange(stride + 1).astype(np.float32) / np.float32(stride)

    for y0 in range(max(points_y - 1, 1)):
        y1 = min(y0 + 1, points_y - 1)
        rows = min(stride, steps_y - y0 * stride)
        top, bottom = first_y[y0 * stride], first_y[y0 * stride + rows]
        if top == bottom:
            continue
        for x0 in range(max(points_x - 1, 1)):
            x1 = min(x0 + 1, points_x - 1)
            columns = min(stride, steps_x - x0 * stride)
            left, right = first_x[x0 * stride], first_x[x0 * stride + columns]
            if left == right:
                continue
            s00, s01 = segments[y0, x0, 0], segments[y0, x1, 0]
            s10, s11 = segments[y1, x0, 0], segments[y1, x1, 0]
            count = (s00 > logit) + (s01 > logit) + (s10 > logit) + (s11 > logit)
            if count == 0:
                continue
            n = 0
            if channels:
                same = leader[y0, x0] == leader[y0, x1] == leader[y1, x0] == leader[y1, x1]
                candidate[0], n = leader[y0, x0], 1
                if not same:
                    n = _candidates(parts, leader, y0, y1, x0, x1, candidate)
            if count == 4 and n <= 1:
                _fill(person, top, bottom, left, right, 1)
                if channels:
                    _fill(labels, top, bottom, left, right, candidate[0] + 1)
                continue

            for r in range(rows + 1):
                now, before = r & 1, (r + 1) & 1
                a = s00 + (s10 - s00) * lerp[r]
                b = s01 + (s11 - s01) * lerp[r]
                for s in range(columns + 1):
                    segment[now, s] = a + (b - a) * lerp[s]
                    above[now, s] = segment[now, s] > logit
                if n > 1:
                    for m in range(n):
                        c = candidate[m]
                        a = parts[y0, x0, c] + (parts[y1, x0, c] - parts[y0, x0, c]) * lerp[r]
                        b = parts[y0, x1, c] + (parts[y1, x1, c] - parts[y0, x1, c]) * lerp[r]
                        for s in range(columns + 1):
                            part[now, m, s] = a + (b - a) * lerp[s]
                    for s in range(columns + 1):
                        best = 0
                        for m in range(1, n):
                            best = m if part[now, m, s] > part[now, best, s] else best
                        lead[now, s] = best
                if r == 0:
                    continue
                i0, i1 = first_y[y0 * stride + r - 1], first_y[y0 * stride + r]
                if i0 == i1:
                    continue
                for s in range(columns):
                    j0, j1 = first_x[x0 * stride + s], first_x[x0 * stride + s + 1]
                    if j0 == j1:
                        continue
                    count = above[before, s] + above[before, s + 1] + above[now, s] + above[now, s + 1]
                    if count == 0:
                        continue
                    best = lead[before, s] if n > 1 else 0
                    same = n <= 1 or (
                        best == lead[before, s + 1] and best == lead[now, s] and best == lead[now, s + 1]
                    )
                    if count == 4 and same:
                        _fill(person, i0, i1, j0, j1, 1)
                        if channels:
                            _fill(labels, i0, i1, j0, j1, candidate[best] + 1)
                        continue
                    if count < 4:
                        corners[0], corners[1] = (
                            _sigmoid(segment[before, s]),
                            _sigmoid(segment[before, s + 1]),
                        )
                        corners[2], corners[3] = _sigmoid(segment[now, s]), _sigmoid(segment[now, s + 1])
                    if not same:
                        for m in range(n):
                            part_corners[m, 0] = _sigmoid(part[before, m, s])
                            part_corners[m, 1] = _sigmoid(part[before, m, s + 1])
                            part_corners[m, 2] = _sigmoid(part[now, m, s])
                            part_corners[m, 3] = _sigmoid(part[now, m, s + 1])
                    for i in range(i0, i1):
                        for j in range(j0, j1):
                            if count < 4 and not _mix(corners, fraction_y[i], fraction_x[j]) > threshold:
                                continue
                            person[i, j] = 1
                            if channels:
                                if not same:
                                    best, largest = 0, np.float32(-1)
                                    for m in range(n):
                                        score = _mix(part_corners[m], fraction_y[i], fraction_x[j])
                                        if score > largest:
                                            best, largest = m, score
                                labels[i, j] = candidate[best] + 1


@kernel(
    "void(Array(float32, 3, 'C', readonly=True), intp, intp, intp, int32[::1], float32[::1], int32[::1],"
    " float32[::1], uint8[:, ::1])"
)
def _confidence(
    segments: Array,
    stride: int,
    internal_y: int,
    internal_x: int,
    step_y: Array,
    fraction_y: Array,
    step_x: Array,
    fraction_x: Array,
    out: Array,
) -> None:
    score = np.empty((internal_y, internal_x), np.float32)
    for i in range(internal_y):
        y0 = i // stride
        y1, fy = min(y0 + 1, segments.shape[0] - 1), np.float32(i % stride) / np.float32(stride)
        for j in range(internal_x):
            x0 = j // stride
            x1, fx = min(x0 + 1, segments.shape[1] - 1), np.float32(j % stride) / np.float32(stride)
            a = segments[y0, x0, 0] + (segments[y1, x0, 0] - segments[y0, x0, 0]) * fy
            b = segments[y0, x1, 0] + (segments[y1, x1, 0] - segments[y0, x1, 0]) * fy
            score[i, j] = _sigmoid(a + (b - a) * fx)
    for i in range(out.shape[0]):
        y0 = step_y[i]
        y1 = min(y0 + 1, internal_y - 1)
        for j in range(out.shape[1]):
            x0 = step_x[j]
            x1 = min(x0 + 1, internal_x - 1)
            a = score[y0, x0] + (score[y0, x1] - score[y0, x0]) * fraction_x[j]
            b = score[y1, x0] + (score[y1, x1] - score[y1, x0]) * fraction_x[j]
            out[i, j] = np.uint8((a + (b - a) * fraction_y[i]) * np.float32(255) + np.float32(0.5))
