"""A pipeline of the segmenter node with pretended cameras and a pretended device: no ROS, no weights."""

import dataclasses
import threading
import time

import numpy as np

from bodypix_ros.bags import typestore
from bodypix_ros.errors import DeviceError
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.segmenter.inference import Inference
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.pipeline import Camera, Frame, Pipeline
from bodypix_ros.scene import Timings
from bodypix_ros.segmenters.base import Seer, Sight
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from support.fake import FakeNetworks, scene_of

STORE = typestore.typestore()
TYPES = typestore.rosbags_types(STORE)
LABEL_INFOS = [topic for topic, output in OUTPUTS.items() if output.latched]
PER_FRAME = tuple(topic for topic, output in OUTPUTS.items() if not output.latched and not output.needs_lens)
"""What every frame may fill, the camera calibrated or not."""


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


class Log:
    def __init__(self):
        self.said = []

    def info(self, text):
        self.said.append(("info", text))

    def warning(self, text):
        self.said.append(("warning", text))

    def error(self, text):
        self.said.append(("error", text))

    def text(self, level):
        return "\n".join(text for said, text in self.said if said == level)


class Device(Segmenter):
    """A segmenter on a device that may be broken, or wait for a gate."""

    family = PeopleOptions

    def __init__(self, device="CPU", broken=False):
        self.networks = FakeNetworks(device)
        self.broken = broken
        self.gate = threading.Event()
        self.gate.set()
        self.encodings, self.stamps, self.streams, self.prepared, self.closed = [], [], [], [], False
        super().__init__("fake", _Seer(self), self.family(), frozenset())

    def prepare(self, height, width):
        assert self.gate.wait(10)
        self.work()
        super().prepare(height, width)
        self.prepared.append((height, width))

    def stream(self, after=None):
        self.streams.append(super().stream(after))
        return self.streams[-1]

    def close(self):
        self.closed = True

    def work(self):
        """What every call does; raises what a device may."""
        if self.broken:
            raise DeviceError(f"{self.device} is broken")

    def seen(self, array):
        """The Scene of an image."""
        return scene_of(array)


class _Seer(Seer):
    def __init__(self, device):
        self.of, self.networks = device, (device.networks,)

    def see(self, pixels, options, stamp, memory):
        self.of.work()
        self.of.encodings.append(pixels.encoding)
        self.of.stamps.append(stamp)
        scene = self.of.seen(pixels.array)
        if not getattr(options, "parts", False):
            scene = dataclasses.replace(scene, part_mask=None)
        if options.confidence:
            scene = dataclasses.replace(scene, confidence=scene.part_mask)
        return Sight(scene, Timings())

    def input_size(self, height, width):
        return height // 2, width // 2


class Port:
    def __init__(self, *listening):
        self.listening = set(listening)
        self.published = []

    def listeners(self, topic):
        return int(topic in self.listening)

    def publish(self, topic, message):
        self.published.append((topic, message))

    def topics(self):
        return [topic for topic, _ in self.published if topic not in LABEL_INFOS]


def serialize(message):
    return bytes(STORE.serialize_cdr(message, message.__msgtype__))


def frame(image=None, **fields):
    image = np.full((8, 12, 3), (0, 0, 255), np.uint8) if image is None else image
    message = TYPES.Image()
    message.height, message.width = image.shape[:2]
    message.encoding, message.step, message.data = "bgr8", image.shape[1] * 3, image.tobytes()
    message.header.frame_id = "lens"
    message.header.stamp.sec = 7
    for name, value in fields.items():
        setattr(message, name, value)
    return Frame(message, time.monotonic())


class Rig:
    """A pipeline, its cameras and its device."""

    def __init__(self, *names, threads=1, device=None, listening=PER_FRAME, **parameters):
        self.device, self.log = device or Device(), Log()
        self.device.networks.requests = threads
        self.cameras = {name: Camera(name, Port(*listening)) for name in names or ("",)}
        inference = Inference(lambda _: self.device, "CPU", lambda: ["CPU"], self.log)
        settings = Settings().changed(parameters)
        self.pipeline = Pipeline(
            inference, settings, TYPES, serialize, lambda stamp: stamp.sec or None, self.log
        )
        self.pipeline.start(list(self.cameras.values()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.device.gate.set()
        self.pipeline.stop(5)

    def send(self, item, camera=""):
        """Put a frame, and wait until its camera is done with it."""
        counts = self.cameras[camera].statistics.counts
        before = self.handled(counts)
        self.pipeline.mailboxes.put(camera, item)
        until(lambda: self.handled(counts) > before)

    @staticmethod
    def handled(counts):
        return counts.idle + counts.over_rate + counts.bad + counts.failed + counts.published
