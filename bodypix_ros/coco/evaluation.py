"""A model measured against COCO annotations."""

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bodypix_ros.coco.counting import count
from bodypix_ros.coco.document import Result, results
from bodypix_ros.coco.seeing import scenes
from bodypix_ros.coco.truth import Annotated, Annotation, Truth

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well a model does on annotated images. None: the annotations or the model have nothing to compare.

    Attributes:
        images: Images compared.
        people: Annotated people in them, crowd regions not counted.
        segm_ap: COCO's average precision of masks, IoU 0.50:0.95.
        segm_ap50: The same at IoU 0.50.
        oks_ap: COCO's average precision of keypoints, OKS 0.50:0.95.
        oks_ap50: The same at OKS 0.50.
        pooled_iou: All people's pixels of all images against the annotated ones, crowd regions left out.
        mean_iou: The mean of that per image, over the images with people.
        people_found: Annotated people whom somebody of a score from 0.3 on is, see `counting`.
        people_false: Persons of such scores who are nobody annotated.
        ms_per_image: Mean time of `segment`, in milliseconds, without compiling networks.
    """

    images: int
    people: int
    segm_ap: float | None
    segm_ap50: float | None
    oks_ap: float | None
    oks_ap50: float | None
    pooled_iou: float | None
    mean_iou: float | None
    people_found: int
    people_false: int
    ms_per_image: float


def evaluate(
    segmenter: "Segmenter",
    annotated: Annotated,
    progress: Callable[[int, int], None] | None = None,
) -> Metrics:
    """Run a model over annotated images and compare.

    Args:
        segmenter: The model.
        annotated: From `truth.read`.
        progress: Called after each image with the number done and the total.

    Raises:
        MediaError: An image cannot be decoded.
        ValueError: It has another size than its annotations.
    """
    truth, category = annotated.truth, annotated.category
    images = people = people_found = people_false = 0
    found: list[Result] = []
    overlaps: list[tuple[int, int]] = []
    with_people: list[float] = []
    spent_ms = 0.0
    for seen in scenes(segmenter, annotated, progress):
        images += 1
        people += sum(not annotation["iscrowd"] for annotation in seen.people)
        spent_ms += seen.ms
        persons = results(seen.scene, seen.image_id)
        counted = count(seen.people, persons)
        people_found, people_false = people_found + counted[0], people_false + counted[1]
        found += [{**result, "category_id": category} for result in persons]
        overlap, union, any_people = _overlap(truth, seen.people, seen.scene.person_mask)
        overlaps.append((overlap, union))
        if any_people:
            with_people.append(overlap / union if union else 1.0)

    overlap, union = sum(o for o, _ in overlaps), sum(u for _, u in overlaps)
    segm_ap, segm_ap50 = _average_precision(truth, category, found, "segm")
    oks_ap, oks_ap50 = _average_precision(truth, category, found, "keypoints")
    return Metrics(
        images=images,
        people=people,
        segm_ap=segm_ap,
        segm_ap50=segm_ap50,
        oks_ap=oks_ap,
        oks_ap50=oks_ap50,
        pooled_iou=overlap / union if union else None,
        mean_iou=float(np.mean(with_people)) if with_people else None,
        people_found=people_found,
        people_false=people_false,
        ms_per_image=spent_ms / max(1, images),
    )


def _overlap(
    truth: Truth, annotations: list[Annotation], person_mask: npt.NDArray[np.bool_]
) -> tuple[int, int, bool]:
    """Count pixels of intersection and union outside crowds, and say whether anybody is annotated."""
    real = np.zeros(person_mask.shape, bool)
    ignored = np.zeros(person_mask.shape, bool)
    for annotation in annotations:
        into = ignored if annotation.get("iscrowd") else real
        into |= truth.annToMask(annotation).astype(bool)
    any_people = bool(real.any())
    real &= ~ignored
    seen = person_mask & ~ignored
    return int(np.count_nonzero(seen & real)), int(np.count_nonzero(seen | real)), any_people


def _average_precision(
    truth: Truth, category: int, found: list[Result], kind: str
) -> tuple[float | None, float | None]:
    """Give COCO's AP and AP50 of "segm" or "keypoints"."""
    from pycocotools.cocoeval import COCOeval

    real = [a for a in truth.dataset["annotations"] if a["category_id"] == category and not a.get("iscrowd")]
    member = {"segm": "segmentation", "keypoints": "keypoints"}[kind]
    if kind == "keypoints" and (
        not any(a.get("num_keypoints") for a in real)
        or (found and not any(r["num_keypoints"] for r in found))
    ):
        return None, None
    if not real:
        return None, None
    if not found:
        return 0.0, 0.0
    keys = ("image_id", "category_id", "score", member)
    with redirect_stdout(StringIO()):
        # Given a box, loadRes would take the box's area for the person's.
        evaluation = COCOeval(
            truth, truth.loadRes([{k: v for k, v in r.items() if k in keys} for r in found]), kind
        )
        evaluation.params.catIds = [category]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])
