"""What is written for a video, a camera or an address."""

from collections.abc import Callable

from bodypix_ros import media
from bodypix_ros.results.output import Job


def process_video(job: Job, source: media.Video, name: str, stopped: Callable[[], bool]) -> bool:
    """See people in the frames of a video, and write the video of overlays and its part of the document.

    Args:
        job: What to do.
        source: The video, camera or address.
        name: What its file is called, before the suffix.
        stopped: Asked after each frame; True ends early, with the file complete.

    Returns:
        Whether it was stopped before its end; what is live has no other.

    Raises:
        MediaError: It cannot be read or breaks off, or a file cannot be written.
        ValueError: It cannot be drawn as was asked for.
    """
    path = job.output.overlay(source, name)
    progress = job.report.progress
    complain = job.report.complain
    with media.VideoReader(source, stopped=stopped, complain=complain) as reader:
        before, more = progress.total, reader.frame_count
        progress.total = None if before is None or more is None else before + more
        stream = job.segmenter.stream()
        with media.VideoWriter(path, reader.fps, reader.sound, complain=complain) as writer:
            reader.hear = writer.write_sound if job.output.drawn else None
            for frame in reader:
                scene = stream.segment(frame, stamp=reader.stamp_s)
                if job.output.drawn:
                    writer.write(job.overlay(job.segmenter.seen(frame), scene), reader.stamp_s)
                job.record(job.sure.of(scene), source, reader.frames_read)
                progress.update()
                if stopped():
                    break
        if job.output.drawn and reader.frames_read:
            job.report.files.append(path)
        if stopped():
            return not reader.live
        reader.check_end()
        return False
