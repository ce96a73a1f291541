"""Where sights go: a recording that is whole or not there, or a viewer that is open."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from bodypix_ros.media import replacing
from bodypix_ros.targets import check_writable, unwritable
from bodypix_ros.viewing import extra
from bodypix_ros.viewing.figures import figures, standing
from bodypix_ros.viewing.layout import Room, layout
from bodypix_ros.viewing.sight import Sight

APPLICATION: Final = "bodypix_ros"

Show = Callable[[Sight], None]


class _Shower:
    """Logs sights into one of Rerun's streams, in its timelines.

    Attributes:
        count: How many so far.
    """

    def __init__(self, rr: Any, stream: Any) -> None:
        self._rr, self._stream, self.count = rr, stream, 0
        self._room: Room | None = None
        for path, figure in standing(rr):
            stream.log(path, figure, static=True)

    def __call__(self, sight: Sight) -> None:
        """Log a sight: `frame` counts, `time` is the video's or the recording's."""
        room = Room.of(sight) if self._room is None else self._room.with_(Room.of(sight))
        if room != self._room:
            self._room = room
            self._stream.send_blueprint(layout(room))
        self._stream.set_time("frame", sequence=self.count)
        if sight.stamp_s is not None:
            if sight.absolute:
                self._stream.set_time("time", timestamp=np.datetime64(round(sight.stamp_s * 1e9), "ns"))
            else:
                self._stream.set_time("time", duration=sight.stamp_s)
        for path, figure in figures(self._rr, sight):
            self._stream.log(path, figure)
        self.count += 1


@contextmanager
def recorded(path: Path) -> Generator[Show]:
    """Write sights into a file; it appears when all of them are in it.

    After an error, or without any, there is no new file, and one of before stays.

    Args:
        path: FILE.rrd; an existing one is replaced.

    Raises:
        ImportError: Rerun is not there.
        OutputError: The file cannot be written.
    """
    rr = extra.load()
    check_writable(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    with suppress(_EmptyError), replacing(path) as part, rr.RecordingStream(APPLICATION) as stream:
        stream.save(part)
        shower = _Shower(rr, stream)
        yield shower
        if not shower.count:
            raise _EmptyError
        stream.flush()
        stream.disconnect()


class _EmptyError(Exception):
    """Nothing was shown."""


@contextmanager
def shown(url: str) -> Generator[Show]:
    """Send sights to a viewer.

    Args:
        url: Of `Program`.

    Raises:
        ImportError: Rerun is not there.
    """
    rr = extra.load()
    with rr.RecordingStream(APPLICATION) as stream:
        stream.connect_grpc(url)
        yield _Shower(rr, stream)
        stream.flush(timeout_sec=10)
        stream.disconnect()
