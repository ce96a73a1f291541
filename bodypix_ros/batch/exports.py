"""What is written beside a source's outputs, for whoever loads it: lists, a table, a bag of what was seen."""

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bodypix_ros.batch.recipe import Recipe
from bodypix_ros.batch.sources import Kind, Source
from bodypix_ros.batch.table import Table
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.results.exports import lists_of
from bodypix_ros.results.process import made_by
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

_FOLDER: Final = ".exports"
_DOCUMENT, _TABLE, _BAG = "people.json", "people.parquet", "people"


class Exports:
    """The exports of one source; a context manager. They are made beside the outputs, and join them.

    Attributes:
        last_s: The last stamp of a video, in seconds.
    """

    def __init__(self, recipe: Recipe, segmenter: "Segmenter", source: Source, work: Path) -> None:
        """Write nothing yet.

        Args:
            recipe: Says which.
            segmenter: What sees.
            source: Whose people.
            work: A folder to make them in.
        """
        self._recipe, self._segmenter, self._source = recipe, segmenter, source
        self._folder, self._stack = work / _FOLDER, ExitStack()
        self._document: DocumentWriter | None = None
        self._table: Table | None = None
        self._recording: Any = None
        self._seen: Counter[str] = Counter()
        self.last_s: float | None = None

    def __enter__(self) -> "Exports":
        least, wanted = self._recipe.files.style.min_keypoint_score, self._recipe.exports
        if wanted:
            self._folder.mkdir()
        lists = lists_of(wanted, self._folder)
        if (lists or "coco" in wanted) and self._source.kind is Kind.BAG:
            document = DocumentWriter(self._folder / _DOCUMENT, made_by(self._segmenter), lists=lists)
            self._document = self._stack.enter_context(document)
        if "parquet" in wanted:
            table = Table(self._folder / _TABLE, self._source.path, least)
            self._table = self._stack.enter_context(table)
        if "mcap" in wanted and self._source.kind is not Kind.BAG:
            from bodypix_ros.bags.recording import Recording  # rosbags is needed only here

            self._recording = self._stack.enter_context(Recording(self._folder / _BAG, self._segmenter))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def hear(self, name: str, scene: Scene, lens: object) -> None:
        """Take what was seen in an image; see `report.Hear`."""
        self._seen[name] += 1
        stamp_ns = _nanoseconds(scene.stamp)
        if isinstance(scene.stamp, (int, float)):
            self.last_s = float(scene.stamp)
        if self._document is not None:
            extra: dict[str, object] = {"source": self._source.path}
            if stamp_ns is not None:
                extra["stamp_ns"] = stamp_ns
            least = self._recipe.files.style.min_keypoint_score
            self._document.add(scene, f"{name}#{self._seen[name]}", least, **extra)
        if self._table is not None:
            self._table.add(name, stamp_ns, scene, lens if isinstance(lens, Lens) else None)
        if self._recording is not None:
            # Pictures have no stamps: they follow each other by seconds.
            time_ns = (self._seen.total() - 1) * 10**9 if stamp_ns is None else stamp_ns
            self._recording.write(time_ns, name, scene)

    def join(self, made: Path) -> None:
        """Complete them, and put them beside the outputs.

        Args:
            made: The folder of the outputs.

        Raises:
            OSError: They cannot be written.
        """
        if self._document is not None:
            for name in self._seen:
                self._document.complete(name, [])
        self._stack.close()
        if self._folder.exists():
            for path in sorted(self._folder.iterdir()):
                path.rename(made / path.name)
            shutil.rmtree(self._folder)


def _nanoseconds(stamp: Any) -> int | None:
    """A stamp of ROS, or seconds."""
    if isinstance(stamp, (int, float)):
        return round(stamp * 1e9)
    seconds, rest = getattr(stamp, "sec", None), getattr(stamp, "nanosec", None)
    return None if seconds is None or rest is None else int(seconds) * 10**9 + int(rest)
