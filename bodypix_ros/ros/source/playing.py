"""Pictures, videos and cameras as an endless film, and when its frames are due. Without rclpy."""

import time
from collections.abc import Callable, Iterator, Sequence

from bodypix_ros.errors import MediaError
from bodypix_ros.media import Image, Picture, Source, Video, VideoReader, read_picture
from bodypix_ros.ros.shared.mailbox import RateLimit

PICTURE_RATE = 1.0
"""Pictures per second, unless told otherwise."""

Shot = tuple[Image, float]


def play(
    sources: Sequence[Source], *, rate: float, loop: bool, complain: Callable[[str], None]
) -> Iterator[Shot]:
    """Give frame after frame.

    Args:
        sources: What to play, in this order.
        rate: Frames per second; 0: a video's own, PICTURE_RATE for pictures, as they come from a camera.
        loop: Begin again at the end.
        complain: Gets told of a source that cannot be read, or not to its end; the others go on.

    Yields:
        The frame, BGR, and the seconds until the next one is due; 0 where that comes when it comes.

    Raises:
        MediaError: Of all sources none gives a frame.
    """
    errors: dict[str, None] = {}
    while True:
        given = False
        for source in sources:
            for shot in _play_one(source, rate, complain, errors):
                given = True
                yield shot
        if not given:
            raise MediaError("; ".join(errors) or "there is nothing to play")
        if not loop:
            return


def _play_one(
    source: Source, rate: float, complain: Callable[[str], None], said: dict[str, None]
) -> Iterator[Shot]:
    try:
        if isinstance(source, Picture):
            yield read_picture(source.path), 1 / (rate or PICTURE_RATE)
        else:
            yield from _video(source, rate)
    except MediaError as error:
        if str(error) not in said:  # once, not in every round
            complain(str(error))
        said[str(error)] = None


def _video(source: Video, rate: float) -> Iterator[Shot]:
    limit = RateLimit()
    with VideoReader(source) as reader:
        for frame in reader:
            if source.camera is None:
                yield frame, 1 / (rate or reader.fps)
            elif limit.allows(time.monotonic(), rate):
                # Frames of a camera that are not wanted are read all the same, or they would queue up in it.
                yield frame, 0.0
        reader.check_end()


class Pace:
    """Says when the next frame is due, by a clock that may jump."""

    def __init__(self) -> None:
        self._due_s: float | None = None
        self._period_s = 0.0

    def left_s(self, now_s: float) -> float:
        """The seconds until the next frame is due."""
        if self._due_s is None or now_s < self._due_s - 2 * self._period_s:  # the clock was set back
            return 0.0
        return max(0.0, self._due_s - now_s)

    def played(self, now_s: float, period_s: float) -> None:
        """A frame was played; the next one is due a period after this one was, unless this one was late."""
        due_s = self._due_s
        on_time = due_s is not None and abs(now_s - due_s) < period_s
        self._due_s = (due_s if on_time and due_s is not None else now_s) + period_s
        self._period_s = period_s
