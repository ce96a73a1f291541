"""The frames of a video with their times, and its sound."""

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import av
import numpy as np
from av.audio.stream import AudioStream
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from bodypix_ros.errors import MediaError
from bodypix_ros.imaging.picture_size import MAX_PIXELS, size_problem
from bodypix_ros.media.containers import open_container, reason
from bodypix_ros.media.files import readable
from bodypix_ros.media.pictures import Image
from bodypix_ros.media.sources import Video

DEFAULT_FPS: Final = 30.0

Packet: TypeAlias = "av.Packet[Any]"
_Stream = TypeVar("_Stream", AudioStream, VideoStream)

_THREADS: Final = 4
"""Decoders that use more threads keep more frames in memory."""

_MOST_SOUND: Final = 256
"""Packets of sound that wait for a frame."""

_STATE_THEIR_LENGTH: Final = frozenset({"mov", "matroska", "avi", "asf"})
"""Containers whose head says how long the whole is; of others FFmpeg only guesses it."""

_SENT: Final = frozenset({"mpegts", "flv", "live_flv"})
"""What is live over http if the server says no size, whether a camera sends it or a file is played."""


class Shot(NamedTuple):
    """A frame, and the sound that was read since the one before.

    Attributes:
        image: uint8 (H, W, 3), BGR; None for sound alone.
        stamp_s: Seconds since the video's beginning.
        sound: Packets, with times that count from there, too.
    """

    image: Image | None
    stamp_s: float
    sound: tuple[Packet, ...] = ()


class Film:
    """A video in a container.

    A frame's time is its own timestamp, counted from the beginning of the container. Where it has none, or
    one that is not after the frame before, it comes one average frame later than that.

    Attributes:
        fps: Frames per second on average, DEFAULT_FPS where that is not stated.
        frame_count: How many frames there will be, None where that is not stated.
        live: Whether it comes as it happens, from an address.
        is_camera: Whether it has no end of its own, so that one is that of a connection.
        sound: Its first sound.
    """

    def __init__(self, source: Video) -> None:
        """Open it.

        Raises:
            MediaError: It cannot be opened, or has no video.
        """
        self._name = readable(source.name)
        with ExitStack() as stack:
            self._container = open_container(source, stack)
            self._video = self._find_video()
            context = self._video.codec_context
            if problem := size_problem(context.width, context.height):
                raise MediaError(f"{self._name}: is too large: {problem}; make a smaller one of it")
            self.sound: AudioStream | None = next(iter(_decodable(self._container.streams.audio)), None)
            self._stack = stack.pop_all()
        rate = float(self._video.average_rate or 0)
        sensible = 0.01 <= rate <= 500  # a container that states none gets its ticks, such as 1000 a second
        self.fps = rate if sensible else DEFAULT_FPS
        self._length_s = self._container.duration / av.time_base if self._container.duration else None
        self._states_length = bool(_STATE_THEIR_LENGTH & set(self._container.format.name.split(",")))
        self.frame_count: int | None = self._video.frames or None
        if self.frame_count is None and self._length_s is not None and sensible:
            self.frame_count = round(self._length_s * self.fps)
        self._sized = (self._container.size or 0) > 0
        self.live = source.url is not None and self._is_live(source.url)
        self.is_camera = self.live and self._container.format.name not in _SENT
        if self.live:
            self.frame_count = None
        context.options = {"max_pixels": str(MAX_PIXELS)}  # a stream may say later that it is larger
        # Threads that decode whole frames hold some back.
        context.thread_type = "SLICE" if self.live else "AUTO"
        context.thread_count = _THREADS
        self._reformatter = VideoReformatter()  # one for all frames: its tables take longer than a frame
        self._start_s = (self._container.start_time or 0) / av.time_base
        self._last_s: float | None = None
        self._reached_s = 0.0
        self._frames = self._damaged = 0
        self._broken: str | None = None
        self._hung_up = False

    def shots(self) -> Iterator[Shot]:
        """Give frame after frame, to the end or to where it breaks off: `problem` tells which."""
        sound: list[Packet] = []
        for packet in self._packets():
            if packet.stream.index == self._video.index:
                self._damaged += packet.is_corrupt
                for frame in self._decode(packet):
                    yield self._shot(frame, sound)
                    sound = []
            elif self.sound is not None and packet.stream.index == self.sound.index:
                sound.append(packet)
                if len(sound) == _MOST_SOUND:
                    yield Shot(None, self._last_s or 0.0, tuple(sound))
                    sound = []
        for frame in self._decode(None):
            yield self._shot(frame, sound)
            sound = []
        if sound:
            yield Shot(None, self._last_s or 0.0, tuple(sound))

    def problem(self) -> str | None:
        """After the last shot: why that was too early, or what was lost before; None if nothing was."""
        name, read = self._name, self._frames
        if read == 0:
            return f"{name}: not one frame can be read from it" + (
                f" ({self._broken})" if self._broken else ""
            )
        if (self._broken is not None and not (self._hung_up and self._is_at_end())) or self._is_short():
            exact = "mov" in self._container.format.name.split(",")  # AVIs count pauses, too
            of = f" of {self._video.frames}" if exact and self._video.frames > read else ""
            of_s = f" of {self._length_s:.1f}" if self._length_s else ""
            why = f" ({self._broken})" if self._broken else ""
            return (
                f"{name}: breaks off after {read}{of} frames, at {self._last_s or 0:.1f}{of_s} s{why}; those "
                "are complete in the output"
            )
        if self._damaged:
            return f"{name}: is damaged in {self._damaged} places; {read} frames could be read"
        return None

    def close(self) -> None:
        """Close it."""
        self._stack.close()

    def _find_video(self) -> VideoStream:
        films = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        if not films:
            kinds = ", ".join(sorted({s.type for s in self._container.streams})) or "nothing that is known"
            raise MediaError(f"{self._name}: has no video, only {kinds}; give a video or a picture")
        known = _decodable(films)
        if not known:
            raise MediaError(
                f"{self._name}: is coded in a way that this FFmpeg cannot decode; convert it to H.264"
            )
        return known[0]

    def _is_live(self, url: str) -> bool:
        if url.lower().startswith("rtsp") or self._container.format.name == "mpjpeg":
            return True
        if self._container.format.name == "hls":  # the size is the list's
            return self._length_s is None
        return self._container.format.name in _SENT and not self._sized

    def _packets(self) -> Iterator[Packet]:
        """All packets that hold anything, with times that count from the beginning."""
        try:
            for packet in self._container.demux():
                if not packet.size:
                    continue
                base = packet.time_base
                if base:
                    begin = round(self._start_s / base)
                    if packet.pts is not None:
                        packet.pts -= begin
                        end_s = float((packet.pts + (packet.duration or 0)) * base)
                        self._reached_s = max(self._reached_s, end_s)
                    if packet.dts is not None:
                        packet.dts -= begin
                yield packet
        except (av.FFmpegError, OSError) as error:
            self._broken = reason(error)
            # Where a server says no size, FFmpeg cannot tell the end from a connection that breaks.
            self._hung_up = error.errno == errno.EIO and not self._sized and not self.live

    def _decode(self, packet: "Packet | None") -> list[VideoFrame]:
        try:
            return self._video.codec_context.decode(packet)
        except av.error.EOFError:
            return []
        except (av.FFmpegError, ValueError):
            self._damaged += 1
            return []

    def _shot(self, frame: VideoFrame, sound: list[Packet]) -> Shot:
        self._frames += 1
        self._damaged += frame.is_corrupt
        base = self._video.time_base  # the frame's own is lost where its decoder is flushed
        stamp_s = None if frame.pts is None or not base else float(frame.pts * base)
        if stamp_s is None or (self._last_s is not None and stamp_s <= self._last_s):
            stamp_s = 0.0 if self._last_s is None else self._last_s + 1 / self.fps
        self._last_s = stamp_s
        image = np.asarray(self._reformatter.reformat(frame, format="bgr24").to_ndarray(), np.uint8)
        return Shot(_upright(image, frame), stamp_s, tuple(sound))

    def _is_at_end(self) -> bool:
        """Whether all that the container states was there, as far as it states anything."""
        stated = self._length_s if self._states_length else None
        return stated is None or self._reached_s >= stated - 2 / self.fps

    def _is_short(self) -> bool:
        """Whether the container states that something in it goes on after the last of what there was."""
        if self._length_s is None or not self._states_length:
            return False
        return self._reached_s < self._length_s - max(2 / self.fps, 0.05 * self._length_s)


def _upright(image: Image, frame: VideoFrame) -> Image:
    """A frame as players show it: telephones turn videos, and mirror those of their front cameras.

    The matrix is that of ISO/IEC 14496-12, 8.3.2: x' = a x + c y, y' = b x + d y, in units of 1 / 65536.
    """
    data: Mapping[Any, Any] = frame.side_data  # PyAV's types call its keys names, which they are not
    turned = data.get(SideData.DISPLAYMATRIX)
    if turned is None:
        return image
    a, b, _, c, d = np.frombuffer(turned, np.int32)[:5]
    if abs(a) + abs(d) < abs(b) + abs(c):
        image, a, d = np.swapaxes(image, 0, 1), c, b
    return np.ascontiguousarray(image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _decodable(streams: Iterable[_Stream]) -> list[_Stream]:
    """Those that this FFmpeg can decode. PyAV says so by a codec that is None, which its types do not say."""
    return [stream for stream in streams if getattr(stream, "codec_context", None) is not None]
