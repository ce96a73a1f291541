"""The images of a bag, whatever their topics."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodypix_ros.bags.messages import COMPRESSED, IMAGE, decode
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.typestore import typestore
from bodypix_ros.errors import BagError
from bodypix_ros.ros.messages import images

_WHITE = 65535


def pictures(path: Path, every: int) -> Generator[npt.NDArray[np.uint8]]:
    """Give one of so many images of a bag, uint8 (H, W, 3), BGR.

    Args:
        path: The bag.
        every: Of so many images of all topics together the first.

    Raises:
        FileNotFoundError: There is no such bag.
        BagError: It is broken, or holds no images.
        MessageError: An image cannot be used.
    """
    store = typestore()
    with InputBag(path) as bag:
        topics = {c.topic for c in bag.connections if c.msgtype in (IMAGE, COMPRESSED)}
        if not topics:
            raise BagError(f"{path}: holds no images")
        for number, (connection, _, raw) in enumerate(bag.messages(topics)):
            if number % every == 0:
                _, image, encoding = decode(store, connection.msgtype, raw, _WHITE)
                yield images.as_bgr(image, encoding)
