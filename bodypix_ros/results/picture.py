"""What is written for a picture."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.errors import MediaError, OutputError
from bodypix_ros.results.output import MASKS, Job
from bodypix_ros.scene import Scene


def process_picture(job: Job, source: media.Picture, name: str) -> None:
    """See people in a picture, and write overlay, masks and its part of the document.

    Args:
        job: What to do.
        source: The picture.
        name: What its files are called, before their suffixes.

    Raises:
        MediaError: It cannot be read, or not be written in this format.
        OutputError: The folder or disk takes no file.
        ValueError: It cannot be drawn as was asked for.
    """
    try:
        image = media.read_picture(source.path)
        scene = job.segmenter.segment(image)
        if job.output.drawn:
            _write(job, job.output.overlay(source, name), job.overlay(image, scene))
        if job.output.masks:
            for kind, mask in _masks(scene).items():
                _write(job, job.output.mask(name, kind), mask)
        job.record(scene, source)
    finally:
        job.report.progress.update()


def _masks(scene: Scene) -> dict[str, npt.NDArray[np.uint8]]:
    """The mask pictures, uint8 (H, W), by what they are called."""
    white = scene.person_mask.view(np.uint8) * np.uint8(255)
    masks = zip(MASKS, (white, scene.instance_mask, scene.part_mask, scene.confidence), strict=True)
    return {kind: mask for kind, mask in masks if mask is not None}


def _write(job: Job, path: Path, image: npt.NDArray[np.uint8]) -> None:
    try:
        media.write_picture(path, image)
    except MediaError as error:
        if isinstance(error.__cause__, OSError):  # the folder or disk, which the next picture finds no better
            raise OutputError(str(error)) from error
        raise
    job.report.files.append(path)
