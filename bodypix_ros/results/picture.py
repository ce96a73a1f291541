"""What is written for a picture."""

from pathlib import Path

from bodypix_ros import media
from bodypix_ros.errors import MediaError, OutputError
from bodypix_ros.results.exports import PICTURES
from bodypix_ros.results.output import Job


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
        image = job.segmenter.seen(image)
        if job.output.drawn:
            _write(job, job.output.overlay(source, name), job.overlay(image, scene))
        scene = job.sure.of(scene)
        for kind in job.output.pictures:
            path, picture = job.output.picture(name, kind), PICTURES[kind].make(image, scene)
            if picture is not None:
                _write(job, path, picture)
        job.record(scene, source)
    finally:
        job.report.progress.update()


def _write(job: Job, path: Path, image: media.Image) -> None:
    try:
        media.write_picture(path, image)
    except MediaError as error:
        if isinstance(error.__cause__, OSError):  # the folder or disk, which the next picture finds no better
            raise OutputError(str(error)) from error
        raise
    job.report.files.append(path)
