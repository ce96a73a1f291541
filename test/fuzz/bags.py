"""Recorded bags, through the command `bodypix bag` with a segmenter that needs no weights."""

import os
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import yaml
from click.testing import CliRunner
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, Reader

import bodypix_ros
from bodypix_ros.cli import main
from bodypix_ros.segmenters.bodypix.options import OriginalOptions
from fuzz.answers import Case, check, check_message
from fuzz.values import changed, cut, damaged, numbers, texts
from support.bags import COMPRESSED, IMAGE, STRING, camera_info, write_bag
from support.fake import FakeSegmenter, people_picture

_TOPICS = {"/front/image": IMAGE, "/rear/image/compressed": COMPRESSED, "/text": STRING}
_METADATA = "metadata.yaml"
_options = st.sampled_from(
    ([], [], ["--copy-all"], ["-t", "/text"], ["--storage", "sqlite3"], ["--mode", "instances"])
)
Files = Mapping[str, bytes | None]
Sql = tuple[str, tuple[Any, ...]]


def bag(
    folder: Path, storage: str, files: Files, sql: Sql | None = None, options: list[str] | None = None
) -> str:
    """Run the command on a bag, and look at what it leaves.

    Args:
        folder: Empty.
        storage: The bag's.
        files: In the bag's folder; None is a folder.
        sql: Executed on the bag first.
        options: More of the command.
    """
    source, target = folder / "in", folder / "out"
    source.mkdir()
    for name, data in files.items():
        if data is None:
            (source / name).mkdir()
        else:
            (source / name).write_bytes(data)
    if sql:
        with (
            closing(sqlite3.connect(next(source.glob("*.db3")))) as database,
            suppress(sqlite3.Error),
            database,
        ):
            database.execute(*sql)  # some columns allow no such value
    arguments = ["bag", "in", "out", "-i", "/front/image", "-i", "/rear/image/compressed"]
    arguments += ["-n", "front", "-n", "rear", *(options or [])]
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    os.chdir(folder)
    with patch.object(bodypix_ros, "load", lambda *_, **__: _segmenter(), create=True):
        result = CliRunner().invoke(main, arguments)
    os.chdir("/")
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    check(before == after, "signal handlers are not as before")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    there = sorted(path.name for path in folder.iterdir())
    check(there == (["in", "out"] if target.exists() else ["in"]), f"there are {there}")
    check(result.exit_code in (0, 1, 2), f"exit code {result.exit_code}")
    if result.exit_code:
        check_message(result.output, ("in", *_TOPICS))
        check("Traceback" not in result.output, result.output)
    check(target.exists() or bool(result.exit_code), "success without a bag")
    if target.exists():  # with what is copied as it was
        with Reader(target) as reader:
            check(next(reader.messages(), None) is not None, "an empty bag")
    return f"{storage} exit code {result.exit_code}"


def _segmenter() -> FakeSegmenter:
    return FakeSegmenter(options=OriginalOptions(max_detections=3))


@st.composite
def _bags(draw: st.DrawFn) -> Case:
    storage, good, cells = draw(st.sampled_from(_samples()))
    (name,) = good.keys() - {_METADATA}
    files: dict[str, bytes | None] = dict(good)
    sql = None
    what = draw(st.sampled_from(("text", "metadata", "metadata", "files", "cut", "bytes", "rows", "rows")))
    if what == "text":
        files[_METADATA] = draw(damaged(good[_METADATA]))
    elif what == "metadata":
        files[_METADATA] = yaml.safe_dump(draw(changed(yaml.safe_load(good[_METADATA])))).encode()
    elif what == "files":
        at = draw(st.sampled_from((name, name, _METADATA)))
        files[at] = draw(st.sampled_from((None, b"")))
        if draw(st.booleans()):
            del files[at]
    elif what == "rows" and cells:
        sql = draw(_other_row(*draw(st.sampled_from(cells))))
    else:
        files[name] = draw(cut(good[name]) if what == "cut" else damaged(good[name]))
    return partial(bag, storage=storage, files=files, sql=sql, options=draw(_options))


@st.composite
def _other_row(draw: st.DrawFn, table: str, column: str, row: int, old: Any) -> Sql:
    """Other values in well-formed tables."""
    if not draw(st.integers(0, 9)):
        return draw(st.sampled_from((f"DROP TABLE {table}", f"DELETE FROM {table}"))), ()
    odd = st.sampled_from((None, b"", 0, 1 << 62, 0.5)) | texts | numbers.map(str)
    new = draw(damaged(old) if isinstance(old, bytes) and draw(st.integers(0, 4)) else odd)
    new = new.encode(errors="replace").decode() if isinstance(new, str) else new
    return f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row)


CASES = _bags()


def hostile() -> list[Case]:
    """Good bags of every kind, and metadata that is nothing of the sort."""
    samples = _samples()
    storage, files, _ = samples[0]
    texts = (
        b"a: &a [*a]",
        b"[" * 500,
        b"!!python/object/apply:os.system [exit]",
        b"",
        b"a: 1\na: 2",
        b"\xff",
    )
    bad = [partial(bag, storage=storage, files={**files, _METADATA: text}) for text in texts]
    return [*(partial(bag, storage=storage, files=files) for storage, files, _ in samples), *bad]


@cache
def _samples() -> list[tuple[str, dict[str, bytes], list[tuple[str, str, int, Any]]]]:
    """Bags in both storages, packed and not: the storage, the files, and the cells of a database's tables."""
    made = []
    pictures = [people_picture(12, 16, people=people) for people in (0, 1)]
    modes = (None, CompressionMode.MESSAGE, CompressionMode.FILE)
    with TemporaryDirectory() as folder:
        for storage, mode in (
            *(("mcap", m) for m in (*modes, CompressionMode.STORAGE)),
            *(("sqlite3", m) for m in modes),
        ):
            path = Path(folder) / f"{storage}-{mode}"
            write_bag(path, {**_TOPICS, "/front/camera_info": camera_info}, storage, pictures, mode)
            cells = [cell for file in path.glob("*.db3") for cell in _cells(file)]
            made.append((storage, {file.name: file.read_bytes() for file in path.iterdir()}, cells))
    return made


def _cells(file: Path) -> list[tuple[str, str, int, Any]]:
    """Table, column, row and value."""
    with closing(sqlite3.connect(file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, names[0], number, value)
            for table in tables
            for rows in [database.execute(f"SELECT * FROM {table}")]
            for number, row in enumerate(rows, start=1)
            for names, value in zip(rows.description, row, strict=True)
        ]
