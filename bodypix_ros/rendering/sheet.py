"""Every mode of one picture, side by side."""

import cv2
import numpy as np

from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import Image
from bodypix_ros.rendering.legend import draw_legend
from bodypix_ros.rendering.modes import MODES, draw
from bodypix_ros.scene import Scene

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BAND = 24  # rows for the name above each picture
_GAP = 6


def contact_sheet(
    image: Image, scene: Scene, *, columns: int = 3, width: int = 320, bgr: bool = False
) -> Image:
    """Draw the image in every mode, each under its name.

    Args:
        image: uint8 (H, W, 3) of the Scene's size.
        scene: What was seen in it, with parts.
        columns: Pictures per row.
        width: Of one picture in the sheet, in pixels.
        bgr: The image is BGR.

    Returns:
        uint8 (rows, columns, 3), in the order of `image`.

    Raises:
        ValueError: The Scene has no parts, or an argument has a wrong shape, dtype or range.
    """
    if scene.part_mask is None:
        raise OptionError(
            "scene", "scene.part_mask is None: use a model with parts and load it with parts=True"
        )
    pictures: dict[str, Image] = {"image": image}
    for mode in MODES:
        drawn = draw(image, scene, mode, bgr=bgr)
        if drawn is not None:
            pictures[mode] = draw_legend(drawn, scene, bgr=bgr) if mode == "parts" else drawn
    height = round(image.shape[0] * width / image.shape[1])
    rows = -(-len(pictures) // columns)
    step_y, step_x = height + _BAND + _GAP, width + _GAP
    sheet = np.full((rows * step_y + _GAP, columns * step_x + _GAP, 3), 255, np.uint8)
    for k, (name, picture) in enumerate(pictures.items()):
        y, x = k // columns * step_y + _GAP, k % columns * step_x + _GAP
        cv2.putText(sheet, name, (x + 2, y + _BAND - 8), _FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        sheet[y + _BAND : y + _BAND + height, x : x + width] = small
    return sheet
