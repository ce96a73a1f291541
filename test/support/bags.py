"""Bags recorded and read without ROS."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer

from bodypix_ros.bags.typestore import default_message, rosbags_types, typestore
from bodypix_ros.ros.messages import images
from bodypix_ros.scene import Scene
from bodypix_ros.segmenters.bodypix.options import OriginalOptions
from support.fake import FakeSegmenter, people_picture

STORE = typestore()
TYPES = rosbags_types(STORE)
IMAGE, COMPRESSED, STRING = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"
START_NS = 1_700_000_000_000_000_000
NAMES = ("persons", "keypoints", "instance_mask", "person_mask", "part_mask")
LABELS = tuple(f"{name}/label_info" for name in NAMES if name.endswith("_mask"))

Picture = npt.NDArray[np.uint8]


class Fake(FakeSegmenter):
    """One that sees three people at most."""

    given = OriginalOptions(max_detections=3)


def header(number: int, frame_id: str = "camera") -> Any:
    time = STORE.types["builtin_interfaces/msg/Time"](sec=100 + number, nanosec=7)
    return STORE.types["std_msgs/msg/Header"](stamp=time, frame_id=frame_id)


def raw(number: int, picture: Picture) -> Any:
    message = TYPES.Image()
    message.header, message.encoding = header(number), "bgr8"
    message.height, message.width, message.step = *picture.shape[:2], 3 * picture.shape[1]
    message.data = picture.reshape(-1)
    return message


def compressed(number: int, picture: Picture, suffix: str = ".png") -> Any:
    data = cv2.imencode(suffix, picture)[1].reshape(-1)
    return STORE.types[COMPRESSED](header=header(number), format=suffix[1:], data=data)


def string(number: int, *_: Picture) -> Any:
    return STORE.types[STRING](data=f"number {number}")


def camera_info(number: int, picture: Picture, width: int | None = None) -> Any:
    message = default_message(STORE, "sensor_msgs/msg/CameraInfo")
    message.header, message.distortion_model = header(number), "plumb_bob"
    message.height, message.width = picture.shape[0], width or picture.shape[1]
    message.k = np.array([50.0, 0, 30, 0, 50, 20, 0, 0, 1])
    return message


MAKERS = {IMAGE: raw, COMPRESSED: compressed, STRING: string}


def write_bag(
    path: Path,
    topics: Mapping[str, str | Callable[[int, Picture], Any]],
    storage: str = "mcap",
    pictures: Sequence[Picture] | None = None,
    packed: CompressionMode | None = None,
) -> Sequence[Picture]:
    """A bag with a message per picture on every topic: {name: type, or a function of number and picture}."""
    pictures = [people_picture(40, 60, people=k) for k in (2, 0, 1)] if pictures is None else pictures
    writer = Writer(path, version=8, storage_plugin=StoragePlugin[storage.upper()])
    if packed is not None:
        writer.set_compression(packed, CompressionFormat.ZSTD)
    with writer:
        for name, kind in topics.items():
            make = MAKERS[kind] if isinstance(kind, str) else kind
            connection = None
            for k, picture in enumerate(pictures):
                message = make(k, picture)
                msgtype = message.__msgtype__
                connection = connection or writer.add_connection(name, msgtype, typestore=STORE)
                data = STORE.serialize_cdr(message, msgtype)
                writer.write(connection, START_NS + k * 10**8, data)
            if connection is None:
                writer.add_connection(name, kind, typestore=STORE)
    return pictures


def read_bag(path: Path) -> tuple[dict[str, list[tuple[int, Any]]], dict[str, Any]]:
    """{topic: [(record timestamp, message)]} of a bag, and its connections by topic."""
    with Reader(path) as reader:
        found: dict[str, list[tuple[int, Any]]] = {connection.topic: [] for connection in reader.connections}
        for connection, time_ns, data in reader.messages():
            found[connection.topic].append((time_ns, STORE.deserialize_cdr(data, connection.msgtype)))
        return found, {connection.topic: connection for connection in reader.connections}


def check_outputs(
    found: Mapping[str, list[tuple[int, Any]]],
    prefix: str,
    scenes: Mapping[int, Scene],
    threshold: float = 0.7,
) -> None:
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
                    wanted = person.keypoints[:, :2] if person.has_pose else ()
                    assert np.array_equal(np.array(xy, np.float32), np.array(wanted, np.float32))
    for name in LABELS:
        ((time, message),) = found[prefix + name]
        assert time == START_NS + min(scenes) * 10**8
        assert message.header == header(min(scenes))
        assert message.threshold == pytest.approx(threshold)
        assert message.class_map[0].class_name == "background"
