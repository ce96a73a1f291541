"""The types of what is drawn, and the checks of arguments: each error names its argument."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PARTS
from bodypix_ros.errors import ImageError, OptionError
from bodypix_ros.scene import Scene

Image = npt.NDArray[np.uint8]
Color = Sequence[int]
Mask = npt.NDArray[np.bool_] | npt.NDArray[np.integer]

BLUR_MAX = 20.0
"""The most that a Gaussian may blur, in pixels of standard deviation."""


def check_image(image: Image, scene: Scene | None = None) -> None:
    """Want uint8 (H, W, 3 or 4), of the Scene's size if there is one."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise ImageError(f"image must be a uint8 array, not {getattr(image, 'dtype', type(image).__name__)}")
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.size == 0:
        grey = "; np.dstack([image] * 3) makes one of a grey image" if image.ndim == 2 else ""
        raise ImageError(f"image must be (H, W, 3) or (H, W, 4), not {image.shape}{grey}")
    if scene is not None and image.shape[:2] != scene.person_mask.shape:
        raise ImageError(
            f"image is {image.shape[:2]} but the scene is {scene.person_mask.shape}, both (H, W): give the "
            "image that was segmented"
        )


def check_size(name: str, mask: npt.NDArray[np.generic], image: Image) -> None:
    """Want a mask of the image's height and width."""
    if mask.shape[:2] != image.shape[:2]:
        raise ImageError(f"image is {image.shape[:2]} but {name} is {mask.shape[:2]}, both (H, W)")


def check_fraction(name: str, value: float) -> None:
    """Want 0..1."""
    if not 0 <= value <= 1:
        raise OptionError(name, f"{name} must be in 0..1, not {value}")


def check_blur(name: str, value: float) -> None:
    """Want an amount of blur."""
    if not 0 <= value <= BLUR_MAX:
        raise OptionError(name, f"{name} must be in 0..{BLUR_MAX:.0f} pixels, not {value}")


def check_cell(name: str, value: float) -> None:
    """Want the width of a cell in pixels."""
    if not 1 <= value < float("inf"):
        raise OptionError(name, f"{name} must be at least 1 pixel, not {value}")


def check_ids(name: str, ids: Iterable[int], most: int) -> list[int]:
    """Want whole numbers in 0..most; give them as a list."""
    found = list(ids)
    for value in found:
        if not isinstance(value, (int, np.integer)) or not 0 <= value <= most:
            raise OptionError(name, f"{name} must be whole numbers in 0..{most}, not {value!r}")
    return [int(value) for value in found]


def rgba(name: str, color: Color) -> tuple[int, int, int, int]:
    """Want (r, g, b) or (r, g, b, a) in 0..255; give (r, g, b, a), opaque where nothing else was said."""
    values = tuple(color)
    good = len(values) in (3, 4) and all(isinstance(v, (int, np.integer)) and 0 <= v <= 255 for v in values)
    if not good:
        raise OptionError(name, f"{name} must be (r, g, b) or (r, g, b, a) in 0..255, not {color!r}")
    red, green, blue, *alpha = (int(v) for v in values)
    return red, green, blue, alpha[0] if alpha else 255


def part_table(colors: Sequence[Color]) -> npt.NDArray[np.uint8]:
    """uint8 (256, 3): the colour of each label of `Scene.part_mask`."""
    table = np.asarray(colors)
    if table.shape != (len(PARTS), 3) or table.min() < 0 or table.max() > 255:
        raise OptionError(
            "colors", f"colors must be {len(PARTS)} times (r, g, b) in 0..255, not shape {table.shape}"
        )
    out = np.zeros((256, 3), np.uint8)
    out[1 : len(PARTS) + 1] = table
    return out


def masks_of(name: str, masks: Mask | Sequence[Mask], kinds: str = "biu") -> list[Mask]:
    """Want a mask (H, W) of bool or integers, or a sequence of them of one size; give a list.

    An array of three dimensions is refused: it may be a sequence, or a picture taken for a mask.
    """
    several: list[Mask] = [masks] if isinstance(masks, np.ndarray) else list(masks)
    if not all(isinstance(mask, np.ndarray) for mask in several):
        raise OptionError(name, f"{name} must be an array or a sequence of arrays, not {masks!r:.80}")
    wanted = "bool or integers" if "b" in kinds else "integers"
    for mask in several:
        if mask.ndim != 2 or mask.dtype.kind not in kinds or mask.size == 0:
            raise OptionError(name, f"{name} must be {wanted} (H, W), not {mask.dtype} {mask.shape}")
        if mask.shape != several[0].shape:
            raise OptionError(
                name, f"{name} must be masks of one size, not {several[0].shape} and {mask.shape}"
            )
    return several


def part_labels(name: str, parts: Mask | Sequence[Mask]) -> list[npt.NDArray[np.uint8]]:
    """Give one or several part masks as labels, uint8 (H, W): 0 background, part id + 1.

    Of a signed dtype they are part ids with -1 for the background, of an unsigned one labels already.
    """
    labels = []
    for mask in masks_of(name, parts, "iu"):
        signed = mask.dtype.kind == "i"
        low, high = (-1, len(PARTS) - 1) if signed else (0, len(PARTS))
        if mask.min() < low or mask.max() > high:
            found = f"{mask.min()}..{mask.max()}"
            raise OptionError(name, f"{name} of {mask.dtype} must hold {low}..{high}, not {found}")
        # -1 wraps to 255, and 255 + 1 to 0.
        labels.append(mask.astype(np.uint8, copy=False) + np.uint8(1 if signed else 0))
    return labels
