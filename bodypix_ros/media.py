"""Pictures, folders, videos and cameras: finding, reading and writing them with OpenCV.

Images are uint8 (H, W, 3) in OpenCV's own order, BGR. What is written appears whole or not at all: it goes to
a temporary name beside its target and is renamed when it is complete.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import MediaError, PictureError
from bodypix_ros.imaging.picture_size import check_picture

Image = npt.NDArray[np.uint8]

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
DEFAULT_FPS = 30.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file."""

    path: Path

    @property
    def name(self) -> str:
        """What the user called it."""
        return str(self.path)

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, or a camera where `camera` is its index."""

    name: str
    camera: int | None = None

    @property
    def stem(self) -> str:
        """The name to derive output names from."""
        return Path(self.name).stem if self.camera is None else f"camera{self.camera}"


Source = Picture | Video


def find_sources(arguments: Sequence[str]) -> list[Source]:
    """Turn what a user typed into pictures, videos and cameras, in the order given.

    Args:
        arguments: Each a picture, a folder (its pictures, sorted by name, without sub-folders), a video, or
            the index of a camera such as "0" (a file of that name comes first).

    Raises:
        MediaError: Something is not there, or a folder holds no pictures.
    """
    return [source for argument in arguments for source in _expand(argument)]


def _expand(argument: str) -> list[Source]:
    path = Path(argument)
    if path.is_dir():
        pictures = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in PICTURE_SUFFIXES)
        if not pictures:
            kinds = " ".join(sorted(PICTURE_SUFFIXES))
            raise MediaError(f"{path}: no pictures in this folder ({kinds}); sub-folders are not searched")
        return [Picture(p) for p in pictures]
    if path.exists():
        is_picture = path.suffix.lower() in PICTURE_SUFFIXES or cv2.haveImageReader(str(path))
        return [Picture(path) if is_picture else Video(argument)]
    if argument.isascii() and argument.isdigit():
        return [Video(argument, camera=int(argument))]
    raise MediaError(f"{path}: no such file or folder; give a picture, a folder, a video or a camera's index")


def read_picture(path: str | os.PathLike[str], *, exif: bool = True) -> Image:
    """Read a picture as uint8 (H, W, 3), BGR.

    Grey becomes BGR, an alpha channel is dropped, 16 bits per channel are scaled to 8.

    Args:
        path: The picture.
        exif: Turn the picture as its EXIF orientation says. False reads the pixels as they are stored,
            which is what COCO's annotations refer to.

    Raises:
        MediaError: The file is not there, is larger than `picture_size` accepts, or is not a picture that
            OpenCV can read.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        check_picture(data.tobytes())
    except PictureError as error:
        raise MediaError(f"{path}: {error}") from error
    flags = cv2.IMREAD_COLOR if exif else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise MediaError(f"{path}: OpenCV cannot decode it: {error.err}") from error
    if image is None:
        what = f"{data.size} bytes that are not a whole picture" if data.size else "the file is empty"
        raise MediaError(f"{path}: {what}; replace it, or convert it to 8-bit PNG or JPEG")
    return np.asarray(image, np.uint8)


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


def _part(path: Path) -> Path:
    """The temporary name; it keeps the suffix, by which OpenCV chooses the format."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` at the end, or delete it after an error."""
    part = _part(path)
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_picture(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write a picture in the format its suffix names.

    Args:
        path: Where to; an existing file is replaced.
        image: uint8 (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.

    Raises:
        MediaError: OpenCV cannot write this format, or the folder or disk does not allow it.
    """
    try:
        good, data = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise MediaError(f"{path}: OpenCV cannot encode this picture: {error.err}") from error
    if not good:
        raise MediaError(f"{path}: OpenCV cannot encode this picture")
    try:
        with replacing(path) as part:
            part.write_bytes(data.tobytes())
    except OSError as error:
        raise MediaError(f"{path}: cannot be written: {error.strerror or error}") from error


class VideoWriter:
    """Writes an MP4 (MPEG-4 part 2), frame by frame; a context manager.

    The file appears under its name when the context ends without an error, and not at all otherwise, or
    when no frame was written.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS) -> None:
        self.path = path
        self.fps = fps
        self._part = _part(path)
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
