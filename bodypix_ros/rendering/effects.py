"""Image + mask -> picture: the drawing functions of the original BodyPix.

Every function takes a uint8 image (H, W, 3 or 4) in any order of colours and gives a picture of its shape and
order. Blur amounts are standard deviations of a Gaussian in pixels.

They composite as a canvas in a browser does. There what lies outside of a picture is transparent, so that
whatever is blurred fades out towards the rim: a mask, and given an image with alpha also the result. Images
without alpha do not fade, and what is to stay sharp is sharp up to the rim, where a canvas mixes a third of
the blurred image into all of it: with the Gaussian of the picture's extent being G = 1/2 at the rim, it shows
(G * image + (1 - G) * G * blurred) / (G + (1 - G) * G) = 2/3 image + 1/3 blurred.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PARTS
from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import (
    Image,
    Mask,
    check_blur,
    check_cell,
    check_fraction,
    check_ids,
    check_image,
    check_size,
    part_labels,
)
from bodypix_ros.rendering.canvas import blur, blur_colors, keep_sharp, lay, mix, opaque, share
from bodypix_ros.rendering.masks import foreground_of


def draw_mask(
    image: Image,
    mask: Image | None,
    opacity: float = 0.7,
    mask_blur_amount: float = 0,
    flip_horizontal: bool = False,
) -> Image:
    """Lay a mask over an image.

    Args:
        image: uint8 (H, W, 3 or 4).
        mask: uint8 (H, W, 4), colours in the order of the image and alpha, such as `to_mask` gives; None
            shows the image alone.
        opacity: Of the mask, 0..1; multiplies its alpha.
        mask_blur_amount: Blur of the mask, 0..20.
        flip_horizontal: Mirror the result.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image)
    check_fraction("opacity", opacity)
    check_blur("mask_blur_amount", mask_blur_amount)
    if mask is None:
        return np.array(image[:, ::-1] if flip_horizontal else image, order="C")
    paint = blur_colors(_checked_mask(mask, image), mask_blur_amount)
    return lay(paint, share(paint[..., 3], opacity), image, flip_horizontal)


def draw_pixelated_mask(
    image: Image,
    mask: Image,
    opacity: float = 0.7,
    mask_blur_amount: float = 0,
    flip_horizontal: bool = False,
    pixel_cell_width: float = 10,
) -> Image:
    """Lay a mask in coarse cells with a white grid over an image.

    The reference lays the image over the cells with 1 - opacity, so that where a mask is transparent nothing
    is left but a faded image. Here the cells lie over the image with the opacity: the same where the mask is
    opaque, and the image itself where it is transparent. As in the reference the cells fill the picture
    evenly (W / floor(W / cell) pixels wide) while the lines stand `pixel_cell_width` apart.

    Args:
        image: uint8 (H, W, 3 or 4).
        mask: uint8 (H, W, 4), colours in the order of the image and alpha, such as `to_colored_part_mask`
            gives.
        opacity: Of mask and grid, 0..1.
        mask_blur_amount: Blur of the mask, 0..20.
        flip_horizontal: Mirror the result.
        pixel_cell_width: Of a cell in pixels, at least 1.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image)
    check_fraction("opacity", opacity)
    check_blur("mask_blur_amount", mask_blur_amount)
    check_cell("pixel_cell_width", pixel_cell_width)
    height, width = image.shape[:2]
    columns, rows = (max(1, int(side / pixel_cell_width)) for side in (width, height))
    paint = cv2.cvtColor(blur_colors(_checked_mask(mask, image), mask_blur_amount), cv2.COLOR_RGBA2mRGBA)
    small = cv2.resize(paint, (columns, rows), interpolation=cv2.INTER_LINEAR)
    small = cv2.cvtColor(small, cv2.COLOR_mRGBA2RGBA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    cells = np.asarray(large, np.uint8)
    lines = 1 - (1 - _line_coverage(height, rows, pixel_cell_width))[:, None] * (
        1 - _line_coverage(width, columns, pixel_cell_width)
    )
    below_lines = share(cells[..., 3]) * (1 - lines)
    white = np.full((height, width, 3), 255, np.uint8)
    paint = mix(cells, below_lines, white, lines, 3, False)
    above = (below_lines + lines) * np.float32(opacity)
    return lay(paint, above, image, flip_horizontal)


def draw_bokeh_effect(
    image: Image,
    segmentation: Mask | Sequence[Mask],
    background_blur_amount: float = 3,
    edge_blur_amount: float = 3,
    flip_horizontal: bool = False,
) -> Image:
    """Blur everything but people.

    Args:
        image: uint8 (H, W, 3 or 4).
        segmentation: bool or integers (H, W), not 0 on people, or a sequence of such masks. With nobody in
            it, also as an empty sequence, the whole image is blurred.
        background_blur_amount: 0..20.
        edge_blur_amount: How soft the edge between people and the rest is, 0..20.
        flip_horizontal: Mirror the result, also with nobody in it, where the reference forgets to.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image)
    check_blur("background_blur_amount", background_blur_amount)
    check_blur("edge_blur_amount", edge_blur_amount)
    people = foreground_of("segmentation", segmentation, image.shape)
    return _cut_out(
        image,
        people.astype(np.uint8) * np.uint8(255),
        background_blur_amount,
        edge_blur_amount,
        flip_horizontal,
    )


def blur_body_part(
    image: Image,
    part_mask: Mask | Sequence[Mask],
    body_part_ids: Sequence[int] = (0, 1),
    background_blur_amount: float = 3,
    edge_blur_amount: float = 3,
    flip_horizontal: bool = False,
) -> Image:
    """Blur some parts of people, unless told otherwise their faces.

    Two things differ from the reference. It cuts the parts out of the image with `to_mask(..., draw_contour=
    True)`, whose outline is opaque: along the outline of each part, of each person, the image stays sharp,
    by up to 36/255 in the goldens. Here there is no outline. And for an empty sequence, where nobody is, it
    blurs the whole picture; here that is nobody's part, and the image stays as it is.

    To hide somebody take `modes.draw` with "blur_parts": it goes beyond the edge of a part instead of fading
    out on both sides of it, and blurs large parts more.

    Args:
        image: uint8 (H, W, 3 or 4).
        part_mask: (H, W), or a sequence of such masks. Of a signed dtype: part ids 0..23, -1 background. Of
            an unsigned dtype: as in `Scene.part_mask`, part id + 1, 0 background.
        body_part_ids: What to blur, part ids 0..23.
        background_blur_amount: Blur of the parts, 0..20.
        edge_blur_amount: How soft the edge of the blurred parts is, 0..20.
        flip_horizontal: Mirror the result.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image)
    check_blur("background_blur_amount", background_blur_amount)
    check_blur("edge_blur_amount", edge_blur_amount)
    hidden = part_region("part_mask", part_mask, "body_part_ids", body_part_ids, image)
    return _cut_out(image, np.bitwise_not(hidden), background_blur_amount, edge_blur_amount, flip_horizontal)


def part_region(
    name: str, part_mask: Mask | Sequence[Mask], ids_name: str, ids: Sequence[int], image: Image
) -> npt.NDArray[np.uint8]:
    """Give the pixels of some parts: uint8 (H, W), 255 on them and 0 elsewhere.

    Args:
        name: What the caller's `part_mask` is called.
        part_mask: One or several part masks, as in `blur_body_part`.
        ids_name: What the caller's `ids` are called.
        ids: Part ids 0..23.
        image: Of the masks' size.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    table = np.zeros(256, np.uint8)
    table[[i + 1 for i in check_ids(ids_name, ids, len(PARTS) - 1)]] = 255
    out: npt.NDArray[np.uint8] = np.zeros(image.shape[:2], np.uint8)
    for labels in part_labels(name, part_mask):
        check_size(name, labels, image)
        out |= np.asarray(cv2.LUT(labels, table), np.uint8)
    return out


def _cut_out(image: Image, sharp: npt.NDArray[np.uint8], background: float, edge: float, flip: bool) -> Image:
    outside = cv2.BORDER_CONSTANT if image.shape[2] == 4 else cv2.BORDER_REPLICATE
    soft = blur(sharp, edge, outside)
    return keep_sharp(image, blur_colors(opaque(image), background), soft, flip)


def _checked_mask(mask: Image, image: Image) -> Image:
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8 or mask.ndim != 3 or mask.shape[2] != 4:
        found = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise OptionError("mask", f"mask must be uint8 (H, W, 4), not {found}")
    check_size("mask", mask, image)
    return np.ascontiguousarray(mask)


def _line_coverage(length: int, count: int, step: float) -> npt.NDArray[np.float32]:
    """How much lines of width 1, centred at 0, step, 2 * step, ..., cover of each pixel along an axis."""
    edges = np.arange(length + 1)
    line = np.clip(np.floor((edges + 0.5) / step), 0, count - 1)
    # The length of line to the left of each pixel edge: of the lines before the last one begun, and of it.
    left = line + np.clip(edges - line * step + 0.5, 0, 1)
    covered: npt.NDArray[np.float32] = np.clip(np.diff(left), 0, 1).astype(np.float32)
    return covered
