"""All masks of an image, a tile at a time.

A tile that one person claims everywhere, or nobody, is filled without arithmetic where no point around it
lies on the other side of the threshold, and what part its pixels are where one part leads at all of them.
What is left for arithmetic per pixel are outlines, borders between people and borders between parts.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.scores import sigmoid
from bodypix_ros.segmenters.bodypix.people.grids import (
    along,
    fade,
    include,
    least_and_largest,
    points_around,
    seen_pixels,
    spread,
)
from bodypix_ros.segmenters.bodypix.people.labelling import PART_COUNT, label_cell
from bodypix_ros.segmenters.bodypix.people.lattices import (
    AT,
    COLUMNS,
    FARTHEST,
    KEPT,
    OWNER,
    ROWS,
    X0,
    X1,
    Y0,
    Y1,
)
from bodypix_ros.segmenters.bodypix.people.owning import Claims
from bodypix_ros.segmenters.bodypix.people.passes import (
    LEADER,
    LEFT,
    POINT,
    POINTS_X,
    POINTS_Y,
    SEGMENT,
    STEP,
    TOP,
    Tables,
)

_TILE = 12.0
"""Side of a tile in pixels of the whole picture's input, more or less: a little less than a point."""
_NOBODY, _SEVERAL = -1, -2


class Masks(NamedTuple):
    """What is filled, uint8 (H, W) each; (0, 0) what nobody wants.

    Attributes:
        person: 0 and 1.
        instance: 0 and the person's label.
        parts: 0 and part id + 1.
        confidence: Probability of person * 255.
    """

    person: npt.NDArray[np.uint8]
    instance: npt.NDArray[np.uint8]
    parts: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.uint8]


def tile_side(step: float) -> int:
    """Side of a tile in picture pixels, a power of two.

    Args:
        step: Picture pixels to a pixel of the whole picture's input.
    """
    return 1 << min(max(round(math.log2(_TILE * step)), 3), 7)


def fill(
    passes: Tables,
    claims: Claims,
    labels: npt.NDArray[np.uint8],
    threshold: float,
    side: int,
    rows: tuple[int, int],
    masks: Masks,
) -> npt.NDArray[np.int32]:
    """Fill rows of the masks.

    Args:
        passes: Of the image.
        claims: Of the people.
        labels: uint8 (N,), what the pixels of each become in the instance mask; 0: nobody's.
        threshold: Logit of person above which a pixel is a person's.
        side: Of a tile.
        rows: The first, a multiple of `side`, and the one after the last.
        masks: Overwritten in these rows.

    Returns:
        int32 (N + 1, 4): x0, y0, x1, y1, half open, of each one's pixels there, zeros without any; and those
        of tiles' rows with people's pixels that are nobody's, last.
    """
    boxes = np.zeros((len(labels) + 1, 4), np.int32)
    _fill(
        *passes, claims.whole, claims.weights, claims.distance, labels, threshold, side, *rows, *masks, boxes
    )
    return boxes


def halfway(claims: Claims, height: int, side: int) -> int:
    """The first row of a tile above which half of the work lies.

    Args:
        claims: Of the people.
        height: Rows of the picture.
        side: Of a tile.
    """
    return _halfway(claims.whole, height, side)


@kernel("intp(int64[:, ::1], intp, intp)")
def _halfway(whole: Array, height: int, side: int) -> int:
    # A row takes as long as each person in it takes besides, more or less.
    work = np.zeros(height)
    for i in range(height):
        work[i] = (work[i - 1] if i else 0) + 1
        for n in range(whole.shape[0]):
            work[i] += whole[n, KEPT] and whole[n, Y0] <= i < whole[n, Y1]
    half = np.searchsorted(work, work[-1] / 2)
    return int(np.round(half / side)) * side


@kernel(inline=True)
def _claimants(
    whole: Array, weights: Array, distance: Array, i0: int, i1: int, j0: int, j1: int, candidate: Array,
    nearest: Array, farthest: Array,
) -> int:  # fmt: skip
    """Write who may own pixels of a tile, and between which distances; returns how many there are."""
    count = 0
    for n in range(whole.shape[0]):
        x0, x1, y0, y1 = whole[n, X0], whole[n, X1], whole[n, Y0], whole[n, Y1]
        if not whole[n, KEPT] or x0 >= j1 or x1 <= j0 or y0 >= i1 or y1 <= i0:
            continue
        step = weights[n, 0]
        a0, a1 = points_around(y0, step, whole[n, ROWS], max(i0, y0), min(i1, y1))
        b0, b1 = points_around(x0, step, whole[n, COLUMNS], max(j0, x0), min(j1, x1))
        low, high = least_and_largest(distance, whole[n, AT], whole[n, COLUMNS], a0, a1, b0, b1)
        if low < np.float32(FARTHEST):
            candidate[count], nearest[count] = n, low
            within = x0 <= j0 and j1 <= x1 and y0 <= i0 and i1 <= y1
            farthest[count] = high if within else np.float32(np.inf)
            count += 1
    return count


@kernel(inline=True)
def _sole(candidate: Array, nearest: Array, farthest: Array, count: int) -> int:
    """Who owns all of a tile; nobody, or several where that differs from pixel to pixel."""
    if count == 0:
        return _NOBODY
    best = 0
    for c in range(1, count):
        if farthest[c] < farthest[best]:
            best = c
    if not farthest[best] < np.float32(FARTHEST):
        return _SEVERAL
    for c in range(count):
        if c != best and nearest[c] <= farthest[best]:
            return _SEVERAL
    owner: int = candidate[best]
    return owner


@kernel(
    "void(float32[::1], uint32[::1], int64[:, ::1], float64[:, ::1], int64[:, ::1], float64[:, ::1],"
    " float32[::1], uint8[::1], float64, intp, intp, intp, uint8[:, ::1], uint8[:, ::1], uint8[:, ::1],"
    " uint8[:, ::1], int32[:, ::1])"
)
def _fill(
    values: Array, leaders: Array, at: Array, place: Array, whole: Array, weights: Array, distance: Array,
    labels: Array, threshold: Float, side: int, begin: int, end: int, person: Array, instance: Array,
    parts: Array, confidence: Array, boxes: Array,
) -> None:  # fmt: skip
    height, width = person.shape
    people, passes = whole.shape[0], place.shape[0]
    logit, far = np.float32(threshold), np.float32(FARTHEST)
    candidate = np.empty(people, np.intp)
    nearest, farthest = np.empty(people, np.float32), np.empty(people, np.float32)
    # Of each pass, the picture's columns: between which points, and how much it counts where nobody is.
    cell, ends = np.empty((passes, width), np.int32), np.empty((passes, width), np.int32)
    fraction = np.empty((passes, width), np.float32)
    fading = np.ones((passes, width), np.float32)
    row_cell, row_ends = np.empty((passes, height), np.int32), np.empty((passes, height), np.int32)
    row_fraction = np.empty((passes, height), np.float32)
    seen = np.empty((passes, 4), np.int64)  # rows and columns of the picture that a pass saw, half open
    for k in range(passes):
        seen[k, 0], seen[k, 1] = seen_pixels(place[k, TOP], place[k, POINT], at[k, POINTS_Y], height)
        seen[k, 2], seen[k, 3] = seen_pixels(place[k, LEFT], place[k, POINT], at[k, POINTS_X], width)
        if k == 0:
            seen[0, 0], seen[0, 1], seen[0, 2], seen[0, 3] = 0, height, 0, width
        spread(place[k, LEFT], place[k, POINT], at[k, POINTS_X], 0, width, cell[k], fraction[k], ends[k])
        spread(
            place[k, TOP],
            place[k, POINT],
            at[k, POINTS_Y],
            0,
            height,
            row_cell[k],
            row_fraction[k],
            row_ends[k],
        )
        for j in range(width if k else 0):
            fading[k, j] = fade(seen[k, 2], seen[k, 3], place[k, STEP], j, width)
    # Of a row of a tile.
    line = np.empty((passes, side), np.float32)
    own_cell, own_ends = np.empty(side, np.int32), np.empty(side, np.int32)
    own_fraction = np.empty(side, np.float32)
    score, mixed = np.empty(side, np.float32), np.empty(side, np.float32)
    total, least = np.empty(side, np.float32), np.empty(side, np.float32)
    label, above = np.empty(side, np.uint8), np.empty(side, np.uint8)
    winner = np.empty(side, np.int16)
    used = np.empty(passes, np.bool_)
    # Of a tile: the pass that labels each pixel's part.
    labels_from = np.empty((side, side), np.uint8)
    listed = np.empty(PART_COUNT, np.intp)
    for i0 in range(begin, end, side):
        i1 = min(i0 + side, end)
        person[i0:i1] = 0
        instance[i0:i1] = 0
        if parts.size:
            parts[i0:i1] = 0
        for j0 in range(0, width, side):
            j1 = min(j0 + side, width)
            columns = np.uint64(j1 - j0)
            count = _claimants(whole, weights, distance, i0, i1, j0, j1, candidate, nearest, farthest)
            sole = _sole(candidate, nearest, farthest, count)
            low = high = np.float32(0)
            if sole < 0:
                low, high = np.float32(np.inf), np.float32(-np.inf)
            finest = 0
            for k in range(passes):
                weight = np.float32(weights[sole, 1 + k]) if sole >= 0 else np.float32(0)
                top, bottom, left, right = seen[k, 0], seen[k, 1], seen[k, 2], seen[k, 3]
                touches = top < i1 and i0 < bottom and left < j1 and j0 < right
                used[k] = weight > 0 if sole >= 0 else touches
                covers = top <= i0 and i1 <= bottom and left <= j0 and j1 <= right
                if covers and place[k, STEP] < place[finest, STEP]:
                    finest = k
                for c in range(count if sole == _SEVERAL else 0):
                    used[k] |= weights[candidate[c], 1 + k] > 0
                if not used[k]:
                    continue
                below, above_ = least_and_largest(
                    values, at[k, SEGMENT], at[k, POINTS_X], row_cell[k, i0], row_cell[k, i1 - 1] + 1,
                    cell[k, j0], cell[k, j1 - 1] + 1,
                )  # fmt: skip
                if sole >= 0:
                    low, high = low + weight * below, high + weight * above_
                else:
                    low, high = min(low, below), max(high, above_)
            if high <= logit and not confidence.size:
                continue
            certain = low > logit and not confidence.size
            if certain and sole != _SEVERAL:
                value = labels[sole] if sole >= 0 else np.uint8(0)
                for i in range(i0, i1):
                    for j in range(np.uint64(j0), np.uint64(j1)):
                        person[i, j] = 1
                        instance[i, j] = value
                if sole >= 0:
                    include(boxes[sole], i0, j0, i1, j1)
                if value == 0:
                    include(boxes[people], i0, j0, i1, j1)
            else:
                for i in range(i0, i1):
                    for k in range(passes):
                        if used[k]:
                            along(
                                values, at[k, SEGMENT], at[k, POINTS_X], row_cell[k, i], row_fraction[k, i],
                                cell[k], fraction[k], ends[k], j0, j1, line[k],
                            )  # fmt: skip
                    if sole >= 0:
                        score[:] = 0
                        for k in range(passes):
                            weight = np.float32(weights[sole, 1 + k])
                            for p in range(columns if used[k] else np.uint64(0)):
                                score[p] += weight * line[k, p]
                        label[:] = labels[sole]
                    else:
                        score[:] = 0
                        total[:] = 0
                        for k in range(passes):
                            down = np.float32(1)
                            if k:
                                down = fade(seen[k, 0], seen[k, 1], place[k, STEP], i, height)
                            for p in range(columns if used[k] else np.uint64(0)):
                                weight = down * fading[k, np.uint64(j0) + p]
                                score[p] += weight * line[k, p]
                                total[p] += weight
                        for p in range(columns):
                            score[p] /= total[p]
                        label[:] = 0
                    if sole == _SEVERAL:
                        least[:] = far
                        winner[:] = _NOBODY
                        labels_from[i - i0, :] = finest
                        for c in range(count):
                            n = candidate[c]
                            if not whole[n, Y0] <= i < whole[n, Y1]:
                                continue
                            first, last = max(whole[n, X0], j0), min(whole[n, X1], j1)
                            down_ = (i - whole[n, Y0]) / weights[n, 0]
                            a = min(int(down_), whole[n, ROWS] - 2)
                            spread(
                                whole[n, X0], weights[n, 0], whole[n, COLUMNS], first, last, own_cell,
                                own_fraction, own_ends,
                            )  # fmt: skip
                            along(
                                distance, whole[n, AT], whole[n, COLUMNS], a, np.float32(down_ - a), own_cell,
                                own_fraction, own_ends, 0, last - first, mixed,
                            )  # fmt: skip
                            shift = np.uint64(first - j0)
                            for p in range(np.uint64(last - first)):
                                q = p + shift
                                closer = mixed[p] < least[q]
                                least[q] = mixed[p] if closer else least[q]
                                winner[q] = np.int16(n) if closer else winner[q]
                        for c in range(count):
                            n, owner = np.int16(candidate[c]), np.uint8(whole[candidate[c], OWNER])
                            mixed[:] = 0
                            for k in range(passes):
                                weight = np.float32(weights[candidate[c], 1 + k])
                                for p in range(columns if weight > 0 else np.uint64(0)):
                                    mixed[p] += weight * line[k, p]
                            for p in range(columns):
                                mine = winner[p] == n
                                score[p] = mixed[p] if mine else score[p]
                                label[p] = labels[candidate[c]] if mine else label[p]
                                labels_from[i - i0, p] = owner if mine else labels_from[i - i0, p]
                    some, free = np.int64(0), np.int64(0)
                    for p in range(columns):
                        above[p] = np.uint8(score[p] > logit)
                        some += above[p]
                        free += above[p] & np.uint8(label[p] == 0)
                        person[i, np.uint64(j0) + p] = above[p]
                        instance[i, np.uint64(j0) + p] = above[p] * label[p]
                    if free:
                        include(boxes[people], i, j0, i + 1, j1)
                    if confidence.size:
                        for p in range(columns):
                            confidence[i, np.uint64(j0) + p] = np.uint8(
                                sigmoid(score[p]) * np.float32(255) + np.float32(0.5)
                            )
                    if some == 0:
                        continue
                    for c in range(count if sole == _SEVERAL else min(sole + 1, 1)):
                        n = candidate[c] if sole == _SEVERAL else sole
                        left, right = np.int64(0), np.int64(columns)
                        while left < right and not (above[left] and (sole >= 0 or winner[left] == n)):
                            left += 1
                        while right > left and not (
                            above[right - 1] and (sole >= 0 or winner[right - 1] == n)
                        ):
                            right -= 1
                        if left < right:
                            include(boxes[n], i, j0 + left, i + 1, j0 + right)
            for k in range(passes if parts.size else 0):
                # The part leads in the pass that owns the person; for nobody's pixels in the finest one.
                alone = whole[sole, OWNER] == k if sole >= 0 else sole == _NOBODY and finest == k
                if not alone and (sole != _SEVERAL or not np.any(labels_from[: i1 - i0, :columns] == k)):
                    continue
                i = i0
                while i < i1:
                    bottom_ = min(row_ends[k, i], i1)
                    j = j0
                    while j < j1:
                        right_ = min(ends[k, j], j1)
                        a, b = row_cell[k, i], cell[k, j]
                        leading = leaders[at[k, LEADER] + a * at[k, POINTS_X] + b]
                        label_cell(
                            values, at[k], leading, a, b, i, bottom_, j, right_, row_fraction[k], fraction[k],
                            person, labels_from, i0, j0, alone, k, listed, least, label, parts,
                        )  # fmt: skip
                        j = right_
                    i = bottom_
