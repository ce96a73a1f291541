"""`bodypix batch` and `bodypix batch status`: what is typed, what is said, what is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from bodypix_ros import batch
from bodypix_ros.batch import driver as drivers
from bodypix_ros.cli import batch_text
from support.commands import invoke
from support.fleet import FakeModel, Inline, agree, fleet, outputs, recipe
from support.paths import ROOT, TESTS


@pytest.fixture(autouse=True)
def fake(tmp_path, monkeypatch):
    """A model without weights, a worker that is this process, an empty folder."""
    monkeypatch.chdir(tmp_path)
    seen = []

    def model(name, options):
        seen.append((name, options))
        return FakeModel()

    monkeypatch.setattr(batch, "Model", model)
    monkeypatch.setattr(drivers, "LocalPool", Inline)  # no process is started
    return seen


def test_a_batch_says_what_it_did_and_what_failed(tmp_path):
    fleet(tmp_path / "in", 4, (2,))
    result = invoke("batch", "in", "-o", "out", "-w", 1, code=1)
    assert "3 made (43 images, people found: " in result.stdout
    assert "); 1 failed; in out" in result.stdout
    assert f"failed: {tmp_path / 'in/drive_02'}: " in result.stdout
    again = invoke("batch", "in", "-o", "out", "-w", 1, code=1)
    assert "0 made (0 images, people found: 0); 3 done before; 1 failed" in again.stdout
    agree(tmp_path / "out")
    status = invoke("batch", "status", "out").stdout
    assert re.search(r"^sources +4$", status, re.MULTILINE)
    assert re.search(r"^done +3$", status, re.MULTILINE)
    assert f"failed: {tmp_path / 'in/drive_02'}: " in status
    found = json.loads(invoke("batch", "status", "out", "--json").stdout)
    assert (found["sources"], found["done"], found["images"]) == (4, 3, 43)
    assert list(found["failed"]) == [str(tmp_path / "in/drive_02")]


def test_lines_of_json_say_what_happens(tmp_path):
    fleet(tmp_path / "in", 2, ())
    result = invoke("batch", "in", "-o", "out", "-w", 1, "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    kinds = [event["event"] for event in events if event["event"] != "progress"]
    assert kinds == ["begin", "ready", "started", "done", "started", "done", "end"]
    assert events[0]["sources"] == events[0]["todo"] == 2
    done = [event for event in events if event["event"] == "done"]
    assert {event["output"] for event in done} == {str(tmp_path / f"out/drive_0{k}") for k in (0, 1)}
    assert events[-1]["images"] == sum(event["images"] for event in done)


class Chatty(Inline):
    """A pool that prints, as Ray does when an actor dies."""

    def wait(self, seconds):
        print("\x1b[33m(raylet)\x1b[0m Task _Actor.do failed.")
        return super().wait(seconds)


def test_nothing_but_json_is_on_stdout(tmp_path, monkeypatch):
    monkeypatch.setattr(drivers, "LocalPool", Chatty)
    fleet(tmp_path / "in", 1, ())
    result = invoke("batch", "in", "-o", "out", "-w", 1, "--json")
    assert all(json.loads(line)["event"] for line in result.stdout.splitlines())
    assert "(raylet)" in result.stderr


def test_options_are_those_of_bag_and_run(tmp_path, fake):
    fleet(tmp_path / "in", 2, ())
    invoke("batch", "in", "-o", "out", "-w", 1, "--anonymize", "--crops", 3, "--threads", 2)
    assert fake == [("bodypix-mobilenet-075-s16-q2", {"crops": 3, "threads": 2, "preset": "faces"})]
    hide = replace(recipe(), bag=batch.BagRecipe(anonymize=True))
    batch.run(["in"], "other", hide, workers=1)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "other")
    text = invoke("batch", "--help").stdout
    for option in ("--image-topic", "--copy-all", "--anonymize", "--draw", "--masks", "--export", "--ray"):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in", "--anonymize", "--copy-all"], "--copy-all and anonymize exclude each other"),
        (["in", "--export", "cvs"], "--export is 'cvs', but must be of results, csv, jsonl"),
        (["in", "--workers", "0"], "0 is not in the range x>=1"),
        (["none"], "1 failed"),
        (["status", "in"], "in: no `bodypix batch` wrote into this folder"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, arguments, said):
    fleet(tmp_path / "in", 1, ())
    result = invoke("batch", *arguments, code=1 if arguments == ["none"] else 2)
    assert said in result.output


def test_a_source_that_is_called_status_is_one(tmp_path):
    fleet(tmp_path / "status", 1, ())
    assert "1 made" in invoke("batch", "./status", "-o", "out", "-w", 1).stdout


PROGRAM = """
from bodypix_ros import batch
from support.fleet import FakeModel

batch.Model = lambda name, options: FakeModel(delay_s=0.1)

if __name__ == "__main__":
    from bodypix_ros.cli import main

    main()
"""


def test_ctrl_c_ends_with_130_and_leaves_nothing_half(tmp_path):
    fleet(tmp_path / "in", 6, (), most=12)
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])}
    process = subprocess.Popen(
        [sys.executable, "program.py", "batch", "in", "-o", "out", "-w", "2", "--json"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line)["event"] == "done":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it, too
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err == ""
    end = json.loads(out.splitlines()[-1])
    assert (end["event"], end["stopped"]) == ("end", True)
    assert 1 <= end["made"] < 6
    assert len(agree(tmp_path / "out").done) == end["made"]
    outputs(tmp_path / "out")


class Bar:
    """A bar that remembers what it shows."""

    def __init__(self):
        self.n, self.total, self.text, self.said = 0.0, None, "", []

    def update(self, n):
        self.n += n

    def set_description(self, desc, refresh):
        self.text = desc

    def write(self, text, file):
        self.said.append(text)


def test_the_bar_shows_how_far_it_is_how_fast_and_what_failed(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 4.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr(batch_text.time, "monotonic", lambda: next(now))
    bar = Bar()
    watch = batch_text._Watch(bar)
    watch({"event": "begin", "bytes": 1000, "todo": 3, "recovered": ["old"]})
    assert (bar.total, bar.said) == (
        1000,
        ["bodypix: old: made by a run that was broken off; it has its name now"],
    )
    watch({"event": "progress", "source": "a", "images": 10, "total": 40, "bytes": 600})
    assert (bar.n, bar.text) == (150, "0 of 3 sources, 5 images/s")
    watch({"event": "done", "source": "a", "images": 40, "bytes": 600, "notes": ["depth is copied"]})
    assert (bar.n, bar.text) == (600, "1 of 3 sources, 10 images/s")
    assert bar.said[-1] == "bodypix: a: depth is copied"
    watch({"event": "failed", "source": "b", "why": "b is broken", "bytes": 300})
    assert (bar.n, bar.text) == (900, "1 of 3 sources, 10 images/s, 1 failed")
    watch({"event": "again", "source": "c", "why": "worker 7 died"})
    assert bar.said[-2:] == ["bodypix: b is broken", "bodypix: c: is tried again: worker 7 died"]
    watch({"event": "progress", "source": "c", "images": 7, "total": None, "bytes": 100})
    assert bar.n == 900  # nobody knows how much of it is done
