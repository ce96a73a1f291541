"""One frame's way through the node: message, image, Scene, messages; and the threads that walk it."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from bodypix_ros.errors import (
    AbandonedError,
    DepthError,
    DeviceError,
    MessageError,
    ModelError,
    PlacingError,
)
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.outputs import OUTPUTS, Output, Seen, outputs_of
from bodypix_ros.ros.messages.stencil import Stencils
from bodypix_ros.ros.messages.types import Header, Message, MessageTypes, Stamp
from bodypix_ros.ros.segmenter.diagnostics import Statistics
from bodypix_ros.ros.segmenter.inference import Inference, InferenceStream
from bodypix_ros.ros.segmenter.pace import advice
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.shared.cameras import white_of
from bodypix_ros.ros.shared.log import Log, Throttle
from bodypix_ros.ros.shared.mailbox import Mailboxes, RateLimit
from bodypix_ros.ros.shared.threads import claim, in_background
from bodypix_ros.ros.shared.wiring import Port
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens


class Frame(NamedTuple):
    """A message on its way.

    Attributes:
        message: The image.
        arrived_s: When it came, by `time.monotonic()`.
        admitted: Whether the rate limit has let it pass already.
    """

    message: Message
    arrived_s: float
    admitted: bool = False


@dataclass(slots=True)
class Camera:
    """A camera: its topics and what happened to its frames.

    Attributes:
        id_prefix: Of its people's ids.
        announced: What the label infos said when they were published last; None: they are due.
        lens: How it sees; None until that is known.
        lens_error: Why nobody can be placed in front of it; empty where somebody can.
        compiling: What is being compiled for its images; None most of the time.
    """

    name: str
    port: Port
    id_prefix: str = ""
    statistics: Statistics = field(default_factory=Statistics)
    rate: RateLimit = field(default_factory=RateLimit)
    announced: tuple[float, int] | None = None
    wanted: tuple[Output, ...] = ()
    stencils: dict[str, Stencils[Scene]] = field(default_factory=dict)
    lens: Lens | None = None
    lens_error: str = ""
    compiling: "Compilation | None" = None

    def calibrate(self, info: Message) -> None:
        """Take a sensor_msgs/CameraInfo."""
        known = self.lens is not None
        try:
            self.lens = Lens.from_info(info)
        except PlacingError as error:
            self.lens, self.lens_error = None, str(error)
            return
        if not known:  # else it is for the next frame to say
            self.lens_error = ""


@dataclass(slots=True, eq=False, frozen=True)
class Compilation:
    """A network being compiled for images of a size such as "640x480", since a `time.monotonic()`."""

    size: str
    began_s: float
    camera: Camera
    segmenter: Segmenter


def wanted(settings: Settings, listeners: Callable[[str], int]) -> tuple[Output, ...]:
    """The outputs to compute and publish for a frame.

    Args:
        settings: Those in force.
        listeners: How many subscribe to a topic.
    """
    if not settings.node.enabled:
        return ()
    return tuple(
        output
        for output in outputs_of(settings.gives)
        if not output.latched
        and output.is_asked(settings.model)
        and (not settings.node.lazy or listeners(output.topic))
    )


class Pipeline:
    """Processes frames. May be called from several threads, for one camera from one at a time.

    Attributes:
        settings: Those in force; replace the attribute to change them.
        slow: What to change, where the model is too slow for its cameras; else empty.
    """

    def __init__(
        self,
        inference: Inference,
        settings: Settings,
        types: MessageTypes,
        serialize: Callable[[Message], bytes],
        age_ms: Callable[[Stamp], float | None],
        log: Log,
    ) -> None:
        """Wire it.

        Args:
            inference: The model.
            settings: Those in force.
            types: The message classes.
            serialize: Message -> bytes, which can be published as well.
            age_ms: Milliseconds since a stamp; None for a stamp that is not set.
            log: Gets told what fails.
        """
        self.inference, self.settings = inference, settings
        self._types, self._serialize, self._age_ms = types, serialize, age_ms
        compressed = settings.node.input_transport == "compressed"
        self._decode = images.to_image_compressed if compressed else images.to_image
        self._log, self._complain = log, Throttle(log.error)
        self._complain_once = Throttle(log.error, every_s=math.inf)
        self._cameras: dict[str, Camera] = {}
        self._streams: dict[str, InferenceStream] = {}
        self._threads: list[threading.Thread] = []
        self._compilations: set[Compilation] = set()
        self.slow, self._slow_said = "", False
        self.mailboxes: Mailboxes[Frame] = Mailboxes([])

    def start(self, cameras: list[Camera]) -> None:
        """Take the cameras' frames until stopped."""
        self._cameras = {camera.name: camera for camera in cameras}
        self._streams = {camera.name: self.inference.stream() for camera in cameras}
        for camera in cameras:
            camera.compiling = None
            camera.stencils = {}
        self.mailboxes, self._compilations, self._threads = Mailboxes(list(self._cameras)), set(), []
        self.slow, self._slow_said = "", False
        # Whoever has the turn finds an idle request: cameras wait in the mailboxes, which are fair.
        for _ in range(min(len(cameras), self.inference.segmenter.requests)):
            self._start_worker(self.mailboxes)

    def stop(self, timeout_s: float = 0.5) -> None:
        """Take no more frames. Waits for the one at hand, but not long: it may be in a native call."""
        self.mailboxes.close()
        end_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))

    def check(self, now_s: float) -> None:
        """Give up what takes too long, and say where all is too slow; to be called once a second or so.

        Args:
            now_s: `time.monotonic()`.
        """
        statistics = [camera.statistics for camera in self._cameras.values()]
        self.slow = advice(statistics, self.settings, len(self._threads), now_s)
        if self.slow and not self._slow_said:
            self._slow_said = True
            self._log.warning(self.slow)
        limit_s = self.settings.node.inference_timeout
        for turn in self.inference.give_up(limit_s, now_s):
            for name, camera in self._cameras.items():
                if self._streams[name] is turn.stream:
                    camera.statistics.counts.failed += 1
                    text = f"a frame was given up, as the model did not answer for {turn.waited_s:.0f} s"
                    self._report(camera, "hung", text)
                    # Its thread has the old one.
                    self._streams[name] = self.inference.stream()
                    self._threads.remove(turn.thread)
                    self.mailboxes.release(name)
                    self.inference.afterwards(partial(self._start_worker, self.mailboxes))
        for compilation in self._compilations.copy():
            # On a device that was left: it may never end.
            replaced = compilation.segmenter is not self.inference.segmenter
            if replaced and claim(self._compilations, compilation):
                compilation.camera.compiling = None
                self.mailboxes.release(compilation.camera.name)

    def _start_worker(self, mailboxes: Mailboxes[Frame]) -> None:
        thread = threading.Thread(target=self._run, args=(mailboxes,), name="infer", daemon=True)
        thread.start()
        self._threads.append(thread)  # once it runs: `stop`, called meanwhile, waits for these

    def _run(self, mailboxes: Mailboxes[Frame]) -> None:
        while taken := mailboxes.take():
            name, frame = taken
            camera, release = self._cameras[name], True
            try:
                release = self._process(camera, frame, mailboxes)
            except AbandonedError:
                return  # whatever comes after it is done by others already
            except Exception as error:  # noqa: BLE001 - one frame's failure is not the next one's
                camera.statistics.counts.failed += 1
                self._report(camera, "failed", f"a frame failed: {type(error).__name__}: {error}")
            if release:
                mailboxes.release(name)

    def _process(self, camera: Camera, frame: Frame, mailboxes: Mailboxes[Frame]) -> bool:
        """Do everything for one frame. Returns whether that ends the camera's turn."""
        settings, counts, header = self.settings, camera.statistics.counts, frame.message.header
        self._announce(camera, settings, header)
        camera.wanted = wanted(settings, camera.port.listeners)
        if camera.lens is None:
            camera.wanted = tuple(output for output in camera.wanted if not output.needs_lens)
        if not camera.wanted:
            counts.idle += 1
            return True
        if not frame.admitted and not camera.rate.allows(frame.arrived_s, settings.node.max_rate):
            counts.over_rate += 1
            return True
        try:
            image, encoding = self._decode(frame.message, mono16_max=white_of(settings.node.mono16_max))
        except MessageError as error:
            counts.bad += 1
            kind = "depth" if isinstance(error, DepthError) else "bad"
            self._report(camera, kind, f"a frame cannot be read: {error}", once=kind == "depth")
            return True
        height, width = image.shape[:2]
        if not self.inference.is_ready(height, width):
            # Compiling takes seconds on some devices: the other cameras go on meanwhile.
            compilation = Compilation(f"{width}x{height}", time.monotonic(), camera, self.inference.segmenter)
            camera.compiling = compilation
            self._compilations.add(compilation)
            future = in_background(lambda: self.inference.prepare(height, width), "prepare")
            future.add_done_callback(
                lambda done: self._prepared(compilation, frame, mailboxes, done.exception())
            )
            return False
        started_s = time.monotonic()
        try:
            self.inference.update(self._model_options(settings))
            scene = self._streams[camera.name].segment(image, encoding, header.stamp)
        except DeviceError as error:
            counts.failed += 1
            device = self.inference.segmenter.device
            self._report(camera, "failed", f"the model failed on {device}: {error}")
            return True
        except ModelError as error:  # of what an option that was switched on needs
            counts.failed += 1
            self._report(camera, "missing", str(error), once=True)
            return True
        segment_s = time.monotonic() - started_s
        published = self._publish(camera, header, scene)
        done_s = time.monotonic()
        age_ms = self._age_ms(header.stamp)
        overall_ms = (done_s - frame.arrived_s) * 1e3
        camera.statistics.publication(
            time.monotonic(),
            age_ms=overall_ms if age_ms is None else age_ms,
            overhead_ms=overall_ms - segment_s * 1e3,
            segment_ms=segment_s * 1e3,
            outputs=published,
        )
        return True

    def _prepared(
        self, compilation: Compilation, frame: Frame, mailboxes: Mailboxes[Frame], error: BaseException | None
    ) -> None:
        """Go on with a camera whose images needed a compilation: with this frame, or a newer one."""
        if not claim(self._compilations, compilation):
            return
        camera = compilation.camera
        camera.compiling = None
        if error is not None:
            camera.statistics.counts.failed += 1
            self._report(camera, "failed", f"the model cannot be compiled for images of this size: {error}")
        mailboxes.release(camera.name, frame._replace(admitted=True) if error is None else None)

    def _model_options(self, settings: Settings) -> dict[str, Any]:
        """The model's options, without what no camera needs."""
        options = dict(settings.live_options)
        needed = {output.topic for camera in self._cameras.values() for output in camera.wanted}
        for output in OUTPUTS.values():
            if output.option in options and output.alone and not output.latched:
                options[output.option] = output.topic in needed
        return options

    def _announce(self, camera: Camera, settings: Settings, header: Header) -> None:
        """Publish the latched outputs where they are due."""
        now = settings.model.segmentation_threshold, settings.model.most_persons
        if camera.announced == now:
            return
        camera.announced = now
        seen = Seen(header, settings.model)
        for output in outputs_of(settings.gives):
            if output.latched:
                camera.port.publish(output.topic, output.make(self._types, seen))

    def _publish(self, camera: Camera, header: Header, scene: Scene) -> tuple[str, ...]:
        """Publish what is wanted of a Scene, and return what that was."""
        published = []
        seen = Seen(header, self.settings.model, scene, camera.lens, camera.id_prefix)
        for output in camera.wanted:
            message = self._message(camera, output, seen)
            if message is not None:  # else it was asked for while this frame was under way
                camera.port.publish(output.topic, message)
                published.append(output.topic)
        return tuple(published)

    def _message(self, camera: Camera, output: Output, seen: Seen) -> Message:
        """The message, or one that is serialised already; None where this image gives none."""
        if output.varying is not None:
            if output.topic not in camera.stencils:
                build = partial(self._build, camera, output)
                camera.stencils[output.topic] = Stencils(build, output.varying, self._serialize)
            return camera.stencils[output.topic](seen.header, seen.scene)
        if not output.needs_lens:
            return output.make(self._types, seen)
        try:
            message = output.make(self._types, seen)
        except PlacingError as error:
            camera.lens_error = str(error)
            return None
        camera.lens_error = ""
        return message

    def _build(self, camera: Camera, output: Output, header: Header, scene: Scene) -> Message:
        seen = Seen(header, self.settings.model, scene, id_prefix=camera.id_prefix)
        return output.make(self._types, seen)

    def _report(self, camera: Camera, kind: str, text: str, *, once: bool = False) -> None:
        text = f"{camera.name}: {text}" if camera.name else text
        now_s = time.monotonic()
        camera.statistics.error(now_s, text)
        (self._complain_once if once else self._complain)(f"{kind} {camera.name}", text, now_s)
