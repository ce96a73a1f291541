"""The ways in which an image and its Scene become one picture, as one table.

The renderer node, the commands and the documentation read the table whenever they are asked: a mode that is
added to it is everywhere. Nothing in here reads, writes or publishes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import Image, check_image
from bodypix_ros.rendering.canvas import keep_sharp, lay, share
from bodypix_ros.rendering.hiding import hidden_region
from bodypix_ros.rendering.overlays import (
    draw_boxes,
    draw_hands,
    draw_instances,
    draw_outlines,
    draw_parts,
    draw_poses,
)
from bodypix_ros.rendering.regions import blur_region, blurred, pixelate_people, pixelate_region, soft_edges
from bodypix_ros.rendering.style import Style
from bodypix_ros.scene import Scene

Paint = Callable[[Image, Scene, Style, bool], Image]
"""Image, uint8 (H, W, 3 or 4); Scene of its size; style; whether the image is BGR or BGRA -> a new picture of
the image's shape and order."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to draw.

    Attributes:
        text: What it shows.
        needs: What it draws of a Scene, by the names of the segmenter's topics: "part_mask", "instance_mask",
            "persons", "keypoints", "hands", "faces". What it falls back to counts as well.
        paint: Draws. `Style.flip` was seen to by then.
        privacy: Whether it hides something: then nothing may be shown where any of its needs is missing.
        preset: Of models that have it (`Family.presets`): what it is best drawn of. Whoever loads a model to
            draw this mode loads it so, unless told otherwise.
    """

    text: str
    needs: tuple[str, ...]
    paint: Paint
    privacy: bool = False
    preset: str = ""

    def lacks(self, scene: Scene) -> tuple[str, ...]:
        """What it needs and the Scene was made without."""
        return tuple(name for name in self.needs if getattr(scene, name, ()) is None)


def draw(
    image: Image, scene: Scene, mode: str = "instances", style: Style | None = None, *, bgr: bool = False
) -> Image | None:
    """Draw a Scene in one of the modes.

    A privacy mode reduces what can be recognised; it guarantees nothing. It hides what was found: a face that
    the model overlooks stays. As labels are missing where people are small, it also hides heads by keypoints,
    faces that were found by themselves, and who has no head that can be told; as outlines are not exact,
    what is near, fading out over `edge_blur`. Blur and cells grow to an eighth of the largest hidden region
    where `blur` and `pixel_size` are less, since a face that fills the picture is still recognised under a
    blur that hides a
    small one.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it. Apart from the privacy modes, what it lacks is not drawn: "parts" and
            "pixelated" without parts show persons.
        mode: One of `MODES`.
        style: How; None: as `Style` has it by default. With `flip` image and Scene are mirrored before they
            are drawn, so that what is written stays readable.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`. None in a privacy mode for a Scene without what the mode needs,
        such as `part_mask`: nothing may be shown then.

    Raises:
        OptionError: A ValueError: there is no such mode, or an argument is of another kind.
        ImageError: A ValueError: the image has a wrong shape or dtype.
    """
    if not isinstance(mode, str) or mode not in MODES:
        raise OptionError("mode", f"mode must be one of {', '.join(MODES)}, not {mode!r:.80}")
    if not isinstance(scene, Scene):
        raise OptionError("scene", f"scene must be a Scene, as segment gives it, not {type(scene).__name__}")
    check_image(image, scene)
    if style is not None and not isinstance(style, Style):
        raise OptionError("style", f"style must be a rendering.Style, not {style!r:.80}")
    chosen, style = MODES[mode], style or Style()
    if chosen.privacy and chosen.lacks(scene):
        return None
    if style.flip:
        image, scene = np.ascontiguousarray(image[:, ::-1]), scene.mirrored()
    return chosen.paint(image, scene, style, bgr)


def _parts(image: Image, scene: Scene, style: Style, bgr: bool) -> Image:
    if scene.part_mask is None:
        return _instances(image, scene, style, bgr)
    return draw_hands(draw_parts(image, scene, style.opacity, bgr=bgr), scene, bgr=bgr)


def _instances(image: Image, scene: Scene, style: Style, bgr: bool) -> Image:
    return draw_boxes(draw_instances(image, scene, style.opacity, bgr=bgr), scene, bgr=bgr)


def _skeleton(image: Image, scene: Scene, style: Style, bgr: bool) -> Image:
    return draw_poses(image, scene, style.min_keypoint_score, scores=True, bgr=bgr)


def _people(scene: Scene, style: Style) -> npt.NDArray[np.uint8]:
    """uint8 (H, W): 255 on people, with soft edges."""
    return soft_edges(scene.person_mask.astype(np.uint8) * np.uint8(255), style.edge_blur)


def _mask(image: Image, scene: Scene, style: Style, bgr: bool) -> Image:
    people = _people(scene, style)
    black = np.zeros((*people.shape, 3), np.uint8)
    return draw_outlines(
        lay(black, share(np.bitwise_not(people), style.opacity), image, False), scene, bgr=bgr
    )


def _bokeh(image: Image, scene: Scene, style: Style, _: bool) -> Image:
    return keep_sharp(image, blurred(image, style.blur), _people(scene, style), False)


def _pixelated(image: Image, scene: Scene, style: Style, bgr: bool) -> Image:
    return pixelate_people(image, scene, style.opacity, style.pixel_size, bgr)


def _blur_parts(image: Image, scene: Scene, style: Style, _: bool) -> Image:
    return blur_region(image, hidden_region(image, scene, style), style.blur, style.edge_blur)


def _pixelate_parts(image: Image, scene: Scene, style: Style, _: bool) -> Image:
    return pixelate_region(image, hidden_region(image, scene, style), style.pixel_size, style.edge_blur)


_PERSONS = ("instance_mask", "persons")
_SHAPES = ("instance_mask", "part_mask")  # whom nobody recognised as a person is still in the part mask
_PARTS = ("part_mask",)
_EVERYTHING = (*_PARTS, *_PERSONS, "keypoints", "faces")

MODES: Final[dict[str, Mode]] = {
    "parts": Mode("body parts in their colours, and hands", (*_PARTS, *_PERSONS, "hands"), _parts),
    "instances": Mode("each person in a colour, with box and number", _PERSONS, _instances),
    "skeleton": Mode("keypoints, bones, hands and scores", ("keypoints", "persons", "hands"), _skeleton),
    "mask": Mode("people in an outline; the rest is dark", _SHAPES, _mask),
    "bokeh": Mode("people sharp; the rest is blurred", _SHAPES, _bokeh),
    "pixelated": Mode("body parts as a mosaic of coloured cells", (*_PARTS, *_PERSONS), _pixelated),
    "blur_parts": Mode(
        "privacy: faces, or other parts, blurred", _EVERYTHING, _blur_parts, privacy=True, preset="faces"
    ),
    "pixelate_parts": Mode(
        "privacy: faces, or other parts, as a mosaic",
        _EVERYTHING,
        _pixelate_parts,
        privacy=True,
        preset="faces",
    ),
}
"""Every mode by name."""
