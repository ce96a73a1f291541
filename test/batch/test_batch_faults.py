"""Whatever is killed, full or broken: after the last run every output is there once, and none half."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bodypix_ros import batch, media
from bodypix_ros.batch import driver as drivers
from bodypix_ros.batch.local import LocalPool
from bodypix_ros.errors import OutputError, StartError
from support.bags import IMAGE, write_bag
from support.films import write_film
from support.fleet import FakeModel, agree, fleet, outputs, pictures, recipe
from support.paths import ROOT, TESTS

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])}


@pytest.fixture
def whole(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """What a run without faults makes of the same sources."""

    def make() -> dict[str, bytes]:
        batch.run([tmp_path / "in"], tmp_path / "whole", recipe(), workers=1)
        return outputs(tmp_path / "whole")

    return make


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[LocalPool]:
    """Every pool that is made."""
    made: list[LocalPool] = []

    class Known(LocalPool):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(drivers, "LocalPool", Known)
    return made


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids_of(pools: list[LocalPool], busy: bool = False) -> list[int]:
    members = [member for pool in pools for member in pool._members]
    return [member.process.pid for member in members if member.job is not None or not busy]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s, "it did not come to that"
        time.sleep(0.01)


def test_workers_are_killed_ten_times_at_random(tmp_path, pools, whole):
    fleet(tmp_path / "in", 24, (), most=14)
    rng, killed, done = random.Random(1), [], threading.Event()

    def kill() -> None:
        while len(killed) < 10 and not done.wait(rng.uniform(0.05, 0.3)):
            if pids := pids_of(pools, busy=len(killed) % 3 > 0):  # some while they load, most at work
                killed.append(rng.choice(pids))
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    slow = recipe(delay_s=0.05)
    events: list[dict] = []
    summary = batch.run(
        [tmp_path / "in"], tmp_path / "out", slow, workers=2, retries=10, listen=events.append
    )
    done.set()
    killer.join()
    assert len(killed) == 10
    assert summary.well
    assert summary.tries == sum(event["event"] == "again" for event in events) > 0
    assert all("signal 9" in event["why"] for event in events if event["event"] == "again")
    assert outputs(tmp_path / "out") == whole()
    assert len(agree(tmp_path / "out").done) == 24
    assert not any(map(alive, killed))


class Deadly(FakeModel):
    """Kills its process at the first image that is 7 rows high."""

    def load(self):
        from support.bags import Fake
        from support.fake import scene_of

        def see(image):
            if image.shape[0] == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            return scene_of(image)

        return Fake(see)


def test_a_source_that_kills_every_worker_is_given_up_and_the_others_go_on(tmp_path):
    fleet(tmp_path / "in", 4, ())
    write_bag(tmp_path / "in/deadly", {"/image": IMAGE}, pictures=[picture[:7] for picture in pictures(2)])
    summary = batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(Deadly()), workers=2, retries=2)
    assert len(summary.made) == 4
    ((source, why),) = summary.failed.items()
    assert source == str(tmp_path / "in/deadly")
    assert "3 times: worker" in why
    assert "died (signal 9)" in why
    assert agree(tmp_path / "out").failed == {source: (why, 3)}


class Stillborn(FakeModel):
    """Ends its process while it loads."""

    def load(self):
        os._exit(7)


def test_workers_that_never_begin_are_not_started_for_ever(tmp_path):
    fleet(tmp_path / "in", 1, ())
    with pytest.raises(StartError, match=r"died \(exit code 7\) while it loaded the model, 5 times in a row"):
        batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(Stillborn()), workers=1)


def driver(tmp_path: Path, delay_s: float = 0.05) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "support.fleet",
        str(tmp_path / "in"),
        str(tmp_path / "out"),
        "2",
        str(delay_s),
    ]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def test_the_driver_is_killed_again_and_again(tmp_path, whole):
    fleet(tmp_path / "in", 12, (), most=14)
    rng, kills, done = random.Random(2), 0, 0
    while done < 12 and kills < 40:
        process = driver(tmp_path)
        wanted = rng.randint(1, 3)
        for line in process.stdout:
            wanted -= json.loads(line)["event"] == "done"
            if wanted <= 0:
                time.sleep(rng.uniform(0, 0.1))
                break
        workers = children(process.pid)
        process.kill()
        process.wait()
        process.stdout.close()
        kills += 1
        until(lambda those=workers: not any(map(alive, those)), 20)  # they end by themselves
        done = len(batch.read(tmp_path / "out").done)
    assert kills >= 4
    assert done == 12
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (summary.made, summary.skipped, summary.well) == ([], 12, True)
    assert outputs(tmp_path / "out") == whole()
    agree(tmp_path / "out")


def test_a_disk_that_is_full_for_a_worker_fails_what_does_not_fit(tmp_path, whole):
    small = fleet(tmp_path / "in", 4, (), most=4)
    noise = random.Random(3)
    pixels = [picture.copy() for picture in pictures(30)]
    for picture in pixels:
        picture[..., 0] = [[noise.randrange(256) for _ in range(80)] for _ in range(60)]
    write_bag(tmp_path / "in/large", {"/image": IMAGE}, "sqlite3", pixels)
    small_enough = 250_000
    copies = replace(recipe(largest=small_enough), bag=batch.BagRecipe(copy_all=True))
    summary = batch.run([tmp_path / "in"], tmp_path / "out", copies, workers=2, retries=1)
    assert sorted(made.source for made in summary.made) == [str(path) for path in small]
    ((source, why),) = summary.failed.items()
    assert source == str(tmp_path / "in/large")
    assert "2 times: " in why  # a full disk may be emptied meanwhile
    agree(tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))
    copies = replace(recipe(), bag=batch.BagRecipe(copy_all=True))
    again = batch.run([tmp_path / "in"], tmp_path / "out", copies, workers=1)
    assert (len(again.made), again.skipped, again.well) == (1, 4, True)


@pytest.mark.parametrize("kind", ["film", "pictures"])
def test_a_disk_that_is_full_for_pictures_or_a_film_is_no_fault_of_theirs(tmp_path, kind):
    noise = np.random.default_rng(4).integers(0, 256, (3, 120, 160, 1), np.uint8).repeat(3, 3)  # of nobody
    (tmp_path / "in").mkdir()
    for k, picture in enumerate(noise):
        if kind == "pictures":
            media.write_picture(tmp_path / f"in/{k}.png", picture[: 120 if k else 8])  # the first one fits
    if kind == "film":
        write_film(tmp_path / "in/film.mp4", [0, 0.1, 0.2], images=list(noise))
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(largest=8192), workers=1, retries=1)
    ((_, why),) = summary.failed.items()
    assert "2 times: " in why
    assert "File too large" in why
    assert (summary.made, summary.tries, outputs(tmp_path / "out")) == ([], 1, {})
    assert batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1).well


def test_a_disk_that_is_full_for_the_manifest_is_tried_again(tmp_path, monkeypatch, whole):
    fleet(tmp_path / "in", 4, ())
    fails = iter([True, False, True, False, False, False, False, False, False])
    append = batch.manifest.Manifest.append

    def full(self, line, **entry):
        if line == "made" and next(fails):
            raise OutputError("No space left on device")
        append(self, line, **entry)

    monkeypatch.setattr(batch.manifest.Manifest, "append", full)
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    monkeypatch.undo()
    assert (len(summary.made), summary.tries, summary.well) == (4, 2, True)
    assert outputs(tmp_path / "out") == whole()
    agree(tmp_path / "out")


def test_told_to_stop_it_leaves_nothing_half_and_goes_on_later(tmp_path, whole):
    fleet(tmp_path / "in", 8, (), most=14)
    events: list[dict] = []
    summary = batch.run(
        [tmp_path / "in"], tmp_path / "out", recipe(delay_s=0.05), workers=2, listen=events.append,
        stopped=lambda: sum(event["event"] == "done" for event in events) >= 2,
    )  # fmt: skip
    assert summary.stopped
    assert not summary.well
    assert 2 <= len(summary.made) < 8
    agree(tmp_path / "out")
    outputs(tmp_path / "out")
    again = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (len(again.made), again.skipped) == (8 - len(summary.made), len(summary.made))
    assert outputs(tmp_path / "out") == whole()


class Growing(FakeModel):
    """Somebody records on while a source is seen: the first times so many."""

    def load(self):
        from support.bags import Fake
        from support.fake import scene_of

        folder, times = Path(self.options["grows"]), self.options["times"]

        def see(image):
            count = len(list(folder.parent.glob("grown_*")))
            if count < times:
                (folder.parent / f"grown_{count}").touch()
                with (folder / "note.txt").open("a") as file:
                    file.write("more")
            return scene_of(image)

        return Fake(see)


@pytest.mark.parametrize(("times", "well"), [(1, True), (99, False)])
def test_a_source_that_grows_meanwhile_is_not_taken_as_it_was(tmp_path, times, well, whole):
    (grows,) = fleet(tmp_path / "in", 1, ())
    model = Growing(options={"grows": str(grows), "times": times})
    summary = batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(model), workers=1, retries=1)
    assert summary.tries == 1
    assert summary.well == well
    if well:
        assert summary.made[0].attempts == 2
        assert outputs(tmp_path / "out") == whole()
    else:
        assert "changed while it was read" in summary.failed[str(grows)]
        assert outputs(tmp_path / "out") == {}
    agree(tmp_path / "out")


def test_two_drivers_in_one_folder_are_one_too_many(tmp_path):
    fleet(tmp_path / "in", 4, (), most=14)
    process = driver(tmp_path, 0.2)
    try:
        process.stdout.readline()
        with pytest.raises(OutputError, match="another process is writing this"):
            batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
        assert process.poll() is None
    finally:
        rest = process.stdout.read()
        process.stdout.close()
        process.wait()
    assert json.loads(rest.splitlines()[-1])["made"] == 4
    agree(tmp_path / "out")


def test_workers_do_not_outlive_an_error_of_the_driver(tmp_path, pools):
    fleet(tmp_path / "in", 2, ())
    seen = SimpleNamespace(pids=[])

    def listen(event):
        if event["event"] == "started":
            seen.pids += pids_of(pools)
            raise RuntimeError("whoever listens is broken")

    with pytest.raises(RuntimeError, match="whoever listens"):
        batch.run([tmp_path / "in"], tmp_path / "out", recipe(delay_s=0.2), workers=2, listen=listen)
    assert seen.pids
    until(lambda: not any(map(alive, seen.pids)), 10)
    assert not list((tmp_path / "out").glob(".*"))
