"""A model measured against COCO annotations."""

import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.coco.document import Result, results
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
    ms_per_image: float


def evaluate(
    segmenter: "Segmenter",
    annotated: Annotated,
    progress: Callable[[int, int], None] | None = None,
) -> Metrics:
    """Run a model over annotated images and compare.

    Images are read as they are stored, without EXIF, because COCO's annotations refer to that. They are taken
    in the order of the network's input size, so that no size is compiled twice.

    Args:
        segmenter: The model.
        annotated: From `truth.read`.
        progress: Called after each image with the number done and the total.

    Raises:
        MediaError: An image cannot be decoded.
        ValueError: It has another size than its annotations.
    """
    truth, category, people = annotated.truth, annotated.category, annotated.people()
    entries = sorted(
        truth.imgs.values(), key=lambda e: (segmenter.input_size(e["height"], e["width"]), e["id"])
    )

    found: list[Result] = []
    overlaps: list[tuple[int, int]] = []
    with_people: list[float] = []
    spent_ms = 0.0
    for done, entry in enumerate(entries, 1):
        image = _read_image(annotated.folder, entry)
        segmenter.prepare(*image.shape[:2])
        start = time.perf_counter()
        scene = segmenter.segment(image)
        spent_ms += (time.perf_counter() - start) * 1e3
        found += [{**result, "category_id": category} for result in results(scene, entry["id"])]
        overlap, union, any_people = _overlap(truth, people[entry["id"]], scene.person_mask)
        overlaps.append((overlap, union))
        if any_people:
            with_people.append(overlap / union if union else 1.0)
        if progress:
            progress(done, len(entries))

    overlap, union = sum(o for o, _ in overlaps), sum(u for _, u in overlaps)
    segm_ap, segm_ap50 = _average_precision(truth, category, found, "segm")
    oks_ap, oks_ap50 = _average_precision(truth, category, found, "keypoints")
    return Metrics(
        images=len(entries),
        people=sum(not a.get("iscrowd") for group in people.values() for a in group),
        segm_ap=segm_ap,
        segm_ap50=segm_ap50,
        oks_ap=oks_ap,
        oks_ap50=oks_ap50,
        pooled_iou=overlap / union if union else None,
        mean_iou=float(np.mean(with_people)) if with_people else None,
        ms_per_image=spent_ms / max(1, len(entries)),
    )


def _read_image(folder: Path, entry: Annotation) -> npt.NDArray[np.uint8]:
    image = media.read_picture(folder / entry["file_name"], exif=False)
    if image.shape[:2] != (entry["height"], entry["width"]):
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise ValueError(
            f"{folder / entry['file_name']}: is {size}, annotated as {entry['width']}x{entry['height']}"
        )
    return image


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
