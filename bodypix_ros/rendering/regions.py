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
_GRID = 4  # pixels
_REACH = 0.8  # how many times `edge_blur` the surroundings of what is hidden are hidden, too
_REACH_OF_SMALL = 0.3  # the most of it, in square roots of what is hidden


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


def _faded(region: npt.NDArray[np.uint8], edge: float) -> npt.NDArray[np.float32]:
    """How much is hidden: 1 on a region and near it, falling to 0 at `_REACH` times the edge from it.

    Around small pieces it is less far: what surrounds a distant face would be many times the face.
    """
    share: npt.NDArray[np.float32] = np.zeros(region.shape, np.float32)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(region)
    for piece in range(1, count):
        x, y, width, height, area = statistics[piece].tolist()
        reach = min(_REACH * edge, _REACH_OF_SMALL * area**0.5)
        pad = int(np.ceil(reach))
        there = np.s_[max(0, y - pad) : y + height + pad, max(0, x - pad) : x + width + pad]
        elsewhere = (labels[there] != piece).astype(np.uint8)
        distance = cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_3)
        fading = np.clip(2 - 2 * distance / max(reach, 1e-6), 0, 1)
        np.maximum(share[there], fading, out=share[there])
    return share


def blur_pieces(image: Image, region: npt.NDArray[np.uint8], sigma: float, edge: float) -> Image:
    """Blur a region so that its detail cannot be made out, each of its pieces as far as its size asks for.

    What lies between the pieces costs nothing. They are told apart on a grid of `_GRID` pixels; those that
    meet there are one.

    Args:
        image: uint8 (H, W, 3 or 4).
        region: As `blur_region` takes it.
        sigma: Standard deviation of the blur in pixels; more where a piece is large.
        edge: As `blur_region` takes it.

    Returns:
        uint8, shape and order of `image`.
    """
    out: Image = np.array(image, order="C")
    height, width = region.shape
    coarse = cv2.resize(region, (-(-width // _GRID), -(-height // _GRID)), interpolation=cv2.INTER_AREA)
    grown = np.asarray(cv2.dilate(coarse, np.ones((3, 3), np.uint8)) > 0, np.uint8)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(grown)
    for x, y, across, down, _ in (statistics[1:] * _GRID).tolist():
        own = np.s_[y : y + down, x : x + across]
        side = max(cv2.boundingRect(region[own])[2:])
        strength = max(sigma, side / _ACROSS)
        reach = _around(strength, edge)
        there = np.s_[max(0, y - reach) : y + down + reach, max(0, x - reach) : x + across + reach]
        alone = np.zeros_like(region[there])
        top, left = y - max(0, y - reach), x - max(0, x - reach)
        alone[top : top + down, left : left + across] = region[own]
        out[there] = _blur_there(out[there], alone, strength, edge)
    return out


def _around(sigma: float, edge: float) -> int:
    """How far around a region it is looked: three standard deviations from whatever fades out."""
    return int(np.ceil(_REACH * edge + 3 * sigma)) + 1


def _blur_there(image: Image, region: npt.NDArray[np.uint8], sigma: float, edge: float) -> Image:
    """Blur a region, all of it as much."""
    sharp = np.rint(255 * (1 - _faded(region, edge))).astype(np.uint8) if edge else np.bitwise_not(region)
    return keep_sharp(image, blurred(image, sigma), sharp, False)


def blur_region(image: Image, region: npt.NDArray[np.uint8], sigma: float, edge: float) -> Image:
    """Blur a region so that its detail cannot be made out.

    Args:
        image: uint8 (H, W, 3 or 4).
        region: uint8 (H, W), 255 on what is to be hidden and 0 elsewhere.
        sigma: Standard deviation of the blur in pixels; more where the region is large.
        edge: How soft the edge is, in pixels; up to four fifths of it around the region is hidden, too, and
            fades out.

    Returns:
        uint8, shape and order of `image`.
    """
    out: Image = image.copy()
    x, y, width, height = cv2.boundingRect(region)
    if not width:
        return out
    sigma = max(sigma, _largest_side(region) / _ACROSS)
    reach = _around(sigma, edge)
    there = np.s_[max(0, y - reach) : y + height + reach, max(0, x - reach) : x + width + reach]
    out[there] = _blur_there(image[there], region[there], sigma, edge)
    return out


def pixelate_region(image: Image, region: npt.NDArray[np.uint8], cell: float, edge: float) -> Image:
    """Hide a region under a mosaic.

    Args:
        image: uint8 (H, W, 3 or 4).
        region: uint8 (H, W), 255 on what is to be hidden and 0 elsewhere.
        cell: Width of the cells in pixels; more where the region is large.
        edge: In pixels; up to four fifths of it around the region are hidden, too.

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
    return _copy_cells(np.asarray(mosaic, np.uint8), image, _faded(region, edge) > 0, cell, 0)


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
