"""The part of the segmenter node that is one camera: its topics, and why nothing comes on them."""

import time
from typing import Final

from bodypix_ros.ros.messages.outputs import OUTPUTS, absent, outputs_of
from bodypix_ros.ros.messages.types import Message
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.segmenter.pipeline import Camera, Frame, Pipeline, wanted
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.loss import WORTH_SAYING
from bodypix_ros.ros.shared.outage import Outage
from bodypix_ros.ros.shared.wiring import Input, Wiring, why_silent

_KINDS: Final = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}
CAMERA_INFO: Final = "camera_info"


class Topics:
    """The topics of one camera.

    Attributes:
        title: Of its entry in /diagnostics.
        camera: What happened to its frames.
        topic: The images', resolved once it was subscribed to.
        outage_text: Why no frame comes; empty while frames come.
    """

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
        self.camera = Camera(name, self, settings.node.id_prefixes[name])
        self.outage_text = ""
        self._outage = Outage(time.monotonic())
        self._images: Input | None = None
        self._calibration: Input | None = None
        self._pipeline: Pipeline | None = None
        self._wanted_s, self._loss_said = 0.0, False
        self.topic = self._image
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

    @property
    def rests(self) -> bool:
        """Whether the images are not received, since nobody wants anything of them."""
        return self._pipeline is not None and self._images is None

    def listen(self, pipeline: Pipeline) -> None:
        """Subscribe to the images."""
        self._pipeline, self._wanted_s, self._loss_said = pipeline, time.monotonic(), False
        self.camera.announced = None
        self._subscribe(pipeline)

    def look(self, now_s: float) -> None:
        """Rest once nobody has wanted anything for `idle_timeout`, and listen again once somebody does.

        To be called once a second or so, and at once where it rests and `is_wanted`.

        Args:
            now_s: `time.monotonic()`.
        """
        pipeline = self._pipeline
        if pipeline is None:
            return
        limit_s = pipeline.settings.node.idle_timeout
        if limit_s == 0 or self.is_wanted():
            self._wanted_s = now_s
            if self._images is None:
                self._subscribe(pipeline)
        elif self._images is not None and now_s - self._wanted_s > limit_s:
            self._unsubscribe()

    def is_wanted(self) -> bool:
        """Whether anybody wants anything of the images. May be asked by any thread."""
        if self._pipeline is None:
            return False
        settings = self._pipeline.settings
        if wanted(settings, self.listeners):
            return True
        # What the labels mean is published with the first frame.
        due = self.camera.announced is None and settings.node.enabled
        return due and any(self.listeners(o.topic) for o in outputs_of(settings.gives) if o.latched)

    def _subscribe(self, pipeline: Pipeline) -> None:
        camera, mailboxes = self.camera, pipeline.mailboxes
        statistics = camera.statistics
        self._outage, self.outage_text = Outage(time.monotonic()), ""

        def on_image(message: Message) -> None:
            now_s, stamp = time.monotonic(), message.header.stamp
            replaced = mailboxes.put(camera.name, Frame(message, now_s))
            statistics.receive(now_s, stamp.sec + stamp.nanosec / 1e9, replaced=replaced)
            if self._outage.frame(now_s):
                self.outage_text = ""
                self._log.info(f"frames come again on {self.topic}")
            # The worker may have the interpreter now: the executor would keep it until it waits again.
            time.sleep(0)

        self._images = self._wiring.subscription(self._kind, self._image, on_image)
        self.topic = self._images.topic_name
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

    def publishers(self) -> int | None:
        """How many publish the images, while those are not received; None while they are."""
        return len(self._wiring.publishers_of(self.topic)) if self.rests else None

    def stop_listening(self) -> None:
        """Unsubscribe, until told to listen again."""
        self._pipeline = None
        self._unsubscribe()

    def _unsubscribe(self) -> None:
        for heard in (self._images, self._calibration):
            if heard is not None:
                self._wiring.unsubscribe(heard)
        self._images = self._calibration = None
        self.outage_text = ""  # nothing is waited for any more

    def destroy(self) -> None:
        """Take the publishers away."""
        for publisher in self._publishers.values():
            self._wiring.unpublish(publisher)

    def check(self) -> None:
        """Say, once, when frames stay away, or when too many of them get lost."""
        if self._images is None:
            return
        self._check_loss(self._images.topic_name)
        missing_s = self._outage.check(time.monotonic())
        if missing_s is None:
            return
        self.outage_text = why_silent(
            self._wiring, self._images, self._image, self._kind, missing_s, compressed=self._compressed
        )
        self._log.warning(self.outage_text)

    def _check_loss(self, topic: str) -> None:
        share = self.camera.statistics.loss.share()
        if self._loss_said or share is None or share < WORTH_SAYING:
            return
        self._loss_said = True
        self._log.warning(
            f"{share:.0%} of the frames of {topic} did not come, by the gaps between their stamps: DDS loses "
            "big images where its socket buffers are small (config/cyclonedds.xml and config/fastdds.xml "
            "have larger ones), or the camera leaves frames out"
        )
