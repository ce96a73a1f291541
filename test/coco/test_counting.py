"""Found and false people, in cases that can be counted by hand."""

import numpy as np
import pytest

from bodypix_ros.coco.counting import count
from bodypix_ros.rle import encode


def mask(*columns):
    """Of a picture of 10 x 40: all rows of columns first to last."""
    pixels = np.zeros((10, 40), bool)
    pixels[:, slice(*columns)] = True
    return encode(pixels)


def somebody(*columns, crowd=0):
    return {"segmentation": mask(*columns), "iscrowd": crowd}


def person(score, *columns):
    return {"score": score, "segmentation": mask(*columns)}


@pytest.mark.parametrize(
    ("people", "seen", "expected"),
    [
        ([], [], (0, 0)),
        ([somebody(0, 10)], [], (0, 0)),
        ([], [person(0.9, 0, 10)], (0, 1)),
        ([somebody(0, 10)], [person(0.3, 0, 10)], (1, 0)),
        ([somebody(0, 10)], [person(0.29, 0, 10)], (0, 0)),  # too doubtful to count, either way
        ([somebody(0, 10)], [person(0.9, 0, 20)], (1, 0)),  # IoU 0.5
        ([somebody(0, 10)], [person(0.9, 0, 21)], (0, 1)),
        ([somebody(0, 10)], [person(0.9, 0, 10), person(0.8, 0, 9)], (1, 1)),  # one person, found once
        ([somebody(0, 10)], [person(0.5, 0, 10), person(0.9, 0, 8)], (1, 1)),  # the surer one took it
        ([somebody(0, 10), somebody(2, 12)], [person(0.9, 1, 11), person(0.8, 2, 12)], (2, 0)),
        ([somebody(0, 20, crowd=1)], [person(0.9, 14, 25)], (0, 0)),  # 6 of 11 columns in the crowd
        ([somebody(0, 20, crowd=1)], [person(0.9, 15, 25)], (0, 1)),  # half of it is
        ([somebody(0, 20, crowd=1), somebody(0, 5)], [person(0.9, 0, 5), person(0.8, 0, 5)], (1, 0)),
        ([somebody(0, 10)], [person(0.9, 0, 0)], (0, 1)),  # without pixels
    ],
)
def test_people_are_found_once_and_crowds_forgive(people, seen, expected):
    assert count(people, seen) == expected
