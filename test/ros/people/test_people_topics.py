"""One camera of people_node: what it listens to, and what it says where nobody has a place. Without ROS."""

from types import SimpleNamespace

import numpy as np
import pytest

from bodypix_ros.ros.messages import markers
from bodypix_ros.ros.people import topics as topics_module
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.people.status import status
from bodypix_ros.ros.people.topics import Topics
from support.rooms import camera_info
from support.wiring import Wiring

INPUTS = {"persons", "instance_mask", "keypoints", "depth/image", "camera_info", "depth/camera_info"}


@pytest.fixture
def stage(monkeypatch):
    clock = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(topics_module.time, "monotonic", lambda: clock.now_s)
    monkeypatch.setattr(topics_module.time, "sleep", lambda _: None)
    monkeypatch.setattr(markers, "ros_types", lambda: None)
    return Stage(clock)


class Stage:
    def __init__(self, clock):
        self.clock, self.wiring, self.said, self.placed = clock, Wiring(), [], []
        self.wiring.publishers["/r/depth/image"] = [SimpleNamespace(
            node="/camera", type="sensor_msgs/msg/Image", reliability="BEST_EFFORT", durability="VOLATILE",
        )]  # fmt: skip
        log = SimpleNamespace(warning=self.said.append, info=self.said.append)
        self.topics = Topics(self.wiring, self.wiring, "", PlacesOptions(), log)
        self.topics.start(SimpleNamespace(put=lambda camera, joined: self.placed.append(joined)))
        self.stamp_ns = 0

    def look(self, *wanted):
        for topic, output in self.wiring.outputs.items():
            output.listeners = int(topic in wanted)
        self.topics.look()
        return set(self.wiring.inputs)

    def show(self, *, without=(), lag_ns=0):
        self.stamp_ns += 33_000_000
        for name in ("depth/image", "keypoints", "instance_mask", "persons"):
            if name not in without:
                stamp_ns = self.stamp_ns - (lag_ns if name == "depth/image" else 0)
                sec, nanosec = divmod(stamp_ns, 10**9)
                stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
                message = SimpleNamespace(header=SimpleNamespace(stamp=stamp))
                self.wiring.inputs[name].hear(message)

    def go_on(self, seconds, **shown):
        for _ in range(int(seconds / 0.033)):
            self.clock.now_s += 0.033
            self.show(**shown)
            self.topics.look()


def test_it_listens_to_what_is_needed_while_somebody_listens(stage):
    assert stage.look() == set()
    assert stage.look("persons_3d") == INPUTS
    assert stage.look("persons_3d/points") == INPUTS | {"part_mask", "image"}
    assert stage.look("persons_3d/markers") == INPUTS
    stage.wiring.publishers.clear()
    assert stage.look("followed") == INPUTS | {"keypoints_3d"}
    assert stage.look() == set()


def test_what_belongs_together_is_placed(stage):
    stage.look("persons_3d")
    stage.go_on(1.0)
    assert len(stage.placed) == 30
    assert stage.said == []
    assert status(stage.topics, active=True).level == 0


def test_depth_that_stops_is_said_once_with_its_topic_and_its_end(stage):
    stage.look("persons_3d")
    stage.go_on(1.0)
    stage.go_on(9.0, without=("depth/image",))
    (text,) = stage.said
    assert text.startswith("no frame on /r/depth/image for 5 s: 1 publisher: /camera")
    assert status(stage.topics, active=True).message == text
    assert stage.topics.matcher.alone > 100
    stage.go_on(0.2)
    assert stage.said[1:] == ["camera: images and depth come again"]


def test_persons_that_stop_are_said(stage):
    stage.look("persons_3d")
    stage.go_on(1.0)
    stage.go_on(6.0, without=("persons", "instance_mask", "keypoints"))
    (text,) = stage.said
    assert text.startswith("no frame on /r/persons for 5 s: nobody publishes it")


def test_stamps_apart_are_said_with_the_figure(stage):
    stage.look("persons_3d")
    stage.stamp_ns = 10**12
    for _ in range(30):
        stage.clock.now_s += 0.2
        stage.stamp_ns += 200_000_000
        stage.show(lag_ns=80_000_000)
        stage.topics.look()
    assert "image and depth are 0.080 s apart, more than slop (0.05 s)" in stage.said
    assert status(stage.topics, active=True).values["image after depth, latest (s)"] == "0.080"


def test_a_lens_is_made_once_and_anew_where_it_changes(stage):
    stage.look("persons_3d")
    hear = stage.wiring.inputs["camera_info"].hear
    hear(camera_info())
    lens = stage.topics.camera.lens
    hear(camera_info())
    assert stage.topics.camera.lens is lens
    hear(camera_info(binning_x=2, binning_y=2))
    assert stage.topics.camera.lens.width == 320
    assert stage.said == ["camera_info has changed"]
    hear(camera_info(k=np.zeros(9)))
    assert stage.topics.camera.lens is None
    assert "no camera matrix" in stage.topics.camera.lens_error


def test_depth_whose_camera_is_another_is_told_by_its_camera_info(stage):
    stage.look("persons_3d")
    colour, depth = (stage.wiring.inputs[name].hear for name in ("camera_info", "depth/camera_info"))
    colour(camera_info())
    half = np.array([262.5, 0, 159.5, 0, 262.5, 119.5, 0, 0, 1])
    depth(camera_info(width=320, height=240, k=half))
    assert stage.topics.camera.misfit == ""
    depth(camera_info(width=848, height=480, k=np.array([420.0, 0, 424, 0, 420, 240, 0, 0, 1])))
    assert "depth is not registered: depth/camera_info is of another view" in stage.topics.camera.misfit
