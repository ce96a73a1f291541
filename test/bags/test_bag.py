"""`bodypix bag`: recorded bags in, bags with people out, without ROS."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import CompressionMode, Reader

import bodypix_ros
from bodypix_ros.bags import plan as planning
from bodypix_ros.bags.process import process
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.writing import STORAGES
from bodypix_ros.cli import main
from bodypix_ros.errors import BagError
from bodypix_ros.ros.messages import images
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions
from bodypix_ros.segmenters.families import FAMILIES
from support.bags import (
    COMPRESSED,
    IMAGE,
    START_NS,
    STORE,
    STRING,
    camera_info,
    header,
    raw,
    read_bag,
    write_bag,
)
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture, scene_of
from support.paths import ROOT, TESTS

NAMES = ("persons", "keypoints", "instance_mask", "part_mask")
LABELS = ("instance_mask/label_info", "part_mask/label_info")


class Fake(FakeSegmenter):
    given = BodyPixOptions(max_detections=3)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run `bodypix bag` in an empty folder; `call.segmenter` is the model, `call.loads` counts."""
    monkeypatch.chdir(tmp_path)

    def load(model, **options):
        run.loads += 1
        return run.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load, raising=False)

    def run(*arguments, code=0):
        before = {path for path in tmp_path.iterdir() if path.name != "out"}
        result = invoke("bag", *arguments, code=code)
        after = {path for path in tmp_path.iterdir() if path.name != "out"}
        assert after == before  # nothing temporary stays, whatever happened
        return result.output

    run.segmenter, run.loads, run.folder = Fake(), 0, tmp_path
    return run


def check_outputs(found, prefix, scenes, threshold=0.7):
    """Compare the outputs of one image topic with the library's scenes, {image number: scene}."""
    for name in NAMES:
        assert [time for time, _ in found[prefix + name]] == [START_NS + k * 10**8 for k in scenes]
        for (_, message), (k, scene) in zip(found[prefix + name], scenes.items(), strict=True):
            assert message.header == header(k)
            if name.endswith("mask"):
                mask, encoding = images.to_image(message)
                assert encoding == "mono8"
                assert (mask == getattr(scene, name)).all()
                continue
            assert len(message.detections) == len(scene.persons)
            for detection, person in zip(message.detections, scene.persons, strict=True):
                assert detection.bbox.size_x == person.box[2] - person.box[0]
                if name == "persons":
                    assert detection.results[0].hypothesis.score == person.score
                else:
                    xy = [(r.pose.pose.position.x, r.pose.pose.position.y) for r in detection.results]
                    assert (np.array(xy, np.float32) == person.keypoints[:, :2]).all()
    for name in LABELS:
        ((time, message),) = found[prefix + name]
        assert time == START_NS + min(scenes) * 10**8
        assert message.header == header(min(scenes))
        assert message.threshold == pytest.approx(threshold)
        assert message.class_map[0].class_name == "background"


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", [IMAGE, COMPRESSED])
def test_people_are_written_beside_the_images(call, storage, kind):
    pictures = write_bag(call.folder / "in", {"/camera/image": kind, "/chatter": STRING}, storage)
    output = call("in", "out", "--image-topic", "/camera/image")
    assert "3 images, people found: 3, 6.0 ms each (fake on CPU, f32), in out" in output
    found, connections = read_bag(call.folder / "out")
    assert set(found) == {f"/camera/{name}" for name in (*NAMES, *LABELS)}
    check_outputs(found, "/camera/", {k: scene_of(picture) for k, picture in enumerate(pictures)})
    labels = found["/camera/instance_mask/label_info"][0][1].class_map
    assert [(c.class_id, c.class_name) for c in labels[1:]] == [
        (1, "person_1"),
        (2, "person_2"),
        (3, "person_3"),
    ]
    assert len(found["/camera/part_mask/label_info"][0][1].class_map) == 25
    for topic, connection in connections.items():
        (qos,) = connection.ext.offered_qos_profiles
        latched = topic.endswith("label_info")
        assert qos.durability == (QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE)
        assert (qos.reliability, qos.depth) == (QosReliability.RELIABLE, 1)
        assert connection.digest == STORE.hash_rihs01(connection.msgtype)
        assert connection.msgdef.data
    suffix = {"mcap": ".mcap", "sqlite3": ".db3"}[storage]
    assert [path.name for path in (call.folder / "out").glob(f"*{suffix}")] == [f"out{suffix}"]


@pytest.mark.parametrize("storage", STORAGES)
def test_the_storage_can_be_chosen_and_a_single_file_read(call, storage):
    other = next(name for name in STORAGES if name != storage)
    pictures = write_bag(call.folder / "in", {"/image": IMAGE}, other)
    (file,) = (call.folder / "in").glob("in.*")
    call(file, "out", "-i", "image", "--storage", storage)
    with InputBag(call.folder / "out") as made:
        assert made.storage == storage
    check_outputs(read_bag(call.folder / "out")[0], "/", {k: scene_of(p) for k, p in enumerate(pictures)})


def test_topics_are_copied_bit_for_bit(call):
    write_bag(call.folder / "in", {"/front/image": IMAGE, "/a": STRING, "/b": STRING})
    before, connections = read_bag(call.folder / "in")
    call("in", "out", "-i", "/front/image", "--topic", "/a", "-t", "front/image")
    after, copies = read_bag(call.folder / "out")
    assert {topic for topic in after if not topic.startswith("/front/")} == {"/a"}
    assert after["/a"] == before["/a"]
    assert [plain_image(m) for _, m in after["/front/image"]] == [
        plain_image(m) for _, m in before["/front/image"]
    ]
    for topic in ("/a", "/front/image"):
        assert copies[topic].msgdef == connections[topic].msgdef
        assert copies[topic].digest == connections[topic].digest
    shutil.rmtree(call.folder / "out")
    call("in", "out", "-i", "/front/image", "--copy-all")
    assert {"/a", "/b", "/front/image"} < set(read_bag(call.folder / "out")[0])


def plain_image(message):
    return (message.header, message.encoding, message.data.tobytes())


def test_several_cameras_have_their_own_namespaces(call):
    topics = {"/front/image_raw/compressed": COMPRESSED, "/rear/image": IMAGE}
    pictures = write_bag(call.folder / "in", topics)
    call("in", "out", "-i", "/front/image_raw/compressed", "-i", "/rear/image")
    found, _ = read_bag(call.folder / "out")
    scenes = {k: scene_of(picture) for k, picture in enumerate(pictures)}
    check_outputs(found, "/front/", scenes)
    check_outputs(found, "/rear/", scenes)


def test_only_what_the_model_gives_is_written(call):
    def see(image):
        seen = scene_of(image)
        return bodypix_ros.Scene(
            seen.person_mask, seen.instance_mask, None, seen.instance_mask, seen.persons, seen.keypoint_names
        )

    plain = frozenset({"keypoints"})
    call.segmenter = Fake(see, BodyPixOptions(max_detections=3, confidence=True), plain)
    write_bag(call.folder / "in", {"/image": IMAGE})
    call("in", "out", "-i", "/image")
    assert set(read_bag(call.folder / "out")[0]) == {
        "/persons", "/keypoints", "/instance_mask", "/instance_mask/label_info", "/confidence"
    }  # fmt: skip


def metric_scene(image):
    """Everybody of `scene_of`, with metres: so that they are seen 2, 3, ... m in front of the camera."""
    scene, people = scene_of(image), []
    for k, somebody in enumerate(scene.persons):
        metres = np.random.default_rng(k).uniform(-0.8, 0.8, (17, 4)).astype(np.float32)
        metres[:, 3] = 0.9
        points = metres[:, :3] + np.float32([0, 0, 2 + k])
        keypoints = np.column_stack([50 * points[:, :2] / points[:, 2:] + (30, 20), metres[:, 3]])
        people.append(replace(somebody, keypoints=keypoints.astype(np.float32), keypoints_3d=metres))
    return replace(scene, persons=tuple(people))


def test_people_are_placed_where_the_bag_has_a_camera_info(call):
    metric = FAMILIES["blazepose"]
    call.segmenter = Fake(metric_scene, metric.options(max_detections=3), metric.gives)
    topics = {"/a/camera_info": camera_info, "/a/image": IMAGE, "/b/image": IMAGE}
    write_bag("in", {**topics, "/c/camera_info": partial(camera_info, width=9), "/c/image": IMAGE})
    said = call("in", "out", "-i", "/a/image", "-i", "/b/image", "-i", "/c/image")
    found, _ = read_bag("out")
    assert {topic for topic in found if "3d" in topic} == {"/a/keypoints_3d"}
    placed = [message for _, message in found["/a/keypoints_3d"]]
    assert [len(message.detections) for message in placed] == [2, 0, 1]
    depths = [detection.bbox.center.position.z for detection in placed[0].detections]
    assert depths == pytest.approx([2, 3], abs=0.3)
    assert placed[0].header == found["/a/persons"][0][1].header
    assert "no keypoints_3d for /c/image: camera_info is of 9x40, but the images are 60x40" in said


def test_pictures_are_drawn_in_a_mode(call):
    pictures = write_bag(call.folder / "in", {"/front/image": IMAGE})
    call("in", "out", "-i", "/front/image", "--mode", "instances")
    found = read_bag(call.folder / "out")[0]["/front/debug_image/compressed"]
    assert len(found) == len(found_persons := read_bag(call.folder / "out")[0]["/front/persons"]) > 0
    assert found[0][1].header == found_persons[0][1].header
    drawn = cv2.imdecode(np.asarray(found[0][1].data), cv2.IMREAD_COLOR)
    picture = pictures[0]
    assert drawn.shape == picture.shape
    people = scene_of(picture).person_mask
    changed = np.abs(drawn.astype(int) - picture).max(axis=2)
    assert changed[people].mean() > 30
    call("in", "out2", "-i", "/front/image", "--mode", "sketch", code=2)


@pytest.mark.parametrize(
    ("topics", "arguments", "error"),
    [
        (
            {"/image": IMAGE},
            ["-i", "/imagf"],
            "no topic /imagf; there are: /image (sensor_msgs/msg/Image)",
        ),
        ({"/image": IMAGE}, ["-i", "/image", "-t", "/x"], "no topic /x"),
        (
            {"/image": STRING},
            ["-i", "/image"],
            "/image is std_msgs/msg/String, but must be sensor_msgs/msg/Image",
        ),
        (
            {"/c/image": IMAGE, "/c/persons": STRING},
            ["-i", "/c/image", "--copy-all"],
            "/c/persons, an output of /c/image, collides with the copied topic of that name",
        ),
        (
            {"/c/left": IMAGE, "/c/right": IMAGE},
            ["-i", "/c/left", "-i", "/c/right"],
            "/c/instance_mask, an output of /c/right, collides with that of /c/left; give them a run each",
        ),
    ],
)
def test_wrong_topics_are_refused_before_a_model_is_loaded(call, topics, arguments, error):
    write_bag(call.folder / "in", topics)
    output = call("in", "out", *arguments, code=2)
    assert error in output
    assert not (call.folder / "out").exists()
    assert call.loads == 0


def test_a_recorded_output_that_is_not_copied_is_no_collision(call):
    write_bag(call.folder / "in", {"/c/image": IMAGE, "/c/persons": STRING})
    call("in", "out", "-i", "/c/image")
    assert "/c/persons" in read_bag(call.folder / "out")[0]


@pytest.mark.parametrize("storage", STORAGES)
def test_a_topic_without_images_is_refused(call, storage):
    write_bag(call.folder / "in", {"/image": IMAGE, "/a": STRING}, storage, pictures=[])
    assert "no images in /image" in call("in", "out", "-i", "/image", code=2)
    assert not (call.folder / "out").exists()


@pytest.mark.parametrize("name", ["out", "new.mcap", "new.db3"])
def test_an_output_that_exists_or_is_called_like_a_file_is_refused(call, name):
    write_bag(call.folder / "in", {"/image": IMAGE})
    (call.folder / "out").mkdir()
    output = call("in", name, "-i", "/image", code=2)
    assert ("exists already" if name == "out" else "leave out the .") in output
    assert list((call.folder / "out").iterdir()) == []


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
    assert "2 images, people found: 3, 6.0 ms each (fake on CPU, f32), in out; 1 could not be used" in output
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
    assert len(types) == 8


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
    call("in", "out", "-i", "/image", code=1)
    assert not (call.folder / "out").exists()


def interrupted(folder, how):
    """Run `bodypix bag in out` in a process that gets a signal at its second image; give its exit code."""
    script = """
import sys, time
import bodypix_ros, test_bag
from bodypix_ros.cli import main

def see(image):
    if len(segmenter.images) == 2:
        print("writing", flush=True)
        time.sleep(300)
    return test_bag.scene_of(image)

segmenter = test_bag.Fake(see)
bodypix_ros.load = lambda *_, **__: segmenter
main(["bag", "in", "out", "-i", "/image", "--copy-all"])
"""
    tests = Path(__file__).resolve().parent
    paths = os.pathsep.join([*map(str, (tests, TESTS, ROOT)), os.environ.get("PYTHONPATH", "")])
    command, environment = [sys.executable, "-c", script], {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "writing\n"
        child.send_signal(how)
        return child.wait(120)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1), (signal.SIGKILL, -signal.SIGKILL)]
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
                with pytest.raises(BagError, match="another process is writing this bag"):
                    process(Fake(), other, what, Path("out"), SimpleNamespace(update=lambda: None))
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


def test_without_rosbags_the_error_says_what_to_install(call, monkeypatch):
    for name in list(sys.modules):
        if name.startswith(("rosbags", "bodypix_ros.bags")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("bodypix_ros.bags", raising=False)
    monkeypatch.setitem(sys.modules, "rosbags", None)
    output = call("in", "out", "-i", "/image", code=2)
    assert "pip install 'bodypix_ros[bag]'" in output


def test_mono16_and_confidence_reach_decoder_and_model(call, monkeypatch):
    seen = SimpleNamespace(options=None)

    def load(model, **options):
        seen.options = options
        return call.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load)
    call.segmenter = Fake(lambda image: scene_of(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)))

    def mono16(number, picture):
        message = raw(number, picture)
        values = np.full((4, 6), 1023, np.uint16)
        message.height, message.width, message.step, message.encoding = 4, 6, 12, "mono16"
        message.data = values.view(np.uint8).reshape(-1)
        return message

    write_bag(call.folder / "in", {"/image": mono16})
    call("in", "out", "-i", "/image", "--mono16-max", 1023, "--confidence", "--score-threshold", 0.5)
    assert (call.segmenter.images[0] == 255).all()
    assert seen.options["confidence"] is True
    assert seen.options["score_threshold"] == 0.5


@pytest.mark.parametrize("storage", STORAGES)
def test_real_pictures_give_what_the_library_gives(data_dir, tmp_path, storage):
    photos = sorted((data_dir / "images" / "photos").glob("*.jpg"))[:3]
    pictures = [cv2.resize(cv2.imread(str(photo)), (320, 240)) for photo in photos]
    topics = {"/raw/image": IMAGE, "/packed/image/compressed": COMPRESSED}
    write_bag(tmp_path / "in", topics, storage, pictures)
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models") as segmenter:
        scenes = {k: segmenter.segment(picture) for k, picture in enumerate(pictures)}
        assert any(scene.persons for scene in scenes.values())
        with InputBag(tmp_path / "in") as source:
            what = planning.plan(source, list(topics))
            bar = SimpleNamespace(update=lambda: None)
            report = process(segmenter, source, what, tmp_path / "out", bar)
    assert report.images == 2 * len(pictures)
    assert report.failures == []
    found, _ = read_bag(tmp_path / "out")
    check_outputs(found, "/raw/", scenes)
    check_outputs(found, "/packed/", scenes)
    assert len(found["/raw/instance_mask/label_info"][0][1].class_map) == 11
