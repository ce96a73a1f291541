"""Pictures, videos, cameras and addresses as an endless film, and when its frames are due. Without rclpy."""

import time
from collections.abc import Callable, Iterator, Sequence

from bodypix_ros.errors import MediaError
from bodypix_ros.media import Image, Picture, Source, VideoReader, read_picture
from bodypix_ros.ros.shared.mailbox import RateLimit

PICTURE_RATE = 1.0
"""Pictures per second, unless told otherwise."""

Shot = tuple[Image, float]


def play(
    sources: Sequence[Source],
    *,
    rate: float,
    loop: bool,
    complain: Callable[[str], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Shot]:
    """Give frame after frame.

    Args:
        sources: What to play, in this order.
        rate: Frames per second; 0: a video's own, PICTURE_RATE for pictures, as they come where it is live.
        loop: Begin again at the end.
        complain: Gets told of a source that cannot be read, or not to its end, where others, or what was
            read of it, go on.
        stopped: Asked while an address is waited for; True ends it.

    Yields:
        The frame, BGR, and the seconds until the next one is due; 0 where that comes when it comes.

    Raises:
        MediaError: Of all sources none gives a frame.
    """
    errors: dict[str, None] = {}
    given = False

    def fail(error: MediaError) -> None:
        # Once, not in every round; and not twice, where it is why nothing is played.
        if str(error) not in errors and (given or len(sources) > 1):
            complain(str(error))
        errors[str(error)] = None

    while True:
        given = False
        for source in sources:
            for shot in _play_one(source, rate, complain, stopped, fail):
                given = True
                yield shot
        if stopped():
            return
        if not given:
            alone = len(sources) == 1 and errors
            raise MediaError(next(iter(errors)) if alone else f"none of {len(sources)} sources can be played")
        if not loop:
            return


def _play_one(
    source: Source,
    rate: float,
    complain: Callable[[str], None],
    stopped: Callable[[], bool],
    fail: Callable[[MediaError], None],
) -> Iterator[Shot]:
    try:
        if isinstance(source, Picture):
            yield read_picture(source.path), 1 / (rate or PICTURE_RATE)
        else:
            with VideoReader(source, stopped=stopped, complain=complain) as reader:
                yield from _live(reader, rate) if reader.live else _film(reader, rate)
                reader.check_end()
    except MediaError as error:
        fail(error)


def _live(reader: VideoReader, rate: float) -> Iterator[Shot]:
    limit = RateLimit()
    for frame in reader:
        # Frames of a camera that are not wanted are read all the same, or they would queue up in it.
        if limit.allows(time.monotonic(), rate):
            yield frame, 0.0


def _film(reader: VideoReader, rate: float) -> Iterator[Shot]:
    """Each frame for as long as the video shows it; the last one for an average frame."""
    before: tuple[Image, float] | None = None
    for frame in reader:
        if before is not None:
            yield before[0], 1 / rate if rate else reader.stamp_s - before[1]
        before = frame, reader.stamp_s
    if before is not None:
        yield before[0], 1 / (rate or reader.fps)


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
