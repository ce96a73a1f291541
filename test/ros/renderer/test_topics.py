"""What the renderer listens to and says about one camera, with pretended topics."""

from types import SimpleNamespace

import pytest

from bodypix_ros.ros.renderer import topics as topics_module
from bodypix_ros.ros.renderer.options import RendererOptions
from bodypix_ros.ros.renderer.topics import Topics
from bodypix_ros.ros.shared.outage import PATIENCE_S, Publisher
from support.wiring import Wiring

IMAGE = "sensor_msgs/msg/Image"
DETECTIONS = "vision_msgs/msg/Detection2DArray"


class Painter:
    def __init__(self):
        self.frames = []

    def put(self, camera, frame):
        self.frames.append((camera.name, sorted(frame.messages)))

    def colour(self, camera, name, mask):
        self.frames.append((camera.name, name, mask.header.stamp.sec))


class Skeletons:
    def markers(self, message, least):
        return message, least


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(topics_module.time, "monotonic", lambda: clock.now_s)
    return clock


class Stage:
    def __init__(self, name="", **options):
        self.wiring, self.painter, self.said = Wiring(), Painter(), []
        log = SimpleNamespace(warning=self.said.append)
        self.topics = Topics(self.wiring, name, RendererOptions(**options), Skeletons(), log)

    def look(self, *outputs):
        for topic, output in self.wiring.outputs.items():
            output.listeners = int(topic in outputs)
        self.topics.look(self.painter)
        return {topic: heard.kind for topic, heard in self.wiring.inputs.items()}

    def hear(self, topic, sec):
        message = SimpleNamespace(header=SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=0)))
        self.wiring.inputs[topic].hear(message)


def test_it_listens_while_somebody_looks_to_what_the_mode_needs():
    stage = Stage("front")
    assert {topic: output.kind for topic, output in stage.wiring.outputs.items()} == {
        "front/debug_image": IMAGE,
        "front/debug_image/compressed": "sensor_msgs/msg/CompressedImage",
        "front/label_image": IMAGE,
        "front/skeletons": "visualization_msgs/msg/MarkerArray",
    }
    assert stage.look() == {}
    wanted = {"front/image": IMAGE, "front/instance_mask": IMAGE, "front/persons": DETECTIONS}
    places = {"front/persons_3d": "vision_msgs/msg/Detection3DArray"}
    assert stage.look("front/debug_image") == wanted | places
    kept = stage.wiring.inputs["front/persons"]
    stage.topics.change(RendererOptions(mode="skeleton", wait_s=2.0, buffer_size=7))
    detections = dict.fromkeys(("front/persons", "front/keypoints", "front/hands"), DETECTIONS)
    changed = {"front/image": IMAGE, **detections}
    assert stage.look("front/debug_image/compressed") == changed
    assert stage.wiring.inputs["front/persons"] is kept
    assert (stage.topics.camera.joiner.wait_s, stage.topics.camera.joiner.capacity) == (2.0, 7)
    assert stage.topics.is_listening
    assert stage.look() == {}
    assert not stage.topics.is_listening


def test_distances_are_kept_by_number_for_the_next_pictures():
    stage = Stage()
    stage.look("debug_image")

    def somebody(name, x, y, z):
        position = SimpleNamespace(x=x, y=y, z=z)
        result = SimpleNamespace(pose=SimpleNamespace(pose=SimpleNamespace(position=position)))
        return SimpleNamespace(id=name, results=[result])

    people = [somebody("front7", 3.0, 0.0, 4.0), somebody("", 0.0, 0.0, 1.0)]
    stage.wiring.inputs["persons_3d"].hear(SimpleNamespace(detections=people))
    assert stage.topics.camera.distances == {7: 5.0}
    stage.topics.change(RendererOptions(mode="parts"))
    assert "persons_3d" not in stage.look("debug_image")
    stage.look("debug_image")
    assert stage.topics.camera.distances == {}


def test_the_compressed_transport_is_another_topic():
    stage = Stage(input_transport="compressed", mode="mask")
    heard = stage.look("debug_image")
    assert heard["image/compressed"] == "sensor_msgs/msg/CompressedImage"
    assert heard["part_mask"] == IMAGE
    assert "image" not in heard


def test_a_frame_is_drawn_once_it_is_whole():
    stage = Stage("front")
    stage.look("front/debug_image")
    for topic in ("front/image", "front/instance_mask"):
        stage.hear(topic, 1)
    assert stage.painter.frames == []
    stage.hear("front/persons", 1)
    assert stage.painter.frames == [("front", ["image", "instance_mask", "persons"])]


def test_skeletons_are_listened_to_and_shown_while_somebody_looks_at_them():
    stage = Stage()
    assert stage.look("skeletons") == {"keypoints_3d": "vision_msgs/msg/Detection3DArray"}
    stage.topics.change(RendererOptions(min_keypoint_score=0.6))
    stage.wiring.inputs["keypoints_3d"].hear("people")
    assert stage.wiring.outputs["skeletons"].messages == [("people", 0.6)]
    assert stage.look() == {}


def test_no_image_is_told_once_with_the_reason(clock):
    stage = Stage("front")
    stage.wiring.publishers["/r/front/image/compressed"] = [Publisher("/cam", IMAGE, "RELIABLE", "VOLATILE")]
    stage.look("front/debug_image")
    clock.now_s += PATIENCE_S - 0.1
    stage.look("front/debug_image")
    assert stage.topics.outage_text == ""
    for _ in range(3):
        clock.now_s += 0.2
        stage.look("front/debug_image")
    expected = (
        "no frame on /r/front/image for 5 s: nobody publishes it; start the camera, or remap front/image "
        "(somebody publishes /r/front/image/compressed: see the parameter input_transport)"
    )
    assert stage.said == [expected]
    assert stage.topics.outage_text == expected
    for topic in ("front/image", "front/instance_mask", "front/persons"):
        stage.hear(topic, 1)
    assert stage.topics.outage_text == ""


def test_what_a_privacy_mode_waits_for_is_told_and_again_when_that_changes(clock):
    stage = Stage(mode="blur_parts")
    stage.look("debug_image")

    def wait(**publishers):
        stage.wiring.publishers = {f"/r/{topic}": [one] for topic, one in publishers.items()}
        clock.now_s += PATIENCE_S + 1
        stage.hear("image", int(clock.now_s))
        stage.look("debug_image")
        return stage.topics.outage_text

    assert wait() == (
        "blur_parts shows nothing without part_mask: nobody publishes /r/part_mask; either the segmenter "
        "does not run, or still loads its model, which /diagnostics say, or has a model without parts; or "
        "part_mask has to be remapped"
    )
    before = len(stage.said)
    wait()
    assert len(stage.said) == before
    for topic in ("part_mask", "instance_mask", "persons", "keypoints", "faces"):
        stage.hear(topic, 3)
    stage.look("debug_image")
    assert "none with the stamp of an image" in stage.topics.outage_text
    assert len(stage.said) == before + 1
    clock.now_s += 4 * stage.topics.camera.joiner.wait_s
    text = wait(part_mask=Publisher("/other", "sensor_msgs/msg/PointCloud2", "RELIABLE", "VOLATILE"))
    assert text.startswith("blur_parts shows nothing without part_mask: no frame on /r/part_mask for")
    assert text.endswith(
        "the type must be sensor_msgs/msg/Image; the segmenter gives it only with parts: true"
    )
    stage.topics.change(RendererOptions(mode="instances"))
    stage.look("debug_image")
    assert stage.topics.outage_text == ""


def test_a_mask_is_coloured_while_somebody_looks_whatever_the_mode():
    stage = Stage("front", mode="skeleton")
    assert stage.look("front/label_image") == {"front/instance_mask": IMAGE}
    stage.hear("front/instance_mask", 5)
    assert stage.painter.frames == [("front", "instance_mask", 5)]
    stage.topics.change(RendererOptions(labels="part_mask"))
    assert stage.look("front/label_image") == {"front/part_mask": IMAGE}
    assert stage.look() == {}
