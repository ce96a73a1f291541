"""Outlines drawn to the picture's edges: masks come of coarse grids, edges are in the picture.

A guided filter (He, Sun and Tang 2013; on a coarse grid: He and Sun 2015, "Fast guided filter") makes of the
mask a linear function of brightness, cell by cell, and what is above a half of it is the mask. Only a band
around outlines is looked at. Outlines between people, and between parts, stay.
"""

from dataclasses import replace

import numpy as np

from bodypix_ros.imaging.pixels import Pixels, as_line
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import Scene

_CELLS = 160
"""Of the coarse grid along the picture's longer side."""
_RADIUS = 2
"""Of the filter, in cells: as far as outlines of masks are off."""
_REACH = 1
"""Cells beside those that an outline runs through in which it may lie: farther hardly any does."""
_LARGE = 40
"""Cells along the longer side of a person's box from which the outline is drawn: smaller people's are seen in
crops, and are better than what a filter so wide makes of them."""
_SMOOTH = 3e-4
"""Variance of brightness, of 0..1, that counts as flat."""


def sharpen(scene: Scene, pixels: Pixels) -> Scene:
    """Draw a Scene's outlines to the picture's edges.

    Nobody loses a pixel to somebody else, and whose a new pixel is, and what part, the nearest one of a
    person says.

    Args:
        scene: What was seen; its masks are changed in place.
        pixels: The image.

    Returns:
        The Scene with boxes around the pixels that people have now.
    """
    height, width = pixels.shape
    cell = max(round(max(height, width) / _CELLS), 1)
    if not scene.persons or min(height, width) < 2 * cell:
        return scene
    boxes = np.array([one.box for one in scene.persons], np.int64)
    is_large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= _LARGE * cell
    if not is_large.any():
        return scene
    around = (2 * _RADIUS + 1) * cell
    x0, y0 = np.maximum(boxes[is_large, :2].min(axis=0) - around, 0) // cell
    x1, y1 = -(-np.minimum(boxes[is_large, 2:].max(axis=0) + around, (width, height)) // cell)
    if min(x1 - x0, y1 - y0) < 2:
        return scene
    person, parts = scene.person_mask.view(np.uint8), scene.part_mask
    large = np.zeros(256, np.bool_)
    large[1 : 1 + len(boxes)] = is_large
    line, step = as_line(pixels.array)
    _draw(
        line, step, pixels.array.shape[2], person, scene.instance_mask,
        np.zeros((0, 0), np.uint8) if parts is None else parts, large, cell, y0, y1, x0, x1,
    )  # fmt: skip
    _bounds(scene.instance_mask, boxes, around)
    persons = zip(scene.persons, boxes.tolist(), strict=True)
    return replace(scene, persons=tuple(replace(one, box=tuple(box)) for one, box in persons))


@kernel(inline=True)
def _bright(line: Array, at: int) -> Float:
    """Brightness of colours, 0..1020: red and blue count the same, so their order does not matter."""
    red, green, blue = line[at], line[at + np.uint64(1)], line[at + np.uint64(2)]
    return np.uint16(red) + (np.uint16(green) << np.uint16(1)) + np.uint16(blue)


@kernel(inline=True)
def _add_row(line: Array, at: int, count: int, total: Array) -> None:
    """Add a row's brightness."""
    at = np.uint64(at)  # strides are written as numbers: only then is it vector code
    if count == 3:
        for x in range(np.uint64(total.size)):
            total[x] = total[x] + _bright(line, at + np.uint64(3) * x)
    elif count == 4:
        for x in range(np.uint64(total.size)):
            total[x] = total[x] + _bright(line, at + np.uint64(4) * x)
    else:
        for x in range(np.uint64(total.size)):
            total[x] = total[x] + (np.uint16(line[at + x]) << np.uint16(2))


@kernel(inline=True)
def _mean(values: Array, rows: Array, out: Array) -> None:
    """Means of boxes, of what of them is on the grid; `rows` is for what is half done."""
    height, width = values.shape
    for i in range(height):
        for j in range(width):
            rows[i, j] = 0
        for k in range(2 * _RADIUS + 1):
            away = k - _RADIUS
            begin, end = np.uint64(max(-away, 0)), np.uint64(max(min(width - away, width), 0))
            for j in range(begin, end):
                rows[i, j] += values[i, j + np.uint64(away)]
        for j in range(width):
            if j < _RADIUS or j >= width - _RADIUS:
                rows[i, j] /= np.float32(min(j + _RADIUS, width - 1) - max(j - _RADIUS, 0) + 1)
            else:
                rows[i, j] *= np.float32(1 / (2 * _RADIUS + 1))
    for i in range(height):
        first, last = max(i - _RADIUS, 0), min(i + _RADIUS, height - 1)
        share = np.float32(1) / np.float32(last - first + 1)
        for j in range(width):
            out[i, j] = rows[first, j]
        for k in range(first + 1, last + 1):
            for j in range(width):
                out[i, j] += rows[k, j]
        for j in range(width):
            out[i, j] *= share


@kernel(inline=True)
def _coarsen(
    line: Array, step: int, count: int, mask: Array, cell: int, top: int, left: int, gray: Array, share: Array
) -> None:
    """Write of each cell from (top, left) on brightness, 0..1, and people's share."""
    height, width = mask.shape
    apart = max(cell // 2, 1)  # of brightness every other row tells enough
    first, last = left * cell, min((left + gray.shape[1]) * cell, width)
    bright, inside = np.empty(last - first, np.uint16), np.empty(last - first, np.uint16)
    bright_until, inside_until = np.zeros(last - first + 1, np.uint32), np.zeros(last - first + 1, np.uint32)
    for i in range(gray.shape[0]):
        y0, y1 = (top + i) * cell, min((top + i + 1) * cell, height)
        bright[:] = 0
        inside[:] = 0
        for y in range(y0, y1):
            for x in range(np.uint64(last - first)):
                inside[x] += np.uint16(mask[np.uint64(y), np.uint64(first) + x])
        for y in range(y0, y1, apart):
            _add_row(line, y * step + first * count, count, bright)
        of_bright, of_inside = np.uint32(0), np.uint32(0)
        for x in range(np.uint64(last - first)):
            of_bright += bright[x]
            of_inside += inside[x]
            bright_until[x + np.uint64(1)], inside_until[x + np.uint64(1)] = of_bright, of_inside
        rows = (y1 - y0 + apart - 1) // apart
        for j in range(gray.shape[1]):
            begin, end = j * cell, min((j + 1) * cell, last - first)
            of_bright, of_inside = (
                bright_until[end] - bright_until[begin],
                inside_until[end] - inside_until[begin],
            )
            gray[i, j] = np.float32(of_bright) / np.float32(1020 * rows * (end - begin))
            share[i, j] = np.float32(of_inside) / np.float32((y1 - y0) * (end - begin))


@kernel(inline=True)
def _is_of_large(instance: Array, large: Array, cell: int, i: int, j: int) -> bool:
    """Whether somebody large is in a cell, or beside it; every other pixel is looked at."""
    height, width = instance.shape
    apart = max(cell // 2, 1)
    for y in range(max(i - 1, 0) * cell, min((i + 2) * cell, height), apart):
        for x in range(max(j - 1, 0) * cell, min((j + 2) * cell, width), apart):
            if large[instance[y, x]]:
                return True
    return False


@kernel(inline=True)
def _band(share: Array, instance: Array, large: Array, cell: int, top: int, left: int) -> Array:
    """Cells that are near an outline of somebody large."""
    height, width = share.shape
    near = np.zeros((height, width), np.bool_)
    for i in range(height):
        for j in range(width):
            here = share[i, j]
            edge = 0 < here < 1
            edge |= j + 1 < width and share[i, j + 1] != here
            edge |= i + 1 < height and share[i + 1, j] != here
            if edge and _is_of_large(instance, large, cell, top + i, left + j):
                for a in range(max(i - _REACH, 0), min(i + _REACH + 1, height)):
                    for b in range(max(j - _REACH, 0), min(j + _REACH + 1, width)):
                        near[a, b] = True
    return near


@kernel(inline=True)
def _between(grid: Array, i: int, share: Float, row: Array) -> None:
    """Write a row between the rows i and i + 1 of a grid."""
    for j in range(grid.shape[1]):
        row[j] = grid[i, j] + (grid[i + 1, j] - grid[i, j]) * share


@kernel(inline=True)
def _place(at: int, first: int, cell: int, count: int) -> tuple[int, Float]:
    """The cell whose middle lies before a pixel, and how far on the pixel is to the next one's."""
    place = (np.float32(at) - np.float32((cell - 1) / 2)) / np.float32(cell) - np.float32(first)
    place = min(max(place, np.float32(0)), np.float32(count - 1))
    before = min(int(place), count - 2)
    return before, place - np.float32(before)


@kernel(inline=True)
def _vote(wanted: Array, rows: Array, out: Array) -> None:
    """Have each pixel go with most of the three times three around it; the picture's edge is doubled."""
    height, width = wanted.shape
    for y in range(height):
        rows[y, 0] = 2 * wanted[y, 0] + wanted[y, min(1, width - 1)]
        rows[y, width - 1] = 2 * wanted[y, width - 1] + wanted[y, max(width - 2, 0)]
        for x in range(np.uint64(1), np.uint64(width - 1)):
            one = np.uint64(1)
            rows[y, x] = wanted[y, x - one] + wanted[y, x] + wanted[y, x + one]
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(np.uint64(0), np.uint64(width)):
            out[y, x] = np.uint8(rows[above, x] + rows[y, x] + rows[below, x] > np.uint8(4))


@kernel(inline=True)
def _label(before: Array, instance: Array, parts: Array, y: int, x: int, farthest: int) -> int:
    """Give a new pixel the labels of the nearest person's pixel, eight ways; returns whether there is one."""
    height, width = before.shape
    for away in range(1, farthest + 1):
        for way in range(8):
            dy, dx = (-1, -1, -1, 0, 0, 1, 1, 1)[way], (-1, 0, 1, -1, 1, -1, 0, 1)[way]
            a, b = y + dy * away, x + dx * away
            if 0 <= a < height and 0 <= b < width and before[a, b]:
                instance[y, x] = instance[a, b]
                if parts.size:
                    parts[y, x] = parts[a, b]
                return 1
    return 0


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), intp, intp, uint8[:, ::1], uint8[:, ::1], uint8[:, ::1],"
    " boolean[::1], intp, intp, intp, intp, intp)"
)
def _draw(
    line: Array, step: int, count: int, person: Array, instance: Array, parts: Array, large: Array, cell: int,
    top: int, bottom: int, left: int, right: int,
) -> None:  # fmt: skip
    """Sharpen the cells from (top, left) to (bottom, right)."""
    height, width = person.shape
    rows, columns = bottom - top, right - left
    shape = rows, columns
    gray, share = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _coarsen(line, step, count, person, cell, top, left, gray, share)
    band = _band(share, instance, large, cell, top, left)
    # The mask as slope * brightness + offset, least squares in each box, then the mean of all boxes around.
    half = np.empty(shape, np.float32)
    mean_gray, mean_share = np.empty(shape, np.float32), np.empty(shape, np.float32)
    mean_both, mean_square = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _mean(gray, half, mean_gray)
    _mean(share, half, mean_share)
    _mean(gray * share, half, mean_both)
    _mean(gray * gray, half, mean_square)
    for i in range(rows):
        for j in range(columns):
            variance = max(mean_square[i, j] - mean_gray[i, j] * mean_gray[i, j], np.float32(0))
            both = mean_both[i, j] - mean_gray[i, j] * mean_share[i, j]
            gray[i, j] = both / (variance + np.float32(_SMOOTH))
            share[i, j] = mean_share[i, j] - gray[i, j] * mean_gray[i, j]
    slope, offset = mean_gray, mean_share
    _mean(gray, half, slope)
    _mean(share, half, offset)
    y0, y1 = top * cell, min(bottom * cell, height)
    x0, x1 = left * cell, min(right * cell, width)
    before = person[y0:y1, x0:x1].copy()
    wanted = before.copy()
    slopes, offsets = np.empty(columns, np.float32), np.empty(columns, np.float32)
    at, on = np.empty(x1 - x0, np.uint64), np.empty(x1 - x0, np.float32)
    bright = np.empty(x1 - x0, np.uint16)
    for x in range(x0, x1):
        at[x - x0], on[x - x0] = _place(x, left, cell, columns)
    one, scale = np.uint64(1), np.float32(1 / 1020)
    for y in range(y0, y1):
        row = y // cell - top
        if not band[row].any():
            continue
        i, further = _place(y, top, cell, rows)
        _between(slope, i, further, slopes)
        _between(offset, i, further, offsets)
        bright[:] = 0
        _add_row(line, y * step + x0 * count, count, bright)
        for j in range(columns):
            if not band[row, j]:
                continue
            for x in range(np.uint64(j * cell), np.uint64(min((j + 1) * cell, x1 - x0))):
                k, share_ = at[x], on[x]
                here = np.float32(bright[x])
                steep = slopes[k] + (slopes[k + one] - slopes[k]) * share_
                value = steep * (here * scale) + offsets[k] + (offsets[k + one] - offsets[k]) * share_
                wanted[np.uint64(y - y0), x] = value > np.float32(0.5)
    voted, sums = np.empty_like(wanted), np.empty_like(wanted)
    _vote(wanted, sums, voted)
    farthest = (2 * _RADIUS + 1) * cell
    changed = np.empty(wanted.size, np.int64)
    count = 0
    for i in range(rows):
        for j in range(columns):
            if band[i, j]:
                for y in range(i * cell, min((i + 1) * cell, y1 - y0)):
                    for x in range(j * cell, min((j + 1) * cell, x1 - x0)):
                        changed[count] = y * (x1 - x0) + x
                        count += voted[y, x] != before[y, x]
    # Labels are looked for among the pixels of before, so nothing is taken away until all are found.
    for k in changed[:count]:
        y, x = k // (x1 - x0), k % (x1 - x0)
        if voted[y, x]:
            person[y0 + y, x0 + x] = _label(
                before, instance[y0:y1, x0:x1], parts[y0:y1, x0:x1], y, x, farthest
            )
    for k in changed[:count]:
        y, x = y0 + k // (x1 - x0), x0 + k % (x1 - x0)
        if not voted[y - y0, x - x0]:
            person[y, x] = instance[y, x] = 0
            if parts.size:
                parts[y, x] = 0


@kernel("void(uint8[:, ::1], int64[:, ::1], intp)")
def _bounds(instance: Array, boxes: Array, around: int) -> None:
    """Fit boxes, x0, y0, x1, y1, to people's pixels, at most so far around; without any they stay."""
    height, width = instance.shape
    for n in range(boxes.shape[0]):
        x0, y0, x1, y1 = boxes[n]
        if x0 >= x1 or y0 >= y1:
            continue
        first_x, last_x = max(x0 - around, 0), min(x1 + around, width)
        first_y, last_y = max(y0 - around, 0), min(y1 + around, height)
        # Only what is outside of the box so far can make it larger.
        left, top, right, bottom = last_x, last_y, first_x, first_y
        for y in range(first_y, last_y):
            for x in range(first_x, left):
                if instance[y, x] == n + 1:
                    left, top, bottom = x, min(top, y), y + 1
                    break
            for x in range(last_x - 1, max(right, left) - 1, -1):
                if instance[y, x] == n + 1:
                    right, top, bottom = x + 1, min(top, y), y + 1
                    break
        for y in range(last_y - 1, bottom - 1, -1):
            if (instance[y, left:right] == n + 1).any():
                bottom = y + 1
                break
        if right > left:
            boxes[n, 0], boxes[n, 1], boxes[n, 2], boxes[n, 3] = left, top, right, bottom
