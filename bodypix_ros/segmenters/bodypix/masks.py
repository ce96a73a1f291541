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

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.geometry import Geometry

_PAD = 64  # more than the largest stride: length of the scratch rows of one cell
_BACKGROUND, _OUTLINE, _CONTESTED = -1, -2, -3


def person_and_parts(
    segments: npt.NDArray[np.float32],
    parts: npt.NDArray[np.float32] | None,
    geometry: Geometry,
    threshold: float,
    person_mask: npt.NDArray[np.uint8],
    part_mask: npt.NDArray[np.uint8] | None,
    rows: tuple[int, int] | None = None,
) -> None:
    """Fill the person mask and, with `parts`, the part mask.

    Args:
        segments: float32 (points_y, points_x, 1), logits of person.
        parts: float32 (points_y, points_x, 24), logits of the parts, or None.
        geometry: Of the image's size.
        threshold: Person where the probability is above it.
        person_mask: uint8 (H, W), overwritten with 0 and 1.
        part_mask: uint8 (H, W), overwritten with 0 and part id + 1.
        rows: First row and the one after the last to fill; None: all.
    """
    if parts is None or part_mask is None:
        parts, part_mask = _NO_PARTS, _NO_MASK
    begin, end = rows or (0, geometry.y.size)
    person_mask[begin:end].fill(0)
    part_mask[begin:end].fill(0)
    y, x = geometry.y, geometry.x
    _masks(
        segments, parts, geometry.stride, np.float32(threshold), np.float32(_logit(threshold)),
        y.first if rows is None else y.first.clip(begin, end), y.fraction, x.first, x.fraction,
        person_mask, part_mask,
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
def _sigmoid(value: Float) -> Float:
    """1 / (1 + exp(-value)) within 2 ulp, without a call, so that loops over it become vector code.

    The exponential is 2^n * exp(r), |r| <= ln(2) / 2, with the polynomial of Cephes' expf for exp(r).
    """
    one, half = np.float32(1), np.float32(0.5)
    x: Float = min(max(-value, np.float32(-87)), np.float32(87))
    n = np.floor(x * np.float32(1.44269504) + half)
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
    p = ((p * r + np.float32(8.3334519073e-3)) * r + np.float32(4.1665795894e-2)) * r
    p = ((p + np.float32(1.6666665459e-1)) * r + half) * r * r + r + one
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    score: Float = one / (one + p * power)
    return score


@kernel(inline=True)
def _row(
    v00: Float, v01: Float, v10: Float, v11: Float, fy: Float, fx: Array, columns: int, out: Array
) -> None:
    """One internal row of a cell: logits between its corners, as probabilities."""
    a, b = v00 + (v10 - v00) * fy, v01 + (v11 - v01) * fy
    for s in range(columns + 1):
        out[s] = _sigmoid(a + (b - a) * fx[s])


@kernel(inline=True)
def _states(
    above: Array, below: Array, lead_above: Array, lead_below: Array, compete: bool, threshold: Float,
    columns: int, state: Array,
) -> None:  # fmt: skip
    """What the steps between two internal rows are.

    Background; on the outline of a person; within it, the candidate that leads, or contested between several.
    """
    for s in range(columns):
        count = np.int32(above[s] > threshold) + np.int32(above[s + 1] > threshold)
        count += np.int32(below[s] > threshold) + np.int32(below[s + 1] > threshold)
        state[s] = _BACKGROUND if count == 0 else (0 if count == 4 else _OUTLINE)
    if compete:
        for s in range(columns):
            same = (lead_above[s] == lead_above[s + 1]) & (lead_below[s] == lead_below[s + 1])
            same &= lead_above[s] == lead_below[s]
            state[s] = (lead_above[s] if same else _CONTESTED) if state[s] == 0 else state[s]


@kernel(inline=True)
def _mix(above: Array, below: Array, s: int, fy: Float, fx: Float) -> Float:
    """Bilinear between the steps s and s + 1 of two internal rows."""
    a, b = above[s] + (above[s + 1] - above[s]) * fx, below[s] + (below[s + 1] - below[s]) * fx
    mixed: Float = a + (b - a) * fy
    return mixed


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
    threshold: Float,
    logit: Float,
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
    # Two internal rows of the cell at hand: probabilities of person and of each candidate, and who leads.
    score = np.empty((2, _PAD), np.float32)
    part = np.empty((2, max(channels, 1), _PAD), np.float32)
    lead = np.zeros((2, _PAD), np.int32)
    largest = np.empty(_PAD, np.float32)
    state = np.empty(_PAD, np.int32)
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
            edges = first_x[x0 * stride : x0 * stride + columns + 1]
            if edges[0] == edges[columns]:
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
                _fill(person, top, bottom, edges[0], edges[columns], 1)
                if channels:
                    _fill(labels, top, bottom, edges[0], edges[columns], candidate[0] + 1)
                continue

            for r in range(rows + 1):
                now, before = r & 1, (r + 1) & 1
                _row(s00, s01, s10, s11, lerp[r], lerp, columns, score[now])
                if n > 1:
                    for m in range(n):
                        c = candidate[m]
                        _row(
                            parts[y0, x0, c], parts[y0, x1, c], parts[y1, x0, c], parts[y1, x1, c],
                            lerp[r], lerp, columns, part[now, m],
                        )  # fmt: skip
                    largest[: columns + 1] = part[now, 0, : columns + 1]
                    lead[now, : columns + 1] = 0
                    for m in range(1, n):
                        for s in range(columns + 1):
                            better = part[now, m, s] > largest[s]
                            largest[s] = part[now, m, s] if better else largest[s]
                            lead[now, s] = np.int32(m) if better else lead[now, s]
                i0, i1 = first_y[y0 * stride + max(r - 1, 0)], first_y[y0 * stride + r]
                if i0 == i1:
                    continue
                _states(score[before], score[now], lead[before], lead[now], n > 1, threshold, columns, state)
                s = 0
                while s < columns:
                    if state[s] == _BACKGROUND:
                        s += 1
                        continue
                    if state[s] >= 0:
                        first = s
                        while s < columns and state[s] == state[first]:
                            s += 1
                        _fill(person, i0, i1, edges[first], edges[s], 1)
                        if channels:
                            _fill(labels, i0, i1, edges[first], edges[s], candidate[state[first]] + 1)
                        continue
                    first = lead[now, s] if n > 1 else 0
                    same = n <= 1 or (
                        first == lead[now, s + 1]
                        and first == lead[before, s]
                        and first == lead[before, s + 1]
                    )
                    for i in range(i0, i1):
                        fy = fraction_y[i]
                        for j in range(edges[s], edges[s + 1]):
                            fx = fraction_x[j]
                            if state[s] == _OUTLINE and not (
                                _mix(score[before], score[now], s, fy, fx) > threshold
                            ):
                                continue
                            person[i, j] = 1
                            if channels:
                                best = first
                                if not same:
                                    most = _mix(part[before, 0], part[now, 0], s, fy, fx)
                                    best = 0
                                    for m in range(1, n):
                                        here = _mix(part[before, m], part[now, m], s, fy, fx)
                                        if here > most:
                                            best, most = m, here
                                labels[i, j] = candidate[best] + 1
                    s += 1


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
