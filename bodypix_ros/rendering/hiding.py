"""What of a picture the privacy modes hide."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import FACE_PARTS
from bodypix_ros.errors import OptionError
from bodypix_ros.heads import head_of
from bodypix_ros.rendering.arguments import Image
from bodypix_ros.rendering.effects import part_region
from bodypix_ros.rendering.regions import blur_pieces
from bodypix_ros.rendering.style import Style
from bodypix_ros.scene import LEAST_WITHOUT_POSE, Box, Scene

_LEAST_KEYPOINT: Final = 0.1
"""Keypoints above this score tell where a head is: better a place hidden too much than a face too little."""
_FACE_ACROSS: Final = 1.2
_FACE_ALONG: Final = 1.4
"""Size of what is hidden of a face in sizes of its box, which reaches from the brows to the chin."""
_SPILL: Final = 0.024
"""How far labels of a face may reach beyond a head, in sides of the picture: where people are distant,
keypoints are as far off as a head is large."""


def hidden_region(image: Image, scene: Scene, style: Style) -> npt.NDArray[np.uint8]:
    """Mark what is hidden.

    Parts that are to be hidden, where they were labelled. If faces are among them, also the heads that
    people's keypoints tell of, since labels are missing first where people are small; faces that were found
    by themselves; and of who has neither a pose nor a labelled face the upper half, or all who lie. Labels of
    a face that reach far beyond the head are left out then: they lie on shoulders and hair.

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
        raise OptionError("scene", "scene.part_mask is None: nobody knows what to hide")
    if not style.hides_faces:
        return part_region("part_mask", scene.part_mask, "part_ids", style.part_ids, image)
    others = tuple(part for part in style.part_ids if part not in FACE_PARTS)
    region = part_region("part_mask", scene.part_mask, "part_ids", others, image)
    labels = part_region("part_mask", scene.part_mask, "part_ids", FACE_PARTS, image)
    heads = {
        index: Ellipse(head.x, head.y, head.radius, head.radius)
        for index, person in enumerate(scene.persons, 1)
        if (head := head_of(person.keypoints, scene.keypoint_names, _LEAST_KEYPOINT)) is not None
    }
    found = [_ellipse_of(face.box) for face in scene.faces]
    _add_labels(region, labels, [*heads.values(), *found])
    for shape in (*heads.values(), *found):
        _fill(region, shape)
    _hide_others(region, scene, labels, heads.keys())
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


class Ellipse(NamedTuple):
    """Its middle, and how far it reaches to the sides and up and down, in image pixels."""

    x: float
    y: float
    across: float
    along: float


def _add_labels(
    region: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], shapes: Sequence[Ellipse]
) -> None:
    """Add the labels of faces; of a piece that is near some of the shapes only what is near them."""
    spill = _SPILL * max(region.shape)
    near = np.zeros_like(region)
    for shape in shapes:
        _fill(near, shape._replace(across=shape.across + spill, along=shape.along + spill))
    count, pieces = cv2.connectedComponents(labels)
    touched = np.zeros(count, np.bool_)
    touched[pieces[(near > 0) & (labels > 0)]] = True
    region[(labels > 0) & ((near > 0) | ~touched[pieces])] = 255


def _hide_others(
    region: npt.NDArray[np.uint8], scene: Scene, labels: npt.NDArray[np.uint8], heads: Collection[int]
) -> None:
    """Hide who has no head that can be told: the instances that are not in `heads`."""
    labelled = np.bincount(scene.instance_mask[labels > 0], minlength=1 + len(scene.persons))
    for index, person in enumerate(scene.persons, 1):
        if index in heads or labelled[index] or person.has_pose or person.score < LEAST_WITHOUT_POSE:
            continue
        x0, y0, x1, y1 = person.box
        stands = y1 - y0 >= x1 - x0
        there = np.s_[y0 : (y0 + y1 + 1) // 2 if stands else y1, x0:x1]
        region[there][scene.instance_mask[there] == index] = 255


def _ellipse_of(box: Box) -> Ellipse:
    """Of a face whose box was found."""
    x0, y0, x1, y1 = box
    return Ellipse(
        (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, _FACE_ACROSS * (x1 - x0) / 2, _FACE_ALONG * (y1 - y0) / 2
    )


def _fill(region: npt.NDArray[np.uint8], shape: Ellipse) -> None:
    """Mark the pixels of an ellipse, as far as it is in the picture."""
    x, y, across, along = shape
    low = np.clip([y - along, x - across], 0, region.shape).astype(int)
    high = np.clip([y + along + 1, x + across + 1], 0, region.shape).astype(int)
    if (low >= high).any() or across <= 0 or along <= 0:
        return
    rows, columns = np.ogrid[low[0] : high[0], low[1] : high[1]]
    inside = ((rows - y) / along) ** 2 + ((columns - x) / across) ** 2 <= 1
    region[low[0] : high[0], low[1] : high[1]][inside] = 255
