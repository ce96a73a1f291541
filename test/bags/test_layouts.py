"""Images changed as messages hold them: in every encoding, there and nowhere else."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.bags import layouts
from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages import images
from support.bags import STORE, TYPES, compressed, header
from support.fake import people_picture
from support.pictures import exif, jpeg_with

BYTES = {"mono8": 1, "8UC1": 1, "mono16": 2, "16UC1": 2, "rgb8": 3, "bgr8": 3, "8UC3": 3} | {
    **dict.fromkeys(("rgba8", "bgra8", "8UC4"), 4),
    **dict.fromkeys(("yuv422", "uyvy", "yuv422_yuy2", "yuyv"), 2),
    **dict.fromkeys(("nv12", "nv21"), 1),
    **{f"bayer_{order}8": 1 for order in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{order}16": 2 for order in ("rggb", "bggr", "gbrg", "grbg")},
}


def inverted(pixels, region):
    assert pixels.dtype == np.uint8
    assert pixels.shape == (*region.shape, 3)
    return np.where(region[..., None] > 0, 255 - pixels, pixels).astype(np.uint8)


def message_of(encoding, height, width, padding, seed=0):
    rows = height * 3 // 2 if encoding in ("nv12", "nv21") else height
    message = TYPES.Image()
    message.header, message.encoding, message.height, message.width = header(0), encoding, height, width
    message.step = width * BYTES[encoding] + padding
    message.data = np.random.default_rng(seed).integers(0, 256, rows * message.step, np.uint8)
    return message


def test_every_encoding_that_is_read_can_be_hidden_in():
    assert set(BYTES) == set(images.ENCODINGS)


@pytest.mark.parametrize("encoding", images.ENCODINGS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_hidden_changes_and_nothing_else(encoding, data):
    even = BYTES[encoding] == 2 or encoding.startswith("nv")
    sizes = st.integers(3, 12).map(lambda n: 2 * n) if even else st.integers(3, 25)
    height, width = data.draw(sizes), data.draw(sizes)
    message = message_of(encoding, height, width, data.draw(st.integers(0, 5)))
    before = np.array(message.data)
    region = np.zeros((height, width), np.uint8)
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(y + 1, height)), data.draw(st.integers(x + 1, width))
    region[y:bottom, x:right] = 255
    layouts.hide_in_raw(message, region, inverted)
    assert message.data.shape == before.shape
    changed = (message.data != before).reshape(-1, message.step)
    assert not changed[:, width * BYTES[encoding] :].any()  # what pads the rows
    pixels = changed[:height, : width * BYTES[encoding]].reshape(height, width, -1)
    assert pixels[y:bottom, x:right].all()
    near = cv2.dilate(region, np.ones((3, 3), np.uint8)) > 0  # cells of two pixels go as a whole
    assert not pixels[~near].any()
    if encoding.startswith("nv"):
        colours = changed[height:, :width].reshape(height // 2, width // 2, 2)
        touched = region.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3)) > 0
        assert (colours.any(axis=2) == touched).all()
    layouts.hide_in_raw(message, region, inverted)
    assert (message.data == before).all()


def test_an_encoding_that_only_cv_bridge_reads_is_refused():
    message = message_of("mono8", 4, 6, 0)
    message.encoding = "rgb16"
    with pytest.raises(MessageError, match="nothing can be hidden in rgb16"):
        layouts.hide_in_raw(message, np.zeros((4, 6), np.uint8), inverted)


NOISE = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
REGION = np.zeros((40, 60), np.uint8)
REGION[5:20, 8:30] = 255


def seen_in(message):
    return images.to_image_compressed(message)[0]


@pytest.mark.parametrize(
    ("suffix", "picture"),
    [
        (".png", NOISE),
        (".png", NOISE[..., 0]),
        (".png", NOISE.astype(np.uint16) * 257),
        (".png", NOISE[..., 0].astype(np.uint16) * 200),
        (".png", np.dstack([NOISE, NOISE[..., :1]])),
        (".tiff", NOISE),
        (".bmp", NOISE),
        (".ppm", NOISE),
        (".pgm", NOISE[..., 0]),
        (".webp", NOISE),
    ],
)
def test_pictures_without_loss_change_where_something_is_hidden_and_nowhere_else(suffix, picture):
    message = compressed(0, picture, suffix)
    before = cv2.imdecode(message.data, cv2.IMREAD_UNCHANGED)
    layouts.hide_in_compressed(message, seen_in(message), REGION, inverted)
    after = cv2.imdecode(message.data, cv2.IMREAD_UNCHANGED)
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    white = np.iinfo(before.dtype).max
    hidden = REGION > 0
    assert (after[hidden] == white - before[hidden]).all()
    assert (after[~hidden] == before[~hidden]).all()
    images.to_image_compressed(message)


def test_a_jpeg_is_encoded_as_it_was_and_loses_its_preview():
    picture = people_picture(96, 160)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        60,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    data = cv2.imencode(".jpg", picture, options)[1].tobytes()
    message = STORE.types["sensor_msgs/msg/CompressedImage"](
        header=header(0), format="jpeg", data=np.frombuffer(jpeg_with(data, exif(6) + b"a face"), np.uint8)
    )
    region = np.zeros((96, 160), np.uint8)
    region[30:60, 40:80] = 255
    layouts.hide_in_compressed(message, seen_in(message), region, inverted)
    after = cv2.imdecode(message.data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    before = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert after.shape == before.shape  # not turned
    assert b"a face" not in message.data.tobytes()
    assert layouts.settings_of(message.data.tobytes()) == options
    apart = cv2.dilate(region, np.ones((17, 17), np.uint8)) == 0
    difference = np.abs(after.astype(int) - before)
    assert difference[apart].max() <= 2
    assert difference[35:55, 45:75].mean() > 50
