"""Image + Scene -> picture.

`masks` turns segmentations into RGBA masks, `effects` lays masks over images as the original BodyPix does,
`overlays` draws persons, parts and poses, `modes` does any of that by name, `sheet` all of it at once.
"""

from bodypix_ros.rendering.arguments import BLUR_MAX, Color, Image, Mask
from bodypix_ros.rendering.effects import blur_body_part, draw_bokeh_effect, draw_mask, draw_pixelated_mask
from bodypix_ros.rendering.masks import to_binary_mask, to_colored_mask, to_colored_part_mask, to_mask
from bodypix_ros.rendering.modes import MODES, PRIVACY_MODES, draw, part_ids_of
from bodypix_ros.rendering.overlays import (
    NOBODY_KNOWN,
    draw_boxes,
    draw_instances,
    draw_legend,
    draw_parts,
    draw_poses,
)
from bodypix_ros.rendering.sheet import contact_sheet

__all__ = [
    "BLUR_MAX",
    "MODES",
    "NOBODY_KNOWN",
    "PRIVACY_MODES",
    "Color",
    "Image",
    "Mask",
    "blur_body_part",
    "contact_sheet",
    "draw",
    "draw_bokeh_effect",
    "draw_boxes",
    "draw_instances",
    "draw_legend",
    "draw_mask",
    "draw_parts",
    "draw_pixelated_mask",
    "draw_poses",
    "part_ids_of",
    "to_binary_mask",
    "to_colored_mask",
    "to_colored_part_mask",
    "to_mask",
]
