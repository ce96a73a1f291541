"""The sound of one video, put into another."""

from typing import Final

from av.audio.stream import AudioStream
from av.container import OutputContainer

from bodypix_ros.media.film import Packet

_COPIED: Final = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "mp3float", "opus"})
"""Codecs that an MP4 may hold so that players know them; others become AAC."""

_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
"""Samples per second of AAC."""

_LAYOUTS: Final = frozenset({"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"})


class Sound:
    """A stream of sound in a container that is being written: copied as it is, or made AAC."""

    def __init__(self, container: OutputContainer, template: AudioStream) -> None:
        """Add the stream.

        Args:
            container: Not begun yet.
            template: The stream that packets will be of.

        Raises:
            av.FFmpegError, ValueError: It cannot be added.
        """
        self._container, self._template = container, template
        self._last: int | None = None
        codec = template.codec_context.name
        self._copied = codec.removeprefix("lib") in _COPIED
        if self._copied:
            self._stream = container.add_stream_from_template(template)
        else:
            rate = template.codec_context.sample_rate
            self._stream = container.add_stream("aac", rate=rate if rate in _RATES else 48000)
            layout = template.codec_context.layout
            unknown = "mono" if layout.nb_channels == 1 else "stereo"
            self._stream.codec_context.layout = layout.name if layout.name in _LAYOUTS else unknown

    def write(self, packet: Packet) -> None:
        """Append a packet of the template.

        Raises:
            av.FFmpegError, ValueError: It cannot be written.
        """
        if not self._copied:
            for frame in self._template.codec_context.decode(packet):
                self._container.mux(self._stream.encode(frame))
            return
        # One that is not after the one before would be refused, and the rest with it.
        if packet.dts is not None and (self._last is None or packet.dts > self._last):
            self._last = packet.dts
            packet.stream = self._stream
            self._container.mux(packet)

    def finish(self) -> None:
        """Write what is still in the encoder."""
        if not self._copied:
            self._container.mux(self._stream.encode(None))
