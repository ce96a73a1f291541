"""Points -> sensor_msgs/PointCloud2."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.ros.messages.images import fill
from bodypix_ros.ros.messages.types import Header, Message
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens

CLOUD: Final = "sensor_msgs/msg/PointCloud2"

TRACK: Final = np.dtype(
    [(name, "<f4") for name in ("x", "y", "z", "vx", "vy", "vz", "score")] + [("id", "<u4")]
)
"""A point of `persons_3d/tracks`."""

PIXEL: Final = np.dtype(
    {
        "names": ["x", "y", "z", "rgb", "id", "part"],
        "formats": ["<f4", "<f4", "<f4", "<u4", "<u4", "u1"],
        "itemsize": 24,
    }
)
"""A point of `persons_3d/points`. rgb is 0x00RRGGBB, declared float32 as PCL does."""

_DATATYPES: Final = {"u1": 2, "u4": 6, "f4": 7}
"""sensor_msgs/PointField's numbers."""


def cloud(give: Callable[[str], Message], header: Header, rows: npt.NDArray[Any]) -> Message:
    """Make a sensor_msgs/PointCloud2.

    Args:
        give: The message classes.
        header: Handed through.
        rows: (N,), or (H, W): an organised one, in which NaN is what is not there.
    """
    message = give(CLOUD)()
    message.header = header
    message.height, message.width = rows.shape if rows.ndim == 2 else (1, len(rows))
    fields: Mapping[str, Any] = rows.dtype.fields or {}
    message.fields = [_field(give, name, kind, offset) for name, (kind, offset, *_) in fields.items()]
    message.point_step = rows.dtype.itemsize
    message.row_step = message.point_step * message.width
    message.is_dense = rows.ndim == 1
    fill(message, np.ascontiguousarray(rows).reshape(-1).view(np.uint8))
    return message


def _field(give: Callable[[str], Message], name: str, kind: Any, offset: int) -> Message:
    made = give("sensor_msgs/msg/PointField")()
    made.name, made.offset, made.count = name, offset, 1
    made.datatype = _DATATYPES["f4" if name == "rgb" else kind.str[1:]]
    return made


def pixels(
    scene: Scene,
    depth: npt.NDArray[np.float32],
    lens: Lens,
    people: Sequence[tuple[int, int, float, float]],
    moved: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    image: npt.NDArray[np.uint8] | None,
    stride: int,
) -> npt.NDArray[Any]:
    """The pixels of people in metres.

    Args:
        scene: What was seen.
        depth: float32 (h, w), metres, of the same view.
        lens: The camera's.
        people: Of each the value in `instance_mask`, the number, and between which depths the pixels are.
        moved: Brings points (N, 3) of the optical frame into another.
        image: uint8 (H, W, 3), BGR; None: black.
        stride: Of so many pixels across and down one is taken.

    Returns:
        PIXEL (ceil(H / stride), ceil(W / stride)), NaN where nobody is or the depth is not the person's.
    """
    every = slice(None, None, stride)
    labels = scene.instance_mask[every, every]
    height, width = scene.instance_mask.shape
    rows = np.zeros(labels.shape, PIXEL)
    for axis in "xyz":
        rows[axis] = np.nan
    if not people:
        return rows
    numbers, near, far = (np.zeros(256, kind) for kind in (np.uint32, np.float32, np.float32))
    for value, number, low, high in people:
        numbers[value], near[value], far[value] = number, low - SLACK_M, high + SLACK_M
    y, x = np.nonzero(labels)
    values = labels[y, x]
    v, u = (y * stride * depth.shape[0]) // height, (x * stride * depth.shape[1]) // width
    z = depth[v, u]
    kept = (z > near[values]) & (z < far[values])  # and no NaN
    y, x, z, values = y[kept], x[kept], z[kept], values[kept]
    rays = lens.table()[y * stride, x * stride]
    places = moved(np.column_stack([rays * z[:, np.newaxis], z]))
    there = rows[y, x]
    for axis, column in zip("xyz", places.T, strict=True):
        there[axis] = column
    there["id"] = numbers[values]
    if scene.part_mask is not None:
        there["part"] = scene.part_mask[y * stride, x * stride]
    if image is not None:
        blue, green, red = image[y * stride, x * stride].T.astype(np.uint32)
        there["rgb"] = (red << 16) | (green << 8) | blue
    rows[y, x] = there
    return rows


SLACK_M: Final = 0.1
"""Depths a little behind or in front of a person's others are the person's, too."""
