"""Tables of people, one row a person and image, as Parquet; pyarrow is imported when a table is written."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.pose import place

_ROWS: Final = 20_000
"""Rows that are kept in memory; a group of the file has so many."""
_HIPS: Final = ("left_hip", "right_hip")

COLUMNS: Final = {
    "source": "string: the source's path",
    "image": "string: the topic, the file, or FILE#FRAME",
    "stamp_ns": "int64: the image's stamp in nanoseconds, a video's since it begins; null without one",
    "track": "int64: the person's number in this source, per topic; null while it is not confirmed",
    "person": "int32: index in the image: the one of `persons`, and 1 less than the value of `instance_mask`",
    "score": "float: 0..1",
    "box": "list<int32>: x0, y0, x1, y1 in pixels, half open",
    "keypoints": "list<float>: x, y in pixels and score, one keypoint after another; empty without a pose",
    "position": "list<float>: x, y, z in metres in the camera's optical frame; null where nobody knows",
}
"""The columns, with their types and meanings. The names of the keypoints are in the file's metadata."""


def check() -> None:
    """See whether tables can be written.

    Raises:
        ImportError: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ImportError(
            "pyarrow is not installed, and writes Parquet; type: pip install 'bodypix_ros[fleet]'"
        )


class Table:
    """A file of people that is written; a context manager."""

    def __init__(self, path: Path, source: str, min_keypoint_score: float) -> None:
        """Write nothing yet.

        Args:
            path: The file.
            source: What its people are of.
            min_keypoint_score: Keypoints above this say where a person is.
        """
        self._path, self._source, self._least = path, source, min_keypoint_score
        self._rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self._writer: Any = None
        self._names: Sequence[str] = ()

    def add(self, image: str, stamp_ns: int | None, scene: Scene, lens: Lens | None) -> None:
        """Write the people of an image.

        Args:
            image: What it is called.
            stamp_ns: When it was taken.
            scene: What was seen in it.
            lens: The camera's, where that is known.
        """
        self._names = scene.keypoint_names
        for index, person in enumerate(scene.persons):
            keypoints = person.keypoints.ravel().tolist() if person.has_pose else []
            row = (
                self._source, image, stamp_ns, person.track_id, index, float(person.score), list(person.box),
                keypoints, self._position(scene, index, lens),
            )  # fmt: skip
            for column, value in zip(self._rows.values(), row, strict=True):
                column.append(value)
        if len(self._rows["source"]) >= _ROWS:
            self._flush()

    def _position(self, scene: Scene, index: int, lens: Lens | None) -> list[float] | None:
        """The middle of the hips, or of the person where nobody knows hips."""
        person = scene.persons[index]
        if lens is None or person.keypoints_3d is None:
            return None
        placed = place(person.keypoints, person.keypoints_3d, lens, self._least)
        if placed is None:
            return None
        hips = [k for k, name in enumerate(scene.keypoint_names) if name in _HIPS] or slice(None)
        return [float(value) for value in np.asarray(placed)[hips, :3].mean(axis=0)]

    def __enter__(self) -> "Table":
        check()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        """Write the rows that are kept; the file is there afterwards, if without any."""
        import pyarrow as pa
        from pyarrow import parquet

        floats, ints = pa.list_(pa.float32()), pa.list_(pa.int32())
        kinds = (
            pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int32(), pa.float32(), ints, floats, floats,
        )  # fmt: skip
        fields = [pa.field(name, kind) for name, kind in zip(COLUMNS, kinds, strict=True)]
        schema = pa.schema(fields, {"keypoint_names": ",".join(self._names)})
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, schema, compression="zstd")
        table = pa.Table.from_pydict(self._rows, schema=schema)
        self._writer.write_table(table.replace_schema_metadata(self._writer.schema.metadata))
        self._rows = {name: [] for name in COLUMNS}
