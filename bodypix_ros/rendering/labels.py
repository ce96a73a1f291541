"""Label images in colours, for viewers that show them as they are: nearly black."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PART_COLORS, PERSON_COLORS
from bodypix_ros.rendering.arguments import Image, part_table


def _person_table() -> npt.NDArray[np.uint8]:
    table = np.resize(np.asarray(PERSON_COLORS, np.uint8), (256, 3))
    return np.concatenate([np.zeros((1, 3), np.uint8), table[:-1]])


_TABLES: Final = {"instance_mask": _person_table(), "part_mask": part_table(PART_COLORS)}

LABELS: Final = tuple(_TABLES)
"""The masks of a Scene that have labels."""


def draw_labels(labels: npt.NDArray[np.uint8], name: str) -> Image:
    """Give each label its colour, those that `draw_instances` and `draw_parts` have; 0 is black.

    Args:
        labels: uint8 (H, W).
        name: Which of LABELS it is.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    return np.asarray(cv2.applyColorMap(labels, _TABLES[name].reshape(256, 1, 3)), np.uint8)
