"""One camera: every topic, every encoding, parameters, bad frames."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo

import bodypix_ros
from bodypix_ros.options import options_of
from bodypix_ros.ros.messages import images, labels
from bodypix_ros.ros.segmenter.parameters import parameters
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from on_ros.harness import MODEL, OUTPUTS, Image, NodeProcess, image, wait_until

SHAPE = (96, 128)


@pytest.fixture(scope="module")
def node(model_dir):
    with NodeProcess(
        "-r", "__ns:=/robot", model=MODEL, model_dir=model_dir, device="CPU", confidence=True,
        score_threshold=0.1, algorithm="original", tracking=False,  # nothing is remembered
    ) as process:  # fmt: skip
        process.wait_for("runs on CPU")
        process.path = f"robot/{process.name}"
        yield process


@pytest.fixture(scope="module")
def library(model_dir):
    with bodypix_ros.load(
        MODEL,
        model_dir=model_dir,
        device="CPU",
        confidence=True,
        score_threshold=0.1,
        algorithm="original",
    ) as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (SHAPE[0] // 8, SHAPE[1] // 8, 3), np.uint8)
    return np.ascontiguousarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8)))


@pytest.fixture(scope="module")
def camera(peer, node):
    publisher = peer.camera("/robot/image")
    wait_until(publisher.get_subscription_count, "the node subscribes to /robot/image")
    return publisher


@pytest.fixture(scope="module")
def outputs(peer, camera):
    return peer.outputs("/robot/")


def pixels(message):
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)


def counts(peer, node):
    return peer.values(f"{node.title}: camera")


def check(answers, expected):
    """Compare the messages, in the order of OUTPUTS, with a Scene."""
    found = dict(zip(OUTPUTS, answers, strict=True))
    persons, keypoints = found["persons"], found["keypoints"]
    for topic in ("instance_mask", "part_mask", "confidence"):
        message, mask = found[topic], getattr(expected, topic)
        assert message.encoding == "mono8"
        assert (message.height, message.width) == mask.shape
        np.testing.assert_array_equal(pixels(message), mask)
    assert len(persons.detections) == len(keypoints.detections) == len(expected.persons)
    for detection, person in zip(persons.detections, expected.persons, strict=True):
        assert [r.hypothesis.class_id for r in detection.results] == ["person"]
        assert detection.results[0].hypothesis.score == person.score
    for detection, person in zip(keypoints.detections, expected.persons, strict=True):
        assert tuple(r.hypothesis.class_id for r in detection.results) == expected.keypoint_names
        position = detection.results[0].pose.pose.position
        assert (position.x, position.y) == tuple(person.keypoints[0, :2].tolist())


def test_every_output_equals_the_librarys_and_has_the_images_header(peer, camera, outputs, library, picture):
    frame = image(picture, "bgr8", peer.stamp(), frame_id="camera_optical")

    answers = peer.exchange(camera, frame, list(outputs.values()))

    expected = library.segment(picture)
    assert expected.person_mask.any()
    assert expected.persons
    check(answers, expected)
    assert all(answer.header == frame.header for answer in answers)
    persons = dict(zip(OUTPUTS, answers, strict=True))["persons"]
    assert all(detection.header == frame.header for detection in persons.detections)


def test_a_reliable_camera_is_heard_too(peer, camera, outputs, library, picture):
    reliable = peer.camera("/robot/image", reliable=True)

    answers = peer.exchange(reliable, image(picture, "rgb8", peer.stamp()), list(outputs.values()))

    check(answers, library.segment(picture, "rgb8"))
    peer.node.destroy_publisher(reliable)


@pytest.mark.parametrize(
    ("encoding", "shape", "padding"),
    [
        ("rgb8", (*SHAPE, 3), 13),
        ("rgba8", (*SHAPE, 4), 0),
        ("bgra8", (*SHAPE, 4), 4),
        ("mono8", SHAPE, 5),
        ("mono16", (*SHAPE, 2), 2),
        ("yuv422", (*SHAPE, 2), 0),
        ("uyvy", (*SHAPE, 2), 0),
        ("yuv422_yuy2", (*SHAPE, 2), 6),
        ("yuyv", (*SHAPE, 2), 0),
        ("nv21", (SHAPE[0] * 3 // 2, SHAPE[1]), 0),
        ("nv12", (SHAPE[0] * 3 // 2, SHAPE[1]), 16),
        ("bayer_rggb8", SHAPE, 0),
        ("bayer_gbrg8", SHAPE, 3),
    ],
)
def test_encodings_and_padded_rows(peer, camera, outputs, library, encoding, shape, padding):
    rng = np.random.default_rng(len(encoding))
    coarse = rng.integers(0, 256, (shape[0] // 4, shape[1] // 8, *shape[2:]), np.uint8)
    data = np.ascontiguousarray(coarse.repeat(4, axis=0).repeat(8, axis=1))
    frame = image(data, encoding, peer.stamp(), padding=padding)
    frame.height = SHAPE[0]

    answers = peer.exchange(camera, frame, list(outputs.values()))

    check(answers, library.segment(*images.to_image(frame)))


def test_a_stamp_of_zero_is_kept(peer, camera, outputs, picture):
    outputs["persons"].messages.clear()

    (answer,) = peer.exchange(camera, image(picture, "bgr8", (0, 0)), [outputs["persons"]])

    assert answer.header.stamp.sec == answer.header.stamp.nanosec == 0


def test_bad_frames_between_good_ones(peer, node, camera, outputs, picture):
    before = int(counts(peer, node)["bad frames"])
    cut = image(picture, "bgr8", peer.stamp())
    cut.data = cut.data[:100]
    empty = Image(encoding="bgr8")
    unknown = image(picture, "what_is_this", peer.stamp())
    narrow = image(picture, "bgr8", peer.stamp())
    narrow.step = 3

    for number, bad in enumerate((cut, empty, unknown, narrow), start=1):
        wait_until(
            lambda reached=before + number: int(counts(peer, node)["bad frames"]) >= reached,
            "a bad frame is counted",
            also=lambda frame=bad: camera.publish(frame),
        )
        peer.exchange(camera, image(picture, "bgr8", peer.stamp()), [outputs["instance_mask"]])

    assert "a frame cannot be read: image of 128x96 bgr8 is cut off" in node.output
    assert counts(peer, node)["last error"] != "none"


def test_an_image_of_depth_is_said_once_and_not_processed(peer, node, camera, outputs, picture):
    before = int(counts(peer, node)["bad frames"])
    depth = image(np.full(SHAPE, 1500, np.uint16), "16UC1", peer.stamp())

    def counted():
        return int(counts(peer, node)["bad frames"]) >= before + 3

    wait_until(counted, "frames of depth are counted", also=lambda: camera.publish(depth))

    assert node.output.count("the images are 16UC1, which is depth") == 1
    assert outputs["instance_mask"].at((depth.header.stamp.sec, depth.header.stamp.nanosec)) is None
    peer.exchange(camera, image(picture, "bgr8", peer.stamp()), [outputs["instance_mask"]])


def test_outputs_are_reliable_and_volatile_and_label_infos_transient_local(peer, node, camera):
    for topic in OUTPUTS:
        (info,) = peer.node.get_publishers_info_by_topic(f"/robot/{topic}")
        assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        latched = topic.endswith("label_info")
        expected = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        assert info.qos_profile.durability == expected
    (info,) = [
        info
        for info in peer.node.get_subscriptions_info_by_topic("/robot/image")
        if info.node_name == node.name
    ]
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    names = [f"qos_overrides./robot/image.subscription.{policy}" for policy in ("depth", "reliability")]
    names += [f"qos_overrides./robot/persons.publisher.{policy}" for policy in ("depth", "reliability")]
    assert [peer.get(node.path, name) for name in names] == [1, "best_effort", 1, "reliable"]


def test_label_infos_reach_who_joins_late_and_follow_the_threshold(peer, node, camera, outputs, picture):
    peer.exchange(camera, image(picture, "bgr8", peer.stamp(), frame_id="first"), [outputs["persons"]])

    instances = peer.subscribe("/robot/instance_mask/label_info", LabelInfo, latched=True)
    people = peer.subscribe("/robot/person_mask/label_info", LabelInfo, latched=True)
    parts = peer.subscribe("/robot/part_mask/label_info", LabelInfo, latched=True)
    wait_until(lambda: instances.messages and people.messages and parts.messages, "label infos")

    assert [(c.class_id, c.class_name) for c in parts.messages[-1].class_map] == list(
        enumerate(("background", *labels.PART_LABELS))
    )
    assert [(c.class_id, c.class_name) for c in people.messages[-1].class_map] == [
        (0, "background"),
        (1, "person"),
    ]
    assert instances.messages[-1].class_map[10].class_name == "person_10"
    assert instances.messages[-1].threshold == pytest.approx(0.7)
    assert instances.messages[-1].header.frame_id
    assert peer.set(node.path, "segmentation_threshold", 0.5).successful
    wait_until(
        lambda: instances.messages[-1].threshold == 0.5 and parts.messages[-1].threshold == 0.5,
        "label infos of the new threshold",
        also=lambda: camera.publish(image(picture, "bgr8", peer.stamp())),
    )
    assert peer.set(node.path, "segmentation_threshold", 0.7).successful
    peer.unsubscribe(instances, people, parts)


def test_parameters_change_live(peer, node, camera, outputs, library, picture):
    changes = {"segmentation_threshold": 0.5, "max_detections": 2, "nms_radius": 5.0, "parts": True}
    before = {name: peer.get(node.path, name) for name in changes}
    try:
        for name, value in changes.items():
            result = peer.set(node.path, name, value)
            assert result.successful, result.reason
        library.update(**changes)
        answers = peer.exchange(camera, image(picture, "bgr8", peer.stamp()), list(outputs.values()))
        check(answers, library.segment(picture))
    finally:
        library.update(**before)
        for name, value in before.items():
            peer.set(node.path, name, value)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("segmentation_threshold", 1.5, "segmentation_threshold"),
        ("max_detections", 255, "max_detections"),
        ("segmentation_threshold", "much", "DOUBLE"),
        ("model", "bodypix-mobilenet-100-s16-q4", "unconfigured"),
        ("cameras", ["front"], "unconfigured"),
        ("internal_resolution", "high", "unconfigured"),
        ("mono16_max", 0, "mono16_max"),
        ("max_rate", -1.0, "max_rate"),
    ],
)
def test_refused_parameters_give_the_reason_and_stay(peer, node, name, value, reason):
    before = peer.get(node.path, name)

    result = peer.set(node.path, name, value)

    assert not result.successful
    assert reason in result.reason
    assert peer.get(node.path, name) == before


def test_descriptors_carry_the_models_ranges(peer, node):
    fields = [option for option in options_of(PeopleOptions).values() if option.low is not None]

    descriptors = peer.describe(node.path, [field.name for field in fields])

    for field, descriptor in zip(fields, descriptors, strict=True):
        (allowed,) = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert (allowed.from_value, allowed.to_value) == (field.low, field.high)
        assert descriptor.description == parameters()[field.name].text


def test_parts_and_confidence_come_only_when_asked_for(peer, node, camera, outputs, library, picture):
    assert peer.set(node.path, "confidence", False).successful
    assert peer.set(node.path, "parts", False).successful
    first, second = (image(picture, "bgr8", peer.stamp()) for _ in range(2))

    peer.exchange(camera, first, [outputs["persons"]])
    peer.exchange(camera, second, [outputs["persons"]])

    for topic in ("confidence", "part_mask"):
        assert outputs[topic].at((first.header.stamp.sec, first.header.stamp.nanosec)) is None
    assert peer.set(node.path, "confidence", True).successful
    assert peer.set(node.path, "parts", True).successful
    answers = peer.exchange(camera, image(picture, "bgr8", peer.stamp()), list(outputs.values()))
    check(answers, library.segment(picture))


def test_enable_stops_and_goes_on(peer, node, camera, outputs, picture):
    response = peer.call(SetBool, f"/{node.path}/enable", SetBool.Request(data=False))
    assert response.success
    assert peer.get(node.path, "enabled") is False
    idle = int(counts(peer, node)["idle (nobody wanted it)"])

    frame = image(picture, "bgr8", peer.stamp())
    wait_until(
        lambda: int(counts(peer, node)["idle (nobody wanted it)"]) > idle + 2,
        "frames are left aside",
        also=lambda: camera.publish(frame),
    )

    assert outputs["persons"].at((frame.header.stamp.sec, frame.header.stamp.nanosec)) is None
    assert peer.call(SetBool, f"/{node.path}/enable", SetBool.Request(data=True)).success
    peer.exchange(camera, image(picture, "bgr8", peer.stamp()), list(outputs.values()))


def test_max_rate_leaves_frames_out(peer, node, camera, outputs, picture):
    assert peer.set(node.path, "max_rate", 1.0).successful

    wait_until(
        lambda: int(counts(peer, node)["left out (max_rate)"]) > 5,
        "frames are left out",
        also=lambda: camera.publish(image(picture, "bgr8", peer.stamp())),
    )

    assert peer.set(node.path, "max_rate", 0.0).successful
    peer.exchange(camera, image(picture, "bgr8", peer.stamp()), [outputs["persons"]])


def test_diagnostics_say_what_runs_where(peer, node, camera, outputs, picture):
    peer.exchange(camera, image(picture, "bgr8", peer.stamp()), list(outputs.values()))

    def told():
        values = counts(peer, node)
        numbers = [values[name] for name in ("age p50 (ms)", "age p95 (ms)", "node overhead p50 (ms)")]
        return "none" not in numbers and float(values["received (Hz)"]) > 0 and values

    wait_until(told, "numbers", also=lambda: camera.publish(image(picture, "bgr8", peer.stamp())))
    model = SimpleNamespace(**peer.values(f"{node.title}: model"))
    assert (model.device, model.precision, model.model, model.state) == ("CPU", "f32", MODEL, "active")
    assert peer.diagnostics[f"{node.title}: model"].level == b"\x00"


def test_lazy_computes_nothing_when_nobody_listens(peer, node, camera, outputs, picture):
    """Comes last: it takes the subscriptions away."""
    peer.unsubscribe(*outputs.values())
    publish = lambda: camera.publish(image(picture, "bgr8", peer.stamp()))  # noqa: E731
    before = counts(peer, node)

    def idle():
        return int(counts(peer, node)["idle (nobody wanted it)"]) > int(before["idle (nobody wanted it)"]) + 3

    wait_until(idle, "idle frames", also=publish)
    published = int(counts(peer, node)["frames published"])
    wait_until(
        lambda: peer.diagnostics[f"{node.title}: camera"].message == "idle: nobody subscribes",
        "diagnostics say that it is idle",
        also=publish,
    )
    assert peer.diagnostics[f"{node.title}: camera"].level == b"\x00"
    assert int(counts(peer, node)["frames published"]) == published

    assert peer.set(node.path, "lazy", False).successful
    wait_until(lambda: int(counts(peer, node)["frames published"]) > published + 3, "frames", also=publish)


def test_images_are_not_even_received_while_nobody_listens(peer, model_dir, picture):
    topic = "/resting/image"
    with NodeProcess(
        "-r", "__ns:=/resting", model=MODEL, model_dir=model_dir, device="CPU", idle_timeout=4.0
    ) as node:
        camera = peer.camera(topic)
        wait_until(camera.get_subscription_count, "the node listens at first")
        wait_until(lambda: camera.get_subscription_count() == 0, "it rests")
        entry = f"{node.title}: camera"
        wait_until(lambda: peer.values(entry)["publishers, while idle"] == "1", "diagnostics say so")
        assert peer.diagnostics[entry].message == "idle: nobody subscribes"
        assert peer.diagnostics[f"{node.title}: camera"].level == b"\x00"

        masks = peer.subscribe("/resting/instance_mask", Image)
        started, sent = time.monotonic(), 0
        while not masks.messages:
            assert time.monotonic() - started < 10
            camera.publish(image(picture, "bgr8", peer.stamp()))
            sent += 1
            time.sleep(1 / 30)
        print(f"the first mask came {time.monotonic() - started:.3f} s, {sent} frames after the subscription")
        assert sent < 30  # a few on a machine that is not busy
        peer.unsubscribe(masks)
        wait_until(lambda: camera.get_subscription_count() == 0, "it rests again")
    peer.node.destroy_publisher(camera)
