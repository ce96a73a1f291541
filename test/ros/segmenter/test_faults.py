"""Faults on purpose: the pipeline stays up, says what is wrong, and the first good frame gets through."""

import dataclasses
import threading
import time

import numpy as np
import pytest

from bodypix_ros.errors import DeviceError
from bodypix_ros.ros.renderer.joining import IMAGE, Joiner
from bodypix_ros.ros.segmenter.diagnostics import camera_status, node_status
from bodypix_ros.ros.segmenter.inference import FAILURES, FORGIVEN_S, RELOADS, Inference
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.pipeline import Camera, Pipeline
from bodypix_ros.ros.shared import diagnostics
from bodypix_ros.ros.shared.diagnostics import Window
from bodypix_ros.runtime.devices import order
from bodypix_ros.segmenters.blazepose.following import Follower
from support.blazepose import OPTIONS, SHAPE, World, person
from support.devices import execution_device
from support.fake import scene_of
from support.rig import PER_FRAME, TYPES, Device, Log, Port, Rig, frame, serialize, until

LIMIT_S = 10.0


class Hanging(Device):
    """A device whose calls hang while its gate is shut, as a driver's do: nothing can end them."""

    def prepare(self, height, width):
        """Compile at once."""
        self.networks.sizes.add(self.input_size(height, width))

    def work(self):
        self.gate.wait()
        super().work()


class Watched(Rig):
    """A pipeline whose model is loaded again, and a watch that runs as fast as the test likes."""

    def __init__(self, *names, wanted="CPU", available=("CPU",), threads=1, make=Hanging, **parameters):
        self.log, self.devices, self.requests = Log(), [], threads
        self.cannot_load, self.loading = "", threading.Event()
        self.loading.set()
        self.cameras = {name: Camera(name, Port(*PER_FRAME)) for name in names or ("",)}
        self.make, self.available = make, list(available)
        self.inference = Inference(self.load, wanted, lambda: self.available, self.log)
        settings = Settings().changed({"inference_timeout": LIMIT_S, **parameters})
        self.pipeline = Pipeline(
            self.inference, settings, TYPES, serialize, lambda stamp: stamp.sec or None, self.log
        )
        self.pipeline.start(list(self.cameras.values()))
        self.now_s = time.monotonic()

    @property
    def device(self):
        return self.devices[-1]

    def load(self, device):
        assert self.loading.wait(10)
        if self.cannot_load:
            raise RuntimeError(self.cannot_load)
        chosen = order(device, self.available)[0]  # as Networks choose, who refuse what is not listed
        self.devices.append(self.make(execution_device(chosen)))
        self.devices[-1].networks.requests = self.requests
        return self.devices[-1]

    def __exit__(self, *_):
        for device in self.devices:
            device.gate.set()
        self.loading.set()
        self.pipeline.stop(5)

    def put(self, camera="", sec=7):
        item = frame()
        item.message.header.stamp.sec = sec
        self.pipeline.mailboxes.put(camera, item)

    def watch(self, seconds):
        """Let the watch look once a second, for so long."""
        for _ in range(round(seconds)):
            self.now_s += 1
            self.pipeline.check(self.now_s)

    def hang(self, camera=""):
        """Have a frame hang until it is given up."""
        hung, failed = self.device, self.cameras[camera].statistics.counts.failed
        hung.gate.clear()
        self.put(camera)
        until(lambda: self.inference._turns)
        self.watch(LIMIT_S + 2)
        assert self.cameras[camera].statistics.counts.failed == failed + 1
        return hung

    def published(self, camera=""):
        return self.cameras[camera].statistics.counts.published

    def fault(self):
        return self.inference.fault(self.now_s)


# Inference that hangs


def test_an_inference_that_hangs_is_given_up_and_the_next_frame_processed():
    with Watched() as rig:
        rig.send(frame())
        hung = rig.device
        hung.gate.clear()
        rig.put(sec=8)
        until(lambda: rig.inference._turns)
        rig.watch(LIMIT_S - 1)
        assert rig.cameras[""].statistics.counts.failed == 0
        rig.watch(3)
        until(lambda: rig.device is not hung and not rig.fault())
        rig.put(sec=9)
        until(lambda: rig.published() == 2)
        assert "a frame was given up, as the model did not answer for 1" in rig.log.text("error")
        assert "the model on CPU has not answered for 1" in rig.log.text("warning")
        assert "it was replaced, and CPU executes now" in rig.log.text("warning")
        assert rig.cameras[""].statistics.counts.failed == 1
        assert rig.inference.hangs(rig.now_s) == 1


def test_what_a_frame_given_up_gives_in_the_end_is_thrown_away():
    with Watched() as rig:
        hung = rig.hang()
        until(lambda: not rig.fault())
        rig.put(sec=9)
        until(lambda: rig.published() == 1)
        hung.gate.set()
        until(lambda: hung.stamps)  # it has come back after all
        until(lambda: sum(thread.name == "infer" for thread in threading.enumerate()) == 1)
        rig.put(sec=10)
        until(lambda: rig.published() == 2)
        masks = [m for topic, m in rig.cameras[""].port.published if topic == "instance_mask"]
        assert [mask.header.stamp.sec for mask in masks] == [9, 10]
        assert rig.cameras[""].statistics.counts.failed == 1


def test_a_late_failure_of_a_frame_given_up_counts_for_nothing():
    with Watched() as rig:
        hung = rig.hang()
        until(lambda: not rig.fault())
        hung.broken = True
        hung.gate.set()
        until(lambda: sum(thread.name == "infer" for thread in threading.enumerate()) == 1)
        rig.send(frame())
        assert (rig.published(), rig.cameras[""].statistics.counts.failed) == (1, 1)
        assert "is broken" not in rig.log.text("error")


def test_other_cameras_are_served_as_soon_as_the_model_is_there_again_each_in_its_turn():
    with Watched("front", "rear", "top") as rig:
        for name in rig.cameras:
            rig.send(frame(), name)
        rig.loading.clear()
        rig.hang("front")
        for name in rig.cameras:
            rig.put(name)
        rig.now_s += 40
        assert "a model is being loaded in its place, for 41 s so far" in rig.fault()
        rig.loading.set()
        until(lambda: all(rig.published(name) == 2 for name in rig.cameras))
        assert rig.fault() == ""


def test_every_thread_that_hangs_is_replaced_and_the_model_loaded_again_once():
    with Watched("a", "b", "c", threads=2) as rig:
        for name in rig.cameras:
            rig.send(frame(), name)
        hung = rig.device
        hung.gate.clear()
        rig.put("a")
        rig.put("b")
        until(lambda: len(rig.inference._turns) == 2)
        rig.watch(LIMIT_S + 2)
        for name in rig.cameras:
            rig.put(name)
        until(lambda: all(rig.published(name) == 2 for name in rig.cameras))
        assert len(rig.devices) == 2
        hung.gate.set()
        until(lambda: sum(thread.name == "infer" for thread in threading.enumerate()) == 2)


def test_a_stream_is_never_in_two_threads():
    with Watched("a", "b", threads=2) as rig:
        rig.send(frame(), "a")
        rig.loading.clear()
        hung = rig.hang("a")
        rig.put("a")  # for the other thread, before the model is there again
        until(lambda: rig.inference._turns)
        assert len(hung.streams) == 2
        rig.loading.set()


def test_a_device_that_wants_many_requests_gets_one_frame_a_camera_at_once_in_fair_shares():
    """An NPU wants 8 for THROUGHPUT: three cameras keep three busy, and nobody has two."""
    with Watched("a", "b", "c", wanted="NPU", available=("CPU", "NPU"), threads=9) as rig:
        assert len(rig.pipeline._threads) == 3
        for count in range(1, 6):
            for name in rig.cameras:
                rig.put(name)
            until(lambda count=count: all(rig.published(name) == count for name in rig.cameras))
        rig.device.gate.clear()
        for name in rig.cameras:
            rig.put(name)
        until(lambda: len(rig.inference._turns) == 3)
        rig.device.gate.set()
        until(lambda: all(rig.published(name) == 6 for name in rig.cameras))


def test_after_some_hangs_the_node_stands_still_and_says_so():
    with Watched() as rig:
        for count in range(1, RELOADS + 1):
            rig.hang()
            until(lambda: not rig.fault())
            assert rig.inference.hangs(rig.now_s) == count
        threads = threading.active_count()
        rig.hang()
        until(lambda: "stands still" in rig.fault())
        text = "for the 4th time; it cannot be replaced, and the node stands still: no other device is left"
        assert text in rig.log.text("error")
        assert len(rig.devices) == RELOADS + 1
        for _ in range(50):  # frames that come now pile up nowhere
            rig.put()
            rig.watch(1)
        assert threading.active_count() <= threads
        for status in (
            camera_status(
                rig.cameras[""].statistics, active=True, enabled=True, waiting="", fault=rig.fault()
            ),
            node_status(state="active", model="m", device="CPU", error=rig.fault()),
        ):
            assert status.level == diagnostics.ERROR
            assert "clean up, configure and activate the node" in status.message


def test_a_device_that_hangs_again_and_again_is_left_for_the_next():
    with Watched(wanted="GPU,CPU", available=("CPU", "GPU")) as rig:
        for _ in range(RELOADS + 1):
            rig.hang()
            until(lambda: not rig.fault())
        assert [device.device for device in rig.devices] == ["GPU.0"] * (RELOADS + 1) + ["CPU"]
        assert rig.inference.left == ("GPU.0",)
        assert rig.inference.hangs(rig.now_s) == 0
        rig.send(frame())
        assert rig.published() == 1


@pytest.mark.parametrize("kind", ["GPU", "NPU", "AUTO"])
def test_the_only_device_of_its_kind_is_loaded_again_by_the_name_that_it_says(kind):
    with Watched(wanted=kind, available=("CPU", "GPU", "NPU")) as rig:
        hung = rig.hang()
        until(lambda: not rig.fault())
        assert [device.device for device in rig.devices] == [hung.device, hung.device]
        assert hung.device == execution_device("GPU" if kind == "AUTO" else kind)
        rig.send(frame())
        assert rig.published() == 1


def test_a_model_that_cannot_be_loaded_again_leaves_the_node_standing():
    with Watched() as rig:
        rig.send(frame())
        rig.cannot_load = "its file is gone"
        rig.hang()
        until(lambda: "the node stands still: its file is gone" in rig.fault())


def test_hangs_are_forgiven_once_they_are_over_and_long_ago():
    with Watched() as rig:
        first = rig.hang()
        until(lambda: not rig.fault())
        second = rig.hang()
        until(lambda: not rig.fault())
        rig.now_s += FORGIVEN_S
        assert rig.inference.hangs(rig.now_s) == 2  # their threads are still lost
        first.gate.set()
        until(lambda: rig.inference.hangs(rig.now_s) == 1)
        second.gate.set()
        until(lambda: rig.inference.hangs(rig.now_s) == 0)


def test_a_process_that_was_stopped_does_not_hang():
    with Watched() as rig:
        rig.device.gate.clear()
        rig.put()
        until(lambda: rig.inference._turns)
        rig.watch(2)
        rig.now_s += 3600  # nobody has looked meanwhile
        rig.watch(2)
        rig.device.gate.set()
        until(lambda: rig.published() == 1)
        assert rig.cameras[""].statistics.counts.failed == 0


def test_without_a_limit_an_inference_may_take_for_ever():
    with Watched(inference_timeout=0.0) as rig:
        rig.device.gate.clear()
        rig.put()
        until(lambda: rig.inference._turns)
        rig.watch(100)
        rig.device.gate.set()
        until(lambda: rig.published() == 1)


def test_a_compilation_that_hangs_ends_with_its_device():
    with Watched("front", "rear", make=Hanging) as rig:
        rig.send(frame(), "front")
        compiling, first = threading.Event(), rig.device
        first.prepare = lambda height, width: compiling.wait()
        rig.pipeline.mailboxes.put("rear", frame(np.zeros((40, 60, 3), np.uint8)))
        until(lambda: rig.cameras["rear"].compiling)
        assert rig.cameras["rear"].compiling.size == "60x40"
        rig.hang("front")
        until(lambda: not rig.fault())
        rig.watch(1)
        assert rig.cameras["rear"].compiling is None
        rig.send(frame(np.zeros((40, 60, 3), np.uint8)), "rear")
        compiling.set()  # comes back late, and changes nothing
        rig.send(frame(np.zeros((40, 60, 3), np.uint8)), "rear")
        assert (rig.published("rear"), rig.cameras["rear"].statistics.counts.failed) == (2, 0)


def test_long_loading_and_compiling_show_in_diagnostics():
    assert node_status(state="loading", model="m", loading_s=5.0)[:2] == (diagnostics.OK, "loading")
    status = node_status(state="loading", model="m", loading_s=45.0)
    assert (status.level, "for 45 s so far" in status.message) == (diagnostics.WARN, True)
    camera = Camera("", Port())

    def of(seconds):
        return camera_status(
            camera.statistics, active=True, enabled=True, waiting="",
            compiling="compiling for images of 60x40", compiling_s=seconds,
        )  # fmt: skip

    assert of(3.0)[:2] == (diagnostics.OK, "compiling for images of 60x40, for 3 s so far")
    assert of(45.0).level == diagnostics.WARN


def test_a_node_taken_down_while_the_model_is_loaded_again_keeps_nothing():
    with Watched() as rig:
        rig.loading.clear()
        rig.hang()
        rig.pipeline.stop(0)
        rig.inference.close()
        rig.loading.set()
        until(lambda: len(rig.devices) == 2 and rig.devices[1].closed)
        until(lambda: not any(thread.name == "reload" for thread in threading.enumerate()))
        assert sum(thread.name == "infer" for thread in threading.enumerate()) == 1  # the one that hangs


# Inference that throws


def test_an_inference_that_always_throws_is_said_less_and_less_often_and_recovers():
    log, device, asked = Log(), Device(broken=True), []
    inference = Inference(lambda _: device, "CPU", lambda: asked.append(1) or ["CPU"], log)
    stream = inference.stream()
    for _ in range(1000):
        with pytest.raises(DeviceError, match="CPU is broken"):
            stream.segment(np.zeros((4, 4, 3), np.uint8), "bgr8")
    said = 1 + int(np.log2(1000 / FAILURES))
    assert (len(asked), log.text("error").count("no other device is left")) == (said, said)
    device.broken = False
    assert stream.segment(np.zeros((4, 4, 3), np.uint8), "bgr8").instance_mask.shape == (4, 4)


def test_options_reach_a_model_that_took_anothers_place():
    with Watched(parts=False) as rig:
        rig.hang()
        until(lambda: not rig.fault())
        rig.send(frame())
        assert rig.device.options.parts is False


# Cameras


def test_size_encoding_and_frame_id_may_change_with_every_frame():
    with Rig() as rig:
        port = rig.cameras[""].port
        for number, (shape, encoding) in enumerate(
            [((8, 12, 3), "bgr8"), ((30, 40, 4), "rgba8"), ((8, 12), "mono8"), ((1, 1, 3), "rgb8")] * 2
        ):
            array = np.full(shape, 250, np.uint8)
            item = frame(np.zeros((*shape[:2], 3), np.uint8))
            item.message.encoding, item.message.data = encoding, array.tobytes()
            item.message.step, item.message.header.frame_id = array[0].nbytes, f"lens {number}"
            rig.device.seen = lambda image: scene_of(np.zeros((*image.shape[:2], 3)))
            rig.send(item)
            message = [m for topic, m in port.published if topic == "instance_mask"][-1]
            assert (message.height, message.width) == shape[:2]
            assert message.header.frame_id == f"lens {number}"
        assert rig.cameras[""].statistics.counts.published == 8


def test_a_camera_that_stops_and_comes_back_goes_on_at_once():
    window = Window()
    for now_s in np.arange(0, 5, 1 / 30):
        window.add(now_s)
    assert window.rate(60.0) == 0
    window.add(60.0)
    window.add(60.1)
    assert window.rate(60.2) == pytest.approx(10)


def test_windows_hold_no_more_than_their_seconds():
    window = Window(10.0)
    for k in range(100_000):
        window.add(k / 30, float(k))
    assert len(window._items) == 300


def test_bursts_are_dropped_down_to_the_newest_frame():
    with Rig("burst", "steady") as rig:
        for name in rig.cameras:
            rig.send(frame(), name)
        rig.device.gate.clear()
        rig.pipeline.mailboxes.put("burst", frame(np.zeros((40, 60, 3), np.uint8)))
        until(lambda: rig.cameras["burst"].compiling)
        replaced = sum(rig.pipeline.mailboxes.put("burst", frame()) for _ in range(200))
        assert replaced == 199
        rig.send(frame(), "steady")  # the burst holds up nobody
        rig.device.gate.set()
        until(lambda: rig.cameras["burst"].statistics.counts.published == 2)
        assert rig.cameras["steady"].statistics.counts.published == 2


def test_a_truncated_message_between_good_ones():
    with Rig() as rig:
        whole = frame().message.data
        for length in (len(whole), len(whole) - 1, 0, 1, len(whole)):
            rig.send(frame(data=whole[:length]))
        counts = rig.cameras[""].statistics.counts
        assert (counts.bad, counts.published) == (3, 2)


def test_stamps_that_jump_back_stop_nothing():
    with Rig() as rig:
        for sec in (100, 101, 3, 4, 0, 4):
            item = frame()
            item.message.header.stamp.sec = sec
            rig.send(item)
        assert rig.cameras[""].statistics.counts.published == 6
        age_ms = rig.cameras[""].statistics.age_ms.percentile(time.monotonic(), 95)
        assert np.isfinite(age_ms)


def test_joining_goes_on_when_stamps_jump_back_and_come_again():
    joiner = Joiner(capacity=5, wait_s=0.5)
    joiner.expect((IMAGE, "instance_mask"))
    now_s, given = 0.0, []
    for lap in range(3):  # a recording that is played again and again
        for sec in range(100, 110):
            now_s += 0.03
            assert joiner.add(IMAGE, (sec, 5), (lap, sec), now_s) is None
            if sec % 2:  # the model skips every other image
                found = joiner.add("instance_mask", (sec, 5), (lap, sec), now_s + 0.01)
                given.append((found.messages[IMAGE], found.messages["instance_mask"], found.certain))
    laps = [((lap, sec), (lap, sec), lap == 0) for lap in range(3) for sec in range(101, 110, 2)]
    assert given == laps  # never an image with a mask of another lap
    assert len(joiner) <= 5


@pytest.mark.parametrize(
    "steps_s", [(0.033, -50.0, 0.033), (0.033, 0.0, 0.033), (0.033, 1e-9, 0.033), (-1e-9, 1e9, -1e9)]
)
def test_following_people_survives_any_stamps(steps_s):
    tracker, world, stamp = Follower(), World(person(200, 200)), 1000.0
    with np.errstate(all="raise"):
        for step_s in (0.0, *steps_s, 0.033):
            stamp += step_s
            tracks = tracker.follow(
                SHAPE, stamp, world.detect, world.look, dataclasses.replace(OPTIONS, smooth=True)
            )
            assert len(tracks) == 1
            assert np.isfinite(tracks[0].pose.points).all()
            assert np.abs(tracks[0].pose.points[:, 0] - 200).max() < 200


# The price


def test_watching_costs_a_frame_no_more_than_microseconds():
    device = Device()
    device.stream = lambda after: device
    inference = Inference(lambda _: device, "CPU", lambda: ["CPU"], Log())
    stream, image = inference.stream(), np.zeros((4, 4, 3), np.uint8)
    device.segment = lambda image, encoding, *, stamp=None: None

    def best(call):
        times = []
        for _ in range(2000):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        return np.median(times)

    plain = best(lambda: device.segment(image, "bgr8", stamp=None))
    assert best(lambda: stream.segment(image, "bgr8", None)) - plain < 100e-6
