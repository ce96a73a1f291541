"""Serialized messages -> what this package computes with."""

import struct

from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.types import Header, Message

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def deserialize(store: Typestore, msgtype: str, raw: bytes) -> Message:
    """Give the message of some bytes.

    Raises:
        MessageError: They are none of this type.
    """
    try:
        return store.deserialize_cdr(raw, msgtype)
    except (SerdeError, ValueError, IndexError, AssertionError, struct.error) as error:
        raise MessageError(f"no whole {msgtype}: {error}") from error


def decode(
    store: Typestore, msgtype: str, raw: bytes, mono16_max: int | None = None
) -> tuple[Header, images.Pixels, str]:
    """Give header, image and encoding of a serialized image, as `Segmenter.segment` takes them.

    Args:
        store: From `typestore`.
        msgtype: IMAGE or COMPRESSED.
        raw: The bytes.
        mono16_max: The value of white in 16-bit images; None: 65535, and 16UC1 is taken for depth.

    Raises:
        MessageError: They are no usable image.
    """
    message = deserialize(store, msgtype, raw)
    convert = images.to_image if msgtype == IMAGE else images.to_image_compressed
    return message.header, *convert(message, mono16_max=mono16_max)
