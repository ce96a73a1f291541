"""COCO annotations of people, and the images that they are of: read, filled in and checked beforehand."""

import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.errors import MediaError, PictureError
from bodypix_ros.imaging.picture_size import check_picture

Annotation = dict[str, Any]
"""One of a COCO file's; its reader looks at what it needs of it, and no more."""

_NAMED = 5
"""How many images or annotations a message names."""


class Truth(Protocol):
    """A pycocotools.coco.COCO: annotations of images."""

    dataset: dict[str, list[Annotation]]
    imgs: dict[int, Annotation]

    def getAnnIds(self, *, catIds: list[int]) -> list[int]:  # noqa: N802, N803 - their names
        """The ids of the annotations of some categories."""

    def loadAnns(self, ids: list[int]) -> list[Annotation]:  # noqa: N802
        """The annotations of some ids."""

    def annToRLE(self, annotation: Annotation) -> Annotation:  # noqa: N802
        """An annotation's pixels as RLE."""

    def annToMask(self, annotation: Annotation) -> npt.NDArray[np.uint8]:  # noqa: N802
        """An annotation's pixels, uint8 (H, W), 0 or 1."""

    def loadRes(self, results: list[Annotation]) -> "Truth":  # noqa: N802
        """What a model found, to be compared."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """Images with people whose masks, and perhaps keypoints, are known.

    Attributes:
        truth: The annotations; those of people have all members that COCO's evaluation looks at.
        category: The id of COCO's category of people.
        folder: Where the images are.
    """

    truth: Truth
    category: int
    folder: Path

    def people(self) -> dict[int, list[Annotation]]:
        """The annotated people of each image, by its id."""
        people: dict[int, list[Annotation]] = {image_id: [] for image_id in self.truth.imgs}
        for annotation in self.truth.loadAnns(self.truth.getAnnIds(catIds=[self.category])):
            people[annotation["image_id"]].append(annotation)
        return people


def read(annotations: str | Path, images: str | Path) -> Annotated:
    """Read annotations, fill in what they lack, and look at the header of every image.

    A person's iscrowd is 0 where it is not given; area and bbox are those of the mask; keypoints are none,
    which leaves the person out of the comparison of keypoints.

    Args:
        annotations: A COCO file with people's masks, and keypoints if it has them.
        images: The folder of its images.

    Raises:
        FileNotFoundError: The annotations are not there.
        MediaError: Images are not there or no pictures; the message says how many, and names the first.
        ValueError: The annotations are not a COCO file with people, or images have other sizes in them.
    """
    truth, category = _read_annotations(Path(annotations))
    folder = Path(images)
    _check_images(folder, list(truth.imgs.values()))
    people = [a for a in truth.dataset["annotations"] if a["category_id"] == category]
    number = 0
    try:
        for annotation in people:
            number = annotation["id"]
            _fill_in(truth, annotation)
    except Exception as error:  # pycocotools fails in many ways
        raise ValueError(
            f"{annotations}: annotation {number}, counted from 1, is no person with a mask "
            f"({type(error).__name__}: {error})"
        ) from error
    return Annotated(truth, category, folder)


def _check_images(folder: Path, entries: Sequence[Annotation]) -> None:
    """Look at the header of every image."""
    unusable, differing = [], []
    for entry in entries:
        name, size = entry["file_name"], (entry["width"], entry["height"])
        try:
            stored = _stored_size(folder / name)
        except (OSError, PictureError) as error:
            why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
            unusable.append(f"{name}: {why}")
            continue
        if stored != size:
            differing.append(f"{name}: is {_text(stored)}, annotated as {_text(size)}")
    of = f"of {len(entries)} images"
    if unusable:
        raise MediaError(f"{folder}: {len(unusable)} {of} cannot be used: {_first(unusable)}")
    if differing:
        raise ValueError(f"{folder}: {len(differing)} {of} have other sizes: {_first(differing)}")


def _first(complaints: Sequence[str]) -> str:
    more = len(complaints) - _NAMED
    return "; ".join(complaints[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _text(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))


def _stored_size(path: Path) -> tuple[int, int]:
    """Columns and rows of a picture as it is stored."""
    header = check_picture(path.read_bytes())
    return header.width, header.height


def _read_annotations(path: Path) -> tuple[Truth, int]:
    """Give pycocotools' COCO object and the id of its category of people."""
    from pycocotools.coco import COCO

    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give a COCO annotation file such as person_keypoints.json"
        )
    try:
        truth = COCO()
        truth.dataset = json.loads(path.read_bytes())
        category: int = next(c["id"] for c in truth.dataset["categories"] if c["name"] == "person")
        for entry in truth.dataset["images"]:
            _check_image(entry)
        for number, annotation in enumerate(truth.dataset["annotations"], 1):
            annotation["id"] = number  # 0 means nobody to COCO's evaluation, and some files repeat them
        with redirect_stdout(StringIO()):
            truth.createIndex()
    except StopIteration:
        raise ValueError(f"{path}: has no category named person") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: not a COCO annotation file with masks ({type(error).__name__}: {error})"
        ) from error
    return truth, category


def _check_image(entry: Annotation) -> None:
    if not isinstance(entry["file_name"], str):
        raise TypeError(f"file_name {entry['file_name']!r:.80} is no text")
    for name in ("id", "height", "width"):
        if type(entry[name]) is not int:
            raise TypeError(f"{entry['file_name']}: {name} {entry[name]!r:.80} is no whole number")


def _fill_in(truth: Truth, annotation: Annotation) -> None:
    """Give a person's annotation all members that COCO's evaluation looks at."""
    from pycocotools import mask

    entry = truth.imgs[annotation["image_id"]]
    rle = truth.annToRLE(annotation)
    rows, columns = entry["height"], entry["width"]
    if list(rle["size"]) != [rows, columns]:
        raise ValueError(f"a mask of {rle['size']} in an image of {rows} rows and {columns} columns")
    annotation["segmentation"] = rle
    annotation["iscrowd"] = int(annotation.get("iscrowd") or 0)
    if not isinstance(annotation.get("area"), (int, float)):
        annotation["area"] = float(mask.area(rle))
    if len(annotation.get("bbox") or ()) != 4:
        annotation["bbox"] = mask.toBbox(rle).tolist()
    keypoints = annotation.get("keypoints") or [0] * 3 * len(KEYPOINTS)
    visible = np.asarray(keypoints, float).reshape(len(KEYPOINTS), 3)[:, 2] > 0
    annotation["keypoints"] = keypoints
    annotation.setdefault("num_keypoints", int(np.count_nonzero(visible)))
