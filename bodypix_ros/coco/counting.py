"""How many annotated people a model found, and how many it saw where nobody is."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.coco.document import Result
from bodypix_ros.coco.truth import Annotation

COUNTED_FROM: Final = 0.3
"""Least score of who counts: what a model finds is shown from there on by default."""
_LEAST_IOU: Final = 0.5


def count(people: Sequence[Annotation], seen: Sequence[Result]) -> tuple[int, int]:
    """Match the persons that a model saw in an image with those that are there.

    By falling score each takes, of the people whom nobody took before, the one whose mask it overlaps most,
    from an IoU of 0.5 on. Who takes nobody is false, unless more than half of it lies in a crowd.

    Args:
        people: The annotated people of the image, crowds among them, as `truth.read` fills them in.
        seen: The image's, of `document.results`.

    Returns:
        How many people were found, and how many persons are false.
    """
    sure = sorted((r for r in seen if r["score"] >= COUNTED_FROM), key=lambda r: -r["score"])
    overlaps = _overlaps(sure, [a for a in people if not a["iscrowd"]], crowd=False)
    in_crowds = _overlaps(sure, [a for a in people if a["iscrowd"]], crowd=True)
    found = false = 0
    for overlap, in_crowd in zip(overlaps, in_crowds, strict=True):
        best = int(overlap.argmax()) if overlap.size else -1
        if best >= 0 and overlap[best] >= _LEAST_IOU:
            overlaps[:, best] = -1
            found += 1
        elif not (in_crowd > _LEAST_IOU).any():
            false += 1
    return found, false


def _overlaps(
    seen: Sequence[Result], people: Sequence[Annotation], *, crowd: bool
) -> npt.NDArray[np.float64]:
    """IoU of each seen person (rows) with each annotated; of crowds, the share of the person in them."""
    from pycocotools import mask

    if not seen or not people:
        return np.zeros((len(seen), len(people)))
    there = [a["segmentation"] for a in people]
    return np.asarray(mask.iou([r["segmentation"] for r in seen], there, [crowd] * len(there)), float)
