"""Whose pixel is it? Long offsets lead from each person pixel to its person's keypoints.

Which person a pixel belongs to changes only along lines between people. So corners of blocks are asked first;
a block whose corners agree is filled, another is split, down to four pixels, where the distances to the
people that compete are interpolated between the corners. Blocks without person pixels are not looked at, and
what a corner said is kept for its neighbours.
"""

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.kernels import Array, Float, kernel

_KEYPOINTS = len(KEYPOINTS)
_BATCH = 16  # pixels whose offsets are followed at once

LEAF = 4
"""Side in pixels of the blocks that are not split further."""
BLOCKS = (64, 32, 16)
"""Sides in pixels of the first blocks: the largest that is at most half as long as the smallest person."""


@kernel(inline=True)
def _first_block(poses: Array, least: Float) -> int:
    """Side of the first blocks: a person between the corners of a block would not be seen."""
    smallest = np.float32(np.inf)
    for n in range(poses.shape[0]):
        low_x = low_y = np.float32(np.inf)
        high_x = high_y = np.float32(-np.inf)
        for k in range(poses.shape[1]):
            if poses[n, k, 2] > least:
                low_x, high_x = min(low_x, poses[n, k, 0]), max(high_x, poses[n, k, 0])
                low_y, high_y = min(low_y, poses[n, k, 1]), max(high_y, poses[n, k, 1])
        smallest = min(smallest, max(high_x - low_x, high_y - low_y))
    for side in BLOCKS:
        if 2 * side <= smallest:
            return side
    return BLOCKS[-1]


@kernel(inline=True)
def _follow(
    offsets: Array,
    points_y: int,
    points_x: int,
    last_y: Float,
    last_x: Float,
    refine: int,
    ay: Float,
    by: Float,
    ax: Float,
    bx: Float,
    lanes: int,
    keypoint: Array,
    y: Array,
    x: Array,
    fy: Array,
    fx: Array,
    place: Array,
) -> None:
    """Follow the offsets of a keypoint from each of the pixels (y, x), and leave there where they lead.

    Two loops, since the first becomes vector code and the second, which looks things up, does not.

    `offsets` are flat, `ay * row + by` is the row on their grid; fy, fx and place are scratch.
    """
    zero, half = np.float32(0), np.float32(0.5)
    # A cell's first corner is at most the last point but one, where there are two.
    cells_y, cells_x = np.float32(max(points_y - 2, 0)), np.float32(max(points_x - 2, 0))
    grid_y, grid_x = np.float32(points_y - 1), np.float32(points_x - 1)
    values = np.int32(2 * _KEYPOINTS)
    row = np.int32(np.int32(points_x) * values)
    down, right = np.uint32(row if points_y > 1 else 0), np.uint32(values if points_x > 1 else 0)
    for _ in range(refine + 1):
        for k in range(lanes):
            gy = np.floor(min(max(y[k], zero), last_y) + half) * ay + by
            gx = np.floor(min(max(x[k], zero), last_x) + half) * ax + bx
            gy, gx = min(max(gy, zero), grid_y), min(max(gx, zero), grid_x)
            cell_y, cell_x = min(np.floor(gy), cells_y), min(np.floor(gx), cells_x)
            fy[k], fx[k] = gy - cell_y, gx - cell_x
            above, before = np.int32(np.int32(cell_y) * row), np.int32(np.int32(cell_x) * values)
            place[k] = np.int32(above + before) + keypoint[k]
        for k in range(lanes):
            p = np.uint32(place[k])
            q = p + down
            upper = offsets[p] + (offsets[p + right] - offsets[p]) * fx[k]
            lower = offsets[q] + (offsets[q + right] - offsets[q]) * fx[k]
            y[k] += upper + (lower - upper) * fy[k]
            p, q = p + np.uint32(_KEYPOINTS), q + np.uint32(_KEYPOINTS)
            upper = offsets[p] + (offsets[p + right] - offsets[p]) * fx[k]
            lower = offsets[q] + (offsets[q + right] - offsets[q]) * fx[k]
            x[k] += upper + (lower - upper) * fy[k]


@kernel(inline=True)
def _distances(
    y: Array, x: Array, pose_y: Array, pose_x: Array, weight: Array, begin: int, end: int, distance: Array,
    closest: Array,
) -> None:  # fmt: skip
    """Write the weighted squared distances to the poses and the closest pose of the pixels begin to end.

    `weight` is (keypoints, poses); the points that a pixel's offsets lead to lie side by side in y and x.
    """
    keypoints, people = weight.shape
    for pixel in range(begin, end):
        for n in range(people):
            distance[pixel, n] = np.float32(0)
        for k in range(keypoints):
            here_y, here_x = y[(pixel - begin) * keypoints + k], x[(pixel - begin) * keypoints + k]
            for n in range(people):
                dy, dx = here_y - pose_y[k, n], here_x - pose_x[k, n]
                distance[pixel, n] += weight[k, n] * (dy * dy + dx * dx)
        best = 0
        for n in range(1, people):
            if distance[pixel, n] < distance[pixel, best]:
                best = n
        closest[pixel] = best


@kernel(inline=True)
def _confident(poses: Array, least: Float) -> Array:
    """The keypoints that score above the minimum in any pose: the others decide nothing."""
    keypoint, count = np.empty(poses.shape[1], np.int32), 0
    for k in range(poses.shape[1]):
        confident = False
        for n in range(poses.shape[0]):
            confident |= poses[n, k, 2] > least
        if confident:
            keypoint[count] = k
            count += 1
    return keypoint[:count]


@kernel(inline=True)
def _targets(
    poses: Array, least: Float, keypoint: Array, pose_y: Array, pose_x: Array, weight: Array
) -> None:
    """Write the keypoints' places and their weights, which make a mean over the confident ones of a pose.

    A pose without any is infinitely far away.
    """
    far, one = np.float32(1e18), np.float32(1)
    for n in range(poses.shape[0]):
        count = np.float32(0)
        for k in range(keypoint.size):
            count += np.float32(poses[n, keypoint[k], 2] > least)
        for k in range(keypoint.size):
            m = keypoint[k]
            pose_y[k, n], pose_x[k, n] = poses[n, m, 1], poses[n, m, 0]
            weight[k, n] = np.float32(poses[n, m, 2] > least) / max(count, one)
            if count == 0:
                pose_y[k, n], pose_x[k, n], weight[k, n] = far, far, far


@kernel(inline=True)
def _any(mask: Array, i0: int, i1: int, j0: int, j1: int) -> bool:
    for i in range(i0, i1):
        found = np.uint8(0)
        for j in range(np.uint64(j0), np.uint64(j1)):  # unsigned: numba has no negative index to check for
            found = max(found, mask[i, j])  # not |, which numba widens to 64 bits
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
def give(
    mask: Array, value: int, i0: int, i1: int, j0: int, j1: int, out: Array, box: Array, seen: Array
) -> None:
    """Give the mask's pixels within a rectangle to a person, and grow the person's box to hold them.

    `seen` is scratch for a row.
    """
    seen[: max(j1 - j0, 0)] = 0
    first, last, label = -1, -1, np.uint8(value)
    for i in range(i0, i1):
        found = np.uint8(0)
        for j in range(np.uint64(j0), np.uint64(j1)):
            out[i, j] = np.uint8(mask[i, j] * label)
            seen[j - np.uint64(j0)] = max(seen[j - np.uint64(j0)], mask[i, j])
            found = max(found, mask[i, j])
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


@kernel(
    "void(uint8[:, ::1], Array(float32, 3, 'C', readonly=True), float32[:, :, ::1], intp, intp, intp,"
    " float64, float64, float64, intp, intp, intp, uint8[:, ::1], int32[:, ::1])"
)
def assign(
    mask: Array,
    offsets: Array,
    poses: Array,
    stride: int,
    before_y: int,
    before_x: int,
    internal_per_pixel_y: Float,
    internal_per_pixel_x: Float,
    min_keypoint_score: Float,
    refine: int,
    begin: int,
    end: int,
    out: Array,
    boxes: Array,
) -> None:
    """Give the pixels of the mask to people.

    A pixel goes to the pose with the least mean squared distance between where the pixel's offsets lead and
    the pose's keypoints, over those keypoints that score above the minimum. With one pose it is that pose's.

    Args:
        mask: uint8 (H, W), 0 and 1.
        offsets: float32 (points_y, points_x, 34), dy then dx, in image pixels.
        poses: float32 (N, 17, 3): x, y in image pixels, score; at most 254.
        stride: Internal pixels between two points.
        before_y: As `Axis.before` of the rows.
        before_x: The same for the columns.
        internal_per_pixel_y: Pixels of the network's input to a pixel of the padded image, along rows.
        internal_per_pixel_x: The same for columns.
        min_keypoint_score: Keypoints at or below it do not count.
        refine: How often the offsets are followed after the first step.
        begin: First row to fill, a multiple of the largest of BLOCKS.
        end: The row after the last one to fill.
        out: uint8 (H, W), overwritten: 0 nobody, k + 1 = `poses[k]`.
        boxes: int32 (N, 4), grown to hold the people's pixels: x0, y0, x1, y1, half open; zeros: none yet.
    """
    height, width = mask.shape
    people = poses.shape[0]
    out[begin:end] = 0
    if people == 0:
        return
    least = np.float32(min_keypoint_score)
    scale_y, scale_x = np.float32(internal_per_pixel_y), np.float32(internal_per_pixel_x)
    # Grid coordinate of pixel p: ((pad + p + 1) * scale - 1) / stride.
    ay, ax = scale_y / np.float32(stride), scale_x / np.float32(stride)
    by = (np.float32(before_y + 1) * scale_y - np.float32(1)) / np.float32(stride)
    bx = (np.float32(before_x + 1) * scale_x - np.float32(1)) / np.float32(stride)
    last_y, last_x = np.float32(height - 1), np.float32(width - 1)

    keypoint = _confident(poses, least)
    shape = (keypoint.size, people)
    pose_y, pose_x = np.empty(shape, np.float32), np.empty(shape, np.float32)
    weight = np.empty(shape, np.float32)
    _targets(poses, least, keypoint, pose_y, pose_x, weight)
    size = _BATCH * keypoint.size
    at_y, at_x = np.empty(size, np.float32), np.empty(size, np.float32)
    fraction_y, fraction_x = np.empty(size, np.float32), np.empty(size, np.float32)
    found, lane = np.empty(size, np.int32), np.empty(size, np.int32)
    for p in range(_BATCH):
        for k in range(keypoint.size):
            lane[p * keypoint.size + k] = keypoint[k]
    flat = offsets.reshape(-1)
    block = _first_block(poses, least)
    seen = np.empty(block, np.uint8)

    # The corners, asked a level at a time: where they are, and what they said. `place` says which of them is
    # at a point of the image (0: none yet).
    leaves = block // LEAF
    across = ((width - 1) // block + 1) * leaves + 1
    down = ((end - begin - 1) // block + 1) * leaves + 1
    place = np.zeros((down, across), np.int32)
    corner = np.empty((down * across + 1, 2), np.int32)
    distance = np.empty((down * across + 1, people), np.float32)
    closest = np.empty(down * across + 1, np.int32)
    asked = answered = 1
    blocks, parts = np.empty((down * across, 2), np.int32), np.empty((down * across, 2), np.int32)
    count = 0
    for top in range(begin, end, block):
        for left in range(0, width, block):
            if _any(mask, top, min(top + block, end), left, min(left + block, width)):
                blocks[count, 0], blocks[count, 1] = top, left
                count += 1
    side = block
    while count:
        for b in range(count):
            for c in range(4):
                y, x = blocks[b, 0] + side * (c >> 1), blocks[b, 1] + side * (c & 1)
                if place[(y - begin) // LEAF, x // LEAF] == 0:
                    place[(y - begin) // LEAF, x // LEAF] = asked
                    corner[asked, 0], corner[asked, 1] = min(y, height - 1), min(x, width - 1)
                    asked += 1
        while answered < asked:
            now = min(asked - answered, _BATCH)
            for p in range(now):
                for k in range(keypoint.size):
                    at_y[p * keypoint.size + k] = np.float32(corner[answered + p, 0])
                    at_x[p * keypoint.size + k] = np.float32(corner[answered + p, 1])
            lanes = now * keypoint.size
            _follow(
                flat, offsets.shape[0], offsets.shape[1], last_y, last_x, refine, ay, by, ax, bx, lanes, lane,
                at_y, at_x, fraction_y, fraction_x, found,
            )  # fmt: skip
            _distances(at_y, at_x, pose_y, pose_x, weight, answered, answered + now, distance, closest)
            answered += now

        half, split = side // 2, 0
        for b in range(count):
            i0, j0 = blocks[b, 0], blocks[b, 1]
            i1, j1 = min(i0 + side, end), min(j0 + side, width)
            y, x, step = (i0 - begin) // LEAF, j0 // LEAF, side // LEAF
            c00, c01 = place[y, x], place[y, x + step]
            c10, c11 = place[y + step, x], place[y + step, x + step]
            best = closest[c00]
            if best == closest[c01] and best == closest[c10] and best == closest[c11]:
                give(mask, best + 1, i0, i1, j0, j1, out, boxes[best], seen)
            elif side > LEAF:
                for c in range(4):
                    y, x = i0 + half * (c >> 1), j0 + half * (c & 1)
                    if y < end and x < width and _any(mask, y, min(y + half, end), x, min(x + half, width)):
                        parts[split, 0], parts[split, 1] = y, x
                        split += 1
            else:
                for i in range(i0, i1):
                    fy = np.float32(i - i0) / np.float32(LEAF)
                    for j in range(j0, j1):
                        if not mask[i, j]:
                            continue
                        fx = np.float32(j - j0) / np.float32(LEAF)
                        best, smallest = 0, np.float32(np.inf)
                        for n in (closest[c00], closest[c01], closest[c10], closest[c11]):
                            above = distance[c00, n] + (distance[c01, n] - distance[c00, n]) * fx
                            below = distance[c10, n] + (distance[c11, n] - distance[c10, n]) * fx
                            here = above + (below - above) * fy
                            if here < smallest:
                                best, smallest = n, here
                        out[i, j] = best + 1
                        _include(boxes[best], i, j)
        blocks, parts = parts, blocks
        count, side = split, half
