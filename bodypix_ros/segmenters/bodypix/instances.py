"""Whose pixel is it? Long offsets lead from each person pixel to its person's keypoints.

Which person a pixel belongs to changes only along lines between people. So corners of blocks are asked first;
a block whose corners agree is filled, another is split, down to four pixels, where the distances to the
people that compete are interpolated between the corners. Blocks without person pixels are not looked at, and
what a corner said is kept for its neighbours.
"""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.geometry import Geometry

LEAF = 4
"""Side in pixels of the blocks that are not split further."""
BLOCKS = (64, 32, 16)
"""Sides in pixels of the first blocks: the largest that is at most half as long as the smallest person."""


def assign(
    person_mask: npt.NDArray[np.uint8],
    long_offsets: npt.NDArray[np.float32],
    poses: npt.NDArray[np.float32],
    geometry: Geometry,
    min_keypoint_score: float,
    refine_steps: int,
    instance_mask: npt.NDArray[np.uint8],
    rows: tuple[int, int] | None = None,
) -> npt.NDArray[np.int32]:
    """Fill the instance mask, and bound each person's pixels.

    A pixel goes to the pose with the least mean squared distance between where the pixel's offsets lead and
    the pose's keypoints, over those keypoints that score above the minimum. With one pose it is that pose's.

    Args:
        person_mask: uint8 (H, W), 0 and 1.
        long_offsets: float32 (points_y, points_x, 34), dy then dx, in image pixels.
        poses: float32 (N, 17, 3): x, y in image pixels, score; at most 254.
        geometry: Of the image's size.
        min_keypoint_score: Keypoints at or below it do not count.
        refine_steps: How often the offsets are followed after the first step.
        instance_mask: uint8 (H, W), overwritten: 0 nobody, k + 1 = `poses[k]`.
        rows: First row, a multiple of the largest of BLOCKS, and the one after the last to fill; None: all.

    Returns:
        int32 (N, 4): x0, y0, x1, y1, half open, of the pixels in those rows; zeros for a person without any.
    """
    begin, end = rows or (0, geometry.y.size)
    boxes = np.zeros((len(poses), 4), np.int32)
    if len(poses) > 1:
        instance_mask[begin:end].fill(0)
        y, x = geometry.y, geometry.x
        _assign(
            person_mask, long_offsets, poses, np.float32(min_keypoint_score), refine_steps, geometry.stride,
            y.before, np.float32(y.internal / y.padded), x.before, np.float32(x.internal / x.padded),
            begin, end, instance_mask, boxes,
        )  # fmt: skip
    elif len(poses) == 1:
        _take(person_mask, begin, end, instance_mask, boxes[0])
    else:
        instance_mask[begin:end].fill(0)
    return boxes


@kernel(inline=True)
def _first_block(poses: Array, confident: Array) -> int:
    """Side of the first blocks: a person between the corners of a block would not be seen."""
    smallest = np.float32(np.inf)
    for n in range(poses.shape[0]):
        low_x = low_y = np.float32(np.inf)
        high_x = high_y = np.float32(-np.inf)
        for k in range(poses.shape[1]):
            if confident[n, k]:
                low_x, high_x = min(low_x, poses[n, k, 0]), max(high_x, poses[n, k, 0])
                low_y, high_y = min(low_y, poses[n, k, 1]), max(high_y, poses[n, k, 1])
        smallest = min(smallest, max(high_x - low_x, high_y - low_y))
    for side in BLOCKS:
        if 2 * side <= smallest:
            return side
    return BLOCKS[-1]


@kernel(inline=True)
def _distances(
    offsets: Array,
    poses: Array,
    confident: Array,
    i: int,
    j: int,
    last_y: Float,
    last_x: Float,
    refine: int,
    ay: Float,
    by: Float,
    ax: Float,
    bx: Float,
    at: Array,
    out: Array,
) -> int:
    """Follow the offsets from pixel (i, j); write the mean squared distance to each pose, return the closest.

    `ay * row + by` is the row on the grid; `at` is scratch for the 17 points.
    """
    points_y, points_x, keypoints = offsets.shape[0], offsets.shape[1], offsets.shape[2] // 2
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    grid_y, grid_x = np.float32(points_y - 1), np.float32(points_x - 1)
    for k in range(keypoints):
        at[0, k], at[1, k] = np.float32(i), np.float32(j)
    for _ in range(refine + 1):
        for k in range(keypoints):
            gy = np.floor(min(max(at[0, k], zero), last_y) + half) * ay + by
            gx = np.floor(min(max(at[1, k], zero), last_x) + half) * ax + bx
            gy, gx = min(max(gy, zero), grid_y), min(max(gx, zero), grid_x)
            y0, x0 = np.uint32(gy), np.uint32(gx)
            fy, fx = gy - np.float32(y0), gx - np.float32(x0)
            y1, x1 = (
                min(y0 + np.uint32(1), np.uint32(points_y - 1)),
                min(x0 + np.uint32(1), np.uint32(points_x - 1)),
            )
            a, b, c, d = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
            p00, p01, p10, p11 = offsets[y0, x0], offsets[y0, x1], offsets[y1, x0], offsets[y1, x1]
            m = keypoints + k
            at[0, k] += p00[k] * a + p01[k] * b + p10[k] * c + p11[k] * d
            at[1, k] += p00[m] * a + p01[m] * b + p10[m] * c + p11[m] * d
    best, least = 0, np.float32(np.inf)
    for n in range(poses.shape[0]):
        total, count = zero, zero
        for k in range(keypoints):
            dy, dx = at[0, k] - poses[n, k, 1], at[1, k] - poses[n, k, 0]
            use = np.float32(confident[n, k])
            total += use * (dy * dy + dx * dx)
            count += use
        out[n] = total / count if count > zero else np.float32(np.inf)
        if out[n] < least:
            best, least = n, out[n]
    return best


@kernel(inline=True)
def _any(mask: Array, i0: int, i1: int, j0: int, j1: int) -> bool:
    for i in range(i0, i1):
        found = np.uint8(0)
        for j in range(j0, j1):
            found |= mask[i, j]
        if found:
            return True
    return False


@kernel(inline=True)
def _include(box: Array, i: int, j: int) -> None:
    if box[2] == 0:
        box[0], box[1], box[2], box[3] = j, i, j + 1, i + 1
    else:
        box[0], box[1] = min(box[0], j), min(box[1], i)
        box[2], box[3] = max(box[2], j + 1), max(box[3], i + 1)


@kernel(inline=True)
def _fill(
    mask: Array, value: int, i0: int, i1: int, j0: int, j1: int, out: Array, box: Array, seen: Array
) -> None:
    """Give the mask's pixels within a rectangle to a person, and grow the person's box to hold them.

    `seen` is scratch for a row.
    """
    seen[: j1 - j0] = 0
    first, last = -1, -1
    for i in range(i0, i1):
        found = np.uint8(0)
        for j in range(j0, j1):
            inside = mask[i, j]
            out[i, j] = inside * np.uint8(value)
            seen[j - j0] |= inside
            found |= inside
        if found:
            first, last = i if first < 0 else first, i
    if first < 0:
        return
    left, right = j0, j1 - 1
    while not seen[left - j0]:
        left += 1
    while not seen[right - j0]:
        right -= 1
    _include(box, first, left)
    _include(box, last, right)


@kernel("void(uint8[:, ::1], intp, intp, uint8[:, ::1], int32[::1])")
def _take(mask: Array, begin: int, end: int, out: Array, box: Array) -> None:
    """Give all pixels of the mask to the only person."""
    _fill(mask, 1, begin, end, 0, mask.shape[1], out, box, np.empty(mask.shape[1], np.uint8))


@kernel(
    "void(uint8[:, ::1], Array(float32, 3, 'C', readonly=True), float32[:, :, ::1], float32, intp, intp,"
    " intp, float32, intp, float32, intp, intp, uint8[:, ::1], int32[:, ::1])"
)
def _assign(
    mask: Array,
    offsets: Array,
    poses: Array,
    least: Float,
    refine: int,
    stride: int,
    pad_y: int,
    scale_y: Float,
    pad_x: int,
    scale_x: Float,
    begin: int,
    end: int,
    out: Array,
    boxes: Array,
) -> None:
    height, width = mask.shape
    people = poses.shape[0]
    # Grid coordinate of pixel p: ((pad + p + 1) * scale - 1) / stride.
    ay, ax = scale_y / np.float32(stride), scale_x / np.float32(stride)
    by = (np.float32(pad_y + 1) * scale_y - np.float32(1)) / np.float32(stride)
    bx = (np.float32(pad_x + 1) * scale_x - np.float32(1)) / np.float32(stride)
    last_y, last_x = np.float32(height - 1), np.float32(width - 1)
    at = np.empty((2, poses.shape[1]), np.float32)

    confident = poses[:, :, 2] > least
    block = _first_block(poses, confident)
    seen = np.empty(block, np.uint8)

    # What the corners said: place of each corner in `distance` (0: not asked yet), and the closest pose.
    leaves = block // LEAF
    place = np.zeros(
        (((end - begin - 1) // block + 1) * leaves + 1, ((width - 1) // block + 1) * leaves + 1), np.int32
    )
    distance: Array = np.empty((256, people), np.float32)
    closest: Array = np.empty(256, np.intp)
    asked = 1
    corner = np.empty(4, np.intp)
    stack = np.empty((64, 3), np.intp)

    for top in range(begin, end, block):
        for left in range(0, width, block):
            stack[0, 0], stack[0, 1], stack[0, 2] = top, left, block
            depth = 1
            while depth:
                depth -= 1
                i0, j0, side = stack[depth, 0], stack[depth, 1], stack[depth, 2]
                i1, j1 = min(i0 + side, end), min(j0 + side, width)
                if i0 >= end or j0 >= width or not _any(mask, i0, i1, j0, j1):
                    continue
                for c in range(4):
                    y, x = i0 + side * (c >> 1), j0 + side * (c & 1)
                    if place[(y - begin) // LEAF, x // LEAF] == 0:
                        if asked == closest.size:
                            distance = np.concatenate((distance, np.empty_like(distance)))
                            closest = np.concatenate((closest, np.empty_like(closest)))
                        closest[asked] = _distances(
                            offsets, poses, confident, min(y, height - 1), min(x, width - 1), last_y, last_x,
                            refine, ay, by, ax, bx, at, distance[asked],
                        )  # fmt: skip
                        place[(y - begin) // LEAF, x // LEAF] = asked
                        asked += 1
                    corner[c] = place[(y - begin) // LEAF, x // LEAF]
                best = closest[corner[0]]
                if best == closest[corner[1]] and best == closest[corner[2]] and best == closest[corner[3]]:
                    _fill(mask, best + 1, i0, i1, j0, j1, out, boxes[best], seen)
                elif side > LEAF:
                    half = side // 2
                    for c in range(4):
                        stack[depth, 0], stack[depth, 1] = i0 + half * (c >> 1), j0 + half * (c & 1)
                        stack[depth, 2] = half
                        depth += 1
                else:
                    for i in range(i0, i1):
                        fy = np.float32(i - i0) / np.float32(LEAF)
                        for j in range(j0, j1):
                            if not mask[i, j]:
                                continue
                            fx = np.float32(j - j0) / np.float32(LEAF)
                            best, least = closest[corner[0]], np.float32(np.inf)
                            for c in range(4):
                                n = closest[corner[c]]
                                above = (
                                    distance[corner[0], n]
                                    + (distance[corner[1], n] - distance[corner[0], n]) * fx
                                )
                                below = (
                                    distance[corner[2], n]
                                    + (distance[corner[3], n] - distance[corner[2], n]) * fx
                                )
                                value_here = above + (below - above) * fy
                                if value_here < least:
                                    best, least = n, value_here
                            out[i, j] = best + 1
                            _include(boxes[best], i, j)
