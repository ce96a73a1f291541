"""What the renderer node is made of, without ROS: messages to Scene, what is shown, its parameters."""

import copy
import dataclasses
import re
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from bodypix_ros import rendering
from bodypix_ros.bags.typestore import rosbags_types, typestore
from bodypix_ros.errors import MessageError
from bodypix_ros.options import options_of
from bodypix_ros.rendering import MODES, Mode, Style
from bodypix_ros.ros.messages import images, people
from bodypix_ros.ros.messages.scenes import to_scene
from bodypix_ros.ros.renderer import drawing
from bodypix_ros.ros.renderer.drawing import Camera, Painter, render, status
from bodypix_ros.ros.renderer.joining import Frame, Joiner
from bodypix_ros.ros.renderer.options import RendererOptions, inputs_of, parameters, required_of
from bodypix_ros.scene import Face, Person
from support.fake import people_picture, scene_of
from support.hands import hand_of, points_of
from support.paths import ROOT

SIZE = (48, 64)
PICTURE = people_picture(*SIZE, people=3)
PRIVACY = [name for name, mode in MODES.items() if mode.privacy]
OTHERS = [name for name in MODES if name not in PRIVACY]


@pytest.fixture(scope="module")
def store():
    return typestore()


@pytest.fixture(scope="module")
def types(store):
    return rosbags_types(store)


@pytest.fixture
def header(store):
    time = store.types["builtin_interfaces/msg/Time"](sec=12, nanosec=34)
    return store.types["std_msgs/msg/Header"](stamp=time, frame_id="front_optical")


def sent(types, header, scene):
    return {
        "instance_mask": images.label_image(types, header, scene.instance_mask),
        "part_mask": images.label_image(types, header, scene.part_mask),
        "persons": people.persons(types, header, scene),
        "keypoints": people.keypoints(types, header, scene),
        "hands": people.hands(types, header, scene),
        "faces": people.faces(types, header, scene),
    }


def check_same(found, expected):
    for name in ("person_mask", "instance_mask", "part_mask"):
        mask, wanted = getattr(found, name), getattr(expected, name)
        assert mask.dtype == wanted.dtype
        assert np.array_equal(mask, wanted)
    assert [face.box for face in found.faces] == [face.box for face in expected.faces]
    assert [face.score for face in found.faces] == pytest.approx([face.score for face in expected.faces])
    assert len(found.persons) == len(expected.persons)
    for one, other in zip(found.persons, expected.persons, strict=True):
        assert (one.score, one.box, one.track_id) == (other.score, other.box, other.track_id)
        assert one.keypoints.dtype == np.float32
        assert np.array_equal(one.keypoints, other.keypoints)
        assert one.keypoints_3d is None
    if expected.persons:  # who has keypoints gives them their names
        assert found.keypoint_names == expected.keypoint_names


# Messages -> Scene


@pytest.mark.parametrize("people", [0, 1, 3])
def test_a_scene_comes_back_from_its_messages(types, header, people):
    scene = scene_of(people_picture(*SIZE, people=people))
    check_same(to_scene(SIZE, **sent(types, header, scene)), scene)


def test_track_ids_boxes_without_pixels_and_odd_keypoints_come_back(types, header):
    points = np.array([[-3.5, 70.25, 0.5], [1e4, -1e4, 0.1]], np.float32)
    persons = (
        Person(0.75, (0, 0, 64, 48), points, track_id=7),
        Person(0.5, (0, 0, 0, 0), points[::-1].copy(), track_id=0),
        Person(0.25, (63, 47, 64, 48), points),
    )
    scene = dataclasses.replace(scene_of(PICTURE), persons=persons, keypoint_names=("nose", "tail"))
    check_same(to_scene(SIZE, **sent(types, header, scene)), scene)


def test_faces_come_back(types, header):
    faces = (Face((3, 4, 20, 30), 0.75), Face((0, 40, 5, 48), 0.625))
    scene = dataclasses.replace(scene_of(PICTURE), faces=faces)
    message = people.faces(types, header, scene)
    assert [one.results[0].hypothesis.class_id for one in message.detections] == ["face", "face"]
    assert {one.id for one in message.detections} == {""}
    assert to_scene(SIZE, faces=message).faces == faces


def test_hands_come_back_with_whoever_they_are_of(types, header):
    """By the track's id, with its prefix, or by the index where there is no track yet; that the index is also
    somebody else's track takes nobody's hand away."""
    left, right = hand_of(points_of(20, 40, 100)), hand_of(points_of(30.5, 40, 100), "right", 0.75)
    persons = (
        Person(0.75, (0, 0, 64, 48), np.ones((1, 3), np.float32), track_id=7, hands=(left, right)),
        Person(0.5, (20, 0, 40, 48), np.ones((1, 3), np.float32), hands=(right,)),
        Person(0.5, (55, 0, 64, 10), np.ones((1, 3), np.float32), track_id=1),
    )
    scene = dataclasses.replace(scene_of(PICTURE), persons=persons, keypoint_names=("nose",))
    message = people.hands(types, header, scene, "front")
    assert [one.id for one in message.detections] == ["front7", "front7", "1"]
    names = [result.hypothesis.class_id for result in message.detections[1].results]
    assert (names[0], names[8], len(names)) == ("right_wrist", "right_index_finger_tip", 21)
    box = message.detections[0].bbox
    assert box.center.position.x - box.size_x / 2 == np.floor(left.keypoints[:, 0].min())
    assert box.center.position.y + box.size_y / 2 == np.floor(left.keypoints[:, 1].max()) + 1
    given = {"persons": people.persons(types, header, scene, "front"), "hands": message}
    found = to_scene(SIZE, **given).persons
    assert [[hand.side for hand in person.hands] for person in found] == [["left", "right"], ["right"], []]
    assert np.array_equal(found[0].hands[0].keypoints, left.keypoints)
    assert found[0].hands[1].score == 0.75
    message.detections[0].results = message.detections[0].results[:20]
    assert [len(person.hands) for person in to_scene(SIZE, **given).persons] == [1, 1, 0]


def test_what_is_missing_stays_empty(types, header):
    scene = scene_of(PICTURE)
    given = sent(types, header, scene)

    nothing = to_scene(SIZE)
    assert (nothing.persons, nothing.part_mask, nothing.keypoint_names) == ((), None, ())
    assert not nothing.person_mask.any()
    masks = to_scene(SIZE, instance_mask=given["instance_mask"])
    assert np.array_equal(masks.person_mask, scene.person_mask)
    parts = to_scene(SIZE, part_mask=given["part_mask"])
    assert np.array_equal(parts.person_mask, scene.person_mask)
    assert not parts.instance_mask.any()
    persons = to_scene(SIZE, persons=given["persons"])
    assert [p.score for p in persons.persons] == [p.score for p in scene.persons]
    assert all(p.keypoints.shape == (0, 3) for p in persons.persons)
    points = to_scene(SIZE, keypoints=given["keypoints"])
    assert [p.box for p in points.persons] == [p.box for p in scene.persons]
    assert points.persons[0].score == pytest.approx(scene.persons[0].keypoints[:, 2].mean())


def test_people_of_whom_no_person_was_made_are_in_the_parts(types, header):
    scene = dataclasses.replace(
        scene_of(PICTURE), persons=(), instance_mask=np.zeros(SIZE, np.uint8), keypoint_names=()
    )
    check_same(to_scene(SIZE, **sent(types, header, scene)), scene)


def test_foreign_detections(types, header):
    given = people.keypoints(types, header, scene_of(PICTURE))
    first, second, third = given.detections
    first.results = first.results[:3]
    second.results = second.results[2:4]
    third.results = []
    first.bbox.center.position.x, first.id = float("nan"), "b3c1"
    second.bbox.size_x = 1e12

    scene = to_scene(SIZE, keypoints=given)

    assert scene.keypoint_names == ("nose", "left_eye", "right_eye", "left_ear")
    assert [(p.keypoints[:, 2] > 0).tolist() for p in scene.persons] == [
        [True, True, True, False], [False, False, True, True], [False] * 4,
    ]  # fmt: skip
    assert (scene.persons[0].box, scene.persons[0].track_id) == ((0, 0, 0, 0), None)
    assert (scene.persons[1].box[0], scene.persons[1].box[2]) == (0, 64)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: setattr(m["part_mask"], "encoding", "rgb8"), "part_mask is rgb8"),
        (lambda m: setattr(m["part_mask"], "width", 32), "32x48, but the image of its stamp is 64x48"),
        (lambda m: setattr(m["instance_mask"], "data", m["instance_mask"].data[:9]), "cut off"),
        (lambda m: m["part_mask"].data.fill(25), "label 25, but labels go from 0 to 24"),
        (lambda m: m["persons"].detections.pop(), "persons holds 2 and keypoints 3"),
    ],
)
def test_messages_that_do_not_fit_are_refused(types, header, change, reason):
    given = sent(types, header, scene_of(PICTURE))
    given["part_mask"].data = given["part_mask"].data.copy()
    change(given)
    with pytest.raises(MessageError, match=reason):
        to_scene(SIZE, **given)


# Pictures


def frame(types, header, *inputs, image=None, certain=True):
    image = images.bgr_image(types, header, PICTURE) if image is None else image
    given = {"image": image, **sent(types, header, scene_of(PICTURE))}
    return Frame({name: given[name] for name in ("image", *inputs)}, 0.0, 0.0, certain)


@pytest.mark.parametrize("mode", rendering.MODES)
def test_every_mode_draws_what_the_library_draws(types, header, mode):
    drawn = render(
        frame(types, header, *inputs_of(mode)[1:]), RendererOptions(mode=mode, hide=("0", "torso"))
    )
    expected = rendering.draw(PICTURE, scene_of(PICTURE), mode, Style(hide=("0", "torso")), bgr=True)
    assert np.array_equal(drawn, expected)
    assert not np.array_equal(drawn, PICTURE)


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_requires_no_more_than_it_reads(mode):
    assert inputs_of(mode)[0] == required_of(mode)[0] == "image"
    assert set(required_of(mode)) == (set(inputs_of(mode)) if mode in PRIVACY else {"image"})


def test_the_drawing_options_are_those_of_the_library():
    ours = options_of(RendererOptions)
    assert {name: ours[name] for name in options_of(Style)} == options_of(Style)


def test_a_mode_that_is_added_to_the_table_can_be_asked_for_and_is_drawn(types, header, monkeypatch):
    def masked(image, scene, style, bgr):
        return np.where(scene.instance_mask[..., None] > 0, image, np.uint8(9))

    mode = Mode("people on dark grey", ("instance_mask",), masked, privacy=True)
    monkeypatch.setitem(MODES, "cut", mode)
    assert inputs_of("cut") == required_of("cut") == ("image", "instance_mask")
    assert parameters()["mode"].text.endswith(", pixelate_parts, cut")
    options = RendererOptions().changed({"mode": "cut"})
    drawn = render(frame(types, header, "instance_mask"), options)
    assert np.array_equal(drawn, masked(PICTURE, scene_of(PICTURE), options, True))
    assert render(frame(types, header), options) is None
    monkeypatch.delitem(MODES, "cut")
    with pytest.raises(ValueError, match=r"mode is 'cut', but must be one of parts, .*, pixelate_parts$"):
        RendererOptions().changed({"mode": "cut"})


def test_parameters_reach_the_picture(types, header):
    given = frame(types, header, "instance_mask", "persons")
    flipped, plain = (render(given, RendererOptions(flip=flip, opacity=1.0)) for flip in (True, False))
    assert not np.array_equal(flipped, plain)
    assert np.array_equal(
        plain, rendering.draw(PICTURE, scene_of(PICTURE), "instances", Style(opacity=1.0), bgr=True)
    )


@pytest.mark.parametrize("mode", OTHERS)
def test_without_partners_the_image_is_still_drawn(types, header, mode):
    assert render(frame(types, header), RendererOptions(mode=mode)).shape == PICTURE.shape


@pytest.mark.parametrize("mode", PRIVACY)
def test_a_privacy_mode_shows_nothing_unless_it_has_all_of_the_very_image(types, header, mode):
    options = RendererOptions(mode=mode)
    needed = inputs_of(mode)[1:]
    assert {"part_mask", "keypoints"} <= set(needed)
    for absent in needed:
        assert render(frame(types, header, *(set(needed) - {absent})), options) is None
    assert render(frame(types, header, *needed, certain=False), options) is None
    assert render(frame(types, header, *needed), options) is not None


@pytest.mark.parametrize(
    ("encoding", "convert"),
    [
        ("rgb8", cv2.COLOR_BGR2RGB), ("rgba8", cv2.COLOR_BGR2RGBA), ("bgra8", cv2.COLOR_BGR2BGRA),
        ("mono8", cv2.COLOR_BGR2GRAY), ("bgr8", None),
    ],
)  # fmt: skip
def test_images_of_every_encoding_become_bgr(types, header, encoding, convert):
    pixels = PICTURE if convert is None else cv2.cvtColor(PICTURE, convert)
    rows = np.pad(pixels.reshape(SIZE[0], -1), ((0, 0), (0, 5)))
    image = images.bgr_image(types, header, PICTURE)
    image.encoding, image.step, image.data = encoding, rows.shape[1], rows.reshape(-1)
    image.data.flags.writeable = False
    expected = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if encoding == "mono8" else PICTURE
    assert np.array_equal(
        render(frame(types, header, image=image), RendererOptions(mode="skeleton")), expected
    )


def test_compressed_images_are_read(types, header):
    image = SimpleNamespace(format="png", data=cv2.imencode(".png", PICTURE)[1].tobytes(), header=header)
    options = RendererOptions(mode="skeleton", input_transport="compressed")
    assert np.array_equal(render(frame(types, header, image=image), options), PICTURE)


def test_pictures_become_messages(types, header, store):
    raw = images.bgr_image(types, header, PICTURE[::2, ::2])
    assert (raw.header, raw.encoding, raw.height, raw.width, raw.step) == (header, "bgr8", 24, 32, 96)
    assert np.array_equal(images.to_image(raw)[0], PICTURE[::2, ::2])
    small, large = (images.jpeg_image(types, header, PICTURE, quality) for quality in (5, 95))
    assert (large.header, large.format) == (header, "bgr8; jpeg compressed bgr8")
    assert len(small.data) < len(large.data)
    assert np.abs(images.to_image_compressed(large)[0].astype(int) - PICTURE).mean() < 8
    store.serialize_cdr(large, large.__msgtype__)


# The thread that draws


class Port:
    """Topics that remember what was published."""

    def __init__(self, *topics):
        self.topics = topics
        self.published = []
        self.gate = threading.Semaphore(0)

    def listeners(self, topic):
        return int(topic in self.topics)

    def publish(self, topic, message):
        self.published.append((topic, message))
        self.gate.release()

    def wait(self, count=1):
        for _ in range(count):
            assert self.gate.acquire(timeout=10)


class Log(list):
    def error(self, text):
        self.append(text)

    info = warning = error


@pytest.fixture
def studio(types):
    """A camera, and who draws it."""
    log = Log()
    camera = Camera("front", Port(drawing.RAW), Joiner(5, 0.5))
    painter = Painter([camera], RendererOptions(), types, log)
    yield SimpleNamespace(camera=camera, painter=painter, log=log)
    painter.stop()


def draw_until(studio, frame, condition):
    studio.painter.put(studio.camera, frame)
    deadline = threading.Event()
    for _ in range(1000):
        if condition():
            return
        deadline.wait(0.01)
    raise AssertionError(studio.log)


def test_both_outputs_carry_the_images_header(studio, types, header):
    studio.camera.port.topics = (drawing.RAW, drawing.COMPRESSED)
    studio.painter.put(studio.camera, frame(types, header, "instance_mask", "persons"))
    studio.camera.port.wait(2)
    (raw, first), (compressed, second) = studio.camera.port.published
    assert (raw, compressed) == ("debug_image", "debug_image/compressed")
    assert first.header is header
    assert second.header is header


def test_bad_input_is_told_and_the_next_frame_is_drawn(studio, types, header):
    bad = frame(types, header, "instance_mask")
    bad.messages["instance_mask"] = copy.copy(bad.messages["instance_mask"])
    bad.messages["instance_mask"].encoding = "rgb8"
    draw_until(studio, bad, lambda: studio.camera.statistics.bad == 1)
    broken = Frame({"image": SimpleNamespace(header=header)}, certain=True)
    draw_until(studio, broken, lambda: studio.camera.statistics.bad == 2)
    studio.painter.put(studio.camera, frame(types, header))
    studio.camera.port.wait()
    assert (
        studio.log[0]
        == "front: a frame cannot be drawn: instance_mask is rgb8, but a label image must be mono8"
    )
    assert "drawing failed: AttributeError" in studio.log[1]
    now = status(studio.camera, waiting="", listening=True)
    assert now.level == 1
    assert now.values["bad frames"] == "2"
    assert now.values["frames drawn"] == "1"


def test_a_mask_is_published_in_colours_and_a_broken_one_said(studio, types, header):
    labels = scene_of(PICTURE).instance_mask
    mask = images.label_image(types, header, labels)
    studio.painter.colour(studio.camera, "instance_mask", mask)
    ((topic, message),) = studio.camera.port.published
    assert (topic, message.encoding, message.header) == ("label_image", "rgb8", header)
    found, _ = images.to_image(message)
    assert (found == rendering.draw_labels(labels, "instance_mask")).all()
    mask.encoding = "rgb8"
    studio.painter.colour(studio.camera, "instance_mask", mask)
    assert "label_image cannot be drawn: instance_mask is rgb8" in studio.log[0]
    assert len(studio.camera.port.published) == 1


def test_an_image_of_depth_is_said_once_and_not_drawn(studio, types, header):
    depth = frame(types, header)
    depth.messages["image"] = SimpleNamespace(
        header=header, encoding="16UC1", height=4, width=4, step=8, is_bigendian=0, data=bytes(32)
    )
    for number in (1, 2):
        draw_until(studio, depth, lambda reached=number: studio.camera.statistics.bad == reached)
    assert [text for text in studio.log if "16UC1, which is depth" in text] == studio.log
    assert len(studio.log) == 1


def test_a_privacy_mode_tells_why_it_withholds_images_without_stamps(studio, types, header):
    studio.painter.options = RendererOptions(mode="blur_parts")
    header.stamp.sec = header.stamp.nanosec = 0
    uncertain = frame(types, header, "part_mask", certain=False)
    draw_until(studio, uncertain, lambda: studio.log)
    assert "blur_parts shows nothing of an image whose stamp is not set" in studio.log[0]
    assert studio.camera.port.published == []
    assert studio.camera.statistics.withheld == 1


def test_what_was_begun_before_a_change_of_options_is_not_shown(studio, types, header, monkeypatch):
    """It may show what the new ones hide."""
    hidden = threading.Event()

    def slow(*arguments):
        studio.painter.options = RendererOptions(mode="blur_parts")
        hidden.set()
        return PICTURE

    monkeypatch.setattr(drawing, "render", slow)
    studio.painter.put(studio.camera, frame(types, header))
    assert hidden.wait(10)
    studio.painter.stop()
    assert studio.camera.port.published == []


def test_max_rate_and_nobody_who_looks_leave_frames_out(studio, types, header):
    studio.painter.options = RendererOptions(max_rate=1.0)
    for _ in range(2):
        draw_until(studio, frame(types, header), lambda: studio.camera.port.published)
    draw_until(studio, frame(types, header), lambda: studio.camera.statistics.over_rate)
    assert len(studio.camera.port.published) == 1
    studio.camera.port.topics = ()
    studio.painter.put(studio.camera, frame(types, header))
    studio.painter.stop()
    assert len(studio.camera.port.published) == 1
    assert status(studio.camera, waiting="", listening=False).message == "idle: nobody subscribes"
    assert status(studio.camera, waiting="no image", listening=True)[:2] == (1, "no image")


# Parameters


def test_the_parameter_file_is_accepted_and_changes_nothing():
    """What it says is made by docs/tables.py; see test_readme.py."""
    values = YAML(typ="safe").load(ROOT / "config/renderer.yaml")["/**"]["ros__parameters"]
    assert values.keys() == parameters().keys()
    assert RendererOptions().changed(values) == RendererOptions()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mode", "sepia", "mode is 'sepia', but must be one of parts, instances"),
        ("opacity", 1.5, "opacity is 1.5, but must be a number from 0.0 to 1.0"),
        ("blur", 21.0, "blur"),
        ("hide", ["beard"], "no part is called 'beard'"),
        ("hide", [], "hide is empty"),
        ("hide", [24], "0..23"),
        ("cameras", ["/front"], "'/front'"),
        ("input_transport", "theora", "raw, compressed"),
        ("jpeg_quality", 0, "from 1 to 100"),
        ("buffer_size", 0, "from 1 to 1000"),
        ("wait_s", 0.0, "from 0.05 to 60.0"),
    ],
)
def test_bad_values_are_refused_with_the_reason(name, value, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        RendererOptions().changed({name: value, "use_sim_time": True})


@pytest.mark.parametrize(
    "value", [[0, 1], ["face"], "face", ("0", "1"), np.array([0, 1]), ["left_face", "1"]]
)
def test_parts_to_hide_are_numbers_or_words(value):
    assert RendererOptions().changed({"hide": value}).part_ids == (0, 1)


def test_cameras_are_named_as_the_segmenter_names_them():
    assert RendererOptions().camera_names == ("",)
    assert RendererOptions().changed({"cameras": ["front", "rear"]}).camera_names == ("front", "rear")
