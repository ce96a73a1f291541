"""COCO's format: Scenes written as annotations, and models measured against annotations.

Boxes are [x, y, width, height], keypoints [x, y, visibility] * 17 in COCO's order, both in image pixels;
masks are compressed RLE. The files load with `pycocotools.coco.COCO`.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.anatomy import KEYPOINTS, SKELETON
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.segmenters import Segmenter

PERSON = 1
"""COCO's category of people."""

CATEGORY: dict[str, Any] = {
    "id": PERSON,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINTS),
    "skeleton": [[KEYPOINTS.index(a) + 1, KEYPOINTS.index(b) + 1] for a, b in SKELETON],
}
"""The one category; its skeleton counts keypoints from 1, as COCO does."""


def encode(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Compress a mask to COCO's RLE.

    Args:
        mask: bool (H, W).

    Returns:
        {"size": [H, W], "counts": str}; `pycocotools.mask.decode` gives the mask back.
    """
    from pycocotools import mask as rle

    encoded = rle.encode(np.asfortranarray(mask).view(np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def results(scene: Scene, image_id: int, min_keypoint_score: float = 0.3) -> list[dict[str, Any]]:
    """Give a Scene's persons as COCO results, in the Scene's order.

    Args:
        scene: What was seen.
        image_id: COCO's id of the image.
        min_keypoint_score: Keypoints that score less get visibility 0 and are not counted in
            `num_keypoints`; their position is kept. The others get 2.

    Returns:
        One dictionary per person with image_id, category_id, score, bbox, area, segmentation, keypoints,
        keypoint_scores (17 numbers) and num_keypoints. A keypoint that the model does not know is 0, 0, 0.
    """
    labels = np.asfortranarray(scene.instance_mask)
    row = {name: k for k, name in enumerate(scene.keypoint_names)}
    known = [(k, row[name]) for k, name in enumerate(KEYPOINTS) if name in row]
    out = []
    for index, person in enumerate(scene.persons):
        mask = labels == index + 1
        keypoints = np.zeros((len(KEYPOINTS), 3))
        scores = np.zeros(len(KEYPOINTS))
        for k, source in known if len(person.keypoints) else ():
            x, y, score = person.keypoints[source]
            keypoints[k] = x, y, 2 if score >= min_keypoint_score else 0
            scores[k] = score
        x0, y0, x1, y1 = person.box
        out.append(
            {
                "image_id": image_id,
                "category_id": PERSON,
                "score": round(float(person.score), 5),
                "bbox": [int(x0), int(y0), int(x1 - x0), int(y1 - y0)],
                "area": int(np.count_nonzero(mask)),
                "segmentation": encode(mask),
                "keypoints": keypoints.round(2).ravel().tolist(),
                "keypoint_scores": scores.round(4).tolist(),
                "num_keypoints": int(np.count_nonzero(keypoints[:, 2])),
            }
        )
    return out


class DocumentWriter:
    """Writes Scenes into one COCO file as they come; a context manager.

    Memory stays flat however many are added: annotations go to the file at once and the list of images to a
    temporary one. The file appears under its name when the context ends without an error.
    """

    def __init__(self, path: Path, info: dict[str, Any] | None = None) -> None:
        """Prepare to write.

        Args:
            path: The file; an existing one is replaced.
            info: COCO's "info" object, such as the model and its options.
        """
        self.path = path
        self.images = 0
        self.annotations = 0
        self._info = info or {}

    def add(self, scene: Scene, file_name: str, min_keypoint_score: float = 0.3, **extra: Any) -> int:
        """Append an image and its persons.

        Args:
            scene: What was seen in it.
            file_name: COCO's name of the image.
            min_keypoint_score: As in `results`.
            **extra: More members of the image's entry.

        Returns:
            The image's id: they count from 1.
        """
        image_id = self.images + 1
        height, width = scene.person_mask.shape
        entry = {"id": image_id, "file_name": file_name, "width": width, "height": height, **extra}
        self._list.write((",\n" if self.images else "") + json.dumps(entry))
        self.images = image_id
        for result in results(scene, image_id, min_keypoint_score):
            before = ",\n" if self.annotations else ""
            self.annotations += 1
            self._file.write(before + json.dumps({"id": self.annotations, "iscrowd": 0, **result}))
        return image_id

    def __enter__(self) -> "DocumentWriter":
        with ExitStack() as stack:
            part = stack.enter_context(media.replacing(self.path))
            self._file = stack.enter_context(part.open("w", encoding="utf-8"))
            self._list = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            head = {"info": self._info, "licenses": [], "categories": [CATEGORY]}
            self._file.write(json.dumps(head)[:-1] + ',\n"annotations": [\n')
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self._file.write('\n],\n"images": [\n')
            self._list.seek(0)
            shutil.copyfileobj(self._list, self._file)
            self._file.write("\n]}\n")
        self._stack.__exit__(*error)


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
    annotations: str | Path,
    images: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> Metrics:
    """Run a model over annotated images and compare.

    Images are read as they are stored, without EXIF, because COCO's annotations refer to that. They are taken
    in the order of the network's input size, so that no size is compiled twice.

    Args:
        segmenter: The model.
        annotations: A COCO file with people's masks, and keypoints if it has them.
        images: The folder of its images.
        progress: Called after each image with the number done and the total.

    Raises:
        FileNotFoundError: The annotations are not there.
        MediaError: An image is not there or cannot be read.
        ValueError: The annotations are not a COCO file with people, or an image has another size in them.
    """
    truth, category = _read_annotations(Path(annotations))
    people: dict[int, list[dict[str, Any]]] = {image_id: [] for image_id in truth.imgs}
    for annotation in truth.loadAnns(truth.getAnnIds(catIds=[category])):
        people[annotation["image_id"]].append(annotation)
    entries = sorted(
        truth.imgs.values(), key=lambda e: (segmenter.input_size(e["height"], e["width"]), e["id"])
    )

    found: list[dict[str, Any]] = []
    overlaps: list[tuple[int, int]] = []
    with_people: list[float] = []
    spent_ms = 0.0
    for done, entry in enumerate(entries, 1):
        image = _read_image(Path(images), entry)
        start = time.perf_counter()
        compiled = segmenter.networks_compiled
        scene = segmenter.segment(image)
        if segmenter.networks_compiled > compiled:
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


def _read_annotations(path: Path) -> tuple[Any, int]:
    """Give pycocotools' COCO object and the id of its category of people."""
    from pycocotools.coco import COCO

    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give a COCO annotation file such as person_keypoints.json"
        )
    try:
        with redirect_stdout(StringIO()):
            truth = COCO(str(path))
        category = next(c["id"] for c in truth.dataset["categories"] if c["name"] == "person")
        for entry in truth.dataset["images"]:
            entry["id"], entry["file_name"], entry["height"], entry["width"]
        for annotation in truth.dataset["annotations"]:
            truth.imgs[annotation["image_id"]], annotation["category_id"], annotation["segmentation"]
    except StopIteration:
        raise ValueError(f"{path}: has no category named person") from None
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not a COCO annotation file with masks ({type(error).__name__}: {error})"
        ) from error
    return truth, category


def _read_image(folder: Path, entry: dict[str, Any]) -> npt.NDArray[np.uint8]:
    image = media.read_picture(folder / entry["file_name"], exif=False)
    if image.shape[:2] != (entry["height"], entry["width"]):
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise ValueError(
            f"{folder / entry['file_name']}: is {size}, annotated as {entry['width']}x{entry['height']}"
        )
    return image


def _overlap(
    truth: Any, annotations: list[dict[str, Any]], person_mask: npt.NDArray[np.bool_]
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
    truth: Any, category: int, found: list[dict[str, Any]], kind: str
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
        evaluation = COCOeval(truth, truth.loadRes([{k: r[k] for k in keys} for r in found]), kind)
        evaluation.params.catIds = [category]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])
