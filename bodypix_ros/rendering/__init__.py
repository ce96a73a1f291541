"""Image + Scene -> picture.

`masks` turns segmentations into RGBA masks, `effects` lays masks over images as the original BodyPix does,
`overlays` draws persons, parts and poses, `layers` and `modes` do any of that by name, in a `style`; `sheet`
shows all of it at once.
"""

from bodypix_ros.rendering.arguments import BLUR_MAX, Color, Image, Mask
from bodypix_ros.rendering.effects import blur_body_part, draw_bokeh_effect, draw_mask, draw_pixelated_mask
from bodypix_ros.rendering.hiding import hidden_region, hide
from bodypix_ros.rendering.labels import LABELS, draw_labels
from bodypix_ros.rendering.layers import LAYERS, Layer, overlay
from bodypix_ros.rendering.legend import draw_legend
from bodypix_ros.rendering.masks import to_binary_mask, to_colored_mask, to_colored_part_mask, to_mask
from bodypix_ros.rendering.modes import MODES, Mode, draw
from bodypix_ros.rendering.overlays import (
    NOBODY_KNOWN,
    draw_boxes,
    draw_hands,
    draw_instances,
    draw_outlines,
    draw_parts,
    draw_poses,
)
from bodypix_ros.rendering.sheet import contact_sheet
from bodypix_ros.rendering.style import Style, part_ids_of

__all__ = [
    "BLUR_MAX",
    "LABELS",
    "LAYERS",
    "MODES",
    "NOBODY_KNOWN",
    "Color",
    "Image",
    "Layer",
    "Mask",
    "Mode",
    "Style",
    "blur_body_part",
    "contact_sheet",
    "draw",
    "draw_bokeh_effect",
    "draw_boxes",
    "draw_hands",
    "draw_instances",
    "draw_labels",
    "draw_legend",
    "draw_mask",
    "draw_outlines",
    "draw_parts",
    "draw_pixelated_mask",
    "draw_poses",
    "hidden_region",
    "hide",
    "overlay",
    "part_ids_of",
    "to_binary_mask",
    "to_colored_mask",
    "to_colored_part_mask",
    "to_mask",
]
