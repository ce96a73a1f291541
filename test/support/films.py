"""Small videos as others write them: containers, codecs, times and sound of one's choice."""

from fractions import Fraction
from io import BytesIO

import av
import numpy as np

MS = Fraction(1, 1000)


def grey(value, width=64, height=48):
    return np.full((height, width, 3), value, np.uint8)


def write_film(
    path,
    stamps_s,
    *,
    codec="libx264",
    kind=None,
    sound=None,
    sound_s=None,
    images=None,
    options=None,
    base=MS,
):
    """Write a film whose frames get lighter, with a tone of that codec. `path` may be an open file.

    Args:
        path: The file.
        stamps_s: When its frames are shown.
        codec: Of the frames; None for sound alone.
        kind: Of container, if the name does not say.
        sound: The codec of the tone.
        sound_s: How long it is; None: as long as the frames.
        images: Other frames, BGR.
        options: Of the container.
        base: Of the times.
    """
    with av.open(
        path if hasattr(path, "write") else str(path), "w", format=kind, options=options or {}
    ) as out:
        images = images or [grey(min(20 + 2 * k, 250)) for k in range(len(stamps_s))]
        video = tone = None
        if codec is not None:
            video = out.add_stream(codec, rate=30)
            video.width, video.height, video.pix_fmt = images[0].shape[1], images[0].shape[0], "yuv420p"
            if codec == "mjpeg":
                video.pix_fmt = "yuvj420p"
            video.codec_context.time_base = base
        if sound is not None:
            tone = out.add_stream(sound, rate=48000)
        packets = []
        for stamp_s, image in zip(stamps_s, images, strict=True) if video else ():
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=video.pix_fmt)
            frame.pts, frame.time_base = round(stamp_s / base), base
            packets += video.encode(frame)
        if video:
            packets += video.encode(None)
        if tone is not None:
            seconds = sound_s or (max(stamps_s) + 0.1)
            wave = (8000 * np.sin(np.arange(round(48000 * seconds)) / 20)).astype(np.int16)
            for start in range(0, len(wave), 1024):
                stereo = np.ascontiguousarray(np.repeat(wave[None, start : start + 1024], 2, axis=1))
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(stereo), format="s16", layout="stereo"
                )
                frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
                packets += tone.encode(frame)
            packets += tone.encode(None)
        packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
        for packet in packets:
            out.mux(packet)


def write_as_browsers_do(path, images=None, *, length=False):
    """Write a WebM of 90 frames in 3 s without rate, length and count: ticks of a millisecond, and not even.

    Args:
        path: The file.
        images: Of the frames.
        length: State how long it is.

    Returns:
        When its frames are shown, in seconds.
    """
    late_s = np.random.default_rng(1).uniform(0, 0.016, 90)
    stamps_s = [round(k / 30 + late_s[k], 3) if k else 0.0 for k in range(90)]
    file = BytesIO()
    write_film(
        file, stamps_s, codec="libvpx", kind="webm", images=images, options={} if length else {"live": "1"}
    )
    data = file.getvalue()
    rate = data.index(b"\x23\xe3\x83\x84")  # DefaultDuration, four bytes
    path.write_bytes(data[:rate] + b"\xec\x86" + bytes(6) + data[rate + 8 :])  # Void
    return stamps_s


def film_facts(path):
    """What is in a file: codecs, pixel format, size, stamps of its frames, seconds of its sound."""
    with av.open(str(path)) as film:
        video = film.streams.video[0]
        sound = film.streams.audio[0] if film.streams.audio else None
        stamps, heard_s = [], 0.0
        for packet in film.demux():
            for frame in packet.decode():
                if packet.stream.type == "video":
                    stamps.append(float(frame.pts * frame.time_base))
                else:
                    heard_s += frame.samples / frame.sample_rate
        return {
            "codec": video.codec_context.name,
            "pixels": video.codec_context.pix_fmt,
            "size": (video.codec_context.width, video.codec_context.height),
            "stamps": stamps,
            "duration": float(video.duration * video.time_base) if video.duration else None,
            "sound": sound.codec_context.name if sound else None,
            "heard_s": heard_s,
        }
