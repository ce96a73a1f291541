"""The layouts of images: which encodings there are, and where their colours lie."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import ImageError

_CHANNELS: Final = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
}
ENCODINGS: Final = tuple(_CHANNELS)
"""What `Segmenter.segment` takes."""


class Pixels(NamedTuple):
    """An image that was checked.

    Attributes:
        array: uint8 (H, W, C), a view of what was given; C is 1, 3 or 4.
        encoding: One of ENCODINGS.
        channels: Which of the C channels are red, green and blue.
    """

    array: npt.NDArray[np.uint8]
    encoding: str
    channels: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape[0], self.array.shape[1]


def as_pixels(image: npt.NDArray[np.uint8], encoding: str) -> Pixels:
    """Check an image; nothing is copied.

    Args:
        image: uint8 (H, W, C), or (H, W) for mono8.
        encoding: One of ENCODINGS.

    Raises:
        TypeError: Not a uint8 array.
        ImageError: Unknown encoding, or a shape that does not go with it.
    """
    if encoding not in _CHANNELS:
        raise ImageError(f"encoding is '{encoding}', but must be one of {', '.join(ENCODINGS)}")
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image is {kind}, but must be a numpy array of uint8")
    count, channels = _CHANNELS[encoding]
    array = image[:, :, np.newaxis] if encoding == "mono8" and image.ndim == 2 else image
    if array.ndim != 3 or array.shape[2] != count:
        raise ImageError(f"image has shape {image.shape}, but {encoding} needs (height, width, {count})")
    if 0 in array.shape:
        raise ImageError(f"image has shape {image.shape}: it has no pixels")
    return Pixels(array, encoding, channels)


def as_line(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], int]:
    """An image as one line of bytes, for kernels: these read what lies side by side fastest.

    Args:
        image: uint8 (H, W, C), read-only and strided arrays welcome.

    Returns:
        uint8 (N,), a copy only where a pixel's bytes, or a row's pixels, lie apart; and how many bytes a row
        begins after the one before.
    """
    height, width, count = image.shape
    row_bytes = width * count
    step, along, across = image.strides
    if image.flags.c_contiguous:
        return image.reshape(-1), row_bytes
    if step >= row_bytes and along == count and (across == 1 or count == 1):  # rows with padding between
        shape = ((height - 1) * step + row_bytes,)
        return np.lib.stride_tricks.as_strided(image, shape, (1,), writeable=False), step
    return np.ascontiguousarray(image).reshape(-1), row_bytes
