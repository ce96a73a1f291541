"""What of a picture the privacy modes hide."""

from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.heads import Head, head_of
from bodypix_ros.rendering.arguments import Image
from bodypix_ros.rendering.effects import part_region
from bodypix_ros.rendering.regions import blur_pieces
from bodypix_ros.rendering.style import Style, part_ids_of
from bodypix_ros.scene import Scene

_FACE: Final = part_ids_of(["face"])
_LEAST_KEYPOINT: Final = 0.1
"""Keypoints above this score tell where a head is: better a place hidden too much than a face too little."""
_LEAST_SCORE: Final = 0.11
"""Of who is hidden as a whole; what the model is less sure of is nobody, most often."""


def hidden_region(image: Image, scene: Scene, style: Style) -> npt.NDArray[np.uint8]:
    """Mark what is hidden.

    Parts that are to be hidden, where they were labelled. If faces are among them, also the head that a
    person's keypoints tell of, since labels are missing first where people are small; and who has neither a
    pose nor a labelled face, as a whole.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it, with parts.
        style: What is to be hidden.

    Returns:
        uint8 (H, W), 255 on what is hidden and 0 elsewhere.

    Raises:
        ValueError: The Scene has no parts.
    """
    if scene.part_mask is None:
        raise ValueError("scene.part_mask is None: nobody knows what to hide")
    region = part_region("part_mask", scene.part_mask, "part_ids", style.part_ids, image)
    if set(style.part_ids).issuperset(_FACE):
        _hide_heads(region, scene)
    return region


def hide(image: Image, region: npt.NDArray[np.uint8], style: Style) -> Image:
    """Blur a region, piece by piece.

    Args:
        image: uint8 (H, W, 3 or 4), in whatever order of colours.
        region: From `hidden_region`.
        style: How much, and how soft its edge is.

    Returns:
        uint8, shape and order of `image`.
    """
    return blur_pieces(image, region, style.blur, style.edge_blur)


def _hide_heads(region: npt.NDArray[np.uint8], scene: Scene) -> None:
    """Mark everybody's head; the region has the faces that are labelled."""
    labelled = np.bincount(scene.instance_mask[region > 0], minlength=1 + len(scene.persons))
    for index, person in enumerate(scene.persons, 1):
        head = head_of(person.keypoints, scene.keypoint_names, _LEAST_KEYPOINT)
        if head is not None:
            _fill(region, head)
        elif not labelled[index] and not person.has_pose and person.score >= _LEAST_SCORE:
            region[scene.instance_mask == index] = 255


def _fill(region: npt.NDArray[np.uint8], head: Head) -> None:
    """Mark the pixels of a head, as far as it is in the picture."""
    low = np.clip([head.y - head.radius, head.x - head.radius], 0, region.shape).astype(int)
    high = np.clip([head.y + head.radius + 1, head.x + head.radius + 1], 0, region.shape).astype(int)
    rows, columns = np.ogrid[low[0] : high[0], low[1] : high[1]]
    inside = (rows - head.y) ** 2 + (columns - head.x) ** 2 <= head.radius**2
    region[low[0] : high[0], low[1] : high[1]][inside] = 255
