"""Recorded bags, through the command `bodypix bag` with a segmenter that needs no weights."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import yaml
from click.testing import CliRunner
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer

import bodypix_ros
from bodypix_ros.bags.typestore import default_message, typestore
from bodypix_ros.cli import main
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions
from fuzz.cases import Case, Execute, check, check_message
from fuzz.mutate import changed, damaged, number, some_text
from support.fake import FakeSegmenter, people_picture

_STORE = typestore()
_START_NS = 1_700_000_000_000_000_000


class _Fake(FakeSegmenter):
    given = BodyPixOptions(max_detections=3)


def start(shared: Path) -> Execute:
    """Record bags in both storages, packed and not."""
    samples = []
    for storage in ("mcap", "sqlite3"):
        for mode in (None, CompressionMode.MESSAGE, CompressionMode.FILE, CompressionMode.STORAGE):
            if storage == "sqlite3" and mode == CompressionMode.STORAGE:
                continue
            path = shared / f"{storage}-{mode.name.lower() if mode else 'plain'}"
            _record(path, storage, mode)
            samples.append(path)
    os.environ["TMPDIR"] = str(shared)
    setattr(bodypix_ros, "load", lambda *_, **__: _Fake())  # noqa: B010
    signals = [signal.SIGTERM, signal.SIGINT]

    def execute(case: Case) -> str:
        rng, source, target = case.rng, case.folder / "in", case.folder / "out"
        sample = rng.choice(samples)
        shutil.copytree(sample, source)
        kind = _damage(case, source)
        arguments = ["bag", "in", "out", "-i", "/front/image", "-i", "/rear/image/compressed"]
        arguments += rng.choice(
            ([], ["--copy-all"], ["-t", "/text"], ["--storage", "sqlite3"], ["--mode", "instances"])
        )
        case.note(sample.name, kind, arguments)
        before = [signal.getsignal(number) for number in signals]
        os.chdir(case.folder)
        result = CliRunner().invoke(main, arguments)
        os.chdir("/")
        check(before == [signal.getsignal(number) for number in signals], "signal handlers are not as before")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        there = sorted(path.name for path in case.folder.iterdir())
        check(there == (["in", "out"] if target.exists() else ["in"]), f"there are {there}")
        check(result.exit_code in (0, 1, 2), f"exit code {result.exit_code}")
        if result.exit_code:
            check_message(result.output, ("in", "/front/image", "/rear/image/compressed", "/text"))
            check("Traceback" not in result.output, result.output)
        check(target.exists() or bool(result.exit_code), "success without a bag")
        if target.exists():
            with Reader(target) as reader:
                check(sum(1 for _ in reader.messages()) > 0, "an empty bag")
        return f"{sample.name.partition('-')[0]} exit code {result.exit_code}"

    return execute


def _record(path: Path, storage: str, mode: CompressionMode | None) -> None:
    writer = Writer(path, version=8, storage_plugin=StoragePlugin[storage.upper()])
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        for topic, kind in (
            ("/front/image", "sensor_msgs/msg/Image"),
            ("/rear/image/compressed", "sensor_msgs/msg/CompressedImage"),
            ("/front/camera_info", "sensor_msgs/msg/CameraInfo"),
            ("/text", "std_msgs/msg/String"),
        ):
            connection = writer.add_connection(topic, kind, typestore=_STORE)
            for index in range(2):
                data = _STORE.serialize_cdr(_message(kind, index), kind)
                writer.write(connection, _START_NS + index * 10**8, data)


def _message(kind: str, index: int) -> Any:
    message, picture = default_message(_STORE, kind), people_picture(12, 16, people=index)
    if kind.endswith("/Image"):
        message.height, message.width, message.step, message.encoding = 12, 16, 48, "bgr8"
        message.data = picture.reshape(-1)
    elif kind.endswith("/CompressedImage"):
        message.format, message.data = "png", cv2.imencode(".png", picture)[1].reshape(-1)
    elif kind.endswith("/CameraInfo"):
        message.height, message.width, message.distortion_model = 12, 16, "plumb_bob"
        message.k[[0, 2, 4, 5, 8]] = 20, 8, 20, 6, 1
    else:
        message.data = "text"
    return message


def _damage(case: Case, source: Path) -> str:
    """Do something to a bag; say what."""
    rng, metadata = case.rng, source / "metadata.yaml"
    (file,) = (path for path in source.iterdir() if path != metadata)
    kind = rng.randrange(10)
    if kind == 0:
        metadata.write_bytes(damaged(rng, metadata.read_bytes()))
        return "metadata, as text"
    if kind < 3:
        metadata.write_text(yaml.safe_dump(changed(rng, yaml.safe_load(metadata.read_text()))))
        return "metadata"
    if kind == 3:
        wrong = rng.choice(
            (
                b"a: &a [*a]",
                b"[" * 500,
                b"!!python/object/apply:os.system [exit]",
                b"",
                b"a: 1\na: 2",
                b"\xff",
            )
        )
        metadata.write_bytes(wrong)
        return f"metadata is {wrong[:20]!r}"
    if kind == 4:
        rng.choice((metadata.unlink, file.unlink, lambda: file.write_bytes(b""), lambda: _as_folder(file)))()
        return "files"
    if file.suffix == ".db3" and kind < 8:
        return _damage_rows(case, file)
    data = file.read_bytes()
    if kind == 5:
        file.write_bytes(data[: rng.randrange(len(data))])
        return "cut off"
    file.write_bytes(damaged(rng, data))
    return "bytes"


def _as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _damage_rows(case: Case, file: Path) -> str:
    """Other values in well-formed tables."""
    rng = case.rng
    database = sqlite3.connect(file)
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = rng.choice(tables)
    column, row = (
        rng.choice([row[1] for row in database.execute(f"PRAGMA table_info({table})")]),
        rng.randrange(1, 9),
    )
    old = database.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()
    if rng.random() < 0.1:
        database.execute(rng.choice((f"DROP TABLE {table}", f"DELETE FROM {table}")))
    elif old and isinstance(old[0], bytes) and rng.random() < 0.8:
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (damaged(rng, old[0]), row))
    else:
        new = rng.choice((None, b"", 0, 1 << 62, 0.5, some_text(rng).replace("\ud800", ""), str(number(rng))))
        try:
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
        except sqlite3.Error:  # a column that allows no such value
            return "nothing"
    database.commit()
    database.close()
    return f"{table}.{column}"
