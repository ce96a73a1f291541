"""Scenes as COCO annotations, and files of them.

Boxes are [x, y, width, height], keypoints [x, y, visibility] * 17 in COCO's order, both in image pixels;
masks are compressed RLE. The files load with `pycocotools.coco.COCO`.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.anatomy import KEYPOINTS, SKELETON
from bodypix_ros.scene import Scene

PERSON: Final = 1
"""COCO's category of people."""


class Rle(TypedDict):
    """A compressed mask: its height and width, and the lengths of its runs as text."""

    size: list[int]
    counts: str


class Result(TypedDict):
    """One person, as COCO writes what a model found; see `results`."""

    image_id: int
    category_id: int
    score: float
    bbox: list[int]
    area: int
    segmentation: Rle
    keypoints: list[float]
    keypoint_scores: list[float]
    num_keypoints: int


CATEGORY: Final = {
    "id": PERSON,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINTS),
    "skeleton": [[KEYPOINTS.index(a) + 1, KEYPOINTS.index(b) + 1] for a, b in SKELETON],
}
"""The one category; its skeleton counts keypoints from 1, as COCO does."""


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


def results(scene: Scene, image_id: int, min_keypoint_score: float = 0.3) -> list[Result]:
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
    out: list[Result] = []
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

    def __init__(self, path: Path, info: Mapping[str, object] | None = None) -> None:
        """Prepare to write.

        Args:
            path: The file; an existing one is replaced.
            info: COCO's "info" object, such as the model and its options.
        """
        self.path = path
        self.images = 0
        self.annotations = 0
        self._info = info or {}

    def add(self, scene: Scene, file_name: str, min_keypoint_score: float = 0.3, **extra: object) -> int:
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file.write('\n],\n"images": [\n')
            self._list.seek(0)
            shutil.copyfileobj(self._list, self._file)
            self._file.write("\n]}\n")
        self._stack.__exit__(kind, error, trace)
