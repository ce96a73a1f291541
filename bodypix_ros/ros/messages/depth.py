"""Image messages of depth -> arrays."""

from typing import Any, Final

import numpy.typing as npt

from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages.images import view
from bodypix_ros.ros.messages.types import ImageMessage

ENCODINGS: Final = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
"""What cameras of depth send: millimetres, the same under a wrong name, and metres (REP-118)."""


def to_depth(message: ImageMessage) -> npt.NDArray[Any]:
    """Turn a sensor_msgs/Image of depth into what `space.place` takes.

    Args:
        message: Its data may be an array('B'), bytes, a numpy array or a list.

    Returns:
        uint16 or float32 (H, W), read-only; a view of the message's bytes where they are in this computer's
        order.

    Raises:
        MessageError: Another encoding, no pixels, rows that do not fit into `step`, or too few bytes.
    """
    kind = ENCODINGS.get(message.encoding)
    if kind is None:
        raise MessageError(
            f"depth is {message.encoding:.80}, but must be {' or '.join(ENCODINGS)}: take the raw image of "
            "the depth, not a coloured or compressed one"
        )
    if message.height < 1 or message.width < 1:
        raise MessageError(f"depth of {message.width}x{message.height} has no pixels")
    pixels = view(message, 1, f"{'>' if message.is_bigendian else '<'}{kind}")[..., 0]
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
