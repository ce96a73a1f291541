"""What is written for a picture."""

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.cli.output import Job
from bodypix_ros.scene import Scene


def process_picture(job: Job, source: media.Picture, name: str) -> None:
    """See people in a picture, and write overlay, masks and its part of the document.

    Args:
        job: What to do.
        source: The picture.
        name: What its files are called, before their suffixes.

    Raises:
        MediaError: It cannot be read, or a file cannot be written.
        ValueError: It cannot be drawn as was asked for.
    """
    try:
        image = media.read_picture(source.path)
        scene = job.segmenter.segment(image)
        if job.output.drawn:
            _write(job, f"{name}.overlay{job.output.overlay_suffix}", job.overlay(image, scene))
        if job.output.masks:
            for kind, mask in _masks(scene).items():
                _write(job, f"{name}.{kind}.png", mask)
        job.record(scene, source.name)
    finally:
        job.report.progress.update()


def _masks(scene: Scene) -> dict[str, npt.NDArray[np.uint8]]:
    """The mask pictures, uint8 (H, W), by what they are called."""
    masks = {
        "mask": scene.person_mask.view(np.uint8) * np.uint8(255),
        "instances": scene.instance_mask,
        "parts": scene.part_mask,
        "confidence": scene.confidence,
    }
    return {kind: mask for kind, mask in masks.items() if mask is not None}


def _write(job: Job, name: str, image: npt.NDArray[np.uint8]) -> None:
    path = job.output.folder / name
    media.write_picture(path, image)
    job.report.files.append(path)
