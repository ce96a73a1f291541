"""Image messages -> arrays, Scene -> messages: without ROS."""

import array
import struct
import sys
import zlib
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.bags.typestore import rosbags_types, typestore
from bodypix_ros.errors import DepthError, MessageError
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.ros.messages import images, labels, people, scenes
from bodypix_ros.ros.messages.images import to_image, to_image_compressed
from bodypix_ros.ros.messages.types import ros_types
from bodypix_ros.scene import Person, Scene
from support.fake import people_picture
from support.messages import every_message, noise, plain, scene

CONTAINERS = {
    "array": lambda data: array.array("B", data),
    "bytes": bytes,
    "numpy": lambda data: np.frombuffer(bytes(data), np.uint8),
    "list": list,
}
DIRECT = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3, "8UC4": 4}
SAME = {"8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8"}
BAYER_PATTERNS = ("rggb", "bggr", "gbrg", "grbg")

sizes = st.integers(1, 40)
even_sizes = st.integers(1, 20).map(lambda n: 2 * n)
seeds = st.integers(0, 2**32 - 1)


def image(encoding, rows, *, height=None, width, pad=0, big=0, container="array"):
    """An Image message of rows of bytes, uint8 (R, B), with `pad` bytes behind each."""
    padded = np.pad(rows, ((0, 0), (0, pad)), constant_values=77)
    return SimpleNamespace(
        height=rows.shape[0] if height is None else height,
        width=width,
        encoding=encoding,
        is_bigendian=big,
        step=padded.shape[1],
        data=CONTAINERS[container](padded.tobytes()),
    )


def bgr_of(y, u, v):
    """BT.601 with 16..235 for black to white, as cameras and OpenCV have it."""
    y, u, v = (plane.astype(float) for plane in (y, u, v))
    y, u, v = 1.164 * (y - 16), u - 128, v - 128
    return np.clip(np.stack([y + 2.018 * u, y - 0.391 * u - 0.813 * v, y + 1.596 * v], -1), 0, 255)


@given(
    st.sampled_from(sorted(DIRECT)),
    sizes,
    sizes,
    st.integers(0, 9),
    st.sampled_from(sorted(CONTAINERS)),
    seeds,
)
def test_8_bit_images_come_as_they_are(encoding, height, width, pad, container, seed):
    pixels = noise(seed, height, width, DIRECT[encoding])
    message = image(encoding, pixels.reshape(height, -1), width=width, pad=pad, container=container)
    found, name = to_image(message)
    assert name == SAME.get(encoding, encoding)
    assert as_pixels(found, name)[0].tolist() == pixels.tolist()
    assert not found.flags.writeable


@pytest.mark.parametrize("container", ["array", "bytes", "numpy"])
@pytest.mark.parametrize("encoding", sorted(DIRECT))
@pytest.mark.parametrize("pad", [0, 5])
def test_8_bit_images_are_views_of_the_message(encoding, pad, container):
    rows = noise(1, 6, 8 * DIRECT[encoding])
    message = image(encoding, rows, width=8, pad=pad, container=container)
    assert np.shares_memory(to_image(message)[0], np.frombuffer(message.data, np.uint8))


@given(sizes, sizes, st.integers(0, 5), st.booleans(), st.sampled_from([255, 1023, 4095, 65535]), seeds)
def test_16_bits_are_scaled_in_both_byte_orders(height, width, pad, big, white, seed):
    values = noise(seed, height, width, dtype=np.uint16)
    rows = values.astype(">u2" if big else "<u2").view(np.uint8)
    found, encoding = to_image(
        image("mono16" if seed % 2 else "16UC1", rows, width=width, pad=pad, big=int(big)), mono16_max=white
    )
    assert encoding == "mono8"
    assert np.abs(found - np.minimum(values * (255 / white), 255)).max() <= 0.51


@given(
    st.sampled_from(["yuv422", "uyvy", "yuv422_yuy2", "yuyv"]), sizes, even_sizes, st.integers(0, 5), seeds
)
def test_yuv_422_becomes_bgr(encoding, height, width, pad, seed):
    y, u, v = np.maximum(noise(seed, height, width), 16), *noise(seed + 1, 2, height, width // 2)
    rows = np.empty((height, 2 * width), np.uint8)
    chroma, luma = (0, 1) if encoding in ("yuv422", "uyvy") else (1, 0)
    rows[:, luma::2], rows[:, chroma::4], rows[:, chroma + 2 :: 4] = y, u, v
    found, name = to_image(image(encoding, rows, width=width, pad=pad))
    assert name == "bgr8"
    assert np.abs(found - bgr_of(y, u.repeat(2, 1), v.repeat(2, 1))).max() <= 2


@given(st.sampled_from(["nv12", "nv21"]), even_sizes, even_sizes, st.integers(0, 5), seeds)
def test_yuv_420_becomes_bgr_of_the_height_of_the_picture(encoding, height, width, pad, seed):
    y, u, v = np.maximum(noise(seed, height, width), 16), *noise(seed + 1, 2, height // 2, width // 2)
    pairs = np.stack([u, v] if encoding == "nv12" else [v, u], -1).reshape(height // 2, width)
    message = image(encoding, np.concatenate([y, pairs]), height=height, width=width, pad=pad)
    found, name = to_image(message)
    assert name == "bgr8"
    assert found.shape == (height, width, 3)
    assert np.abs(found - bgr_of(y, *(c.repeat(2, 0).repeat(2, 1) for c in (u, v)))).max() <= 2


def mosaic_of(bgr, pattern):
    """What a sensor with this pattern sees of a picture."""
    mosaic = np.empty(bgr.shape[:2], bgr.dtype)
    for k, letter in enumerate(pattern):
        mosaic[k // 2 :: 2, k % 2 :: 2] = bgr[k // 2 :: 2, k % 2 :: 2, "bgr".index(letter)]
    return mosaic


@given(st.sampled_from(BAYER_PATTERNS), st.integers(3, 30), st.integers(3, 30), st.integers(0, 5), seeds)
def test_bayer_of_one_colour_is_that_colour(pattern, height, width, pad, seed):
    colour = noise(seed, 3)
    mosaic = mosaic_of(np.broadcast_to(colour, (height, width, 3)), pattern)
    found, name = to_image(image(f"bayer_{pattern}8", mosaic, width=width, pad=pad))
    assert name == "bgr8"
    assert (found == colour).all()


@pytest.mark.parametrize("big", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_bayer_patches_keep_their_colours(pattern, bits, big):
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [250, 120, 10]]], np.uint8)
    picture = colours.repeat(16, 0).repeat(16, 1)
    mosaic = mosaic_of(picture, pattern)
    if bits == 16:
        mosaic = (mosaic.astype(np.uint16) * 257).astype(">u2" if big else "<u2").view(np.uint8)
    found, _ = to_image(image(f"bayer_{pattern}{bits}", mosaic, width=32, big=big))
    assert (found[8::16, 8::16] == colours).all()


def test_every_encoding_named_is_understood():
    for encoding in images.ENCODINGS:
        found, name = to_image(image(encoding, np.zeros((12, 64), np.uint8), height=8, width=8))
        assert as_pixels(found, name)[0].shape[:2] == (8, 8)


@pytest.mark.parametrize("encoding", images.ENCODINGS)
def test_images_that_are_cut_off_are_refused(encoding):
    message = image(encoding, np.zeros((12, 32), np.uint8), height=8, width=8)
    needed = 32 * (11 if encoding in ("nv12", "nv21") else 7) + 8
    message.data = message.data[: needed - 1]
    with pytest.raises(MessageError, match=rf"8x8 {encoding} is cut off: {needed - 1} bytes"):
        to_image(message)
    message.data = array.array("B")
    with pytest.raises(MessageError, match="cut off: 0 bytes"):
        to_image(message)
    message.data = np.zeros(0, np.uint8)
    with pytest.raises(MessageError, match="cut off: 0 bytes"):
        to_image(message)


@pytest.mark.parametrize("encoding", images.ENCODINGS)
def test_a_step_smaller_than_a_row_is_refused(encoding):
    message = image(encoding, np.zeros((12, 7), np.uint8), height=8, width=8)
    with pytest.raises(MessageError, match="step of 7 bytes, but a row needs"):
        to_image(message)


def test_the_last_row_needs_no_padding():
    rows = noise(3, 4, 12)
    message = image("bgr8", rows, width=4, pad=3)
    message.data = message.data[:-3]
    assert to_image(message)[0].reshape(4, 12).tolist() == rows.tolist()


@pytest.mark.parametrize("height", [0, 8])
def test_images_without_pixels_are_refused(height):
    message = image("bgr8", np.zeros((8, 24), np.uint8), height=height, width=8 - height)
    with pytest.raises(MessageError, match=r"bgr8 has no pixels"):
        to_image(message)


@pytest.mark.parametrize(("encoding", "height", "width"), [("uyvy", 4, 5), ("nv12", 4, 5), ("nv21", 5, 4)])
def test_odd_sides_are_refused_where_colours_are_shared(encoding, height, width):
    message = image(encoding, np.zeros((16, 16), np.uint8), height=height, width=width)
    with pytest.raises(MessageError, match=f"odd {'width' if width % 2 else 'height'}"):
        to_image(message)


def test_bayer_images_smaller_than_its_neighbourhood_are_refused():
    with pytest.raises(MessageError, match="at least 3x3"):
        to_image(image("bayer_rggb8", np.zeros((2, 8), np.uint8), width=8))


@pytest.mark.parametrize("white", [0, 65536])
def test_a_white_that_16_bits_cannot_have_is_refused(white):
    with pytest.raises(ValueError, match=f"mono16_max is {white}, but must be"):
        to_image(image("mono16", np.zeros((2, 8), np.uint8), width=4), mono16_max=white)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_is_not_taken_for_grey(encoding):
    rows = np.zeros((2, 8), np.uint8)
    with pytest.raises(DepthError, match=f"are {encoding}, which is depth.*mono16_max"):
        to_image(image(encoding, rows, width=2), mono16_max=None)
    packed = compressed(".png", np.zeros((9, 7), np.uint16))
    packed.format = f"{encoding}; png compressed "
    with pytest.raises(DepthError, match=encoding):
        to_image_compressed(packed, mono16_max=None)


def test_mono16_is_grey_by_itself_and_16uc1_where_its_white_is_said():
    rows = np.full((2, 4), 4095, "<u2").view(np.uint8)
    assert (to_image(image("mono16", rows, width=4), mono16_max=None)[0] == round(4095 * 255 / 65535)).all()
    assert (to_image(image("16UC1", rows, width=4), mono16_max=4095)[0] == 255).all()


def test_unknown_encodings_are_named_with_the_known_ones(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    with pytest.raises(MessageError, match=r"4x2 rgb16: an unknown encoding; known are rgb8, .*bayer_grbg16"):
        to_image(image("rgb16", np.zeros((2, 24), np.uint8), width=4))


def test_cv_bridge_converts_what_is_unknown_here(monkeypatch):
    class CvBridge:
        def imgmsg_to_cv2(self, message, encoding):
            if message.encoding != "rgb16":
                raise RuntimeError("never heard of it")
            assert encoding == "bgr8"
            return np.full((2, 4, 3), 5, np.uint8)

    module = ModuleType("cv_bridge")
    module.CvBridge = CvBridge
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    found, name = to_image(image("rgb16", np.zeros((2, 24), np.uint8), width=4))
    assert (found.shape, name, found[0, 0, 0]) == ((2, 4, 3), "bgr8", 5)
    with pytest.raises(MessageError, match="cv_bridge cannot convert it to bgr8: never heard"):
        to_image(image("yuv9", np.zeros((2, 24), np.uint8), width=4))


def compressed(suffix, pixels, container="array"):
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    return SimpleNamespace(format=suffix[1:], data=CONTAINERS[container](data))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 4)])
def test_png_comes_back_exactly_without_alpha(shape, container):
    pixels = noise(4, *shape)
    found, encoding = to_image_compressed(compressed(".png", pixels, container))
    assert encoding == ("mono8" if len(shape) == 2 else "bgr8")
    assert (found == (pixels[..., :3] if len(shape) == 3 else pixels)).all()


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3)])
def test_16_bit_png_is_scaled(shape):
    pixels = noise(5, *shape, dtype=np.uint16) >> 4
    found, _ = to_image_compressed(compressed(".png", pixels), mono16_max=4095)
    assert found.dtype == np.uint8
    assert np.abs(found - pixels * (255 / 4095)).max() <= 0.51


def test_jpeg_comes_back_nearly():
    picture = people_picture()
    found, encoding = to_image_compressed(compressed(".jpg", picture))
    assert encoding == "bgr8"
    assert np.abs(found.astype(int) - picture).mean() < 3
    found, encoding = to_image_compressed(compressed(".jpg", picture[..., 0]))
    assert (found.shape, encoding) == (picture.shape[:2], "mono8")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.99])
def test_compressed_images_that_are_broken_are_refused(suffix, part):
    message = compressed(suffix, noise(6, 40, 40, 3))
    message.data = message.data[: int(len(message.data) * part)]
    with pytest.raises(MessageError, match=f"'{suffix[1:]}' of {len(message.data)} bytes is not a whole"):
        to_image_compressed(message)


# From here on: Scene -> messages.


@pytest.fixture(scope="module")
def store():
    return typestore()


@pytest.fixture(scope="module")
def types(store):
    return rosbags_types(store)


@pytest.fixture(scope="module")
def header(store):
    time = store.types["builtin_interfaces/msg/Time"](sec=12, nanosec=34)
    return store.types["std_msgs/msg/Header"](stamp=time, frame_id="front_optical")


@pytest.mark.parametrize("people", [0, 1, 3])
def test_every_message_survives_cdr(store, types, header, people):
    for name, message in every_message(types, header, scene(people)).items():
        kind = {
            "persons": "vision_msgs/msg/Detection2DArray",
            "keypoints": "vision_msgs/msg/Detection2DArray",
            "keypoints_3d": "vision_msgs/msg/Detection3DArray",
        }
        msgtype = kind.get(
            name, f"{'vision_msgs/msg/LabelInfo' if 'labels' in name else 'sensor_msgs/msg/Image'}"
        )
        found = store.deserialize_cdr(store.serialize_cdr(message, msgtype), msgtype)
        expected = plain(message)
        if "threshold" in expected:
            expected["threshold"] = float(np.float32(expected["threshold"]))
        assert plain(found) == expected
        assert found.header == header


def test_persons_are_the_scenes(types, header):
    seen = scene()
    message = people.persons(types, header, seen)
    assert message.header is header
    assert len(message.detections) == 3
    for detection, person in zip(message.detections, seen.persons, strict=True):
        assert detection.header is header
        (result,) = detection.results
        assert (result.hypothesis.class_id, result.hypothesis.score) == ("person", person.score)
        box, centre = detection.bbox, detection.bbox.center.position
        x0, y0, x1, y1 = person.box
        assert (centre.x - box.size_x / 2, centre.y - box.size_y / 2) == (x0, y0)
        assert (centre.x + box.size_x / 2, centre.y + box.size_y / 2) == (x1, y1)
        assert detection.id == ""


def test_keypoints_are_the_scenes(types, header):
    seen = scene()
    message = people.keypoints(types, header, seen)
    assert len(message.detections) == 3
    for detection, person in zip(message.detections, seen.persons, strict=True):
        assert [r.hypothesis.class_id for r in detection.results] == list(KEYPOINTS)
        found = [
            (r.pose.pose.position.x, r.pose.pose.position.y, r.hypothesis.score) for r in detection.results
        ]
        assert (np.array(found, np.float32) == person.keypoints).all()
        assert detection.bbox.size_x == person.box[2] - person.box[0]
        assert {r.pose.pose.orientation.w for r in detection.results} == {1.0}


def test_tracked_people_have_their_id_and_people_without_keypoints_no_results(types, header):
    nobody = np.zeros((4, 4), np.uint8)
    person = Person(0.5, (0, 0, 4, 2), np.zeros((0, 3), np.float32), track_id=7)
    seen = Scene(nobody.astype(bool), nobody, None, None, (person,), ())
    assert people.persons(types, header, seen).detections[0].id == "7"
    (detection,) = people.keypoints(types, header, seen).detections
    assert (detection.id, detection.results) == ("7", [])


def test_a_person_without_a_pose_has_a_place_in_both_lists_and_no_keypoints(types, header):
    seen = scene()
    first, *_, last = seen.persons
    none = replace(last, score=0.1, keypoints=np.zeros_like(last.keypoints))
    seen = replace(seen, persons=(first, none))
    persons, keypoints = people.persons(types, header, seen), people.keypoints(types, header, seen)
    assert [len(detection.results) for detection in keypoints.detections] == [len(KEYPOINTS), 0]
    assert keypoints.detections[1].bbox.size_x == none.box[2] - none.box[0]
    back = scenes.to_scene(seen.person_mask.shape, persons=persons, keypoints=keypoints)
    assert [person.has_pose for person in back.persons] == [True, False]
    assert back.persons[1].score == 0.1
    assert np.array_equal(back.persons[1].keypoints, none.keypoints)


@given(sizes, sizes, seeds, st.booleans(), st.booleans())
@settings(max_examples=30)
def test_label_images_hold_the_mask(types, header, height, width, seed, as_bool, strided):
    mask = noise(seed, height, 2 * width)[:, ::2] if strided else noise(seed, height, width)
    mask = mask > 99 if as_bool else mask
    message = images.label_image(types, header, mask)
    assert (message.height, message.width, message.step) == (height, width, width)
    assert (message.encoding, message.is_bigendian, message.header) == ("mono8", 0, header)
    found, _ = to_image(message)
    assert (found == mask).all()


def test_label_images_fill_rclpys_array_without_a_look_at_each_element(header):
    class Image:
        """As rclpy's: setting data would check or copy element by element."""

        def __init__(self):
            self.__dict__["data"] = array.array("B")

        def __setattr__(self, name, value):
            assert name != "data"
            self.__dict__[name] = value

    mask = noise(8, 6, 5)
    message = images.label_image(SimpleNamespace(Image=Image), header, mask)
    assert message.data.tobytes() == mask.tobytes()


def test_label_infos_start_with_the_background_and_leave_255_unused(types, header):
    message = labels.label_info(types, header, labels.PART_LABELS, 0.7)
    assert [(entry.class_id, entry.class_name) for entry in message.class_map] == [
        (0, "background"),
        *((part + 1, name) for part, name in enumerate(PARTS)),
    ]
    assert message.threshold == 0.7
    most = labels.label_info(types, header, labels.instance_labels(254), 0.7)
    assert (most.class_map[-1].class_id, most.class_map[-1].class_name) == (254, "person_254")
    with pytest.raises(ValueError, match="255 names"):
        labels.label_info(types, header, ["x"] * 255, 0.7)


@pytest.mark.parametrize("count", [0, 255])
def test_instance_labels_fit_into_a_mask(count):
    with pytest.raises(ValueError, match=f"most_persons is {count}"):
        labels.instance_labels(count)


def test_without_ros_the_error_says_what_to_install(monkeypatch):
    sensor = ModuleType("sensor_msgs.msg")
    sensor.Image = sensor.CompressedImage = object
    monkeypatch.setitem(sys.modules, "sensor_msgs", ModuleType("sensor_msgs"))
    monkeypatch.setitem(sys.modules, "sensor_msgs.msg", sensor)
    monkeypatch.setitem(sys.modules, "vision_msgs", None)
    monkeypatch.delitem(sys.modules, "vision_msgs.msg", raising=False)
    with pytest.raises(
        ImportError, match=r"vision_msgs is not here.*apt install ros-\$ROS_DISTRO-vision-msgs"
    ):
        ros_types()


def claiming(suffix, width, height):
    """A picture whose header claims another size than it has."""
    data = bytearray(cv2.imencode(suffix, np.zeros((5, 7, 3), np.uint8))[1])
    if suffix == ".png":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif suffix == ".jpg":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif suffix == ".bmp":
        struct.pack_into("<ii", data, 18, width, height)
    else:
        data = bytearray(data.replace(b"7 5", b"%d %d" % (width, height)))
    return bytes(data)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".ppm"])
@pytest.mark.parametrize(("width", "height"), [(16385, 1), (1, 60000), (16384, 4097)])
def test_pictures_that_claim_gigabytes_are_refused_before_they_are_decoded(
    monkeypatch, suffix, width, height
):
    def decode(*_):
        pytest.fail("was decoded")

    monkeypatch.setattr(images.cv2, "imdecode", decode)
    message = SimpleNamespace(format="x", data=claiming(suffix, width, height))
    with pytest.raises(MessageError, match=f"too large: {width}x{height} pixels, where"):
        to_image_compressed(message)


def test_the_largest_picture_is_accepted(monkeypatch):
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: np.zeros((4096, 16384), np.uint8))
    to_image_compressed(SimpleNamespace(format="x", data=claiming(".png", 16384, 4096)))


@pytest.mark.parametrize(("width", "height"), [(16385, 1), (2**32 - 1, 2**32 - 1), (16384, 4097)])
def test_images_that_claim_too_many_pixels_are_refused(width, height):
    message = SimpleNamespace(
        width=width, height=height, encoding="mono8", step=width, data=b"", is_bigendian=0
    )
    with pytest.raises(MessageError, match=f"image of {width}x{height} mono8 is too large: .*where"):
        to_image(message)


def test_a_jpeg_of_endless_scans_is_refused():
    image = np.zeros((8, 8, 3), np.uint8)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    to_image_compressed(SimpleNamespace(format="jpeg", data=data))
    scan = data[data.index(b"\xff\xda") : -2]
    with pytest.raises(MessageError, match="more than 64 scans"):
        to_image_compressed(SimpleNamespace(format="jpeg", data=data[:-2] + scan * 65 + data[-2:]))


@pytest.mark.parametrize("suffix", [".jp2", ".hdr", ".ras"])
def test_formats_that_no_camera_sends_never_reach_opencv(monkeypatch, suffix, tmp_path):
    # Its decoder of JPEG 2000 leaves a temporary file behind for every damaged picture.
    data = cv2.imencode(suffix, np.zeros((32, 32, 3), np.uint8))[1].tobytes()
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(MessageError, match=r"is not a whole picture in one of JPEG, PNG|is not read here"):
        to_image_compressed(SimpleNamespace(format="x", data=data))


def test_what_a_message_says_of_itself_is_quoted_in_part():
    for call, message in (
        (to_image_compressed, SimpleNamespace(format="x" * 70_000, data=b"")),
        (
            to_image,
            SimpleNamespace(encoding="x" * 70_000, width=1, height=1, step=1, data=b"", is_bigendian=0),
        ),
    ):
        with pytest.raises(MessageError) as caught:
            call(message)
        assert len(str(caught.value)) < 600


def test_a_png_of_43_bytes_takes_no_gigabytes(monkeypatch):
    # OpenCV allocates, and fills with zeros, what a chunk claims before it looks how much there is.
    head = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 7, 5, 8, 2, 0, 0, 0)
    )
    data = head + struct.pack(">I", zlib.crc32(head[12:])) + b"\xff\xff\xff\x00IDATxx"
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(MessageError, match=r"compressed image 'png' of 43 bytes is not a whole picture"):
        to_image_compressed(SimpleNamespace(format="png", data=data))
