"""Overlays: an image with one or several layers painted over it, as one table."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import Image
from bodypix_ros.rendering.legend import draw_legend
from bodypix_ros.rendering.modes import Paint
from bodypix_ros.rendering.overlays import draw_boxes, draw_instances, draw_parts, draw_poses
from bodypix_ros.rendering.style import Style
from bodypix_ros.scene import Scene


@dataclass(frozen=True, slots=True)
class Layer:
    """Something that an overlay can show.

    Attributes:
        needs: What it cannot do without, by the names of `Scene`.
        paint: Paints it over an image.
    """

    needs: tuple[str, ...]
    paint: Paint


LAYERS: Final[dict[str, Layer]] = {
    "parts": Layer(
        ("part_mask",), lambda image, scene, style, bgr: draw_parts(image, scene, style.opacity, bgr=bgr)
    ),
    "instances": Layer(
        (), lambda image, scene, style, bgr: draw_instances(image, scene, style.opacity, bgr=bgr)
    ),
    "boxes": Layer((), lambda image, scene, _, bgr: draw_boxes(image, scene, bgr=bgr)),
    "poses": Layer(
        ("keypoints",),
        lambda image, scene, style, bgr: draw_poses(image, scene, style.min_keypoint_score, bgr=bgr),
    ),
    "legend": Layer(("part_mask",), lambda image, scene, _, bgr: draw_legend(image, scene, bgr=bgr)),
}
"""Every layer by name, in the order they are painted."""


def overlay(
    image: Image, scene: Scene, layers: Collection[str], style: Style | None = None, *, bgr: bool = False
) -> Image:
    """Paint layers over an image.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        layers: Of `LAYERS`; none gives the image itself.
        style: How; None: as `Style` has it by default.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: There is no such layer, the Scene lacks the parts of "parts", or an argument has a wrong
            shape or dtype.
    """
    for name in layers:
        if name not in LAYERS:
            raise OptionError("layers", f"layers must be of {', '.join(LAYERS)}, not {name!r:.80}")
    style = style or Style()
    for name, layer in LAYERS.items():
        if name in layers:
            image = layer.paint(image, scene, style, bgr)
    return image
