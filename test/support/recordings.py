"""Three recordings of a robot's camera, of colour and depth, with people: of ROS 1, an image each."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

NAMES = ("2019-05-03-12-41-38", "2019-05-03-12-42-18", "2019-05-03-12-42-25")
IMAGE = "/hero/head_rgbd_sensor/rgb/image_raw"
DEPTH = "/hero/head_rgbd_sensor/depth_registered/image"
INFO = "/hero/head_rgbd_sensor/rgb/camera_info"


@dataclass(frozen=True)
class Shot:
    """Colour (H, W, 3) RGB, depth (H, W) float32 metres, and what looks like a sensor_msgs/CameraInfo."""

    image: np.ndarray
    depth: np.ndarray
    info: Any


def path(data: Path, name: str) -> Path:
    """The file of a recording; skips where it is absent."""
    found = data / "rgbd" / f"{name}.bag"
    if not found.is_file():
        pytest.skip(f"no recordings of colour and depth in {found.parent}")
    return found


@lru_cache(maxsize=3)
def recording(data: Path, name: str) -> Shot:
    """Read a recording."""
    from rosbags.rosbag1 import Reader
    from rosbags.typesys import Stores, get_typestore

    store, found = get_typestore(Stores.ROS1_NOETIC), {}
    with Reader(path(data, name)) as reader:
        for connection, _, raw in reader.messages():
            found[connection.topic] = store.deserialize_ros1(raw, connection.msgtype)
    image, depth, info = found[IMAGE], found[DEPTH], found[INFO]
    return Shot(
        image.data.reshape(image.height, image.width, 3),
        depth.data.view("<f4").reshape(depth.height, depth.width),
        SimpleNamespace(
            width=info.width, height=info.height, k=info.K, d=info.D, distortion_model=info.distortion_model
        ),
    )
