"""People without a pose: pixels of person that nobody's pose owns, where enough of them hang together."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import Box
from bodypix_ros.segmenters.bodypix.original.scores import probability
from bodypix_ros.segmenters.bodypix.people.lattices import on_grid
from bodypix_ros.segmenters.bodypix.people.passes import LEFT, POINT, POINTS_X, POINTS_Y, SEGMENT, TOP, Tables

_LEAST_AREA = 0.0008
"""Share of the picture from which such pixels are a person."""
_LEAST_CERTAINTY = 0.6
"""Mean probability of such pixels from which they are a person: less is a shadow, more often than not."""
_SCORE = 0.15
"""Score of such a person whose pixels are all certain."""
_EVERY = 4
"""Rows and columns apart of the pixels that are asked how certain they are."""


def components(
    passes: Tables,
    person: npt.NDArray[np.uint8],
    instance: npt.NDArray[np.uint8],
    where: Box,
    first: int,
    most: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Find them, and give them their labels.

    What is thinner than three pixels joins nothing, and stays nobody's.

    Args:
        passes: Of the image.
        person: uint8 (H, W), 0 and 1.
        instance: uint8 (H, W), 0 where nobody's; theirs become `first`, `first` + 1, ...: by falling area.
        where: Around all of nobody's pixels: x0, y0, x1, y1, half open.
        first: Their first label.
        most: At most so many of them, the largest.

    Returns:
        int32 (N, 4): x0, y0, x1, y1, half open; and float32 (N,), their scores.
    """
    least = max(int(np.ceil(_LEAST_AREA * person.size)), 1)
    boxes = np.zeros((most, 4), np.int32)
    scores = np.zeros(most, np.float32)
    found = _components(person, instance, *where, least, first, boxes)
    count = 0
    for n, (x0, y0, x1, y1) in enumerate(boxes[:found].tolist()):
        certainty = _certainty(passes.values, passes.at[0], passes.place[0], instance, first + n, boxes[n])
        certain = certainty >= _LEAST_CERTAINTY
        if not certain or count < n:
            part = instance[y0:y1, x0:x1]
            part[part == first + n] = first + count if certain else 0
        if certain:
            boxes[count], scores[count] = boxes[n], _SCORE * certainty
            count += 1
    return boxes[:count], scores[:count]


@kernel(inline=True)
def _root(parent: Array, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@kernel("float64(float32[::1], int64[::1], float64[::1], uint8[:, ::1], intp, int32[::1])")
def _certainty(values: Array, at: Array, place: Array, instance: Array, label: int, box: Array) -> Float:
    """Mean probability of a label's pixels in the pass of the whole picture."""
    total, count = 0.0, 0
    for i in range(box[1], box[3], _EVERY):
        for j in range(box[0], box[2], _EVERY):
            if instance[i, j] == label:
                y = np.float32((i - place[TOP]) / place[POINT])
                x = np.float32((j - place[LEFT]) / place[POINT])
                total += probability(on_grid(values, at[SEGMENT], at[POINTS_Y], at[POINTS_X], y, x))
                count += 1
    return total / count if count else 0.0


@kernel("intp(uint8[:, ::1], uint8[:, ::1], intp, intp, intp, intp, intp, intp, int32[:, ::1])")
def _components(
    person: Array, instance: Array, x0: int, y0: int, x1: int, y1: int, least: int, first: int, boxes: Array
) -> int:  # fmt: skip
    # One more on every side, so that what is beyond is either the picture's end or somebody's.
    top, left = max(y0 - 1, 0), max(x0 - 1, 0)
    height, width = min(y1 + 1, person.shape[0]) - top, min(x1 + 1, person.shape[1]) - left
    # Opened by 3x3: the middles of all-nobody's squares, and what lies around them. Beyond the picture is as
    # good as within.
    free = np.empty((height, width), np.uint8)
    count = np.int64(0)
    for i in range(height):
        for j in range(width):
            free[i, j] = person[top + i, left + j] & np.uint8(instance[top + i, left + j] == 0)
            count += free[i, j]
    if count < least:
        return 0
    eroded, wide = np.empty((height, width), np.uint8), np.empty((height, width), np.uint8)
    for i in range(height):
        for j in range(1, width - 1):
            wide[i, j] = free[i, j - 1] & free[i, j] & free[i, j + 1]
        for j in (0, width - 1):
            wide[i, j] = free[i, max(j - 1, 0)] & free[i, j] & free[i, min(j + 1, width - 1)]
    for i in range(height):
        above, below = wide[max(i - 1, 0)], wide[min(i + 1, height - 1)]
        for j in range(width):
            eroded[i, j] = above[j] & wide[i, j] & below[j]
    # Runs of each row, joined with those above.
    begin, end = np.empty(height * (width // 2 + 1), np.int32), np.empty(height * (width // 2 + 1), np.int32)
    line = np.empty(height + 1, np.int64)
    count = 0
    opened = np.empty(width, np.uint8)
    for i in range(height):
        line[i] = count
        up, down = eroded[max(i - 1, 0)], eroded[min(i + 1, height - 1)]
        some = np.uint8(0)
        for j in range(width):
            opened[j] = up[j] | eroded[i, j] | down[j]
            some |= opened[j]
        j = 0 if some else width
        while j < width:
            while j < width and not opened[j]:
                j += 1
            if j == width:
                break
            start = j
            while j < width and opened[j]:
                j += 1
            lower, upper = max(start - 1, 0), min(j + 1, width)
            if count > line[i] and end[count - 1] >= lower:
                end[count - 1] = upper
            else:
                begin[count], end[count] = lower, upper
                count += 1
    line[height] = count
    parent, area = np.arange(count), np.zeros(count, np.int64)
    for i in range(1, height):
        a, b = line[i - 1], line[i]
        while a < line[i] and b < line[i + 1]:
            if begin[a] < end[b] and begin[b] < end[a]:
                p, q = _root(parent, a), _root(parent, b)
                parent[max(p, q)] = min(p, q)
            if end[a] < end[b]:
                a += 1
            else:
                b += 1
    for run in range(count):
        area[_root(parent, run)] += end[run] - begin[run]
    found = 0
    label = np.zeros(count, np.uint8)
    while found < boxes.shape[0]:
        best = 0
        for run in range(count):
            if area[run] > area[best]:
                best = run
        if count == 0 or area[best] < least:
            break
        area[best] = 0
        label[best] = first + found
        found += 1
    for i in range(height):
        for run in range(line[i], line[i + 1]):
            value = label[_root(parent, run)]
            if value:
                lower, upper = left + begin[run], left + end[run]
                instance[top + i, lower:upper] = value
                box = boxes[value - first]
                if box[3] == 0:
                    box[0], box[1], box[2], box[3] = lower, top + i, upper, top + i + 1
                box[0], box[2], box[3] = min(box[0], lower), max(box[2], upper), top + i + 1
    return found
