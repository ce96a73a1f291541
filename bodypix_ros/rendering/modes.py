"""The ways in which an image and its Scene become one picture, under their names.

Here is what the renderer node and the command line share; nothing in here reads, writes or publishes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PARTS
from bodypix_ros.rendering.arguments import (
    Image,
    check_blur,
    check_cell,
    check_fraction,
    check_ids,
    check_image,
)
from bodypix_ros.rendering.canvas import blur as gaussian
from bodypix_ros.rendering.canvas import blur_colors, keep_sharp, lay, opaque, share
from bodypix_ros.rendering.effects import draw_pixelated_mask, part_region
from bodypix_ros.rendering.overlays import draw_boxes, draw_instances, draw_parts, draw_poses
from bodypix_ros.scene import Scene

MODES: Final = MappingProxyType(
    {
        "parts": "body parts in their colours",
        "instances": "each person in a colour, with box and number",
        "skeleton": "keypoints, bones and scores",
        "mask": "people alone; the rest is dark",
        "bokeh": "people sharp; the rest is blurred",
        "pixelated": "body parts as a mosaic of coloured cells",
        "blur_parts": "privacy: faces, or other parts, blurred",
        "pixelate_parts": "privacy: faces, or other parts, as a mosaic",
    }
)
"""Every mode with what it shows."""

PRIVACY_MODES: Final = frozenset({"blur_parts", "pixelate_parts"})
"""The modes that give nothing for a Scene without parts."""

FACE: Final = (0, 1)
"""The parts that are hidden unless told otherwise."""

_ACROSS = 8  # how many cells, or standard deviations of blur, a hidden part is at most wide


def draw(
    image: Image,
    scene: Scene,
    mode: str,
    *,
    opacity: float = 0.5,
    blur: float = 10,
    edge_blur: float = 3,
    flip: bool = False,
    part_ids: Sequence[int] = FACE,
    min_keypoint_score: float = 0.3,
    pixel_size: float = 10,
    bgr: bool = False,
) -> Image | None:
    """Draw a Scene in one of the modes.

    A privacy mode reduces what can be recognised; it guarantees nothing. It hides what was found: a face that
    the model overlooks stays. As outlines are not exact, it also hides what lies within three times
    `edge_blur` of the parts. Blur and cells grow to an eighth of the largest hidden region where `blur` and
    `pixel_size` are less, since a face that fills the picture is still recognised under a blur that hides a
    small one.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it. Apart from the privacy modes, what it lacks is not drawn: "parts" and
            "pixelated" without parts show persons.
        mode: One of `MODES`.
        opacity: Of tints and masks, 0..1.
        blur: Of the background in "bokeh" and of parts in "blur_parts", pixels 0..20.
        edge_blur: How soft edges are in "mask", "bokeh" and "blur_parts", pixels 0..20.
        flip: Mirror image and Scene before drawing, so that what is written stays readable.
        part_ids: What the privacy modes hide, part ids 0..23.
        min_keypoint_score: Keypoints below are not drawn.
        pixel_size: Width of cells in pixels, at least 1.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`. None in a privacy mode for a Scene without `part_mask`: nothing
        may be shown then.

    Raises:
        ValueError: There is no such mode, or an argument has a wrong shape, dtype or range.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    check_image(image, scene)
    check_fraction("opacity", opacity)
    check_fraction("min_keypoint_score", min_keypoint_score)
    check_blur("blur", blur)
    check_blur("edge_blur", edge_blur)
    check_cell("pixel_size", pixel_size)
    check_ids("part_ids", part_ids, len(PARTS) - 1)
    if flip:
        image, scene = np.ascontiguousarray(image[:, ::-1]), _mirrored(scene)
    if mode in PRIVACY_MODES:
        if scene.part_mask is None:
            return None
        region = part_region("part_mask", scene.part_mask, "part_ids", part_ids, image)
        if mode == "blur_parts":
            return _blur_region(image, region, blur, edge_blur)
        return _pixelate_region(image, region, pixel_size, edge_blur)
    if mode == "skeleton":
        return draw_poses(image, scene, min_keypoint_score, scores=True, bgr=bgr)
    if mode in ("mask", "bokeh"):
        people = _soft(scene.person_mask.astype(np.uint8) * np.uint8(255), edge_blur)
        if mode == "bokeh":
            return keep_sharp(image, _blurred(image, blur), people, False)
        black = np.zeros((*people.shape, 3), np.uint8)
        return lay(black, share(np.bitwise_not(people), opacity), image, False)
    if mode == "pixelated":
        return _pixelate_people(image, scene, opacity, pixel_size, bgr)
    if mode == "parts" and scene.part_mask is not None:
        return draw_parts(image, scene, opacity, bgr=bgr)
    return draw_boxes(draw_instances(image, scene, opacity, bgr=bgr), scene, bgr=bgr)


def part_ids_of(names: Iterable[str]) -> tuple[int, ...]:
    """Turn names of parts into part ids, in rising order.

    Args:
        names: Each a part id, a name of `anatomy.PARTS`, some words of such names in their order ("face",
            "lower_arm", "left_hand"), or "all".

    Raises:
        ValueError: No part is called so.
    """
    found: set[int] = set()
    for name in names:
        if name.isascii() and name.isdigit():
            found.update(check_ids("a part id", [int(name)], len(PARTS) - 1))
            continue
        ids = [i for i, part in enumerate(PARTS) if name == "all" or f"_{name}_" in f"_{part}_"]
        if not ids:
            words = sorted({word for part in PARTS for word in part.split("_")})
            raise ValueError(
                f"no part is called {name!r}; give part ids 0..{len(PARTS) - 1}, all, or words of "
                f"{', '.join(words)} such as face or left_upper_arm"
            )
        found.update(ids)
    return tuple(sorted(found))


def _mirrored(scene: Scene) -> Scene:
    """The Scene of the mirrored image. Left stays left: it is the person's own."""
    width = scene.person_mask.shape[1]
    persons = []
    for person in scene.persons:
        x0, y0, x1, y1 = person.box
        keypoints = person.keypoints.copy()
        keypoints[:, 0] = width - 1 - keypoints[:, 0]
        empty = x1 <= x0 or y1 <= y0
        box = person.box if empty else (width - x1, y0, width - x0, y1)
        persons.append(replace(person, box=box, keypoints=keypoints))
    return replace(
        scene,
        person_mask=np.ascontiguousarray(scene.person_mask[:, ::-1]),
        instance_mask=np.ascontiguousarray(scene.instance_mask[:, ::-1]),
        part_mask=None if scene.part_mask is None else np.ascontiguousarray(scene.part_mask[:, ::-1]),
        persons=tuple(persons),
    )


# Unlike a canvas, the modes do not take what lies outside of a picture as transparent: that would draw a seam
# of another opacity around the whole picture.


def _soft(region: npt.NDArray[np.uint8], sigma: float) -> npt.NDArray[np.uint8]:
    """Blur the edges of a region, but not where the rim of the picture cuts it off."""
    soft: npt.NDArray[np.uint8] = gaussian(region, sigma, cv2.BORDER_REPLICATE)
    return soft


def _blurred(image: Image, sigma: float) -> Image:
    return blur_colors(opaque(image), sigma, cv2.BORDER_REPLICATE)


def _pixelate_people(image: Image, scene: Scene, opacity: float, cell: float, bgr: bool) -> Image:
    """Cells in the colours of the parts, or without parts of the persons, on cells at least half people.

    (The reference lays white cells over everything else.)
    """
    clear = np.zeros((*scene.person_mask.shape, 4), np.uint8)
    tinted = draw_instances if scene.part_mask is None else draw_parts
    paint = tinted(clear, scene, 1.0, bgr=bgr)
    people = scene.person_mask if scene.part_mask is None else scene.part_mask > 0
    paint[..., 3] = people.astype(np.uint8) * np.uint8(255)
    drawn = draw_pixelated_mask(image, paint, opacity, pixel_cell_width=cell)
    return _copy_cells(drawn, image, people, cell, 0.5)


def _largest_side(region: npt.NDArray[np.uint8]) -> int:
    """Width or height, whichever is more, of the largest connected piece of a region."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(region)
    sides = statistics[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return int(sides.max()) if sides.size else 0


def _widened(region: npt.NDArray[np.uint8], margin: float) -> npt.NDArray[np.bool_]:
    """The pixels within the margin of a region that is somewhere."""
    elsewhere = np.bitwise_not(np.ascontiguousarray(region))
    near: npt.NDArray[np.bool_] = cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_3) <= margin
    return near


def _blur_region(image: Image, region: npt.NDArray[np.uint8], sigma: float, edge: float) -> Image:
    out: Image = image.copy()
    x, y, width, height = cv2.boundingRect(region)
    if not width:
        return out
    sigma = max(sigma, _largest_side(region) / _ACROSS)
    # The soft edge lies outside of what is to be hidden: at three standard deviations 0.1 % shines through.
    # Nothing changes beyond as much again, and what is there is blurred from three of its own farther.
    reach = int(np.ceil(6 * edge + 3 * sigma)) + 1
    there = np.s_[max(0, y - reach) : y + height + reach, max(0, x - reach) : x + width + reach]
    near = image[there]
    sharp = _soft((~_widened(region[there], 3 * edge)).astype(np.uint8) * np.uint8(255), edge)
    out[there] = keep_sharp(near, _blurred(near, sigma), sharp, False)
    return out


def _pixelate_region(image: Image, region: npt.NDArray[np.uint8], cell: float, edge: float) -> Image:
    if not region.any():
        return np.array(image, order="C")
    cell = max(cell, _largest_side(region) / _ACROSS)
    small, size = _cells(region, cell)
    cells = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    mosaic = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST_EXACT)
    # A cell with any of the region in it hides it all.
    return _copy_cells(np.asarray(mosaic, np.uint8), image, _widened(region, 3 * edge), cell, 0)


def _cells(region: npt.NDArray[np.generic], cell: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many cells there are along x and y, and the width and height of the picture."""
    height, width = region.shape
    return (max(1, int(width / cell)), max(1, int(height / cell))), (width, height)


def _copy_cells(
    picture: Image, image: Image, region: npt.NDArray[np.bool_], cell: float, least: float
) -> Image:
    """Copy the cells of which more than the `least` share is in the region from the picture to the image."""
    small, size = _cells(region, cell)
    shares = cv2.resize(region.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    chosen = np.asarray(shares > least, np.uint8)
    mask = cv2.resize(chosen, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(cv2.copyTo(picture, mask, image.copy()), np.uint8)
