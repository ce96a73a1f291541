"""Writing videos that players and browsers show."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from fractions import Fraction
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from bodypix_ros.errors import MediaError
from bodypix_ros.media.containers import reason
from bodypix_ros.media.files import readable, replacing
from bodypix_ros.media.film import DEFAULT_FPS, Packet
from bodypix_ros.media.pictures import Image
from bodypix_ros.media.sound import Sound

ENCODERS: Final = ("libx264", "libopenh264")
"""Of H.264, the best first: which of them there is depends on how FFmpeg was built."""

# As fast as MPEG-4 part 2, at about its size and quality; slower presets would halve the size.
_OPTIONS: Final = {"libx264": {"preset": "ultrafast", "crf": "20"}}
_BASE: Final = Fraction(1, 90000)
_BT709, _LIMITED = 1, 1


class _Sink:
    """The file that FFmpeg writes into: keeps the first error, as FFmpeg drops those of its last bytes."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        try:
            while rest and self.error is None:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            self.error = error
        return len(data)


class VideoWriter:
    """Writes an MP4 with H.264, frame by frame, and the sound of another; a context manager.

    The file appears under its name when the context ends without an error, and not at all otherwise, or
    when no frame was written. Its size is even: an odd last column or row comes twice.
    """

    def __init__(
        self,
        path: Path,
        fps: float = DEFAULT_FPS,
        sound: AudioStream | None = None,
        *,
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare to write.

        Args:
            path: The file; an existing one is replaced.
            fps: Frames per second, of frames without a time.
            sound: The stream whose packets `write_sound` will get.
            complain: Is told in a sentence why sound is left out.
        """
        self.path = path
        self._fps, self._template, self._complain = fps, sound, complain
        self._size = (0, 0)
        self._reformatter = VideoReformatter()  # one for all frames: its tables take longer than a frame
        self._last: int | None = None
        self._early: list[Packet] = []
        self._sound: Sound | None = None
        self._container: OutputContainer | None = None

    def write(self, frame: Image, stamp_s: float | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 (H, W, 3), BGR, of the size of the first one.
            stamp_s: When it is shown, in seconds since the beginning; None: 1 / fps after the one before.

        Raises:
            MediaError: The file cannot be written, or the frame has another size than the first.
        """
        height, width = frame.shape[:2]
        if self._container is None:
            self._size = (width, height)
            self._begin()
        if (width, height) != self._size:
            was = f"{self._size[0]}x{self._size[1]}"
            raise MediaError(f"{readable(self.path)}: a frame of {width}x{height} in a video of {was}")
        if height % 2 or width % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="bgr24"),
            format="yuv420p",
            src_colorspace=_BT709,
            dst_colorspace=_BT709,
            dst_color_range=_LIMITED,
        )
        picture.pts, picture.time_base = self._tick(stamp_s), _BASE
        try:
            self._mux(self._video.encode(picture))
        except (av.FFmpegError, OSError, ValueError) as error:
            self._check()
            raise self._failed(error) from error
        self._check()

    def write_sound(self, packet: Packet) -> None:
        """Append a packet of the sound; its times count from the same beginning as those of frames.

        Raises:
            MediaError: The file cannot be written.
        """
        if self._container is None:
            self._early.append(packet)
        elif self._sound is not None:
            try:
                self._sound.write(packet)
            except (av.FFmpegError, OSError, ValueError) as error:
                self._check()
                self._sound = None
                self._complain(f"{readable(self.path)}: from somewhere on without sound ({reason(error)})")

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        if kind is None:
            try:
                self._finish()
            except BaseException as failure:
                self._stack.__exit__(type(failure), failure, failure.__traceback__)
                raise
        else:
            with suppress(av.FFmpegError, OSError, ValueError):
                self._container.close()
        try:
            self._stack.__exit__(kind, error, trace)
        except OSError as failure:
            raise self._failed(failure) from failure

    def _begin(self) -> None:
        with ExitStack() as stack:
            try:
                self._part = stack.enter_context(replacing(self.path))
                file = stack.enter_context(self._part.open("wb", buffering=0))
                self._sink = _Sink(file)
                self._container = self._open()
            except (av.FFmpegError, OSError, ValueError) as error:
                raise self._failed(error) from error
            self._stack = stack.pop_all()
        for packet in self._early:
            self.write_sound(packet)
        self._early = []

    def _open(self) -> OutputContainer:
        """Begin the file, without sound if it cannot be with it."""
        name = next((name for name in ENCODERS if name in av.codecs_available), None)
        if name is None:
            raise MediaError(
                f"{readable(self.path)}: this FFmpeg has no encoder of H.264 ({', '.join(ENCODERS)}); "
                "install the PyAV that pip brings: pip install --force-reinstall av"
            )
        if self._template is not None:
            try:
                container = self._new(name)
                self._sound = Sound(container, self._template)
                container.start_encoding()
            except (av.FFmpegError, ValueError) as error:
                self._sound = None
                self._complain(f"{readable(self.path)}: without sound ({reason(error)})")
            else:
                return container
        container = self._new(name)
        container.start_encoding()
        return container

    def _new(self, encoder: str) -> OutputContainer:
        self._sink.seek(0)
        container = av.open(
            self._sink, "w", format="mp4", options={"movflags": "faststart"}, io_open=self._read_back
        )
        rate = Fraction(self._fps).limit_denominator(90000)
        stream = cast("VideoStream", container.add_stream(encoder, rate=rate))
        stream.width, stream.height = (side + side % 2 for side in self._size)
        stream.pix_fmt = "yuv420p"
        stream.options = dict(_OPTIONS.get(encoder, {}))
        context = stream.codec_context
        context.time_base = _BASE
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._video = stream
        return container

    def _read_back(self, *_: object) -> BinaryIO:
        """What is written so far, for FFmpeg to move it behind the head."""
        return self._part.open("rb")

    def _tick(self, stamp_s: float | None) -> int:
        if stamp_s is None:
            stamp_s = 0.0 if self._last is None else float(self._last * _BASE) + 1 / self._fps
        tick = round(stamp_s / _BASE)
        self._last = tick if self._last is None else max(tick, self._last + 1)
        return self._last

    def _mux(self, packets: list[Packet]) -> None:
        assert self._container is not None
        self._container.mux(packets)

    def _finish(self) -> None:
        assert self._container is not None
        try:
            if self._sound is not None:
                self._sound.finish()
            self._mux(self._video.encode(None))
            self._container.close()
        except (av.FFmpegError, OSError, ValueError) as error:
            self._check()  # a full disk is the cause, and not what FFmpeg makes of it
            raise self._failed(error) from error
        self._check()

    def _check(self) -> None:
        if self._sink.error is not None:
            raise self._failed(self._sink.error) from self._sink.error

    def _failed(self, error: Exception) -> MediaError:
        if isinstance(error, MediaError):
            return error
        sink = getattr(self, "_sink", None)
        error = (sink and sink.error) or error
        folder = self.path.parent.absolute()
        return MediaError(
            f"{readable(self.path)}: cannot be written into {readable(folder)}: {reason(error)}; "
            "is there room, and may you?"
        )
