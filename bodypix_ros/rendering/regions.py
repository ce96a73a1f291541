"""Regions of a picture, blurred or under a mosaic: what the modes have beyond the original's functions.

Unlike a canvas, these do not take what lies outside of a picture as transparent: that would draw a seam of
another opacity around the whole picture.
"""

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.rendering.arguments import Image
from bodypix_ros.rendering.canvas import blur as gaussian
from bodypix_ros.rendering.canvas import blur_colors, keep_sharp, opaque
from bodypix_ros.rendering.effects import draw_pixelated_mask
from bodypix_ros.rendering.overlays import draw_instances, draw_parts
from bodypix_ros.scene import Scene

_ACROSS = 8  # how many cells, or standard deviations of blur, a hidden part is at most wide


def soft_edges(region: npt.NDArray[np.uint8], sigma: float) -> npt.NDArray[np.uint8]:
    """Blur the edges of a region, but not where the rim of the picture cuts it off."""
    soft: npt.NDArray[np.uint8] = gaussian(region, sigma, cv2.BORDER_REPLICATE)
    return soft


def blurred(image: Image, sigma: float) -> Image:
    """Blur an image, uint8 (H, W, 3 or 4); the result, (H, W, 4), is opaque wherever the image is."""
    return blur_colors(opaque(image), sigma, cv2.BORDER_REPLICATE)


def pixelate_people(image: Image, scene: Scene, opacity: float, cell: float, bgr: bool) -> Image:
    """Lay cells over people: in the colours of their parts, or without parts in their own.

    Only cells that people fill at least half of are drawn; the reference lays white ones over the rest.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        opacity: Of the cells, 0..1.
        cell: Their width in pixels, at least 1.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.
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


def blur_region(image: Image, region: npt.NDArray[np.uint8], sigma: float, edge: float) -> Image:
    """Blur a region so that its detail cannot be made out.

    Args:
        image: uint8 (H, W, 3 or 4).
        region: uint8 (H, W), 255 on what is to be hidden and 0 elsewhere.
        sigma: Standard deviation of the blur in pixels; more where the region is large.
        edge: How soft the edge is, in pixels; three times as much around the region is hidden, too.

    Returns:
        uint8, shape and order of `image`.
    """
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
    sharp = soft_edges((~_widened(region[there], 3 * edge)).astype(np.uint8) * np.uint8(255), edge)
    out[there] = keep_sharp(near, blurred(near, sigma), sharp, False)
    return out


def pixelate_region(image: Image, region: npt.NDArray[np.uint8], cell: float, edge: float) -> Image:
    """Hide a region under a mosaic.

    Args:
        image: uint8 (H, W, 3 or 4).
        region: uint8 (H, W), 255 on what is to be hidden and 0 elsewhere.
        cell: Width of the cells in pixels; more where the region is large.
        edge: Three times as many pixels around the region are hidden, too.

    Returns:
        uint8, shape and order of `image`.
    """
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
