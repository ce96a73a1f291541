"""Image messages -> arrays, and arrays -> image messages."""

import array
from importlib import import_module
from math import prod
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import DepthError, MessageError, PictureError
from bodypix_ros.imaging.decoding import decode
from bodypix_ros.imaging.picture_size import size_problem
from bodypix_ros.ros.messages.types import CompressedImageMessage, Header, ImageMessage, Message, MessageTypes

Pixels = npt.NDArray[np.uint8]

_DIRECT = {
    "rgb8": ("rgb8", 3),
    "bgr8": ("bgr8", 3),
    "rgba8": ("rgba8", 4),
    "bgra8": ("bgra8", 4),
    "mono8": ("mono8", 1),
    "8UC1": ("mono8", 1),
    "8UC3": ("bgr8", 3),
    "8UC4": ("bgra8", 4),
}

_AS_BGR = {
    "rgb8": cv2.COLOR_RGB2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "mono8": cv2.COLOR_GRAY2BGR,
}

_MONO16 = ("mono16", "16UC1")

_DEPTH = ("16UC1", "32FC1")
"""What cameras of depth send, and hardly anybody else."""

_YUV422 = {
    "yuv422": cv2.COLOR_YUV2BGR_UYVY,
    "uyvy": cv2.COLOR_YUV2BGR_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2BGR_YUY2,
    "yuyv": cv2.COLOR_YUV2BGR_YUY2,
}

_YUV420 = {"nv21": cv2.COLOR_YUV2BGR_NV21, "nv12": cv2.COLOR_YUV2BGR_NV12}

# OpenCV names a pattern by the second and third pixel of its second row, ROS by the first four pixels.
_BAYER = {
    "bayer_rggb8": cv2.COLOR_BayerBG2BGR,
    "bayer_bggr8": cv2.COLOR_BayerRG2BGR,
    "bayer_gbrg8": cv2.COLOR_BayerGR2BGR,
    "bayer_grbg8": cv2.COLOR_BayerGB2BGR,
}

_BAYER16 = {name.replace("8", "16"): conversion for name, conversion in _BAYER.items()}

ENCODINGS: Final = (*_DIRECT, *_MONO16, *_YUV422, *_YUV420, *_BAYER, *_BAYER16)
"""What `to_image` understands by itself."""

COMPRESSED: Final = ("JPEG", "PNG", "WebP", "TIFF", "BMP", "PNM")
"""What `to_image_compressed` decodes: what cameras send, and no decoder more."""


def to_image(message: ImageMessage, *, mono16_max: int | None = 65535) -> tuple[Pixels, str]:
    """Turn a sensor_msgs/Image into what `Segmenter.segment` takes.

    Layouts that `segment` knows are views of the message's own bytes, read-only, with padded rows (`step`) as
    strides; all others are converted to BGR.

    Args:
        message: Its data may be an array('B'), bytes, a numpy array or a list.
        mono16_max: The value of white in 16-bit images; 4095 for a 12-bit camera. None: not known; 16UC1 and
            32FC1 are taken for depth.

    Returns:
        uint8 (H, W, C), or (H, W) for mono8, and its encoding: rgb8, bgr8, rgba8, bgra8 or mono8.

    Raises:
        MessageError: No pixels or too many (`picture_size`), rows that do not fit into `step`, too few bytes,
            or an unknown encoding.
        DepthError: A MessageError: it is depth.
        ValueError: `mono16_max` is not in 1..65535.
    """
    encoding: str = message.encoding
    _check_light(encoding, mono16_max)
    if message.height < 1 or message.width < 1:
        raise MessageError(f"{_name(message)} has no pixels")
    if problem := size_problem(message.width, message.height):
        raise MessageError(f"{_name(message)} is too large: {problem}")
    if encoding in _DIRECT:
        name, channels = _DIRECT[encoding]
        pixels = view(message, channels)
        return (pixels[..., 0] if channels == 1 else pixels), name
    if encoding in _MONO16:
        return _to_8_bits(_view_16_bits(message), mono16_max), "mono8"
    if encoding in _YUV422:
        _check_even(message, "width")
        return _to_bgr(message, view(message, 2), _YUV422[encoding]), "bgr8"
    if encoding in _YUV420:
        _check_even(message, "width", "height")
        planes = view(message, 1, rows=message.height * 3 // 2)
        return _to_bgr(message, planes[..., 0], _YUV420[encoding]), "bgr8"
    if encoding in _BAYER or encoding in _BAYER16:
        if min(message.height, message.width) < 3:
            raise MessageError(f"{_name(message)} is too small for a Bayer pattern: at least 3x3")
        if encoding in _BAYER:
            return _to_bgr(message, view(message, 1)[..., 0], _BAYER[encoding]), "bgr8"
        mosaic = _to_8_bits(_view_16_bits(message), mono16_max)
        return _to_bgr(message, mosaic, _BAYER16[encoding]), "bgr8"
    return _through_cv_bridge(message), "bgr8"


def to_image_compressed(
    message: CompressedImageMessage, *, mono16_max: int | None = 65535
) -> tuple[Pixels, str]:
    """Turn a sensor_msgs/CompressedImage (JPEG, PNG, WebP, TIFF, BMP or PNM) into an array.

    An alpha channel is dropped, an EXIF orientation ignored: pixels stay where the camera had them. Its size
    is read from the header before anything is decoded.

    Args:
        message: Its data may be an array('B'), bytes, a numpy array or a list.
        mono16_max: The value of white in pictures of 16 bits per channel. None: not known; what says in
            `format` that it was made of 16UC1 or 32FC1 is taken for depth.

    Returns:
        uint8 (H, W, 3) and bgr8, or uint8 (H, W) and mono8.

    Raises:
        MessageError: The data are no whole picture, or one of more pixels than `picture_size` accepts.
        DepthError: A MessageError: it is depth.
        ValueError: `mono16_max` is not in 1..65535.
    """
    _check_light(str(message.format).partition(";")[0].strip(), mono16_max)
    data = _bytes(message).tobytes()
    what = f"compressed image {message.format!r:.80} of {len(data)} bytes"
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    try:
        image = decode(data, flags=flags, upright=False, formats=COMPRESSED)
    except PictureError as error:
        raise MessageError(f"{what} {error}") from error
    pixels = np.asarray(image, np.uint8) if image.dtype == np.uint8 else _to_8_bits(image, mono16_max)
    return pixels, "mono8" if image.ndim == 2 else "bgr8"


def label_image(
    types: MessageTypes, header: Header, mask: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]
) -> Message:
    """Make a mono8 sensor_msgs/Image of a mask.

    Args:
        types: The message classes.
        header: Handed through.
        mask: uint8 or bool (H, W); True becomes 1.
    """
    return _image(types, header, np.ascontiguousarray(mask).view(np.uint8), "mono8")


def as_bgr(image: Pixels, encoding: str) -> Pixels:
    """Turn what `to_image` gives into uint8 (H, W, 3), BGR; itself where it is."""
    if encoding == "bgr8":
        return image
    return np.asarray(cv2.cvtColor(image, _AS_BGR[encoding]), np.uint8)


def bgr_image(types: MessageTypes, header: Header, image: Pixels) -> Message:
    """Make a bgr8 sensor_msgs/Image.

    Args:
        types: The message classes.
        header: Handed through.
        image: uint8 (H, W, 3), BGR.
    """
    return _image(types, header, np.ascontiguousarray(image), "bgr8")


def rgb_image(types: MessageTypes, header: Header, image: Pixels) -> Message:
    """Make an rgb8 sensor_msgs/Image.

    Args:
        types: The message classes.
        header: Handed through.
        image: uint8 (H, W, 3), RGB.
    """
    return _image(types, header, np.ascontiguousarray(image), "rgb8")


def jpeg_image(types: MessageTypes, header: Header, image: Pixels, quality: int = 80) -> Message:
    """Make a sensor_msgs/CompressedImage in JPEG, as image_transport does.

    Args:
        types: The message classes.
        header: Handed through.
        image: uint8 (H, W, 3), BGR.
        quality: 1..100.
    """
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    message = types.CompressedImage()
    message.header = header
    message.format = "bgr8; jpeg compressed bgr8"
    fill(message, np.asarray(data, np.uint8))
    return message


def _image(types: MessageTypes, header: Header, pixels: Pixels, encoding: str) -> Message:
    message = types.Image()
    message.header = header
    message.height, message.width = pixels.shape[:2]
    message.encoding = encoding
    message.step = prod(pixels.shape[1:])
    fill(message, pixels)
    return message


def fill(message: Message, pixels: Pixels) -> None:
    """Set a message's `data`, of bytes, whatever class it has.

    Args:
        message: A sensor_msgs/Image, CompressedImage or PointCloud2 with nothing in it.
        pixels: uint8, contiguous.
    """
    if isinstance(message.data, array.array):
        # Assigning instead would copy, or even check, element by element.
        message.data.frombytes(pixels.data)
    else:
        message.data = pixels.reshape(-1)


def _name(message: ImageMessage) -> str:
    return f"image of {message.width}x{message.height} {message.encoding:.80}"


def _bytes(message: ImageMessage | CompressedImageMessage) -> memoryview:
    data = message.data
    if len(data) == 0 or isinstance(data, (list, tuple)):  # empty arrays are nothing that can be cast
        data = bytes(data)
    return memoryview(data).cast("B")


def view(
    message: ImageMessage, channels: int, dtype: str = "u1", rows: int | None = None
) -> npt.NDArray[Any]:
    """The bytes of a message as (rows, width, channels), read-only.

    Args:
        message: A sensor_msgs/Image.
        channels: Of a pixel.
        dtype: Of a channel.
        rows: None: the image's height.

    Raises:
        MessageError: Rows that do not fit into `step`, or too few bytes.
    """
    rows = message.height if rows is None else rows
    size = np.dtype(dtype).itemsize
    row = message.width * channels * size
    if message.step < row:
        raise MessageError(
            f"{_name(message)} has a step of {message.step} bytes, but a row needs {row}: "
            "its publisher must set step to the bytes from row to row"
        )
    data = _bytes(message)
    needed = message.step * (rows - 1) + row
    if data.nbytes < needed:
        raise MessageError(
            f"{_name(message)} is cut off: {data.nbytes} bytes of data, but {rows} rows with a step of "
            f"{message.step} need {needed}"
        )
    strides = (message.step, channels * size, size)
    pixels: npt.NDArray[Any] = np.ndarray((rows, message.width, channels), dtype, data, 0, strides)
    pixels.flags.writeable = False
    return pixels


def _view_16_bits(message: ImageMessage) -> npt.NDArray[Any]:
    return view(message, 1, ">u2" if message.is_bigendian else "<u2")[..., 0]


def _check_light(encoding: str, mono16_max: int | None) -> None:
    if encoding in _DEPTH and mono16_max is None:
        raise DepthError(
            f"the images are {encoding}, which is depth: people are looked for in images of light. "
            "If it is grey, set mono16_max to its value of white (65534 at most)"
        )


def _to_8_bits(values: npt.NDArray[Any], mono16_max: int | None) -> Pixels:
    """Scale uint16, in any byte order, so that white becomes 255; what is above stays 255."""
    white = 65535 if mono16_max is None else mono16_max
    if not 1 <= white <= 65535:
        raise ValueError(f"mono16_max is {white}, but must be a number from 1 to 65535")
    native = np.ascontiguousarray(values, np.uint16)
    return np.asarray(cv2.convertScaleAbs(native, alpha=255 / white), np.uint8)


def _check_even(message: ImageMessage, *sides: str) -> None:
    for side in sides:
        if getattr(message, side) % 2:
            raise MessageError(f"{_name(message)} has an odd {side}, which this encoding does not allow")


def _to_bgr(message: ImageMessage, pixels: Pixels, conversion: int) -> Pixels:
    try:
        return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
    except cv2.error as error:
        raise MessageError(f"{_name(message)}: OpenCV cannot convert it: {error.err}") from error


def _through_cv_bridge(message: ImageMessage) -> Pixels:
    """Let ROS convert what is not known here; it knows more encodings with every distribution."""
    try:
        bridge = import_module("cv_bridge").CvBridge()
    except (ImportError, AttributeError) as error:  # the latter when it was built for another numpy
        raise MessageError(
            f"{_name(message)}: an unknown encoding; known are {', '.join(ENCODINGS)} "
            "(and those of cv_bridge, where it is installed)"
        ) from error
    try:
        return np.asarray(bridge.imgmsg_to_cv2(message, "bgr8"), np.uint8)
    except Exception as error:  # it passes on whatever it trips over
        raise MessageError(
            f"{_name(message)}: cv_bridge cannot convert it to bgr8: {error!s:.300}"
        ) from error
