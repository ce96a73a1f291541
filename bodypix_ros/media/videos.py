"""Reading videos, addresses and cameras, frame by frame."""

from collections.abc import Callable, Iterator
from typing import Protocol

from av.audio.stream import AudioStream

from bodypix_ros.errors import MediaError
from bodypix_ros.media.files import readable
from bodypix_ros.media.film import Film, Packet, Shot
from bodypix_ros.media.live import Camera, Remote
from bodypix_ros.media.pictures import Image
from bodypix_ros.media.sources import Video


class _Input(Protocol):
    """What gives frames: a film, a camera, an address."""

    fps: float

    @property
    def frame_count(self) -> int | None: ...

    @property
    def live(self) -> bool: ...

    @property
    def sound(self) -> AudioStream | None: ...

    def shots(self) -> Iterator[Shot]: ...

    def problem(self) -> str | None: ...

    def close(self) -> None: ...


class VideoReader:
    """The frames of a video, an address or a camera, as uint8 (H, W, 3), BGR; a context manager.

    Frames are turned as the video says, as players do it. They all have the size of the first: where it
    changes, the video ends, and `check_end` says so.

    Attributes:
        fps: Frames per second on average, as the source states, or 30 where it states nothing sensible.
        frame_count: The frames the source promises, None where it does not say.
        live: Whether frames come as they happen; one that nobody waits for is lost.
        sound: The sound that goes with it, for `VideoWriter`.
        hear: Gets the packets of that sound, if set.
        frames_read: The frames given so far.
        stamp_s: When the last frame given is shown, in seconds since the beginning of the video; when it
            arrived, of what is live. It grows from frame to frame.
    """

    def __init__(
        self,
        source: Video,
        *,
        stopped: Callable[[], bool] = lambda: False,
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open it.

        Args:
            source: What to read.
            stopped: Asked while an address is waited for; True ends the frames.
            complain: Is told in a sentence when an address was lost and is tried again.

        Raises:
            MediaError: It cannot be opened.
        """
        self.source = source
        self.frames_read, self.stamp_s = 0, 0.0
        self.hear: Callable[[Packet], None] | None = None
        self._size = (0, 0)
        self._other_size: str | None = None
        self._input: _Input
        if source.camera is not None:
            self._input = Camera(source.camera)
        elif source.url is not None:
            self._input = Remote(source, stopped, complain)
        else:
            self._input = Film(source)
        self.fps, self.frame_count = self._input.fps, self._input.frame_count
        self.live, self.sound = self._input.live, self._input.sound

    def __iter__(self) -> Iterator[Image]:
        """Give frame after frame, to the end or to where the source breaks off: `check_end` tells which."""
        for shot in self._input.shots():
            if self.hear is not None:
                for packet in shot.sound:
                    self.hear(packet)
            if shot.image is None:
                continue
            size = (shot.image.shape[1], shot.image.shape[0])
            if self.frames_read and size != self._size:
                self._other_size = f"from {_by(self._size)} to {_by(size)}"
                return
            self._size = size
            self.frames_read += 1
            self.stamp_s = shot.stamp_s
            yield shot.image

    def check_end(self) -> None:
        """Raise MediaError if the frames ended too early: none at all, a lost camera, a broken file."""
        if self._other_size is not None:
            raise MediaError(
                f"{readable(self.source.name)}: changes {self._other_size} pixels after {self.frames_read} "
                "frames; those are complete in the output; cut it there for the others"
            )
        problem = self._input.problem()
        if problem is not None:
            raise MediaError(problem)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
