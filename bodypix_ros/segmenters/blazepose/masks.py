"""Masks of crops -> masks of the image, without overlaps, at the cost of outlines.

A pixel's probability is interpolated between the four cells of the crop that it falls between, outside of
the crop it is 0. It lies between the least and the largest of these cells, so that blocks of pixels whose
cells are all above, or all below, the threshold need no arithmetic per pixel: exact, and fast.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.blazepose.landmarks import SIZE, Pose

_TILE = 8  # cells of a crop that share a least and a largest value
_TILES = SIZE // _TILE
_BLOCK = 16  # pixels of the image
_HALF = 0.5  # probability of a pixel that counts as the person's


def paint(
    poses: Sequence[Pose], shape: tuple[int, int], threshold: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Give every pixel to the person who is most probable there, if above the threshold.

    Args:
        poses: At most 255; of equally probable ones the first wins.
        shape: Rows and columns of the image.
        threshold: A person's probability must be above.

    Returns:
        uint8 (H, W), 0 for nobody and k + 1 for `poses[k]`; int64 (n, 4), bounds x0, y0, x1, y1 of each
        person's pixels, half open, all 0 without pixels.
    """
    labels = np.zeros(shape, np.uint8)
    boxes = np.zeros((len(poses), 4), np.int64)
    if poses:
        masks, images_to_crops = _stacked(poses)
        _paint(masks, images_to_crops, np.float32(threshold), labels, boxes)
    return labels, boxes


def inside(pose: Pose, other: Pose) -> float:
    """The share of a person's mask, by every eighth row and column of the crop, that another's covers."""
    rows, columns = np.nonzero(pose.mask[::_TILE, ::_TILE] > _HALF)
    to_image, to_crop = pose.region.to_image(SIZE), other.region.to_crop(SIZE)
    points = _TILE * np.column_stack([columns, rows]) @ to_image[:, :2].T + to_image[:, 2]
    x, y = np.floor(to_crop[:, :2] @ points.T + to_crop[:, 2:]).astype(np.int64)
    seen = (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
    covered = np.count_nonzero(other.mask[y[seen], x[seen]] > _HALF)
    return covered / max(len(rows), 1)


def confidence(poses: Sequence[Pose], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The largest probability of any person at each pixel, * 255, rounded: uint8 (H, W)."""
    out = np.zeros(shape, np.uint8)
    if poses:
        _confidence(*_stacked(poses), out)
    return out


def _stacked(poses: Sequence[Pose]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    images_to_crops = np.stack([pose.region.to_crop(SIZE) for pose in poses])
    return np.stack([pose.mask for pose in poses]), np.ascontiguousarray(images_to_crops)


@kernel(inline=True)
def sample(mask: Array, x: float, y: float) -> float:
    """Bilinear at a point of the crop; cells outside are 0."""
    column, row = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - column), np.float32(y - row)
    if 0 <= column < SIZE - 1 and 0 <= row < SIZE - 1:
        top = mask[row, column] + (mask[row, column + 1] - mask[row, column]) * fx
        bottom = mask[row + 1, column] + (mask[row + 1, column + 1] - mask[row + 1, column]) * fx
        value: float = top + (bottom - top) * fy
        return value
    value = np.float32(0)
    for i in range(2):
        for j in range(2):
            if 0 <= row + i < SIZE and 0 <= column + j < SIZE:
                weight = (fy if i else np.float32(1) - fy) * (fx if j else np.float32(1) - fx)
                value += weight * mask[row + i, column + j]
    return value


@kernel(inline=True)
def _extremes(masks: Array, low: Array, high: Array) -> None:
    """The least and the largest value of every tile."""
    for k in range(masks.shape[0]):
        for i in range(_TILES):
            for j in range(_TILES):
                least, largest = masks[k, i * _TILE, j * _TILE], masks[k, i * _TILE, j * _TILE]
                for y in range(i * _TILE, (i + 1) * _TILE):
                    for x in range(j * _TILE, (j + 1) * _TILE):
                        least = min(least, masks[k, y, x])
                        largest = max(largest, masks[k, y, x])
                low[k, i, j], high[k, i, j] = least, largest


@kernel(inline=True)
def _range(
    low: Array, high: Array, image_to_crop: Array, y0: int, y1: int, x0: int, x1: int
) -> tuple[float, float]:
    """Bounds of the probability of one person in a block of pixels."""
    x, y = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
    half_x, half_y = (x1 - 1 - x0) / 2, (y1 - 1 - y0) / 2
    column = image_to_crop[0, 0] * x + image_to_crop[0, 1] * y + image_to_crop[0, 2]
    row = image_to_crop[1, 0] * x + image_to_crop[1, 1] * y + image_to_crop[1, 2]
    reach_x = abs(image_to_crop[0, 0]) * half_x + abs(image_to_crop[0, 1]) * half_y
    reach_y = abs(image_to_crop[1, 0]) * half_x + abs(image_to_crop[1, 1]) * half_y
    left, right = int(np.floor(column - reach_x)), int(np.floor(column + reach_x)) + 1
    top, bottom = int(np.floor(row - reach_y)), int(np.floor(row + reach_y)) + 1
    least, largest = np.float32(1), np.float32(0)
    if left < 0 or top < 0 or right >= SIZE or bottom >= SIZE:
        least = np.float32(0)
    for i in range(max(top, 0) // _TILE, min(bottom, SIZE - 1) // _TILE + 1):
        for j in range(max(left, 0) // _TILE, min(right, SIZE - 1) // _TILE + 1):
            least, largest = min(least, low[i, j]), max(largest, high[i, j])
    return least, largest


@kernel(inline=True)
def _include(box: Array, y0: int, y1: int, x0: int, x1: int) -> None:
    if box[2] == 0:
        box[0], box[1], box[2], box[3] = x0, y0, x1, y1
    else:
        box[0], box[1] = min(box[0], x0), min(box[1], y0)
        box[2], box[3] = max(box[2], x1), max(box[3], y1)


@kernel(inline=True)
def _outline(
    mask: Array, image_to_crop: Array, threshold: Float, label: int, labels: Array, box: Array,
    y0: int, y1: int, x0: int, x1: int,
) -> None:  # fmt: skip
    """A block that only one person reaches, and does not fill."""
    for y in range(y0, y1):
        column = image_to_crop[0, 0] * x0 + image_to_crop[0, 1] * y + image_to_crop[0, 2]
        row = image_to_crop[1, 0] * x0 + image_to_crop[1, 1] * y + image_to_crop[1, 2]
        first, last = x1, x0 - 1
        for x in range(x0, x1):
            if sample(mask, column, row) > threshold:
                labels[y, x] = label
                first, last = min(first, x), x
            column += image_to_crop[0, 0]
            row += image_to_crop[1, 0]
        if last >= x0:
            _include(box, y, y + 1, first, last + 1)


@kernel("void(float32[:, :, ::1], float64[:, :, ::1], float32, uint8[:, ::1], int64[:, ::1])")
def _paint(masks: Array, images_to_crops: Array, threshold: float, labels: Array, boxes: Array) -> None:
    people = masks.shape[0]
    low = np.empty((people, _TILES, _TILES), np.float32)
    high = np.empty((people, _TILES, _TILES), np.float32)
    _extremes(masks, low, high)
    here = np.empty(people, np.int64)
    for y0 in range(0, labels.shape[0], _BLOCK):
        y1 = min(y0 + _BLOCK, labels.shape[0])
        for x0 in range(0, labels.shape[1], _BLOCK):
            x1 = min(x0 + _BLOCK, labels.shape[1])
            count, all_above = 0, False
            for k in range(people):
                least, largest = _range(low[k], high[k], images_to_crops[k], y0, y1, x0, x1)
                if largest > threshold:
                    here[count] = k
                    count += 1
                    all_above = least > threshold
            if count == 0:
                continue
            if count == 1 and all_above:
                labels[y0:y1, x0:x1] = here[0] + 1
                _include(boxes[here[0]], y0, y1, x0, x1)
                continue
            if count == 1:
                k = here[0]
                _outline(masks[k], images_to_crops[k], threshold, k + 1, labels, boxes[k], y0, y1, x0, x1)
                continue
            for y in range(y0, y1):
                for x in range(x0, x1):
                    best, owner = threshold, -1
                    for n in range(count):
                        image_to_crop = images_to_crops[here[n]]
                        column = image_to_crop[0, 0] * x + image_to_crop[0, 1] * y + image_to_crop[0, 2]
                        row = image_to_crop[1, 0] * x + image_to_crop[1, 1] * y + image_to_crop[1, 2]
                        value = sample(masks[here[n]], column, row)
                        if value > best:
                            best, owner = value, here[n]
                    if owner >= 0:
                        labels[y, x] = owner + 1
                        _include(boxes[owner], y, y + 1, x, x + 1)


@kernel("void(float32[:, :, ::1], float64[:, :, ::1], uint8[:, ::1])")
def _confidence(masks: Array, images_to_crops: Array, out: Array) -> None:
    for k in range(masks.shape[0]):
        image_to_crop = images_to_crops[k]
        for y in range(out.shape[0]):
            for x in range(out.shape[1]):
                column = image_to_crop[0, 0] * x + image_to_crop[0, 1] * y + image_to_crop[0, 2]
                row = image_to_crop[1, 0] * x + image_to_crop[1, 1] * y + image_to_crop[1, 2]
                if -1 < column < SIZE and -1 < row < SIZE:
                    value = sample(masks[k], column, row) * np.float32(255) + np.float32(0.5)
                    out[y, x] = max(out[y, x], np.uint8(value))
