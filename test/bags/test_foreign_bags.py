"""Recordings that are no bags of ROS 2: the error says what they are and what to do."""

import struct
from pathlib import Path

import pytest

from support.bags import IMAGE, write_bag

MAGIC = b"\x89MCAP0\r\n"


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<BQ", kind, len(body)) + body


def write_mcap(path: Path, profile: str, encoding: str, schema: str) -> None:
    """An MCAP file of one channel with one message, without a summary."""
    body = b"".join(
        [
            record(1, text(profile) + text("test")),
            record(3, struct.pack("<H", 1) + text("sensor_msgs/Image") + text(schema) + text("uint8 x")),
            record(4, struct.pack("<HH", 1, 1) + text("/image") + text(encoding) + struct.pack("<I", 0)),
            record(5, struct.pack("<HIQQ", 1, 0, 1, 1) + b"\0" * 8),
            record(15, struct.pack("<I", 0)),
            record(2, struct.pack("<QQI", 0, 0, 0)),
        ]
    )
    path.write_bytes(MAGIC + body + MAGIC)


@pytest.mark.parametrize("profile", ["", "ros1"])
@pytest.mark.parametrize("name", ["drive.mcap", "my drive.mcap"])
def test_messages_of_ros_1_in_mcap_are_named_with_what_converts_them(call, profile, name):
    write_mcap(call.folder / name, profile, "ros1", "ros1msg")
    said = call(name, "out", "-i", "/image", code=1)
    bag, folder = name.replace(".mcap", ".bag"), name.replace(".mcap", "")
    quote = "'" if " " in name else ""
    assert "messages of ROS 1 in MCAP" in said
    assert f"rosbags-convert --src {quote}{bag}{quote} --dst {quote}{folder}{quote}" in said
    assert "reindex" not in said
    assert call.loads == 0


@pytest.mark.parametrize(("encoding", "schema"), [("json", "jsonschema"), ("protobuf", "protobuf")])
def test_messages_of_other_kinds_are_named(call, encoding, schema):
    write_mcap(call.folder / "drive.mcap", "", encoding, schema)
    said = call("drive.mcap", "out", "-i", "/image", code=1)
    assert f"{encoding}" in said
    assert "but ROS 2 writes cdr" in said
    assert "reindex" not in said


def test_ros_1_under_the_profile_of_ros_2_is_refused_too(call):
    write_mcap(call.folder / "drive.mcap", "ros2", "ros1", "ros1msg")
    assert "messages of ROS 1 in MCAP" in call("drive.mcap", "out", "-i", "/image", code=1)


@pytest.mark.parametrize("name", ["old.bag", "folder/old run.bag"])
def test_bags_of_ros_1_are_named_with_what_converts_them(call, name):
    path = call.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"#ROSBAG V2.0\n")
    quote = "'" if " " in name else ""
    wanted = f"rosbags-convert --src {quote}{name}{quote} --dst {quote}{path.stem}{quote}"
    for source in {name, name.split("/")[0]}:
        said = call(source, "out", "-i", "/image", code=1)
        assert "a bag of ROS 1" in said
        assert wanted in said


@pytest.mark.parametrize("size", [0, 5, 8, 20, 60, 90])
def test_what_is_cut_off_is_no_riddle(call, size):
    write_mcap(call.folder / "whole.mcap", "", "cdr", "ros2msg")
    data = (call.folder / "whole.mcap").read_bytes()
    (call.folder / "drive.mcap").write_bytes(data[:size])
    assert "no whole ROS 2 bag" in call("drive.mcap", "out", "-i", "/image", code=1)
    (call.folder / "drive.mcap").write_bytes(MAGIC + record(1, b"")[:1] + b"\xff" * 40)
    assert "no whole ROS 2 bag" in call("drive.mcap", "out", "-i", "/image", code=1)


def test_a_place_that_cannot_be_written_is_said_before_the_model_is_loaded(call):
    write_bag(call.folder / "in", {"/image": IMAGE})
    (call.folder / "file").touch()
    said = call("in", "file/deep/out", "-i", "/image", code=1)
    assert "file/deep: cannot be made: file is not a folder" in said
    assert call.loads == 0
