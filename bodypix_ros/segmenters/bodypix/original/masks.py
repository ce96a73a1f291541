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

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.geometry import Geometry
from bodypix_ros.segmenters.bodypix.original.instances import give
from bodypix_ros.segmenters.bodypix.original.scores import sigmoid

_LANES = 16
"""Floats of the longest vectors that processors have."""
_BACKGROUND, _OUTLINE, _CONTESTED = -1, -2, -3


def confidence(segments: npt.NDArray[np.float32], geometry: Geometry, out: npt.NDArray[np.uint8]) -> None:
    """Fill `out`, uint8 (H, W), with the probability of person * 255, rounded to nearest."""
    y, x = geometry.y, geometry.x
    _confidence(
        segments, geometry.stride, y.internal, x.internal, y.step, y.fraction, x.step, x.fraction, out
    )


@kernel(inline=True)
def _probabilities(v00: Float, v01: Float, v10: Float, v11: Float, fy: Array, fx: Array, out: Array) -> None:
    """The internal points of a cell: logits between its corners, as probabilities."""
    for p in range(out.size):
        a, b = v00 + (v10 - v00) * fy[p], v01 + (v11 - v01) * fy[p]
        out[p] = sigmoid(a + (b - a) * fx[p])


@kernel(inline=True)
def _lead(part: Array, n: int, largest: Array, lead: Array) -> None:
    """Which of the first n candidates leads at each internal point; of equal ones the first."""
    for p in range(lead.size):
        largest[p] = part[0, p]
        lead[p] = 0
    for m in range(1, n):
        values, here = part[m], np.int32(m)
        for p in range(lead.size):
            lead[p] = here if values[p] > largest[p] else lead[p]
            largest[p] = max(values[p], largest[p])


@kernel(inline=True)
def _states(score: Array, lead: Array, threshold: Float, across: int, state: Array) -> None:
    """What the internal steps are, each named by its first corner; `across` points make a row.

    Background; on the outline of a person; within it, the candidate that leads, or contested between several.
    """
    score1, score2, score3 = score[1:], score[across:], score[across + 1 :]
    lead1, lead2, lead3 = lead[1:], lead[across:], lead[across + 1 :]
    for p in range(state.size):
        count = np.int32(score[p] > threshold) + np.int32(score1[p] > threshold)
        count += np.int32(score2[p] > threshold) + np.int32(score3[p] > threshold)
        same = (lead[p] == lead1[p]) & (lead2[p] == lead3[p]) & (lead[p] == lead2[p])
        within = lead[p] if same else np.int32(_CONTESTED)
        state[p] = _BACKGROUND if count == 0 else (within if count == 4 else _OUTLINE)


@kernel(inline=True)
def _outline(
    v00: Float, v01: Float, v10: Float, v11: Float, threshold: Float, fraction_y: Array, fraction_x: Array,
    i0: int, i1: int, j0: int, j1: int, label: int, person: Array, labels: Array,
) -> None:  # fmt: skip
    """The pixels of an internal step whose corners lie on both sides of the threshold; label 0: none."""
    for j in range(np.uint64(j0), np.uint64(j1)):
        a, b = v00 + (v01 - v00) * fraction_x[j], v10 + (v11 - v10) * fraction_x[j]
        for i in range(np.uint64(i0), np.uint64(i1)):
            above = np.uint8(a + (b - a) * fraction_y[i] > threshold)
            person[i, j] = above
            if label:
                labels[i, j] = np.uint8(above * np.uint8(label))


@kernel(inline=True)
def _contest(
    part: Array, n: int, p: int, across: int, candidate: Array, fraction_y: Array, fraction_x: Array,
    i0: int, i1: int, j0: int, j1: int, person: Array, upper: Array, lower: Array, labels: Array,
) -> None:  # fmt: skip
    """Label the person's pixels of an internal step where one of n candidates leads here, another there."""
    q, one, down = np.uint64(p), np.uint64(1), np.uint64(across)
    for j in range(np.uint64(j0), np.uint64(j1)):
        fx = fraction_x[j]
        for m in range(n):
            upper[m] = part[m, q] + (part[m, q + one] - part[m, q]) * fx
            lower[m] = part[m, q + down] + (part[m, q + down + one] - part[m, q + down]) * fx
        for i in range(np.uint64(i0), np.uint64(i1)):
            fy = fraction_y[i]
            best, most = np.uint64(0), upper[0] + (lower[0] - upper[0]) * fy
            for m in range(one, np.uint64(n)):
                here = upper[m] + (lower[m] - upper[m]) * fy
                best = m if here > most else best
                most = max(here, most)
            labels[i, j] = person[i, j] * np.uint8(candidate[best] + 1)


@kernel(inline=True)
def _fill(image: Array, i0: int, i1: int, j0: int, j1: int, value: int) -> None:
    for i in range(i0, i1):
        for j in range(np.uint64(j0), np.uint64(j1)):  # unsigned: numba has no negative index to check for
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
    "void(Array(float32, 3, 'C', readonly=True), Array(float32, 3, 'C', readonly=True), intp, int32[::1],"
    " float32[::1], int32[::1], float32[::1], float64, intp, intp, uint8[:, ::1], uint8[:, ::1],"
    " uint8[:, ::1], int32[::1])"
)
def person_and_parts(
    segments: Array,
    parts: Array,
    stride: int,
    first_y: Array,
    fraction_y: Array,
    first_x: Array,
    fraction_x: Array,
    person_threshold: Float,
    begin: int,
    end: int,
    person: Array,
    labels: Array,
    alone: Array,
    box: Array,
) -> None:
    """Fill the person mask, the part mask and, where one person alone is seen, the instance mask.

    Args:
        segments: float32 (points_y, points_x, 1), logits of person.
        parts: float32 (points_y, points_x, 24), logits of the parts, or (1, 1, 0): no part mask.
        stride: Internal pixels between two points.
        first_y: `Axis.first` of the rows.
        fraction_y: `Axis.fraction` of the rows.
        first_x: `Axis.first` of the columns.
        fraction_x: `Axis.fraction` of the columns.
        person_threshold: Person where the probability is above it.
        begin: First row to fill.
        end: The row after the last one to fill.
        person: uint8 (H, W), overwritten with 0 and 1.
        labels: uint8 (H, W), overwritten with 0 and part id + 1; not touched without parts.
        alone: uint8 (H, W), overwritten with 0 and 1; (0, 0): nobody or several people are seen.
        box: int32 (4,), grown to hold that person's pixels: x0, y0, x1, y1, half open; zeros: none yet.
    """
    points_y, points_x, channels = segments.shape[0], segments.shape[1], parts.shape[2]
    steps_y, steps_x = first_y.size - 1, first_x.size - 1
    threshold = np.float32(person_threshold)
    logit = np.float32(np.log(person_threshold / (1.0 - person_threshold)))
    leader = np.zeros((points_y, points_x), np.intp)
    _leaders(parts, leader)
    candidate = np.zeros(max(channels, 1), np.intp)
    # The internal points of the cell at hand, row by row, in whole vectors: probabilities of person and of
    # each candidate, who leads, and what the steps between them are.
    across = stride + 1
    points = (across * across + _LANES - 1) // _LANES * _LANES
    fy, fx = np.empty(points, np.float32), np.empty(points, np.float32)
    for p in range(points):
        fy[p] = np.float32(p // across) / np.float32(stride)
        fx[p] = np.float32(p % across) / np.float32(stride)
    score = np.empty(points, np.float32)
    part = np.empty((max(channels, 1), points), np.float32)
    largest = np.empty(points, np.float32)
    lead = np.empty(points, np.int32)
    state = np.empty(across * stride, np.int32)
    upper, lower = np.empty(max(channels, 1), np.float32), np.empty(max(channels, 1), np.float32)
    seen = np.empty(alone.shape[1], np.uint8)
    width = person.shape[1]
    flat_person, flat_labels, flat_alone = person.reshape(-1), labels.reshape(-1), alone.reshape(-1)

    for y0 in range(max(points_y - 1, 1)):
        y1 = min(y0 + 1, points_y - 1)
        rows = min(stride, steps_y - y0 * stride)
        top, bottom = max(first_y[y0 * stride], begin), min(first_y[y0 * stride + rows], end)
        if top >= bottom:
            continue
        flat_person[top * width : bottom * width] = 0
        if channels:
            flat_labels[top * width : bottom * width] = 0
        left, right = np.int32(width), np.int32(0)  # the columns where somebody is
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
            left, right = min(left, edges[0]), edges[columns]
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

            if count < 4:
                _probabilities(s00, s01, s10, s11, fy, fx, score)
            else:
                score[:] = 2
            if n > 1:
                for m in range(n):
                    c = candidate[m]
                    _probabilities(
                        parts[y0, x0, c], parts[y0, x1, c], parts[y1, x0, c], parts[y1, x1, c], fy, fx,
                        part[m],
                    )  # fmt: skip
                _lead(part, n, largest, lead)
            else:
                lead[:] = 0
            _states(score, lead, threshold, across, state)
            for r in range(rows):
                i0, i1 = max(first_y[y0 * stride + r], top), min(first_y[y0 * stride + r + 1], bottom)
                if i0 >= i1:
                    continue
                row = state[r * across : r * across + columns]
                s = 0
                while s < columns:
                    if row[s] == _BACKGROUND:
                        s += 1
                        continue
                    if row[s] >= 0:
                        first = s
                        while s < columns and row[s] == row[first]:
                            s += 1
                        _fill(person, i0, i1, edges[first], edges[s], 1)
                        if channels:
                            _fill(labels, i0, i1, edges[first], edges[s], candidate[row[first]] + 1)
                        continue
                    p = r * across + s
                    same = lead[p] == lead[p + 1] == lead[p + across] == lead[p + across + 1]
                    if row[s] == _OUTLINE:
                        label = candidate[lead[p]] + 1 if channels and same else 0
                        _outline(
                            score[p], score[p + 1], score[p + across], score[p + across + 1], threshold,
                            fraction_y, fraction_x, i0, i1, edges[s], edges[s + 1], label, person, labels,
                        )  # fmt: skip
                    else:
                        _fill(person, i0, i1, edges[s], edges[s + 1], 1)
                    if channels and not same:
                        _contest(
                            part, n, p, across, candidate, fraction_y, fraction_x, i0, i1, edges[s],
                            edges[s + 1], person, upper, lower, labels,
                        )  # fmt: skip
                    s += 1
        if alone.size:  # while the band is still in the processor's cache
            flat_alone[top * width : bottom * width] = 0
            give(person, 1, top, bottom, left, right, alone, box, seen)


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
            score[i, j] = sigmoid(a + (b - a) * fx)
    for i in range(out.shape[0]):
        y0 = step_y[i]
        y1 = min(y0 + 1, internal_y - 1)
        for j in range(out.shape[1]):
            x0 = step_x[j]
            x1 = min(x0 + 1, internal_x - 1)
            a = score[y0, x0] + (score[y0, x1] - score[y0, x0]) * fraction_x[j]
            b = score[y1, x0] + (score[y1, x1] - score[y1, x0]) * fraction_x[j]
            out[i, j] = np.uint8((a + (b - a) * fraction_y[i]) * np.float32(255) + np.float32(0.5))
