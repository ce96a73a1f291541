"""A model's way through annotated images."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.coco.truth import Annotated, Annotation
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


class Seen(NamedTuple):
    """An image, and what a model saw in it.

    Attributes:
        image_id: COCO's.
        people: The annotated people in it.
        image: uint8 (H, W, 3), BGR.
        scene: What the model saw.
        ms: How long `segment` took, in milliseconds.
    """

    image_id: int
    people: list[Annotation]
    image: npt.NDArray[np.uint8]
    scene: Scene
    ms: float


def scenes(
    segmenter: "Segmenter", annotated: Annotated, progress: Callable[[int, int], None] | None = None
) -> Iterator[Seen]:
    """Run a model over annotated images.

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
    people = annotated.people()
    entries = sorted(
        annotated.truth.imgs.values(),
        key=lambda entry: (segmenter.input_size(entry["height"], entry["width"]), entry["id"]),
    )
    for done, entry in enumerate(entries, 1):
        image = _read(annotated.folder, entry)
        segmenter.prepare(*image.shape[:2])
        start = time.perf_counter()
        scene = segmenter.segment(image)
        ms = (time.perf_counter() - start) * 1e3
        yield Seen(entry["id"], people[entry["id"]], image, scene, ms)
        if progress:
            progress(done, len(entries))


def _read(folder: Path, entry: Annotation) -> npt.NDArray[np.uint8]:
    image = media.read_picture(folder / entry["file_name"], exif=False)
    if image.shape[:2] != (entry["height"], entry["width"]):
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise ValueError(
            f"{folder / entry['file_name']}: is {size}, annotated as {entry['width']}x{entry['height']}"
        )
    return image
