"""How well a model's ids stay on a film whose people are known."""

import json
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from bodypix_ros.scene import Box
from bodypix_ros.tracking.metrics import Boxes, Metrics, compare

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Labels:
    """Who is where in some of a film's frames.

    Attributes:
        width: Of the film.
        height: Of the film.
        frames: Box by id, by the frame's number, counted from 0.
    """

    width: int
    height: int
    frames: dict[int, Boxes]


def read_labels(path: Path) -> Labels:
    """Read labels: JSON with `size` [width, height] and `frames`, by number lists of {id, box}.

    A box is [x0, y0, x1, y1] in pixels, half open, of what is visible. What else is in there is left aside.

    Args:
        path: The file.

    Raises:
        ValueError: It is no such file; says where.
    """
    try:
        read = json.loads(path.read_bytes())
        width, height = map(int, read["size"])
        frames = {int(number): _boxes(number, people) for number, people in read["frames"].items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: not labels of a film's people ({type(error).__name__}: {error})"
        ) from error
    if not frames:
        raise ValueError(f"{path}: labels no frame")
    if min(frames) < 0:
        raise ValueError(f"{path}: frame {min(frames)}, but frames are counted from 0")
    return Labels(width, height, dict(sorted(frames.items())))


def _boxes(frame: str, people: list[dict[str, Any]]) -> Boxes:
    boxes: dict[Hashable, Box] = {}
    for one in people:
        x0, y0, x1, y1 = map(int, one["box"])
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"frame {frame}: the box {one['box']} of {one['id']} is empty")
        if one["id"] in boxes:
            raise ValueError(f"frame {frame}: {one['id']} is there twice")
        boxes[one["id"]] = x0, y0, x1, y1
    return boxes


def evaluate(
    segmenter: "Segmenter", labels: Labels, video: Path, progress: Callable[[], object] | None = None
) -> tuple[Metrics, float]:
    """See a film as a stream, up to its last labelled frame, and compare.

    Args:
        segmenter: The model.
        labels: From `read_labels`.
        video: The film.
        progress: Called after each frame.

    Returns:
        How well ids stay in the labelled frames, and the mean milliseconds per frame.

    Raises:
        MediaError: The film cannot be read, or ends before its last labelled frame.
        ValueError: It has another size than its labels.
    """
    last = max(labels.frames)
    found: list[Boxes] = []
    stream, spent_s, done = segmenter.stream(), 0.0, 0
    segmenter.prepare(labels.height, labels.width)
    with media.VideoReader(media.Video(str(video))) as reader:
        for number, frame in enumerate(reader):
            if frame.shape[:2] != (labels.height, labels.width):
                size = f"{frame.shape[1]}x{frame.shape[0]}"
                raise ValueError(f"{video}: is {size}, but its labels are for {labels.width}x{labels.height}")
            started = time.perf_counter()
            scene = stream.segment(frame, stamp=reader.stamp_s)
            spent_s += time.perf_counter() - started
            done = number + 1
            if number in labels.frames:
                found.append({p.track_id: p.box for p in scene.persons if p.track_id is not None})
            if progress:
                progress()
            if number == last:
                break
    if done <= last:
        raise MediaError(f"{video}: ends after {done} frames, but frame {last} is labelled")
    return compare(list(labels.frames.values()), found), spent_s * 1e3 / done
