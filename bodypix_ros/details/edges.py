"""Outlines drawn to the picture's edges: masks come of coarse grids, edges are in the picture.

A guided filter (He, Sun and Tang 2013; on a coarse grid: He and Sun 2015, "Fast guided filter") makes of the
mask a linear function of brightness, cell by cell, and what is above a half of it is the mask. Only a band
around outlines is looked at. Outlines between people, and between parts, stay.
"""

from dataclasses import replace

import numpy as np

from bodypix_ros.imaging.pixels import Pixels
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
    around = (2 * _RADIUS + 1) * cell
    x0, y0 = np.maximum(boxes[:, :2].min(axis=0) - around, 0) // cell
    x1, y1 = -(-np.minimum(boxes[:, 2:].max(axis=0) + around, (width, height)) // cell)
    if min(x1 - x0, y1 - y0) < 2:
        return scene
    person, parts = scene.person_mask.view(np.uint8), scene.part_mask
    large = np.zeros(256, np.bool_)
    large[1 : 1 + len(boxes)] = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= _LARGE * cell
    if not large.any():
        return scene
    _draw(
        pixels.array, np.array(pixels.channels), person, scene.instance_mask,
        np.zeros((0, 0), np.uint8) if parts is None else parts, large, cell, y0, y1, x0, x1,
    )  # fmt: skip
    _bounds(scene.instance_mask, boxes, around)
    persons = zip(scene.persons, boxes.tolist(), strict=True)
    return replace(scene, persons=tuple(replace(one, box=tuple(box)) for one, box in persons))


@kernel(inline=True)
def _gray(pixel: Array, channels: Array) -> Float:
    """Brightness, 0..1."""
    red, green, blue = pixel[channels[0]], pixel[channels[1]], pixel[channels[2]]
    return (np.float32(red) + np.float32(2) * np.float32(green) + np.float32(blue)) * np.float32(1 / 1020)


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
    pixels: Array, channels: Array, mask: Array, instance: Array, large: Array, cell: int, top: int,
    left: int, gray: Array, share: Array, whose: Array,
) -> None:  # fmt: skip
    """Write of each cell from (top, left) on brightness, people's share, and whether large ones have some."""
    height, width = mask.shape
    apart = max(cell // 2, 1)
    first, last = left * cell, min((left + gray.shape[1]) * cell, width)
    line = np.empty(last - first, np.uint16)
    for i in range(gray.shape[0]):
        y0, y1 = (top + i) * cell, min((top + i + 1) * cell, height)
        line[:] = 0
        for y in range(y0, y1):
            for x in range(np.uint64(last - first)):
                line[x] += np.uint16(mask[np.uint64(y), np.uint64(first) + x])
        for j in range(gray.shape[1]):
            x0, x1 = (left + j) * cell, min((left + j + 1) * cell, width)
            total, count = np.float32(0), 0
            for y in range(y0, y1, apart):
                for x in range(x0, x1, apart):
                    total += _gray(pixels[y, x], channels)
                    whose[i, j] |= large[instance[y, x]]
                    count += 1
            gray[i, j] = total / np.float32(count)
            inside = 0
            for x in range(x0 - first, x1 - first):
                inside += line[x]
            share[i, j] = np.float32(inside) / np.float32((y1 - y0) * (x1 - x0))


@kernel(inline=True)
def _band(share: Array, whose: Array) -> Array:
    """Cells that are near an outline of somebody large."""
    height, width = share.shape
    near = np.zeros((height, width), np.bool_)
    for i in range(height):
        for j in range(width):
            here = share[i, j]
            edge = 0 < here < 1
            edge |= j + 1 < width and share[i, j + 1] != here
            edge |= i + 1 < height and share[i + 1, j] != here
            if edge:
                edge = whose[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].any()
            if edge:
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
    "void(Array(uint8, 3, 'A', readonly=True), int64[::1], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1],"
    " boolean[::1], intp, intp, intp, intp, intp)"
)
def _draw(
    pixels: Array, channels: Array, person: Array, instance: Array, parts: Array, large: Array, cell: int,
    top: int, bottom: int, left: int, right: int,
) -> None:  # fmt: skip
    """Sharpen the cells from (top, left) to (bottom, right)."""
    height, width = person.shape
    rows, columns = bottom - top, right - left
    shape = rows, columns
    gray, share = np.empty(shape, np.float32), np.empty(shape, np.float32)
    whose = np.zeros(shape, np.bool_)
    _coarsen(pixels, channels, person, instance, large, cell, top, left, gray, share, whose)
    band = _band(share, whose)
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
    for x in range(x0, x1):
        at[x - x0], on[x - x0] = _place(x, left, cell, columns)
    red, green, blue = np.uint64(channels[0]), np.uint64(channels[1]), np.uint64(channels[2])
    one, two = np.uint64(1), np.float32(2)
    scale = np.float32(1 / 1020)
    for y in range(y0, y1):
        i, further = _place(y, top, cell, rows)
        _between(slope, i, further, slopes)
        _between(offset, i, further, offsets)
        row = y // cell - top
        for j in range(columns):
            if not band[row, j]:
                continue
            for x in range(np.uint64(j * cell), np.uint64(min((j + 1) * cell, x1 - x0))):
                k, share_ = at[x], on[x]
                pixel = pixels[np.uint64(y), np.uint64(x0) + x]
                here = np.float32(pixel[red]) + two * np.float32(pixel[green]) + np.float32(pixel[blue])
                steep = slopes[k] + (slopes[k + one] - slopes[k]) * share_
                value = steep * (here * scale) + offsets[k] + (offsets[k + one] - offsets[k]) * share_
                wanted[np.uint64(y - y0), x] = value > np.float32(0.5)
    voted, sums = np.empty_like(wanted), np.empty_like(wanted)
    _vote(wanted, sums, voted)
    farthest = (2 * _RADIUS + 1) * cell
    # Labels are looked for among the pixels of before, so nothing is taken away until all are found.
    for turn in range(2):
        for i in range(rows):
            for j in range(columns):
                if not band[i, j]:
                    continue
                for y in range(i * cell, min((i + 1) * cell, y1 - y0)):
                    for x in range(j * cell, min((j + 1) * cell, x1 - x0)):
                        if voted[y, x] == before[y, x]:
                            continue
                        if turn == 0 and voted[y, x]:
                            person[y0 + y, x0 + x] = _label(
                                before, instance[y0:y1, x0:x1], parts[y0:y1, x0:x1], y, x, farthest
                            )
                        if turn == 1 and before[y, x]:
                            person[y0 + y, x0 + x] = instance[y0 + y, x0 + x] = 0
                            if parts.size:
                                parts[y0 + y, x0 + x] = 0


@kernel("void(uint8[:, ::1], int64[:, ::1], intp)")
def _bounds(instance: Array, boxes: Array, around: int) -> None:
    """Fit boxes, x0, y0, x1, y1, to people's pixels, at most so far around; without any they stay."""
    height, width = instance.shape
    for n in range(boxes.shape[0]):
        x0, y0, x1, y1 = boxes[n]
        if x0 >= x1 or y0 >= y1:
            continue
        left, top, right, bottom = width, height, 0, 0
        for y in range(max(y0 - around, 0), min(y1 + around, height)):
            for x in range(max(x0 - around, 0), min(x1 + around, width)):
                if instance[y, x] == n + 1:
                    left, right = min(left, x), max(right, x + 1)
                    top, bottom = min(top, y), y + 1
        if right:
            boxes[n, 0], boxes[n, 1], boxes[n, 2], boxes[n, 3] = left, top, right, bottom
