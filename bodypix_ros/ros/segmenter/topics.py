"""The part of the segmenter node that is one camera: its topics, and why nothing comes on them."""

import time
from typing import Final

from bodypix_ros.ros.messages.outputs import OUTPUTS, absent, outputs_of
from bodypix_ros.ros.messages.types import Message
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.pipeline import Camera, Frame, Pipeline
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.outage import Outage
from bodypix_ros.ros.shared.wiring import Input, Wiring, why_silent

_KINDS: Final = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}
CAMERA_INFO: Final = "camera_info"


class Topics:
    """The topics of one camera."""

    def __init__(self, wiring: Wiring, name: str, settings: Settings, log: Log) -> None:
        """Make the publishers.

        Args:
            wiring: The node's.
            name: Of the camera: the prefix of its topics.
            settings: The node's.
            log: Gets told why no frame comes.
        """
        self._wiring, self._log = wiring, log
        self._kind = _KINDS[settings.node.input_transport]
        self._compressed = settings.node.input_transport == "compressed"
        self._absent = absent(settings.gives)
        outputs = outputs_of(settings.gives)
        self._reads_camera_info = any(output.needs_lens for output in outputs)
        prefix = f"{name}/" if name else ""
        self._image = prefix + ("image/compressed" if self._compressed else "image")
        self._camera_info = prefix + CAMERA_INFO
        self.title = f"camera {name}" if name else "camera"
        self.camera = Camera(name, self)
        self.outage_text = ""
        self._outage = Outage(time.monotonic())
        self._images: Input | None = None
        self._calibration: Input | None = None
        self._publishers = {
            output.topic: wiring.publisher(output.kind, prefix + output.topic, latched=output.latched)
            for output in outputs
        }

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""
        return self._publishers[topic].get_subscription_count()

    def publish(self, topic: str, message: Message) -> None:
        """Publish a message, or one that is serialised already."""
        self._publishers[topic].publish(message)

    def listen(self, pipeline: Pipeline) -> None:
        """Subscribe to the images."""
        camera, mailboxes = self.camera, pipeline.mailboxes
        statistics = camera.statistics
        camera.announced = None
        self._outage, self.outage_text = Outage(time.monotonic()), ""

        def on_image(message: Message) -> None:
            now_s = time.monotonic()
            if mailboxes.put(camera.name, Frame(message, now_s)):
                statistics.counts.replaced += 1
            statistics.counts.received += 1
            statistics.received.add(now_s)
            if self._outage.frame(now_s):
                self.outage_text = ""
            # The worker may have the interpreter now: the executor would keep it until it waits again.
            time.sleep(0)

        self._images = self._wiring.subscription(self._kind, self._image, on_image)
        if self._reads_camera_info:
            self._calibration = self._wiring.subscription(
                "sensor_msgs/msg/CameraInfo", self._camera_info, camera.calibrate
            )

    def notes(self) -> dict[str, str]:
        """Why nothing is published on a topic, by topic."""
        notes = dict(self._absent)
        why = self.camera.lens_error
        if not why and self.camera.lens is None:
            topic = self._calibration.topic_name if self._calibration is not None else self._camera_info
            why = f"waiting for {topic.lstrip('/')}"
        if why:
            for output in OUTPUTS.values():
                if output.needs_lens and output.topic in self._publishers:
                    notes[output.topic] = why
        return notes

    def stop_listening(self) -> None:
        """Unsubscribe."""
        for heard in (self._images, self._calibration):
            if heard is not None:
                self._wiring.unsubscribe(heard)
        self._images = self._calibration = None

    def destroy(self) -> None:
        """Take the publishers away."""
        for publisher in self._publishers.values():
            self._wiring.unpublish(publisher)

    def check_outage(self) -> None:
        """Say, once, when frames stay away."""
        missing_s = self._outage.check(time.monotonic())
        if missing_s is None or self._images is None:
            return
        self.outage_text = why_silent(
            self._wiring, self._images, self._image, self._kind, missing_s, compressed=self._compressed
        )
        self._log.warning(self.outage_text)
