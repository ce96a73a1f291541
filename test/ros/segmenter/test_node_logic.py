"""What the segmenter node decides, without ROS."""

import dataclasses
import re
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.errors import ClosedError, DeviceError, MissingModelError
from bodypix_ros.models import catalogue
from bodypix_ros.options import options_of
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.ros.messages import people
from bodypix_ros.ros.messages.outputs import absent
from bodypix_ros.ros.messages.stencil import Stencils
from bodypix_ros.ros.segmenter.diagnostics import Statistics, camera_status, node_status
from bodypix_ros.ros.segmenter.inference import FAILURES, Inference, devices_after
from bodypix_ros.ros.segmenter.pace import advice
from bodypix_ros.ros.segmenter.parameters import Settings, model_parameters, parameters
from bodypix_ros.ros.segmenter.pipeline import wanted
from bodypix_ros.ros.shared import diagnostics, outage
from bodypix_ros.ros.shared.diagnostics import Window
from bodypix_ros.ros.shared.log import Throttle
from bodypix_ros.ros.shared.mailbox import Mailboxes, RateLimit
from bodypix_ros.ros.shared.threads import in_background
from bodypix_ros.scene import Person, Scene
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE, OriginalOptions, PeopleOptions
from bodypix_ros.segmenters.families import FAMILIES
from support.fake import scene_of
from support.paths import ROOT
from support.rig import LABEL_INFOS, PER_FRAME, TYPES, Device, Log, Rig, frame, serialize, until

PARAMETERS = parameters()
KEYPOINTS_3D = "keypoints_3d"


# Mailboxes


def test_a_newer_frame_replaces_a_waiting_one():
    boxes = Mailboxes(["front"])
    assert not boxes.put("front", 1)
    assert boxes.put("front", 2)
    assert boxes.take() == ("front", 2)
    assert not boxes.put("front", 3)


def test_cameras_take_turns_however_fast_one_is():
    boxes = Mailboxes(["fast", "slow", "third"])
    served = []
    for number in range(9):
        boxes.put("fast", number)
        if number % 2 == 0:
            boxes.put("slow", number)
        boxes.put("third", number)
        camera, _ = boxes.take()
        served.append(camera)
        boxes.release(camera)
    assert served == ["fast", "slow", "third"] * 3


def test_a_camera_is_served_by_one_thread_at_a_time():
    boxes = Mailboxes(["a", "b"])
    boxes.put("a", 1)
    assert boxes.take() == ("a", 1)
    boxes.put("a", 2)
    boxes.put("b", 3)
    assert boxes.take() == ("b", 3)
    taken = in_background(boxes.take, "take")
    assert not taken.done()
    boxes.release("a")
    assert taken.result(5) == ("a", 2)


def test_a_frame_given_back_waits_unless_a_newer_one_came():
    boxes = Mailboxes(["a"])
    boxes.put("a", "old")
    boxes.take()
    boxes.release("a", back="old")
    assert boxes.take() == ("a", "old")
    boxes.put("a", "new")
    boxes.release("a", back="old")
    assert boxes.take() == ("a", "new")


def test_closing_wakes_everybody():
    boxes = Mailboxes(["a"])
    waiters = [in_background(boxes.take, "take") for _ in range(3)]
    boxes.close()
    assert [waiter.result(5) for waiter in waiters] == [None] * 3


@pytest.mark.parametrize(("limit", "expected"), [(20.0, 20), (10.0, 10), (7.0, 7), (60.0, 30), (0.0, 30)])
def test_the_rate_limit_gives_its_rate_on_average(limit, expected):
    rate = RateLimit()
    passed = sum(rate.allows(1000 + frame / 30, limit) for frame in range(300))
    assert passed / 10 == pytest.approx(expected, abs=0.2)


def test_a_pause_is_not_made_up_for():
    rate = RateLimit()
    assert rate.allows(0.0, 1.0)
    assert [rate.allows(100 + k / 10, 1.0) for k in range(10)] == [True] + [False] * 9


# Parameters


@pytest.mark.parametrize(("name", "cameras"), [("segmenter", ("",)), ("multi_camera", ("front", "rear"))])
def test_the_parameter_files_are_accepted_and_change_nothing_else(name, cameras):
    """What they say is made by docs/tables.py; see test_readme.py."""
    values = YAML(typ="safe").load(ROOT / f"config/{name}.yaml")["/**"]["ros__parameters"]
    assert values.pop("autostart") is True
    assert values.keys() <= PARAMETERS.keys()
    assert Settings().changed(values) == Settings().changed({"cameras": cameras})


@pytest.mark.parametrize("model", catalogue.models())
def test_every_model_gets_settings_of_its_own(model):
    settings = Settings().changed({"model": model})
    family = catalogue.model(model).family
    assert settings.model == FAMILIES[family].options()
    assert settings.load_arguments()["model"] == model
    assert set(settings.values()) == set(PARAMETERS)
    own = {
        name: option.default
        for name, option in options_of(settings.model).items()
        if "node" not in option.hidden_from
    }
    assert {name: value for name, value in settings.values().items() if name in own} == own
    shown = {name: field.default for name, field in model_parameters(model, {}).items()}
    assert shown.items() >= own.items()
    # As a file of parameters names them all, those of other models, too.
    changes = {"segmentation_threshold": 0.25, "tracking": False, "nms_radius": 9.0, "confidence": True}
    changed = settings.changed({**settings.values(), **changes})
    assert changed.model == dataclasses.replace(
        settings.model, **{n: v for n, v in changes.items() if n in own}
    )
    with pytest.raises(ValueError, match="detection_interval"):
        settings.changed({"detection_interval": 0})


def test_the_performance_hint_follows_the_number_of_cameras():
    assert Settings().node.hint == "LATENCY"
    assert Settings().changed({"cameras": ["front"]}).node.hint == "LATENCY"
    assert Settings().changed({"cameras": ["front", "rear"]}).node.hint == "THROUGHPUT"
    for hint in ("LATENCY", "THROUGHPUT"):
        settings = Settings().changed({"cameras": ["front", "rear"], "performance_hint": hint})
        assert settings.load_arguments()["performance_hint"] == hint


def busy(received_hz, published_hz, segment_ms, seconds=10):
    """What a camera's numbers are after some seconds."""
    statistics, every = Statistics(), received_hz / published_hz
    for k in range(int(received_hz * seconds)):
        now_s = 100 + k / received_hz
        taken = int((k + 1) / every) > int(k / every)
        statistics.receive(now_s, now_s, replaced=not taken)
        if taken:
            statistics.publication(now_s, age_ms=50, overhead_ms=2, segment_ms=segment_ms, outputs=())
    return statistics


PUBLISHED = {"algorithm": ORIGINAL}


@pytest.mark.parametrize(
    ("parameters", "cameras", "workers", "said"),
    [
        ({}, [busy(30, 30, 20)], 1, ""),
        ({}, [busy(30, 7.5, 130)], 1, r"crops 0 \(now 2\) would do; if that is not enough, base_size 2"),
        ({"crops": 0}, [busy(30, 7.5, 130)], 1, r"^7.\d of 30.\d frames per second are processed: base"),
        (PUBLISHED, [busy(30, 7.5, 130)], 1, r"^7.\d of 30.\d frames per second are processed: internal_"),
        (PUBLISHED, [busy(30, 7.5, 130)], 1, r"internal_resolution 0.23 "),
        ({**PUBLISHED, "internal_resolution": "full"}, [busy(30, 15, 53)], 1, r"n 0.71 \(now 1\) would do"),
        ({}, [busy(30, 7.5, 130)], 6, ""),
        (PUBLISHED, [busy(30, 15, 20), busy(30, 15, 20)], 1, "internal_resolution 0.41 "),
        ({"model": "selfie-general"}, [busy(30, 15, 60)], 1, "a smaller model would do, or another device"),
        ({}, [busy(30, 15, 2)], 1, ""),  # dropped for another reason, such as a compilation
    ],
)  # fmt: skip
def test_who_cannot_keep_up_says_which_setting_would(parameters, cameras, workers, said):
    text = advice(cameras, Settings().changed(parameters), workers, 110.0)
    assert re.search(said, text) if said else text == ""


def test_it_is_said_once_that_it_cannot_keep_up():
    with Rig() as rig:
        rig.cameras[""].statistics = busy(30, 7.5, 130)
        for now_s in (110.0, 110.1, 110.2):
            rig.pipeline.check(now_s)
        assert rig.log.text("warning").count("frames per second are processed") == 1
        assert "crops 0" in rig.pipeline.slow
        rig.pipeline.settings = rig.pipeline.settings.changed({"crops": 0})
        rig.pipeline.check(110.3)
        assert "crops" not in rig.pipeline.slow


@pytest.mark.parametrize(("cameras", "requests", "workers"), [(1, 3, 1), (4, 3, 3), (4, 1, 1)])
def test_there_is_a_worker_for_every_request_that_cameras_can_fill(cameras, requests, workers):
    with Rig(*[f"camera{k}" for k in range(cameras)], threads=requests) as rig:
        assert len(rig.pipeline._threads) == workers


def test_what_was_set_stays_when_the_model_changes_and_the_rest_follows_it():
    settings = Settings().changed({"score_threshold": 0.6, "model": "blazepose-lite"})
    assert (settings.model.score_threshold, settings.model.segmentation_threshold) == (0.6, 0.5)
    settings = settings.changed({"model": DEFAULT_MODEL})
    assert (settings.model.score_threshold, settings.model.max_detections) == (0.6, 30)


def test_the_algorithm_decides_the_defaults_as_the_model_does():
    settings = Settings().changed({"algorithm": ORIGINAL, "score_threshold": 0.6, "max_detections": 30})
    assert settings.model == OriginalOptions(score_threshold=0.6, max_detections=30)
    assert settings.values()["segmentation_threshold"] == 0.7
    settings = settings.changed({"algorithm": PEOPLE})
    assert settings.model == PeopleOptions(score_threshold=0.6)
    assert settings.values()["segmentation_threshold"] == 0.5
    assert settings.load_arguments()["base_size"] == 481


def test_what_another_algorithm_has_is_kept_and_said_to_have_no_effect():
    everything = Settings().changed({**Settings().values(), "nms_radius": 9.0, "crops": 1})
    assert everything.without_effect() == {
        "nms_radius": "nms_radius has no effect: it is for algorithm: original"
    }
    other = everything.changed({"algorithm": ORIGINAL})
    assert other.without_effect() == {"crops": "crops has no effect: it is for algorithm: people"}
    assert other.model.nms_radius == 9.0
    assert Settings().changed({"model": "selfie-general", "nms_radius": 9.0}).without_effect() == {}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("model", "yolo", "yolo"),
        ("device", " ", "device is empty"),
        ("precision", "int4", "precision is 'int4', but must be one of empty, f32, f16, int8"),
        ("performance_hint", "FAST", "must be one of AUTO, LATENCY, THROUGHPUT"),
        ("input_transport", "theora", "must be one of raw, compressed"),
        ("cameras", ["/front"], "'/front'"),
        ("cameras", ["a", "a"], "twice"),
        ("max_rate", -1.0, "max_rate is -1.0, but must be a number from 0.0 to 1000.0"),
        ("mono16_max", 0, "from 1 to 65535"),
        ("lazy", 1, "True or False"),
        ("internal_resolution", "huge", "internal_resolution"),
        (
            "segmentation_threshold",
            1.5,
            "segmentation_threshold is 1.5, but must be a number from 0.0 to 1.0",
        ),
    ],
)
def test_bad_values_are_refused_with_the_reason(name, value, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        Settings().changed({name: value})


def test_only_live_parameters_change_once_configured():
    settings = Settings().changed({"cameras": ["front"], "internal_resolution": 0.4})
    changed = settings.changed({"max_rate": 5.0, "segmentation_threshold": 0.2}, configured=True)
    assert (changed.node.max_rate, changed.model.segmentation_threshold) == (5.0, 0.2)
    assert settings.node.max_rate == 0.0
    for name in PARAMETERS:
        if not PARAMETERS[name].live:
            with pytest.raises(ValueError, match=f"{name} can only be set while the node is unconfigured"):
                settings.changed({name: "something else"}, configured=True)
    assert settings.changed({"cameras": ["front"]}, configured=True) == settings
    assert settings.changed({"use_sim_time": True, "qos_overrides./image": 3}) == settings


def test_fixed_parameters_are_those_of_the_design():
    fixed = {name for name in PARAMETERS if not PARAMETERS[name].live}
    assert fixed == {
        "model", "device", "precision", "ranges", "performance_hint", "cameras", "input_transport",
        "model_dir", "cache_dir", "algorithm", "preset", "base_size", "internal_resolution",
        "threads", "bond_heartbeat_period", "id_prefix",
    }  # fmt: skip


# Devices


@pytest.mark.parametrize(
    ("wanted_devices", "failed", "available", "rest"),
    [
        ("AUTO", "GPU.0", ["CPU", "GPU.0", "GPU.1", "NPU"], ["GPU.1", "NPU", "CPU"]),
        ("AUTO", "GPU.0", ["CPU", "GPU"], ["CPU"]),
        ("AUTO", "GPU.0", ["CPU", "GPU", "NPU"], ["NPU", "CPU"]),
        ("GPU.0,NPU", "GPU.0", ["CPU", "GPU", "NPU"], ["NPU"]),
        ("GPU", "GPU.0", ["CPU", "GPU"], []),
        ("NPU,CPU", "NPU", ["CPU", "NPU"], ["CPU"]),
        ("auto", "CPU", ["CPU", "GPU"], []),
        ("GPU,CPU", "GPU.0", ["CPU", "GPU"], ["CPU"]),
        ("gpu.1, cpu", "GPU.1", ["CPU", "GPU.0", "GPU.1"], ["CPU"]),
        ("GPU,NPU,CPU", "GPU.0", ["CPU", "GPU"], ["CPU"]),
        ("CPU", "CPU", ["CPU"], []),
    ],
)
def test_devices_after_one_that_failed(wanted_devices, failed, available, rest):
    assert devices_after(wanted_devices, failed, available) == rest


def test_a_device_that_keeps_failing_is_left_for_the_next():
    loaded, log = {}, Log()

    def load(device):
        loaded[device] = Device("GPU.0" if device == "AUTO" else device, broken=device == "AUTO")
        return loaded[device]

    inference = Inference(load, "AUTO", lambda: ["CPU", "GPU"], log)
    inference.update({"parts": False, "not_an_option_of_this_model": 1})
    stream = inference.stream()
    image = np.zeros((4, 4, 3), np.uint8)
    for _ in range(FAILURES):
        with pytest.raises(DeviceError, match=r"GPU\.0 is broken"):
            stream.segment(image, "bgr8")
    assert inference.segmenter is loaded["CPU"]
    assert inference.left == ("GPU.0",)
    assert "GPU.0 failed 3 times in a row and is left; CPU executes now" in log.text("warning")
    inference.update({"parts": False})
    stream.segment(image, "bgr8")
    assert loaded["CPU"].options.parts is False


def test_every_stream_goes_on_with_the_segmenter_that_is_there():
    first, second = Device("GPU.0", broken=True), Device()
    inference = Inference(
        lambda device: first if device == "GPU,CPU" else second, "GPU,CPU", lambda: ["CPU", "GPU"], Log()
    )
    image = np.zeros((4, 4, 3), np.uint8)
    streams = [inference.stream(), inference.stream()]
    for _ in range(FAILURES):
        with pytest.raises(DeviceError):
            streams[0].segment(image, "bgr8", 1.0)
    assert len(first.streams) == 1
    for stamp in (2.0, 3.0):
        for stream in streams:
            stream.segment(image, "bgr8", stamp)
    assert len(second.streams) == 2
    assert second.stamps == [2.0, 2.0, 3.0, 3.0]


def test_a_success_in_between_starts_the_count_again():
    device = Device()
    inference = Inference(lambda _: device, "CPU", lambda: ["CPU"], Log())
    for broken in [True, True, False, True, True]:
        device.broken = broken
        if broken:
            with pytest.raises(DeviceError):
                inference.stream().segment(np.zeros((4, 4, 3), np.uint8), "bgr8")
        else:
            inference.stream().segment(np.zeros((4, 4, 3), np.uint8), "bgr8")
    assert inference.left == ()


def test_the_last_device_is_kept_and_that_is_said():
    log = Log()
    inference = Inference(lambda _: Device(broken=True), "CPU", lambda: ["CPU"], log)
    for _ in range(FAILURES):
        with pytest.raises(DeviceError):
            inference.prepare(4, 4)
    assert "no other device is left" in log.text("error")


def test_a_next_device_that_cannot_be_loaded_is_said():
    log = Log()

    def load(device):
        if device != "GPU,CPU":
            raise ValueError("no such weights")
        return Device("GPU.0", broken=True)

    inference = Inference(load, "GPU,CPU", lambda: ["CPU", "GPU"], log)
    for _ in range(2 * FAILURES):
        with pytest.raises(DeviceError):
            inference.prepare(4, 4)
    assert log.text("error").count("CPU cannot be used: no such weights") == 2


def test_background_calls_are_not_waited_for():
    gate = threading.Event()
    future = in_background(gate.wait, "native")
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "native")
    gate.set()
    assert future.result(5)
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0, "fails").result(5)


# Pipeline


def test_a_frame_fills_every_topic_that_somebody_listens_to():
    with Rig() as rig:
        rig.send(frame())
        port = rig.cameras[""].port
        assert port.topics() == ["instance_mask", "person_mask", "part_mask", "persons", "keypoints"]
        messages_ = dict(port.published)
        assert messages_["instance_mask"].header.frame_id == "lens"
        assert set(messages_["instance_mask"].data) == {1}
        assert set(messages_["person_mask"].data) == {1}
        image = np.full((8, 12, 3), (0, 0, 255), np.uint8)
        header, scene = messages_["instance_mask"].header, scene_of(image)
        assert messages_["persons"] == serialize(people.persons(TYPES, header, scene))
        assert messages_["keypoints"] == serialize(people.keypoints(TYPES, header, scene))
        assert rig.cameras[""].statistics.age_ms.percentile(time.monotonic(), 50) == 7
        assert [stamp.sec for stamp in rig.device.stamps] == [7]


def test_every_camera_has_a_stream_of_its_own():
    with Rig("front", "rear") as rig:
        for camera in ("front", "rear", "front"):
            rig.send(frame(), camera)
        assert len(rig.device.streams) == 2


@pytest.mark.parametrize(
    ("parameters", "listening", "expected"),
    [
        ({}, (), ()),
        ({}, ("persons",), ("persons",)),
        ({"lazy": False}, (), ("instance_mask", "person_mask", "part_mask", "persons", "keypoints")),
        ({"lazy": False, "confidence": True, "faces": True, "hands": True}, (), PER_FRAME),
        ({}, ("confidence", "part_mask"), ("part_mask",)),
        ({"parts": False}, ("part_mask", "persons"), ("persons",)),
        ({"confidence": True}, ("confidence",), ("confidence",)),
        ({"enabled": False, "lazy": False}, PER_FRAME, ()),
    ],
)  # fmt: skip
def test_only_what_is_wanted_is_computed(parameters, listening, expected):
    settings = Settings().changed(parameters)
    found = wanted(settings, lambda topic: topic in listening)
    assert tuple(output.topic for output in found) == expected


def test_parts_are_computed_only_while_somebody_listens_to_them():
    with Rig(listening=("persons",)) as rig:
        rig.send(frame())
        assert rig.device.options.parts is False
        rig.cameras[""].port.listening.add("part_mask")
        rig.send(frame())
        assert rig.device.options.parts is True


def test_hands_are_found_whoever_listens_as_masks_have_their_fingers(monkeypatch):
    device = Device()
    monkeypatch.setattr(device._details, "load", lambda _: None)  # no weights here
    with Rig(device=device, listening=("persons",), hands=True) as rig:
        rig.send(frame())
        assert rig.device.options.hands is True


def test_nobody_listening_or_not_enabled_costs_nothing():
    with Rig(listening=()) as rig:
        rig.send(frame())
        assert rig.device.encodings == []
        rig.pipeline.settings = Settings().changed({"lazy": False})
        rig.send(frame())
        assert len(rig.device.encodings) == 1
        rig.pipeline.settings = Settings().changed({"lazy": False, "enabled": False})
        rig.send(frame())
        assert len(rig.device.encodings) == 1
        assert rig.cameras[""].statistics.counts.idle == 2


def test_label_infos_come_with_the_first_frame_and_after_changes_only():
    with Rig(listening=()) as rig:
        port = rig.cameras[""].port
        rig.send(frame())
        rig.send(frame())
        assert [topic for topic, _ in port.published] == list(LABEL_INFOS)
        infos = dict(port.published)
        assert infos["instance_mask/label_info"].header.frame_id == "lens"
        assert len(infos["part_mask/label_info"].class_map) == 25
        assert len(infos["instance_mask/label_info"].class_map) == 255  # people without a pose count, too
        rig.pipeline.settings = Settings().changed({"segmentation_threshold": 0.6})
        rig.send(frame())
        assert len(port.published) == 2 * len(LABEL_INFOS)
        assert port.published[-1][1].threshold == 0.6
        changes = {"algorithm": ORIGINAL, "segmentation_threshold": 0.6, "max_detections": 3}
        rig.pipeline.settings = Settings().changed(changes)
        rig.send(frame())
        assert len(dict(port.published[2 * len(LABEL_INFOS) :])["instance_mask/label_info"].class_map) == 4


class Metric(Device):
    """A device whose model knows metres: it sees somebody 3 m in front of a camera."""

    family = BlazePoseOptions

    def seen(self, array):
        scene = super().seen(array)
        metres = np.random.default_rng(2).uniform(-0.8, 0.8, (17, 4)).astype(np.float32)
        metres[:, 3] = 1
        points = metres[:, :3] + np.float32([0.2, 0, 3])
        keypoints = np.column_stack([points[:, :2] / points[:, 2:] * 10 + (6, 4), metres[:, 3]])
        people = (Person(0.9, (0, 0, 1, 1), keypoints.astype(np.float32), metres),)
        return dataclasses.replace(scene, part_mask=None, persons=people)


def camera_info(**changes):
    fields = {"width": 12, "height": 8, "distortion_model": "plumb_bob", "d": []}
    return SimpleNamespace(**{**fields, "k": [10, 0, 6, 0, 10, 4, 0, 0, 1], **changes})


def test_people_are_placed_once_the_camera_is_known():
    with Rig(device=Metric(), listening=(*PER_FRAME, KEYPOINTS_3D), model="blazepose-lite") as rig:
        camera = rig.cameras[""]
        rig.send(frame())
        assert camera.port.topics() == ["instance_mask", "person_mask", "persons", "keypoints"]
        assert "part_mask/label_info" not in dict(camera.port.published)
        for info, reason in (
            (camera_info(k=[0.0] * 9), "calibrate the camera"),
            (camera_info(width=640), "camera_info is of 640x8, but the images are 12x8"),
        ):
            camera.calibrate(info)
            rig.send(frame())
            assert reason in camera.lens_error
            assert KEYPOINTS_3D not in camera.port.topics()
        camera.calibrate(camera_info())
        rig.send(frame())
        assert camera.lens_error == ""
        topic, message = camera.port.published[-1]
        assert topic == KEYPOINTS_3D
        assert message.header.frame_id == "lens"
        (detection,) = message.detections
        assert detection.id == "1"
        assert detection.bbox.center.position.z == pytest.approx(3, abs=0.2)
        camera.calibrate(camera_info(d=[1.0]))
        assert camera.lens is None
        camera.calibrate(camera_info())
        assert camera.lens_error == ""


@pytest.mark.parametrize("model", catalogue.models())
def test_what_a_model_cannot_give_is_not_asked_for(model):
    settings = Settings().changed(
        {"model": model, "lazy": False, "confidence": True, "faces": True, "hands": True}
    )
    topics = {output.topic for output in wanted(settings, lambda _: 0)}
    assert topics == {*PER_FRAME, KEYPOINTS_3D} - absent(settings.gives).keys()
    family = catalogue.model(model).family
    assert ("part_mask" in topics, KEYPOINTS_3D in topics) == (family == "bodypix", family == "blazepose")
    assert ("keypoints" in topics) == (family != "selfie")


def test_what_an_option_needs_and_is_not_here_is_said_once_and_survived(monkeypatch):
    with Rig() as rig:
        counts = rig.cameras[""].statistics.counts
        rig.send(frame())

        def missing(**_):
            raise MissingModelError("model faces is in none of these folders")

        monkeypatch.setattr(rig.device, "update", missing)
        rig.pipeline.settings = rig.pipeline.settings.changed({"score_threshold": 0.4})
        for _ in range(2):
            rig.send(frame())
        assert (counts.failed, counts.published) == (2, 1)
        assert rig.log.text("error").count("model faces is in none") == 1
        monkeypatch.undo()
        rig.send(frame())
        assert (counts.failed, counts.published) == (2, 2)


def test_faces_that_cannot_be_looked_for_are_in_diagnostics_while_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Rig(faces=True) as rig:
        inference, asked = rig.pipeline.inference, rig.pipeline.settings.live_options
        assert inference.lacking(asked) == []
        rig.send(frame())
        status = node_status(state="active", model="m", device="CPU", lacking=inference.lacking(asked))
        assert status.level == diagnostics.WARN
        assert "bodypix models fetch faces" in status.message
        assert inference.lacking({**asked, "faces": False}) == []


def test_a_bad_frame_is_counted_said_once_and_survived():
    with Rig() as rig:
        counts = rig.cameras[""].statistics.counts
        for _ in range(3):
            rig.send(frame(encoding="nonsense"))
        rig.send(frame(data=b""))
        rig.send(frame())
        assert (counts.bad, counts.published) == (4, 1)
        assert rig.log.text("error").count("a frame cannot be read") == 1
        assert "nonsense" in rig.log.text("error")


def test_depth_is_said_once_per_camera_and_read_where_its_white_is_set():
    depth = np.full((8, 12), 1500, "<u2")
    fields = {"encoding": "16UC1", "step": 24, "data": depth.tobytes()}
    with Rig("front", "rear") as rig:
        for camera in ("front", "front", "rear", "front"):
            rig.send(frame(**fields), camera)
        said = rig.log.text("error").splitlines()
        assert [text.partition(":")[0] for text in said] == ["front", "rear"]
        assert all("16UC1, which is depth" in text and "mono16_max" in text for text in said)
        assert rig.device.encodings == []
        statistics = rig.cameras["front"].statistics
        assert (statistics.counts.bad, statistics.counts.published) == (3, 0)
        assert "depth" in camera_status(statistics, active=True, enabled=True, waiting="").message
    with Rig(mono16_max=4095) as rig:
        rig.send(frame(**fields))
        assert rig.device.encodings == ["mono8"]


def test_a_failing_device_is_reported_and_the_next_frame_tried():
    with Rig() as rig:
        rig.send(frame())
        rig.device.broken = True
        rig.send(frame())
        rig.device.broken = False
        rig.send(frame())
        counts = rig.cameras[""].statistics.counts
        assert (counts.failed, counts.published) == (1, 2)
        assert "the model failed on CPU: CPU is broken" in rig.log.text("error")


def test_whatever_goes_wrong_with_a_frame_the_thread_lives():
    with Rig() as rig:
        rig.send(frame())
        seen, rig.device.seen = rig.device.seen, None
        rig.send(frame())
        rig.device.seen = seen
        rig.send(frame())
        assert "a frame failed: TypeError" in rig.log.text("error")
        assert rig.cameras[""].statistics.counts.published == 2


def test_other_cameras_go_on_while_a_new_size_compiles():
    with Rig("small", "large") as rig:
        rig.send(frame(), "small")
        rig.device.gate.clear()
        rig.pipeline.mailboxes.put("large", frame(np.zeros((40, 60, 3), np.uint8)))
        for _ in range(3):
            rig.send(frame(), "small")
        assert rig.cameras["large"].statistics.counts.published == 0
        rig.device.gate.set()
        until(lambda: rig.cameras["large"].statistics.counts.published == 1)
        assert rig.device.prepared == [(8, 12), (40, 60)]


def test_what_is_closed_is_no_failing_device():
    device = Device()
    inference = Inference(lambda _: device, "GPU,CPU", lambda: ["GPU", "CPU"], Log())
    stream = inference.stream()
    Segmenter.close(device)
    for _ in range(3 * FAILURES):
        with pytest.raises(ClosedError, match="fake was closed; load it again"):
            stream.segment(np.zeros((4, 4, 3), np.uint8), "bgr8")
    assert inference.left == ()


def test_a_network_that_was_thrown_out_is_compiled_again_beside_the_frames_not_in_one():
    with Rig() as rig:
        rig.send(frame())
        rig.send(frame())
        assert rig.device.prepared == [(8, 12)]
        rig.device.networks.sizes.clear()  # too many other sizes came
        rig.send(frame())
        assert rig.device.prepared == [(8, 12), (8, 12)]
        assert rig.cameras[""].statistics.counts.published == 3


def test_a_size_that_cannot_be_compiled_is_a_failure():
    with Rig(device=Device(broken=True)) as rig:
        rig.send(frame())
        assert rig.cameras[""].statistics.counts.failed == 1
        assert "cannot be compiled" in rig.log.text("error")


def test_a_rate_limit_leaves_frames_out():
    with Rig(max_rate=0.1) as rig:
        for _ in range(3):
            rig.send(frame())
        counts = rig.cameras[""].statistics.counts
        assert (counts.published, counts.over_rate) == (1, 2)


def test_a_slow_model_drops_frames_and_serves_all_cameras():
    with Rig("a", "b", threads=2) as rig:
        for camera in ("a", "b"):
            rig.send(frame(), camera)
        rig.device.work = lambda: time.sleep(0.01)
        replaced = 0
        for _ in range(200):
            for camera in ("a", "b"):
                replaced += rig.pipeline.mailboxes.put(camera, frame())
            time.sleep(0.001)
        until(lambda: all(c.statistics.counts.published > 5 for c in rig.cameras.values()))
        assert replaced > 100


def test_a_stopped_pipeline_takes_no_more_frames():
    rig = Rig()
    rig.pipeline.stop(5)
    rig.pipeline.mailboxes.put("", frame())
    assert rig.device.encodings == []


def test_errors_of_a_kind_are_said_once_in_a_while():
    said = []
    throttle = Throttle(said.append, every_s=5)
    for now_s in (0, 1, 2, 6):
        throttle("bad", f"at {now_s}", now_s)
    throttle("other", "other", 6)
    assert said == ["at 0", "at 6 (2 more like this before)", "other"]


# Detections


persons = st.builds(
    Person,
    score=st.floats(0, 1),
    box=st.tuples(*[st.integers(0, 4000)] * 4),
    keypoints=st.integers(0, 2**32 - 1).map(
        lambda seed: np.random.default_rng(seed).normal(300, 400, (17, 3)).astype(np.float32)
    )
    | st.just(np.zeros((17, 3), np.float32)),  # without a pose
    track_id=st.none() | st.integers(1, 99),
)


@given(
    frame_ids=st.lists(st.text("abc/_", max_size=9), min_size=1, max_size=3),
    stamp=st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 10**9 - 1)),
    several=st.lists(persons, max_size=4),
    prefix=st.sampled_from(["", "front"]),
)
def test_filled_in_detections_equal_serialised_ones(frame_ids, stamp, several, prefix):
    mask = np.zeros((2, 2), np.uint8)
    scene = Scene(mask > 0, mask, None, None, tuple(several), KEYPOINTS)
    for build, varying in ((people.persons, people.PERSONS), (people.keypoints, people.KEYPOINTS)):

        def make(header, scene, build=build):
            return build(TYPES, header, scene, prefix)

        stencils = Stencils(make, varying, serialize)
        for frame_id in frame_ids * 2:
            header = TYPES.Image().header
            header.frame_id = frame_id
            header.stamp.sec, header.stamp.nanosec = stamp
            assert stencils(header, scene) == serialize(make(header, scene))
            assert (header.stamp.sec, header.stamp.nanosec) == stamp


# Diagnostics


def test_rates_and_percentiles_are_of_the_latest_seconds():
    window = Window(10.0)
    for k in range(600):
        window.add(k / 30, float(k))
    assert window.rate(20.0) == pytest.approx(30, rel=0.02)
    assert window.percentile(20.0, 50) == pytest.approx(450, abs=2)
    assert window.rate(40.0) == 0
    assert window.percentile(40.0, 50) is None


def test_idle_is_ok_waiting_warns_and_errors_show():
    statistics = Statistics()

    def status(**changes):
        return camera_status(
            statistics, **{"active": True, "enabled": True, "waiting": "", "now_s": 100.0, **changes}
        )

    assert status(active=False)[:2] == (diagnostics.OK, "not active")
    assert status()[:2] == (diagnostics.OK, "idle: no frame yet")
    assert status(waiting="no frame on /image")[:2] == (diagnostics.WARN, "no frame on /image")
    statistics.received.add(99.0)
    statistics.received.add(99.5)
    assert status()[:2] == (diagnostics.OK, "idle: nobody subscribes")
    assert status(enabled=False)[:2] == (diagnostics.OK, "idle: not enabled")
    statistics.error(99.0, "a frame cannot be read")
    assert status()[:2] == (diagnostics.ERROR, "a frame cannot be read")
    statistics.publication(99.5, age_ms=12, overhead_ms=1.5, segment_ms=8, outputs=("persons",))
    statistics.publication(99.6, age_ms=14, overhead_ms=1.5, segment_ms=8, outputs=("persons",))
    level, message, values = status()
    assert (level, message) == (diagnostics.WARN, "a frame cannot be read")
    assert (values["age p50 (ms)"], values["node overhead p50 (ms)"]) == ("13.00", "1.50")
    level, message, values = status(now_s=109.3)
    assert level == diagnostics.OK
    assert message.endswith("frames per second")
    assert status(notes={"part_mask": "the model has no parts"})[2]["part_mask"] == "the model has no parts"
    assert values["last error"] == "a frame cannot be read"


def test_the_models_entry_says_what_executes():
    assert node_status(state="loading", model="m")[:2] == (diagnostics.OK, "loading")
    status = node_status(state="active", model="m", device="CPU", precision="f32", left=("GPU.0",))
    assert status.level == diagnostics.WARN
    assert "GPU.0" in status.message
    assert status.values["device"] == "CPU"
    assert node_status(state="unconfigured", model="m", error="no weights").level == diagnostics.ERROR


# Waiting


def test_an_outage_is_said_once():
    one = outage.Outage(0.0, patience_s=5)
    assert [one.check(float(now)) for now in range(8)] == [None] * 5 + [5.0, None, None]
    assert one.frame(8.0)
    assert not one.frame(8.1)
    assert one.check(13.0) is None
    assert one.check(14.0) == pytest.approx(5.9)


def test_what_is_said_names_topic_publishers_and_what_does_not_fit():
    kind = "sensor_msgs/msg/Image"

    def text(*publishers, own="BEST_EFFORT", alternatives=()):
        found = [outage.Publisher(*publisher) for publisher in publishers]
        return outage.describe("front/image", "/r/front/image", kind, own, found, 5.2, alternatives)

    assert text() == (
        "no frame on /r/front/image for 5 s: nobody publishes it; start the camera, or remap front/image"
    )
    assert "input_transport" in text(alternatives=["/r/front/image/compressed"])
    one = ("/cam", kind, "BEST_EFFORT", "VOLATILE")
    assert "1 publisher: /cam (Image, BEST_EFFORT, VOLATILE); the QoS fits" in text(one)
    assert "2 publishers" in text(one, one)
    assert "reliability to best_effort" in text(one, own="RELIABLE")
    wrong = ("/cam", "sensor_msgs/msg/PointCloud2", "RELIABLE", "VOLATILE")
    assert f"the type must be {kind}" in text(wrong)
