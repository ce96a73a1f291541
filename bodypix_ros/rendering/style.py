"""How things are drawn: every drawing option, declared once."""

from collections.abc import Iterable
from dataclasses import dataclass

from bodypix_ros.anatomy import FACE_PARTS, PARTS
from bodypix_ros.errors import OptionError, hint
from bodypix_ros.options import check_all, option
from bodypix_ros.rendering.arguments import BLUR_MAX, check_ids


@dataclass(frozen=True, slots=True)
class Style:
    """The drawing options of all modes and layers; out of range: OptionError naming option, value and range.

    Those that a mode has no use for it leaves aside.
    """

    opacity: float = option(0.5, "of what is laid over the image", low=0.0, high=1.0)
    blur: float = option(
        10.0, "of the background in bokeh and of parts in blur_parts, pixels", low=0.0, high=BLUR_MAX
    )
    edge_blur: float = option(
        3.0,
        "softness of edges, pixels; privacy modes fade out over four fifths of it, less at small parts",
        low=0.0, high=BLUR_MAX,
    )  # fmt: skip
    flip: bool = option(False, "mirror the picture", hidden_from=("run",))
    min_keypoint_score: float = option(0.3, "keypoints below are not drawn", low=0.0, high=1.0)
    hide: tuple[str, ...] = option(
        ("face",),
        "what the privacy modes hide: part ids, names, or words of names such as face or left_hand; or all",
        dynamic=True,  # [0, 1] is a list of numbers in ROS
    )
    pixel_size: float = option(10.0, "width of the cells of mosaics, pixels", low=1.0, high=1000.0)

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
        if not isinstance(self.hide, tuple) or not all(isinstance(name, str) for name in self.hide):
            raise OptionError("hide", f"hide is {self.hide!r:.80}, but must be a list of names such as face")
        if not self.hide:
            raise OptionError("hide", "hide is empty, but a privacy mode must hide something, such as face")
        try:
            part_ids_of(self.hide)
        except ValueError as error:
            raise OptionError("hide", str(error)) from error

    @property
    def part_ids(self) -> tuple[int, ...]:
        """The parts that the privacy modes hide, in rising order."""
        return part_ids_of(self.hide)

    @property
    def hides_faces(self) -> bool:
        """Whether faces as a whole are among them."""
        return set(self.part_ids).issuperset(FACE_PARTS)


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
                f"{', '.join(words)} such as face or left_upper_arm{hint(name, words)}"
            )
        found.update(ids)
    return tuple(sorted(found))
