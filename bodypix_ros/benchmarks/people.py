"""Pictures with a number of people, put together from the people of one picture."""

import numpy as np

from bodypix_ros.benchmarks.machine import GREY, fitted
from bodypix_ros.media import Image
from bodypix_ros.perception.segmenter import Segmenter

_MARGIN = 0.12
"""Of a person's box, kept around it: hair and fingers lie outside of a mask."""


def cutouts(segmenter: Segmenter, pictures: list[Image]) -> list[Image]:
    """Cut out the people of some pictures; a whole picture where nobody is found in it.

    Args:
        segmenter: Finds them.
        pictures: uint8 (H, W, 3), BGR.

    Returns:
        uint8 (h, w, 3), BGR: rectangles, the biggest of each picture first.
    """
    found: list[Image] = []
    for image in pictures:
        boxes = [person.box for person in segmenter.segment(image).persons]
        boxes = [box for box in boxes if box[2] - box[0] > 0 and box[3] - box[1] > 0]
        boxes.sort(key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))
        found += [_around(image, box) for box in boxes] or [image]
    return found


def crowd(people: list[Image], count: int, width: int, height: int) -> Image:
    """Put so many people side by side on grey, in two rows from six on.

    All stand in cells of the same size whatever their number, so that pictures of more people differ from
    those of fewer in nothing else.

    Args:
        people: From `cutouts`; used in turn.
        count: 0 to 10.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
    """
    canvas = np.full((height, width, 3), GREY, np.uint8)
    columns, rows = 5, 2
    cell_width, cell_height = width // columns, height // rows
    for k in range(count):
        row, column = divmod(k, columns)
        top, left = row * cell_height, column * cell_width
        person = fitted(people[k % len(people)], cell_width, cell_height)
        canvas[top : top + cell_height, left : left + cell_width] = person
    return canvas


def _around(image: Image, box: tuple[int, int, int, int]) -> Image:
    x0, y0, x1, y1 = box
    margin = round(_MARGIN * max(x1 - x0, y1 - y0))
    cut: Image = image[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin].copy()
    return cut
