"""A model that loads in the background, while somebody waits for it."""

import threading

import pytest

from bodypix_ros.ros.segmenter import inference
from bodypix_ros.ros.segmenter.loading import Loading
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.shared.log import LOG_EVERY_S
from support.rig import Log, until


class Loads:
    """In place of `inference.load`: what the test says, once it says so."""

    def __init__(self, monkeypatch, result):
        self.gate, self.result = threading.Event(), result
        monkeypatch.setattr(inference, "load", self)

    def __call__(self, settings, log):
        assert self.gate.wait(10)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def begin(settings=None):
    log, ended = Log(), threading.Event()
    return Loading(settings or Settings(), log, ended.set), log, ended


def test_whoever_waits_gets_the_model_and_is_told_of_the_end(monkeypatch):
    loads = Loads(monkeypatch, "the model")
    loading, log, ended = begin()
    assert not loading.is_over
    threading.Timer(0.25, loads.gate.set).start()
    assert loading.wait(lambda: True) == "the model"
    assert loading.is_over
    assert ended.wait(10)
    assert log.text("info") == f"loading {Settings().node.model}"


@pytest.mark.parametrize("error", [RuntimeError("no driver"), TimeoutError("the driver's own")])
def test_what_loading_raises_reaches_whoever_waits(monkeypatch, error):
    loads = Loads(monkeypatch, error)
    loading, _, ended = begin()
    loads.gate.set()
    assert ended.wait(10)
    with pytest.raises(type(error), match=str(error)):
        loading.wait(lambda: True)


def test_nobody_waits_any_longer_once_there_is_nothing_to_wait_for(monkeypatch):
    loads = Loads(monkeypatch, "the model")
    loading, _, _ = begin()
    asked = []
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Python 3.10 has another class for it
        loading.wait(lambda: len(asked) < 2 and not asked.append(1))
    assert "Timeout" in type(caught.value).__name__
    assert len(asked) == 2
    loads.gate.set()
    until(lambda: loading.is_over)


def test_a_long_wait_is_said_now_and_then(monkeypatch):
    loads = Loads(monkeypatch, "the model")
    loading, log, _ = begin()
    since_s = -loading.seconds(0.0)
    for so_far_s in (1.0, LOG_EVERY_S + 1, LOG_EVERY_S + 2, 2 * LOG_EVERY_S + 2):
        loading.say(since_s + so_far_s)
    assert [text.partition(", ")[2] for _, text in log.said[1:]] == ["for 6 s so far", "for 12 s so far"]
    loads.gate.set()
    until(lambda: loading.is_over)
    loading.say(since_s + 100)
    assert len(log.said) == 3


def test_settings_without_effect_are_said_first(monkeypatch):
    Loads(monkeypatch, "the model").gate.set()
    _, log, _ = begin(Settings().changed({"nms_radius": 10.0}))
    assert "nms_radius has no effect" in log.said[0][1]
