"""When one camera's images are received at all, and what is said of them, with pretended topics."""

from types import SimpleNamespace

import pytest

from bodypix_ros.ros.segmenter import topics as topics_module
from bodypix_ros.ros.segmenter.diagnostics import Statistics, camera_status
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.topics import Topics
from bodypix_ros.ros.shared.diagnostics import OK
from bodypix_ros.ros.shared.loss import Loss
from bodypix_ros.ros.shared.mailbox import Mailboxes
from bodypix_ros.ros.shared.outage import PATIENCE_S, Publisher
from support.rig import Log
from support.wiring import Wiring

CAMERA = Publisher("/driver", "sensor_msgs/msg/Image", "BEST_EFFORT", "VOLATILE")


class Stage:
    """One camera of a node that is active, at a time that the test sets."""

    def __init__(self, monkeypatch, name="front", **parameters):
        self.wiring, self.log, self.now_s = Wiring(), Log(), 100.0
        monkeypatch.setattr(topics_module.time, "monotonic", lambda: self.now_s)
        settings = Settings().changed({"cameras": [name], **parameters})
        self.pipeline = SimpleNamespace(settings=settings, mailboxes=Mailboxes([name]))
        self.topics = Topics(self.wiring, name, settings, self.log)
        self.topics.listen(self.pipeline)

    def after(self, seconds, *listening):
        """Look again, while somebody listens to these outputs; returns what is subscribed to."""
        self.now_s += seconds
        for topic, output in self.wiring.outputs.items():
            output.listeners = int(topic.removeprefix("front/") in listening)
        self.topics.look(self.now_s)
        return set(self.wiring.inputs)

    def change(self, **parameters):
        self.pipeline.settings = self.pipeline.settings.changed(parameters)

    def hear(self, stamp_s):
        sec, rest = divmod(stamp_s, 1)
        stamp = SimpleNamespace(sec=int(sec), nanosec=int(rest * 1e9))
        self.wiring.inputs["front/image"].hear(SimpleNamespace(header=SimpleNamespace(stamp=stamp)))


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


def test_images_are_not_received_while_nobody_wants_anything(stage):
    assert stage.after(4.9) == {"front/image"}
    assert stage.after(0.2) == set()
    assert stage.topics.rests
    assert stage.topics.publishers() == 0
    stage.wiring.publishers["/r/front/image"] = [CAMERA]
    assert stage.topics.publishers() == 1
    assert stage.after(0.05, "persons") == {"front/image"}  # at once
    assert not stage.topics.rests
    assert stage.topics.publishers() is None
    assert stage.after(60, "persons") == {"front/image"}
    assert stage.after(4.9) == {"front/image"}
    assert stage.after(0.2) == set()


def test_diagnostics_of_who_rests_look_at_the_publishers():
    def status(publishers):
        return camera_status(Statistics(), active=True, enabled=True, waiting="", resting=publishers)

    assert status(2)[:2] == (OK, "idle: nobody subscribes")
    assert status(0)[:2] == (OK, "idle: nobody subscribes, and nobody publishes the images")
    assert [status(k).values["publishers, while idle"] for k in (None, 0, 2)] == ["not looked at", "0", "2"]


def test_the_calibration_rests_with_the_images(monkeypatch):
    stage = Stage(monkeypatch, model="blazepose-lite")
    assert stage.after(1) == {"front/image", "front/camera_info"}
    assert stage.after(5) == set()
    assert stage.after(0.05, "keypoints_3d") == {"front/image", "front/camera_info"}


@pytest.mark.parametrize("changes", [{"lazy": False}, {"idle_timeout": 0.0}])
def test_it_does_not_rest_where_it_was_told_not_to(stage, changes):
    assert stage.after(6) == set()
    stage.change(**changes)
    assert stage.after(0.05) == {"front/image"}
    assert stage.after(60) == {"front/image"}


def test_who_wants_only_the_labels_meaning_gets_it(stage):
    assert stage.after(6, "part_mask/label_info") == {"front/image"}
    stage.topics.camera.announced = (0.7, 10)
    assert stage.after(6, "part_mask/label_info") == set()


def test_what_is_switched_off_rests_too(stage):
    stage.change(enabled=False)
    assert stage.after(6, "persons") == set()
    stage.change(enabled=True)
    assert stage.after(0.05, "persons") == {"front/image"}


def test_who_rests_waits_for_no_frame(stage):
    stage.after(6)
    stage.now_s += PATIENCE_S + 1
    stage.topics.check()
    assert stage.log.said == []
    stage.after(0.05, "persons")
    stage.now_s += PATIENCE_S + 1
    stage.topics.check()
    assert "nobody publishes it" in stage.log.text("warning")
    stage.hear(1.0)
    assert stage.log.said[-1] == ("info", "frames come again on /r/front/image")
    stage.hear(1.1)
    assert len(stage.log.said) == 2


def test_what_was_waited_for_is_not_told_of_who_rests(monkeypatch):
    stage = Stage(monkeypatch, idle_timeout=PATIENCE_S + 5)
    stage.now_s += PATIENCE_S + 1
    stage.topics.check()
    assert "nobody publishes it" in stage.topics.outage_text
    assert stage.after(5) == set()
    assert stage.topics.outage_text == ""


def test_a_stopped_camera_neither_rests_nor_wakes(stage):
    stage.topics.stop_listening()
    assert not stage.topics.rests
    assert stage.after(60, "persons") == set()


# What gets lost


def lost(periods, jitter_s=0.0, period_s=1 / 30):
    loss = Loss()
    for k, number in enumerate(periods):
        loss.add(1.7e9 + number * period_s + jitter_s * (-1) ** k)
    return loss.share()


def test_frames_that_do_not_come_are_counted_by_gaps_between_stamps():
    everything = range(200)
    assert lost(everything) == 0
    assert lost(everything, jitter_s=0.002) == 0
    for keep in (lambda k: k % 10, lambda k: k % 3 == 0 or k % 4, lambda k: (k * 7) % 11 < 7):
        kept = [k for k in everything if keep(k)]
        expected = 1 - len(kept) / (kept[-1] - kept[0] + 1)
        assert lost(kept) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    "periods",
    [
        range(20),  # too few
        [0] * 200,  # not set
        [k % 60 for k in range(200)],  # a recording that begins again
        [k + 0.4 * ((k * 7919) % 13) / 13 for k in range(200)],  # no camera of one rate
    ],
)
def test_stamps_that_say_nothing_of_loss_are_left_alone(periods):
    assert lost(periods) is None


def test_a_pause_is_no_loss():
    assert lost([*range(100), *range(1000, 1100)]) == 0


def test_loss_is_said_once_with_what_helps(stage):
    for k in range(200):
        if k % 5:
            stage.hear(k / 30)
    for _ in range(3):
        stage.topics.check()
    (said,) = stage.log.said
    assert said[0] == "warning"
    assert "20% of the frames of /r/front/image did not come" in said[1]
    assert "config/cyclonedds.xml" in said[1]
