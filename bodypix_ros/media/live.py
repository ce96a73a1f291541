"""What comes as it happens: cameras of this computer, and addresses, which may also hold whole films."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
from av.audio.stream import AudioStream

from bodypix_ros.errors import MediaError
from bodypix_ros.media.film import DEFAULT_FPS, Film, Shot
from bodypix_ros.media.sources import Video

FIRST_WAIT_S: Final = 0.5
"""Until a lost source is tried again, in seconds; each time twice as long."""

LONGEST_WAIT_S: Final = 8.0

GIVE_UP_S = 300.0
"""A source that gave no frame for so long is given up."""

_AHEAD: Final = 8
"""Frames of a film that are read before they are wanted."""

_LOOK_S: Final = 0.1
"""How often somebody who waits asks whether it should stop."""


class Camera:
    """A camera of this computer, by its index. Its times are when a frame arrived.

    OpenCV reads it: it chooses format and size on every system, while FFmpeg must be told them.
    """

    frame_count = None
    live = True
    sound = None

    def __init__(self, index: int) -> None:
        """Open it.

        Raises:
            MediaError: It cannot be opened.
        """
        self._index = index
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise MediaError(f"camera {index} cannot be opened: is it plugged in, free and permitted?")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0.1 <= fps <= 1000 else DEFAULT_FPS
        self._frames = 0

    def shots(self) -> Iterator[Shot]:
        """Give frame after frame, until it is lost."""
        start_s: float | None = None
        while True:
            good, frame = self._capture.read()
            if not good:
                return
            self._frames += 1
            now_s = time.monotonic()
            start_s = now_s if start_s is None else start_s
            yield Shot(np.asarray(frame, np.uint8), now_s - start_s)

    def problem(self) -> str:
        """Why there are no more frames."""
        return f"camera {self._index} gave no more frames after {self._frames}"

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()


class Remote:
    """A video from an address, read by a thread: whoever waits for it can stop, and a live one is never late.

    Of a live one only the newest frame is kept, its times are when frames arrived, its sound is left out, and
    it is tried again when it is lost. Of a film all frames are given.

    Attributes:
        fps: As `Film` has it; so are `frame_count`, `live` and `sound`.
    """

    def __init__(self, source: Video, stopped: Callable[[], bool], complain: Callable[[str], None]) -> None:
        """Open it.

        Args:
            source: With its address.
            stopped: Asked again and again while waiting; True ends it.
            complain: Is told that it was lost.

        Raises:
            MediaError: It cannot be opened.
        """
        self._source = source
        self._stopped, self._complain = stopped, complain
        self._changed = threading.Condition()
        self._shots: deque[Shot] = deque()
        self._news: list[str] = []
        self._problem: str | None = None
        self._opened = self._ended = self._closing = self._is_camera = False
        self.fps, self.live = DEFAULT_FPS, False
        self.frame_count: int | None = None
        self.sound: AudioStream | None = None
        self._frames = 0
        threading.Thread(target=self._read, name=f"read {source.name}", daemon=True).start()
        self._wait(lambda: self._opened or self._ended)
        if self._ended and not self._opened and self._problem:
            raise MediaError(self._problem)

    def shots(self) -> Iterator[Shot]:
        """Give the frames, to the end or until `stopped`."""
        while self._wait(lambda: bool(self._shots or self._news or self._ended)):
            with self._changed:
                shot = self._shots.popleft() if self._shots else None
                news, self._news = self._news, []
                self._changed.notify_all()
            for text in news:
                self._complain(text)
            if shot is not None:
                yield shot
            elif self._ended and not self._shots:
                return

    def problem(self) -> str | None:
        """Why there are no more frames; None if that is its end."""
        return self._problem

    def close(self) -> None:
        """Read no more. The thread ends with its next frame, or when its server was silent for too long."""
        with self._changed:
            self._closing = True
            self._shots.clear()
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> bool:
        """Wait, and say whether it is so; False: stop."""
        with self._changed:
            while not ready():
                if self._stopped():
                    return False
                self._changed.wait(_LOOK_S)
        return True

    # In the thread

    def _read(self) -> None:
        try:
            self._problem = self._read_all()
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            self._problem = f"{self._source.name}: {error}"
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_all(self) -> str | None:
        """Read until it ends, is given up or closed; returns what was wrong."""
        name = self._source.name
        wait_s, seen_s, said, given = FIRST_WAIT_S, time.monotonic(), False, 0
        while not self._closing:
            before = self._frames
            why = self._read_once()
            if not self._opened or not self.live:
                return why
            given, last = self._frames - before, given
            if not self._is_camera and given and (why is None or given == last):
                return None  # a file that was played to its end, or twice
            now_s = time.monotonic()
            if given:
                wait_s, seen_s, said = FIRST_WAIT_S, now_s, False
            if now_s - seen_s > GIVE_UP_S:
                return f"{name}: gave no more frames after {self._frames}, though tried for {GIVE_UP_S:g} s"
            with self._changed:
                if not said:
                    self._news.append(
                        f"{name}: lost after {self._frames} frames, and tried again ({why or 'it ended'})"
                    )
                    said = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closing, wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        return None

    def _read_once(self) -> str | None:
        """Read until the connection ends; returns why."""
        try:
            film = Film(self._source)
        except MediaError as error:
            return str(error)
        try:
            with self._changed:
                if not self._opened:
                    self.fps, self.frame_count, self.live = film.fps, film.frame_count, film.live
                    self._is_camera = film.is_camera
                    self.sound = None if film.live else film.sound
                    self._start_s = time.monotonic()
                    self._opened = True
                self._changed.notify_all()
            for shot in film.shots():
                if not self._put(shot):
                    return None
            return film.problem()
        finally:
            film.close()

    def _put(self, shot: Shot) -> bool:
        """Leave a shot; False: closed."""
        with self._changed:
            if self.live:
                if shot.image is not None:
                    self._frames += 1
                    self._shots.clear()
                    self._shots.append(Shot(shot.image, time.monotonic() - self._start_s))
            else:
                self._changed.wait_for(lambda: self._closing or len(self._shots) < _AHEAD)
                self._shots.append(shot)
            self._changed.notify_all()
            return not self._closing
