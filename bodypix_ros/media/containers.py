"""Opening videos with FFmpeg, and saying in a sentence why one cannot be opened."""

import os
import re
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
from av.container import InputContainer

from bodypix_ros.errors import MediaError
from bodypix_ros.media.files import open_file, readable
from bodypix_ros.media.sources import Video

OPEN_S: Final = 10.0
"""So long may a server take until its first frames are there, in seconds."""

READ_S: Final = 10.0
"""So long may a server say nothing, in seconds."""

_FILMS = (
    "amv,asf,avi,cavsvideo,dirac,dnxhd,dv,f4v,flc,flic,flv,gif,gxf,h261,h263,h264,hevc,ivf,live_flv,m4v,matroska,"
    "mjpeg,mov,mp4,mpeg,mpegts,mpegvideo,mpjpeg,mxf,nut,nuv,obu,ogg,rm,smjpeg,vc1,vc1test,vvc,webm,wtv,"
    "yuv4mpegpipe"
)
_ELSE = "aac,ac3,aiff,amr,ape,ass,caf,flac,mp3,srt,wav,webvtt,wv"
"""Known, so that it is said that they have no video."""

_LIVE = "hls,mpjpeg,rtp,rtsp,sdp"
_PROTOCOLS = "http,https,httpproxy,rtp,rtsp,rtsps,srtp,tcp,tls,udp,crypto"
"""Without file: the lists of a server name no file of this computer."""

# Titles that are not UTF-8 are no reason to refuse a video; since 19 PyAV thinks so by itself.
_LENIENT: Final[dict[str, Any]] = {"metadata_errors": "replace"} if av.__version__ < "19" else {}


class _Named:
    """A file that FFmpeg reads, without its name: of a name FFmpeg would make protocols."""

    def __init__(self, file: BinaryIO, suffix: str) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.name = f"film{suffix}" if re.fullmatch(r"\.\w+", suffix, re.ASCII) else "film"


def open_container(source: Video, stack: ExitStack) -> InputContainer:
    """Open a video file, or an address.

    Only containers of films, of sound and of subtitles are tried: FFmpeg would show text as film, too, and
    read the files that a list names.

    Args:
        source: The video.
        stack: Closes it.

    Raises:
        MediaError: It cannot be opened.
    """
    start_s = time.monotonic()
    try:
        if source.url is None:
            path = Path(source.name)
            data = stack.enter_context(open_file(path))
            if not os.fstat(data.fileno()).st_size:
                raise MediaError(f"{readable(path)}: is empty; replace it")
            file = _Named(data, path.suffix)
            options = {"format_whitelist": f"{_FILMS},{_ELSE}"}
            opened: InputContainer = av.open(file, "r", options=options, **_LENIENT)
        else:
            opened = av.open(source.url, "r", options=_remote(), timeout=(OPEN_S, READ_S), **_LENIENT)
    except MediaError:
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        late = source.url is not None and time.monotonic() - start_s >= OPEN_S  # FFmpeg may call it otherwise
        raise MediaError(_why(source, error, late)) from error
    stack.callback(opened.close)
    return opened


def _remote() -> dict[str, str]:
    options = {
        "format_whitelist": f"{_FILMS},{_ELSE},{_LIVE}",
        "protocol_whitelist": _PROTOCOLS,
        "tls_verify": "1",  # FFmpeg does it by itself since 8.1 only
        "rtsp_flags": "prefer_tcp",  # lost packets are frames of mud
    }
    known = ssl.get_default_verify_paths().cafile
    return options | ({"ca_file": known} if known else {})


def reason(error: Exception) -> str:
    """What FFmpeg says of an error, in words."""
    if isinstance(error, av.error.ExitError):
        return f"no answer within {READ_S:g} s"
    return str(getattr(error, "strerror", None) or error)


def _why(source: Video, error: Exception, late: bool) -> str:
    name = readable(source.name)
    if source.url is not None:
        why = f"no answer within {OPEN_S:g} s" if late else reason(error)
        tls = source.url.lower().startswith(("https", "rtsps"))
        known = ", its certificate known (else name it in SSL_CERT_FILE)" if tls else ""
        return (
            f"{name}: cannot be opened: {why}; is the address right, the server up{known}, and is it a video?"
        )
    if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
        return f"{name}: cannot be read: {reason(error)}"
    return f"{name}: neither a picture nor a video that FFmpeg can read"
