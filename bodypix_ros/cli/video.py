"""What is written for a video or a camera."""

from collections.abc import Callable

from bodypix_ros import media
from bodypix_ros.cli.output import Job


def process_video(job: Job, source: media.Video, name: str, stopped: Callable[[], bool]) -> None:
    """See people in the frames of a video, and write the video of overlays and its part of the document.

    Args:
        job: What to do.
        source: The video, or camera.
        name: What its file is called, before the suffix.
        stopped: Asked after each frame; True ends early, with the file complete.

    Raises:
        MediaError: It cannot be read or breaks off, or a file cannot be written.
        ValueError: It cannot be drawn as was asked for.
    """
    path = job.output.overlay(source, name)
    progress = job.report.progress
    with media.VideoReader(source) as reader:
        before, more = progress.total, reader.frame_count
        progress.total = None if before is None or more is None else before + more
        stream = job.segmenter.stream()
        with media.VideoWriter(path, reader.fps) as writer:
            for frame in reader:
                scene = stream.segment(frame, stamp=reader.frames_read / reader.fps)
                if job.output.drawn:
                    writer.write(job.overlay(frame, scene))
                job.record(scene, source, reader.frames_read)
                progress.update()
                if stopped():
                    break
        if job.output.drawn and reader.frames_read:
            job.report.files.append(path)
        if not stopped():
            reader.check_end()
