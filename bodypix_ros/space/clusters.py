"""Which of the depths under a person's mask are the person's: kernels.

A mask runs over the wall behind, depth has holes, and at edges it lies between what is in front and what is
behind. So a person is measured inside the mask's edge, at the depth where most of these pixels are; and not
where the surroundings are, which is all that is left of somebody who gives no depth, as in black.
"""

from typing import Final

import numpy as np

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.space.depth import FARTHEST_M, NEAREST_M, NOISE

SAMPLES: Final = 800
"""So many pixels of a person's box are looked at, evenly spread."""

_BIN_M: Final = 0.05
_BINS: Final = 800  # up to FARTHEST_M
_HALF_M: Final = 0.3
"""A person's pixels lie within so many metres of the middle one, and the sensor's noise."""
_NARROW_M: Final = 0.06
"""The same of a wall."""
_REACH_M: Final = 0.7
"""An arm may reach out so far in front of that,"""
_GAP: Final = 3
"""with at most so many empty bins between."""
_LEAST: Final = 8
"""A person is so many samples at least,"""
_LEAST_SHARE: Final = 0.08
"""and so many of those inside the mask's edge, holes counted."""
_SURE_SHARE: Final = 0.5
"""With more than this it is no matter what is around."""
_TRIES: Final = 4
_MARGIN: Final = 0.02
"""A mask is not trusted so near to its edge, in sides of the person's box,"""
_MOST_MARGIN: Final = 6
"""and in pixels."""
_TRIM: Final = 0.005
"""Of a person's extent so much is left aside at each end."""

FOUND, VALID = 0, 1
"""Places in what `measure` writes: samples of the cluster, 0 for none; share of pixels that have depth;"""
DIRECTION, DEPTH, SPREAD, LOW, HIGH = 2, 4, 5, 14, 17
"""x and y at 1 m of the cluster's middle; its depth; covariance (3, 3); least and largest x, y and z;"""
NEAR, FAR = 20, 21
"""between which depths the person's pixels are, arms included."""
NUMBERS: Final = 22


@kernel(inline=True)
def _at(whole: Array, real: Array, unit: Float, x: Float, y: Float, across: Float, down: Float) -> Float:
    """The depth at a pixel of the image, in metres; 0 for a hole."""
    i, j = int((y + 0.5) * down), int((x + 0.5) * across)
    z = unit * (np.float32(whole[i, j]) if whole.size else real[i, j])
    return z if NEAREST_M < z < FARTHEST_M else np.float32(0)


@kernel(inline=True)
def _is_inside(labels: Array, label: int, x: int, y: int, margin: int) -> bool:
    """Whether nothing else is `margin` pixels away; what the image's edge cuts off counts as the person."""
    height, width = labels.shape
    left, right = max(0, x - margin), min(width - 1, x + margin)
    top, bottom = max(0, y - margin), min(height - 1, y + margin)
    return bool(
        labels[top, x] == label
        and labels[bottom, x] == label
        and labels[y, left] == label
        and labels[y, right] == label
        and labels[top, left] == label
        and labels[top, right] == label
        and labels[bottom, left] == label
        and labels[bottom, right] == label
    )


@kernel()
def _half(z: Float) -> Float:
    """How far from the middle of a person at a depth the others are."""
    return _HALF_M + 3 * NOISE * z * z


@kernel()
def _within(depths: Array, z: Float, half: Float) -> tuple[int, int]:
    """Where in sorted depths those are that lie within `half` of `z`."""
    return np.searchsorted(depths, z - half), np.searchsorted(depths, z + half)


@kernel()
def _densest(histogram: Array) -> Float:
    """The middle of the window that holds most; 0 where nothing is."""
    total = np.zeros(_BINS + 1, np.int64)
    for k in range(_BINS):
        total[k + 1] = total[k] + histogram[k]
    best, found = 0, 0.0
    for k in range(_BINS):
        z = (k + 0.5) * _BIN_M
        wide = int(_half(z) / _BIN_M - 0.5)  # whole bins inside the window
        inside = total[min(_BINS, k + wide + 1)] - total[max(0, k - wide)]
        if inside > best:
            best, found = inside, z
    return found


@kernel()
def _cluster(core: Array, of: int, ring: Array, ring_of: int) -> Float:
    """The depth of the cluster that is the person's; 0 where none is.

    Args:
        core: Sorted depths inside the mask's edge.
        of: How many pixels were looked at there, holes counted.
        ring: Depths around the mask.
        ring_of: How many pixels were looked at there, holes counted.
    """
    histogram = np.zeros(_BINS, np.int64)
    for z in core:
        histogram[int(z / _BIN_M)] += 1
    for _ in range(_TRIES):
        middle = _densest(histogram)
        if middle == 0:
            return 0.0
        for _ in range(3):
            first, last = _within(core, middle, _half(middle))
            if last <= first:
                break
            middle = float(core[(first + last) // 2])
        first, last = _within(core, middle, _half(middle))
        if last - first < max(_LEAST, _LEAST_SHARE * of):
            return 0.0
        if last - first >= _SURE_SHARE * of:
            return middle
        # What is thinner here than around it is what is around.
        narrow = _NARROW_M + 2 * NOISE * middle * middle
        a, b = _within(core, middle, narrow)
        around = 0
        for z in ring:
            around += abs(z - middle) <= narrow
        if (b - a) * ring_of > around * of:
            return middle
        for z in core[first:last]:
            histogram[int(z / _BIN_M)] = 0
    return 0.0


@kernel()
def _nearest(core: Array, near: Float) -> Float:
    """How near what reaches out from the cluster is: on, while the next depth is near the last."""
    limit = near - _REACH_M
    k = np.searchsorted(core, near)
    while k > 0 and core[k - 1] > limit and near - core[k - 1] < _GAP * _BIN_M:
        k -= 1
        near = core[k]
    return near


@kernel()
def _extent(values: Array, out: Array) -> None:
    """Least and largest of values, but for the outermost."""
    # The few that are left aside, and the next, in order: sorting all would take as long as everything else.
    few = int(_TRIM * len(values)) + 1
    least, largest = np.full(few, np.inf, np.float32), np.full(few, -np.inf, np.float32)
    for value in values:
        if value < least[-1]:
            k = few - 1
            while k > 0 and least[k - 1] > value:
                least[k] = least[k - 1]
                k -= 1
            least[k] = value
        if value > largest[-1]:
            k = few - 1
            while k > 0 and largest[k - 1] < value:
                largest[k] = largest[k - 1]
                k -= 1
            largest[k] = value
    out[0], out[3] = least[-1], largest[-1]


@kernel()
def _describe(points: Array, inside: Array, depths: Array, middle: Float, numbers: Array) -> None:
    """Write down the cluster around a depth."""
    half = _half(middle)
    first, last = _within(depths, middle, half)
    numbers[FOUND], numbers[DEPTH] = last - first, middle
    x = y = 0.0
    mean = np.zeros(3)
    chosen = np.empty(points.shape, np.float32)
    count = all_of = 0
    for k in range(points.shape[1]):
        z = points[2, k]
        if abs(z - middle) > half:
            continue
        for axis in range(3):
            chosen[axis, all_of] = points[axis, k]
        all_of += 1
        if inside[k]:
            count += 1
            x += points[0, k] / z
            y += points[1, k] / z
            for axis in range(3):
                mean[axis] += points[axis, k]
    count = max(1, count)
    numbers[DIRECTION], numbers[DIRECTION + 1] = x / count, y / count
    for k in range(points.shape[1]):
        if inside[k] and abs(points[2, k] - middle) <= half:
            for a in range(3):
                for b in range(3):
                    numbers[SPREAD + 3 * a + b] += (
                        (points[a, k] - mean[a] / count) * (points[b, k] - mean[b] / count) / count
                    )
    for axis in range(3):
        _extent(chosen[axis, :all_of], numbers[LOW + axis :])
    numbers[FAR] = depths[max(first, last - 1 - int(_TRIM * (last - first)))]
    numbers[NEAR] = _nearest(depths, depths[min(last - 1, first + int(_TRIM * (last - first)))])


@kernel(
    "void(Array(uint8, 2, 'A', readonly=True), Array(uint16, 2, 'A', readonly=True),"
    " Array(float32, 2, 'A', readonly=True), float32, Array(float32, 3, 'C', readonly=True), int64[:, ::1],"
    " float64[:, ::1])"
)
def measure(
    labels: Array, whole: Array, real: Array, unit: Float, rays: Array, boxes: Array, out: Array
) -> None:
    """Measure where persons are.

    Args:
        labels: uint8 (H, W), k + 1 on the k-th person.
        whole: uint16 (h, w), depth of the same view;
        real: float32 (h, w), or that: one of the two is empty.
        unit: Metres per unit of depth.
        rays: float32 (H, W, 2), x and y of the ray through each pixel at 1 m.
        boxes: int64 (P, 4), x0, y0, x1, y1: around the persons, inside the image.
        out: float64 (P, NUMBERS), written; see the names of its places.
    """
    high, wide = whole.shape if whole.size else real.shape
    across, down = wide / labels.shape[1], high / labels.shape[0]
    for k in range(len(boxes)):
        label = k + 1
        x0, y0, x1, y1 = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        numbers = out[k]
        numbers[:] = 0
        step = max(1, int(np.sqrt((x1 - x0) * (y1 - y0) / SAMPLES)))
        margin = min(_MOST_MARGIN, int(np.ceil(_MARGIN * max(x1 - x0, y1 - y0))))
        most = ((x1 - x0) // step + 1) * ((y1 - y0) // step + 1)
        core, ring = np.empty(most, np.float32), np.empty(4 * most, np.float32)
        points, inside = np.empty((3, most), np.float32), np.empty(most, np.bool_)
        while True:
            cores = rings = filled = own = of = ring_of = 0
            for i in range((y1 - y0 + step - 1) // step):
                for j in range((x1 - x0 + step - 1) // step):
                    # Each column and row begins elsewhere: holes may lie in a lattice, too.
                    y, x = y0 + i * step + j % step, x0 + j * step + i % step
                    if y >= y1 or x >= x1 or labels[y, x] != label:
                        continue
                    own += 1
                    is_core = _is_inside(labels, label, x, y, margin)
                    of += is_core
                    z = _at(whole, real, unit, x, y, across, down)
                    if z > 0:
                        points[0, filled], points[1, filled] = rays[y, x, 0] * z, rays[y, x, 1] * z
                        points[2, filled], inside[filled] = z, is_core
                        filled += 1
                        if is_core:
                            core[cores] = z
                            cores += 1
                    far = 2 * margin + 2
                    for way in range(4):
                        u, v = x + (far, -far, 0, 0)[way], y + (0, 0, far, -far)[way]
                        if 0 <= u < labels.shape[1] and 0 <= v < labels.shape[0] and labels[v, u] == 0:
                            ring_of += 1
                            z = _at(whole, real, unit, u, v, across, down)
                            if z > 0:
                                ring[rings] = z
                                rings += 1
            if of >= 3 * _LEAST or margin == 0:
                break
            margin //= 2  # somebody thin, or far away
        if own == 0:
            continue
        numbers[VALID] = filled / own
        depths = core[:cores]
        depths.sort()
        middle = _cluster(depths, of, ring[:rings], ring_of)
        if middle == 0:
            continue
        _describe(points[:, :filled], inside, depths, middle, numbers)


_WINDOW_M: Final = 0.03
"""A keypoint is measured so far around it,"""
_LEAST_WINDOW: Final = 2
_MOST_WINDOW: Final = 12
"""and in pixels."""
_SLACK_M: Final = 0.1
"""A keypoint may lie so far behind or in front of the person's other pixels."""
_OWN_SHARE: Final = 0.25
"""So much of its window must be the person's,"""
_SEEN_SHARE: Final = 0.1
"""and so much have a depth that may be."""


@kernel(
    "void(Array(uint8, 2, 'A', readonly=True), Array(uint16, 2, 'A', readonly=True),"
    " Array(float32, 2, 'A', readonly=True), float32, float64[:, :, ::1], float64[:, ::1], float64,"
    " float32[:, ::1])"
)
def read(
    labels: Array, whole: Array, real: Array, unit: Float, pixels: Array, measured: Array, focal: float,
    out: Array,
) -> None:  # fmt: skip
    """Read the depths of keypoints: of the person's own pixels around them, on the person's cluster.

    Args:
        labels: uint8 (H, W), k + 1 on the k-th person.
        whole: As for `measure`.
        real: The same.
        unit: The same.
        pixels: float64 (P, K, 3), x and y in image pixels, score; what has no score is left out.
        measured: float64 (P, NUMBERS), from `measure`.
        focal: Focal length, in pixels of the image.
        out: float32 (P, K), written: metres, 0 where a keypoint is hidden, or nothing is known.
    """
    height, width = labels.shape
    high, wide = whole.shape if whole.size else real.shape
    across, down = wide / width, high / height
    depths = np.empty((2 * _MOST_WINDOW + 1) ** 2, np.float32)
    for k in range(len(pixels)):
        near, far = measured[k, NEAR] - _SLACK_M, measured[k, FAR] + _SLACK_M
        for point in range(pixels.shape[1]):
            out[k, point] = 0
            px, py = pixels[k, point, 0], pixels[k, point, 1]
            known = measured[k, FOUND] > 0 and pixels[k, point, 2] > 0
            if not (known and -0.5 <= px < width - 0.5 and -0.5 <= py < height - 0.5):
                continue
            radius = int(_WINDOW_M * focal / measured[k, DEPTH])
            radius = min(_MOST_WINDOW, max(_LEAST_WINDOW, radius))
            cx, cy = int(np.rint(px)), int(np.rint(py))
            label = labels[cy, cx]
            if label not in (0, k + 1):
                continue  # behind somebody
            looked = own = seen = 0
            step = 1 + radius // 5
            for y in range(cy - radius, cy + radius + 1, step):
                for x in range(cx - radius, cx + radius + 1, step):
                    looked += 1
                    if not (0 <= x < width and 0 <= y < height) or labels[y, x] != k + 1:
                        continue
                    own += 1
                    z = _at(whole, real, unit, x, y, across, down)
                    if near <= z <= far:
                        depths[seen] = z
                        seen += 1
            if own >= _OWN_SHARE * looked and seen >= max(3, _SEEN_SHARE * looked):
                found = depths[:seen]
                found.sort()
                out[k, point] = found[seen // 2]
