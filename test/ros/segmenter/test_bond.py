"""Heartbeats for Nav2's lifecycle manager, with a pretended message and topic."""

import sys
from types import SimpleNamespace

import pytest

from bodypix_ros.ros.shared import bond
from bodypix_ros.ros.shared.bond import Heart
from support.wiring import Wiring


class Topics(Wiring):
    def unpublish(self, output):
        self.outputs = {topic: other for topic, other in self.outputs.items() if other is not output}


@pytest.fixture
def wiring(monkeypatch):
    def of_type(kind):
        assert kind == "bond/msg/Status"
        return lambda: SimpleNamespace(header=SimpleNamespace(stamp=None))

    monkeypatch.setattr(bond, "message_class", of_type)
    return Topics()


def test_it_beats_until_it_is_stopped(wiring):
    heart = Heart(wiring, "segmenter", 0.1)
    output = wiring.outputs["bond"]
    assert output.messages == []
    heart.beat("first")
    heart.beat("second")
    heart.stop("last")
    said = [(message.header.stamp, message.id, message.active) for message in output.messages]
    assert said == [("first", "segmenter", True), ("second", "segmenter", True), ("last", "segmenter", False)]
    assert {(m.heartbeat_timeout, m.heartbeat_period) for m in output.messages} == {(4.0, 0.1)}
    assert len({m.instance_id for m in output.messages}) == 1
    assert wiring.outputs == {}


def test_every_life_has_an_identity_of_its_own(wiring):
    """The manager takes two that beat under one for an error."""
    lives = []
    for _ in range(2):
        heart = Heart(wiring, "segmenter", 0.1)
        heart.beat("now")
        lives.append(wiring.outputs["bond"].messages[0].instance_id)
        heart.stop("then")
    assert lives[0] != lives[1]


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bond.msg", None)
    with pytest.raises(ImportError, match=r"bond is not here.*sudo apt install ros-.*-bond"):
        Heart(Topics(), "segmenter", 0.1)
