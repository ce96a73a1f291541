"""Messages against those of a real ROS 2, wherever one is sourced."""

import json
from pathlib import Path

import numpy as np
import pytest

from bodypix_ros.bags.typestore import VISION_MSGS, rosbags_types, typestore
from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.images import to_image
from bodypix_ros.ros.messages.types import ros_types
from support.messages import every_message, noise, plain, scene

pytest.importorskip("rclpy", reason="no ROS 2 is sourced, so no messages are compared with its own")


@pytest.fixture(scope="module")
def store():
    return typestore()


@pytest.fixture(scope="module")
def ros():
    """The message classes of the ROS 2 that is sourced."""
    return ros_types()


@pytest.fixture
def ros_header(ros):
    message = ros.Image().header
    message.stamp.sec, message.stamp.nanosec, message.frame_id = 12, 34, "front_optical"
    return message


def test_our_definitions_have_the_hashes_of_the_real_ones(ros, store):
    from ament_index_python import get_package_share_directory

    folder = Path(get_package_share_directory("vision_msgs")) / "msg"
    if not (folder / "LabelInfo.json").exists():
        pytest.skip("this ROS 2 has no type hashes yet")
    for name in VISION_MSGS:
        real = json.loads((folder / f"{name}.json").read_text())["type_hashes"][0]
        assert real["type_name"] == f"vision_msgs/msg/{name}"
        assert store.hash_rihs01(real["type_name"]) == real["hash_string"]


def test_ros_and_rosbags_read_each_others_messages(ros, ros_header, store):
    from rclpy.serialization import deserialize_message, serialize_message

    time = store.types["builtin_interfaces/msg/Time"](sec=12, nanosec=34)
    header = store.types["std_msgs/msg/Header"](stamp=time, frame_id="front_optical")
    ours = every_message(rosbags_types(store), header, scene())
    for name, message in every_message(ros, ros_header, scene()).items():
        msgtype = ours[name].__msgtype__
        theirs = store.deserialize_cdr(serialize_message(message), msgtype)
        assert plain(theirs) == plain(deserialize_message(serialize_message(message), type(message)))
        sent = bytes(store.serialize_cdr(ours[name], msgtype))
        assert deserialize_message(sent, type(message)) == deserialize_message(
            serialize_message(message), type(message)
        )


def test_messages_of_ros_are_read_without_a_copy(ros, ros_header):
    mask = noise(9, 48, 64)
    message = images.label_image(ros, ros_header, mask)
    found, encoding = to_image(message)
    assert encoding == "mono8"
    assert (found == mask).all()
    assert np.shares_memory(found, np.frombuffer(message.data, np.uint8))


def test_the_real_cv_bridge_converts_16_bit_colours(ros):
    bridge = pytest.importorskip("cv_bridge", exc_type=ImportError)
    try:
        bridge.CvBridge().encoding_to_cvtype2("rgb16")
    except (AttributeError, ImportError) as error:  # a folder of that name, or one built for another numpy
        pytest.skip(f"no cv_bridge that works is here: {error}")
    message = ros.Image()
    values = noise(10, 8, 6, 3, dtype=np.uint16)
    message.height, message.width, message.encoding, message.step = 8, 6, "rgb16", 36
    message.data.frombytes(values.tobytes())
    found, encoding = to_image(message)
    assert encoding == "bgr8"
    assert np.abs(found[..., ::-1] - values / 257).max() <= 1
    message.data = message.data[:-1]
    with pytest.raises(MessageError, match="cv_bridge cannot convert"):
        to_image(message)
