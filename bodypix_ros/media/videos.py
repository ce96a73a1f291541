"""Reading and writing videos, and reading cameras. Frames are uint8 (H, W, 3), BGR."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from bodypix_ros.errors import MediaError
from bodypix_ros.media.files import part_of
from bodypix_ros.media.pictures import Image
from bodypix_ros.media.sources import Video

DEFAULT_FPS = 30.0


class VideoReader:
    """The frames of a video or a camera, as uint8 (H, W, 3), BGR; a context manager.

    Attributes:
        fps: Frames per second as the source states, or 30 where it states nothing sensible.
        frame_count: The frames the source promises, None where it does not say (cameras).
        frames_read: The frames read so far.
    """

    def __init__(self, source: Video) -> None:
        """Open it.

        Raises:
            MediaError: It cannot be opened.
        """
        self.source = source
        self.frames_read = 0
        target = source.name if source.camera is None else source.camera
        self._capture = cv2.VideoCapture(target)
        if not self._capture.isOpened():
            self._capture.release()
            if source.camera is not None:
                raise MediaError(
                    f"camera {source.camera} cannot be opened: is it plugged in, free and permitted?"
                )
            raise MediaError(f"{source.name}: neither a picture nor a video that OpenCV can read")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0.1 <= fps <= 1000 else DEFAULT_FPS
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = int(count) if source.camera is None and count > 0 else None

    def __iter__(self) -> Iterator[Image]:
        """Give frame after frame, to the end or to where the source breaks off: `check_end` tells which."""
        while True:
            good, frame = self._capture.read()
            if not good:
                return
            self.frames_read += 1
            yield np.asarray(frame, np.uint8)

    def check_end(self) -> None:
        """Raise MediaError if the frames ended too early: none at all, a lost camera, a broken file."""
        if self.frames_read == 0:
            raise MediaError(f"{self.source.name}: not one frame can be read from it")
        if self.source.camera is not None:
            raise MediaError(f"camera {self.source.camera} gave no more frames after {self.frames_read}")
        # Containers only estimate their frame count, so the last few may be missing.
        if self.frame_count and self.frames_read < self.frame_count - max(2, self.frame_count // 20):
            raise MediaError(
                f"{self.source.name}: breaks off after {self.frames_read} of {self.frame_count} frames; "
                "those are complete in the output"
            )

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class VideoWriter:
    """Writes an MP4 (MPEG-4 part 2), frame by frame; a context manager.

    The file appears under its name when the context ends without an error, and not at all otherwise, or
    when no frame was written.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS) -> None:
        self.path = path
        self.fps = fps
        self._part = part_of(path)
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, frame: Image) -> None:
        """Append a frame.

        Args:
            frame: uint8 (H, W, 3), BGR, of the size of the first one.

        Raises:
            MediaError: The file cannot be written, or the frame has another size than the first.
        """
        size = (frame.shape[1], frame.shape[0])
        if self._writer is None:
            self._size = size
            self._writer = cv2.VideoWriter(str(self._part), cv2.VideoWriter.fourcc(*"mp4v"), self.fps, size)
            if not self._writer.isOpened():
                raise MediaError(f"{self.path}: OpenCV cannot write a video of {size[0]}x{size[1]} here")
        if size != self._size:
            was = f"{self._size[0]}x{self._size[1]}"
            raise MediaError(f"{self.path}: a frame of {size[0]}x{size[1]} in a video of {was}")
        self._writer.write(frame)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if kind is None:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)
