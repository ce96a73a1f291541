"""Masks as COCO's RLE: the lengths of their runs, as text."""

from typing import TypedDict

import numpy as np
import numpy.typing as npt


class Rle(TypedDict):
    """A compressed mask: its height and width, and the lengths of its runs as text."""

    size: list[int]
    counts: str


def encode(mask: npt.NDArray[np.bool_]) -> Rle:
    """Compress a mask to COCO's RLE.

    Args:
        mask: bool (H, W).

    Returns:
        {"size": [H, W], "counts": str}; `pycocotools.mask.decode` gives the mask back.
    """
    from pycocotools import mask as rle

    encoded = rle.encode(np.asfortranarray(mask).view(np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}
