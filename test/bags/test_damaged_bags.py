"""`bodypix bag` with bags that are damaged, and when it is interrupted: one message, and no half bag."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rosbags.rosbag2 import CompressionMode, Reader

from bodypix_ros.bags import plan as planning
from bodypix_ros.bags.process import process
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.writing import STORAGES
from bodypix_ros.cli import main
from bodypix_ros.errors import OutputError
from bodypix_ros.report import Report
from support.bags import (
    IMAGE,
    START_NS,
    STORE,
    Fake,
    check_outputs,
    raw,
    read_bag,
    write_bag,
)
from support.fake import people_picture, scene_of
from support.paths import ROOT, TESTS


def noisy(count=12):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 3, (120, 160, 3), np.uint8) for _ in range(count)]


def cut(path, part):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])


def overwrite(path, part):
    data = bytearray(path.read_bytes())
    start = int(len(data) * part)
    data[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("storage", STORAGES)
def test_bags_that_are_cut_off_end_with_one_message_and_no_output(call, storage, part):
    write_bag(call.folder / "in", {"/image": IMAGE}, storage, noisy())
    (file,) = (call.folder / "in").glob("in.*")
    cut(file, part)
    for source in ("in", file):
        output = call(source, "out", "-i", "/image", code=1)
        assert output.startswith("bodypix: ")
        assert "ros2 bag reindex" in output or "is broken after" in output
        assert not (call.folder / "out").exists()


@pytest.mark.parametrize("storage", STORAGES)
def test_bags_that_are_broken_in_the_middle_leave_nothing(call, storage):
    packed = CompressionMode.STORAGE if storage == "mcap" else None
    write_bag(call.folder / "in", {"/image": IMAGE}, storage, noisy(60), packed)
    (file,) = (call.folder / "in").glob("in.*")
    overwrite(file, 0.6)
    output = call("in", "out", "-i", "/image", code=1)
    assert "is broken after" in output or "no whole ROS 2 bag" in output
    assert not (call.folder / "out").exists()


def test_what_is_no_bag_is_named(call):
    assert "nothing: no such bag" in call("nothing", "out", "-i", "/image", code=2)
    (call.folder / "empty").mkdir()
    assert "without metadata.yaml" in call("empty", "out", "-i", "/image", code=1)
    (call.folder / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    assert "a bag of ROS 1" in call("old.bag", "out", "-i", "/image", code=1)
    (call.folder / "text.txt").write_text("hello")
    assert "no whole ROS 2 bag" in call("text.txt", "out", "-i", "/image", code=1)


def broken_second(number, picture):
    message = raw(number, picture)
    if number == 1:
        message.data = message.data[:-1]
    return message


def test_one_bad_image_among_good_ones_is_counted(call):
    pictures = write_bag(call.folder / "in", {"/image": broken_second})
    output = call("in", "out", "-i", "/image", "--copy-all", code=1)
    assert "/image at 1700000000.100 s: image of 60x40 bgr8 is cut off: 7199 bytes" in output
    said = r"2 images, people found: 3, \S+ ms each \(fake on CPU, f32\), in out; 1 could not be used"
    assert re.search(said, output)
    found, _ = read_bag(call.folder / "out")
    check_outputs(found, "/", {k: scene_of(pictures[k]) for k in (0, 2)})
    assert len(found["/image"]) == 3


def test_a_message_that_is_no_image_at_all_is_counted(call):
    write_bag(call.folder / "in", {"/image": IMAGE})
    with sqlite_bag(call.folder / "in2", {"/image": IMAGE}) as write:
        found, _ = read_bag(call.folder / "in")
        for time_ns, message in found["/image"]:
            write("/image", time_ns, bytes(STORE.serialize_cdr(message, IMAGE)))
        for rest in (b"", b"\x00\x01\x00\x00", b"\x00\x01\x00\x00" + b"\xff" * 40):
            write("/image", START_NS + 10**9, rest)
    output = call("in2", "out", "-i", "/image", code=1)
    assert output.count("no whole sensor_msgs/msg/Image") == 3
    assert "3 images" in output
    assert "3 could not be used" in output


def test_only_bad_images_are_an_error(call):
    write_bag(call.folder / "in", {"/image": IMAGE}, pictures=[np.zeros((0, 4, 3), np.uint8)])
    assert "not one usable image: /image at 1700000000.000 s: image of 4x0" in call(
        "in", "out", "-i", "/image", code=1
    )
    assert not (call.folder / "out").exists()


class sqlite_bag:
    """A bag as Humble records it: SQLite without definitions or hashes."""

    def __init__(self, folder, topics):
        self.folder, self.ids, self.topics, self.count = folder, {}, topics, 0
        folder.mkdir()
        self.db = sqlite3.connect(folder / "in.db3")
        self.db.execute(
            "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT,"
            " offered_qos_profiles TEXT)"
        )
        self.db.execute(
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)"
        )
        for k, (name, msgtype) in enumerate(topics.items()):
            self.ids[name] = k + 1
            self.db.execute("INSERT INTO topics VALUES(?, ?, ?, 'cdr', '')", (k + 1, name, msgtype))

    def __enter__(self):
        return self.write

    def write(self, topic, time_ns, data):
        self.count += 1
        row = (self.ids[topic], time_ns, data)
        self.db.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)", row)

    def __exit__(self, *_):
        counts = dict(self.db.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id"))
        self.db.commit()
        self.db.close()
        lines = [
            "rosbag2_bagfile_information:",
            "  version: 5",
            "  storage_identifier: sqlite3",
            "  relative_file_paths: [in.db3]",
            "  duration: {nanoseconds: 1}",
            f"  starting_time: {{nanoseconds_since_epoch: {START_NS}}}",
            f"  message_count: {self.count}",
            "  compression_format: ''",
            "  compression_mode: ''",
            "  topics_with_message_count:",
        ]
        for name, msgtype in self.topics.items():
            topic = f"name: {name}, type: {msgtype}, serialization_format: cdr, offered_qos_profiles: ''"
            lines += [
                f"    - topic_metadata: {{{topic}}}",
                f"      message_count: {counts.get(self.ids[name], 0)}",
            ]
        (self.folder / "metadata.yaml").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("storage", STORAGES)
def test_types_that_nobody_defines_are_copied_all_the_same(call, storage):
    picture = people_picture(40, 60, people=2)
    with sqlite_bag(call.folder / "in", {"/image": IMAGE, "/own": "my_msgs/msg/Own"}) as write:
        write("/own", START_NS, b"\x00\x01\x00\x00\x07\x00\x00\x00")
        write("/image", START_NS, bytes(STORE.serialize_cdr(raw(0, picture), IMAGE)))
    call("in", "out", "-i", "/image", "--copy-all", "--storage", storage)
    with Reader(call.folder / "out") as reader:
        copied = [data for connection, _, data in reader.messages() if connection.topic == "/own"]
        types = {connection.topic: connection for connection in reader.connections}
    assert copied == [b"\x00\x01\x00\x00\x07\x00\x00\x00"]
    assert types["/own"].msgtype == "my_msgs/msg/Own"
    assert types["/image"].digest == STORE.hash_rihs01(IMAGE)
    assert len(types) == 10  # two copied, eight made of the image


def test_fewer_images_than_promised_are_said(call):
    picture = people_picture(40, 60, people=2)
    with sqlite_bag(call.folder / "in", {"/image": IMAGE}) as write:
        write("/image", START_NS, bytes(STORE.serialize_cdr(raw(0, picture), IMAGE)))
    metadata = call.folder / "in" / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("message_count: 1", "message_count: 9"))
    assert "in: promises 9 images, but holds 1" in call("in", "out", "-i", "/image", code=1)


def test_an_interruption_leaves_nothing(call):
    def see(image):
        if len(call.segmenter.images) == 2:
            raise KeyboardInterrupt
        return scene_of(image)

    call.segmenter = Fake(see)
    write_bag(call.folder / "in", {"/image": IMAGE})
    call("in", "out", "-i", "/image", code=130)
    assert not (call.folder / "out").exists()


def interrupted(folder, how):
    """Run `bodypix bag in out` in a process that gets a signal at its second image; give its exit code."""
    script = """
import sys, time
import bodypix_ros
from bodypix_ros.cli import main
from support.bags import Fake
from support.fake import scene_of

def see(image):
    if len(segmenter.images) == 2:
        print("writing", flush=True)
        time.sleep(300)
    return scene_of(image)

segmenter = Fake(see)
bodypix_ros.load = lambda *_, **__: segmenter
main(["bag", "in", "out", "-i", "/image", "--copy-all"])
"""
    paths = os.pathsep.join([*map(str, (TESTS, ROOT)), os.environ.get("PYTHONPATH", "")])
    command, environment = [sys.executable, "-c", script], {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "writing\n"
        child.send_signal(how)
        return child.wait(120)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("how", "code"),
    [
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_killed_run_leaves_no_half_bag_and_the_next_is_clean(call, how, code, storage):
    write_bag(call.folder / "in", {"/image": IMAGE}, storage)
    assert interrupted(call.folder, how) == code
    left = {path.name for path in call.folder.iterdir()}
    # What kills outright leaves a folder that says so in its name, and no bag that looks whole.
    assert left == ({"in", ".out.part"} if how == signal.SIGKILL else {"in"})
    result = CliRunner().invoke(main, ["bag", "in", "out", "-i", "/image"])
    assert result.exit_code == 0, result.output
    assert {path.name for path in call.folder.iterdir()} == {"in", "out"}
    assert len(read_bag(call.folder / "out")[0]["/persons"]) == 3


def test_a_bag_has_the_users_own_permissions(call):
    write_bag(call.folder / "in", {"/image": IMAGE})
    before = os.umask(0o027)
    try:
        call("in", "out", "-i", "/image")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (call.folder / "out").iterdir()}
    assert ((call.folder / "out").stat().st_mode & 0o777, modes) == (0o750, {0o640})


def test_two_runs_do_not_write_one_bag(call):
    def see(image):
        if len(call.segmenter.images) == 1:
            with InputBag(call.folder / "in") as other:
                what = planning.plan(other, ["/image"])
                with pytest.raises(OutputError, match="out: another process is writing this"):
                    process(Fake(), other, what, Path("out"), Report())
        return scene_of(image)

    call.segmenter = Fake(see)
    write_bag(call.folder / "in", {"/image": IMAGE})
    call("in", "out", "-i", "/image")
    assert len(read_bag(call.folder / "out")[0]["/persons"]) == 3


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("topics_with_message_count", 0, "message_count"), {"a": 1}, "/image' has {'a': 1} messages"),
        (("topics_with_message_count", 0, "message_count"), -1, "/image' has -1 messages"),
        (("topics_with_message_count", 0, "topic_metadata", "name"), 7, "which must be text"),
        (("files",), "words", "files in metadata.yaml is no list"),
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_metadata_of_the_wrong_type(call, place, value, message, storage):
    write_bag(call.folder / "in", {"/image": IMAGE}, storage)
    metadata = call.folder / "in/metadata.yaml"
    data = yaml.safe_load(metadata.read_text())
    holder = data["rosbag2_bagfile_information"]
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    metadata.write_text(yaml.safe_dump(data))
    assert message in call("in", "out", "-i", "/image", code=1)
    assert call.loads == 0


@pytest.mark.parametrize(("column", "value"), [("timestamp", -5), ("data", "text")])
def test_tables_of_the_wrong_type(call, column, value):
    write_bag(call.folder / "in", {"/image": IMAGE}, "sqlite3")
    (file,) = (call.folder / "in").glob("*.db3")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"UPDATE messages SET {column} = ?", (value,))
    assert "the bag is broken after 0 messages: a message of /image at" in call(
        "in", "out", "-i", "/image", code=1
    )
    assert not (call.folder / "out").exists()


def test_a_time_that_is_none_is_refused_before_the_model_is_loaded(call):
    write_bag(call.folder / "in", {"/image": IMAGE}, "sqlite3")
    (file,) = (call.folder / "in").glob("*.db3")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE messages SET timestamp = ?", (b"then",))
    assert "in: no whole ROS 2 bag" in call("in", "out", "-i", "/image", code=1)
    assert call.loads == 0
