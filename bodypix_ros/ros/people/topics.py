"""The part of the people node that is one camera: its topics, and why nobody has a place."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from bodypix_ros.errors import PlacingError
from bodypix_ros.ros.messages import figures, markers
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS
from bodypix_ros.ros.messages.types import nanoseconds
from bodypix_ros.ros.people import joining
from bodypix_ros.ros.people.humans import Bodies
from bodypix_ros.ros.people.joining import Joined, Matcher
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.people.placing import Camera, Placer
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.outage import Outage
from bodypix_ros.ros.shared.wiring import Input, Wiring, why_silent
from bodypix_ros.space.crowd import Crowd
from bodypix_ros.space.lens import Lens

IMAGE: Final = "sensor_msgs/msg/Image"
CAMERA_INFO: Final = "sensor_msgs/msg/CameraInfo"

DEPTH: Final = "depth/image"
INFO: Final = "camera_info"
DEPTH_INFO: Final = "depth/camera_info"

_QUEUE: Final = 10
_MISFIT: Final = 0.03
"""Camera matrices of one view differ by less, in sizes of the image."""

ALWAYS: Final = (joining.PERSONS, joining.MASK, joining.KEYPOINTS)
"""The inputs of every image. Others are listened to while somebody wants something that needs them."""


def output_kinds() -> dict[str, str]:
    """The topics of one camera, and their types."""
    kinds = {output.topic: output.kind for output in PLACED_OUTPUTS.values()}
    return {**kinds, figures.TOPIC: figures.KIND}


def input_kinds() -> dict[str, str]:
    """The topics that one camera may be read from, and their types."""
    seen = {name: OUTPUTS[name].kind for name in (*ALWAYS, joining.PARTS, joining.METRES)}
    return {**seen, joining.IMAGE: IMAGE, DEPTH: IMAGE, INFO: CAMERA_INFO, DEPTH_INFO: CAMERA_INFO}


class Topics:
    """The topics of one camera.

    Attributes:
        title: Of its entry in /diagnostics.
        camera: What happened to its images.
        matcher: Joins them with depth.
        waiting: Why nothing comes; empty while something does.
    """

    def __init__(self, wiring: Wiring, plain: Wiring, name: str, options: PlacesOptions, log: Log) -> None:
        """Publish; nothing is subscribed to yet.

        Args:
            wiring: The node's.
            plain: The same, for what is published whatever the node's state.
            name: Of the camera: the prefix of its topics.
            options: Those in force.
            log: Gets told why nobody has a place.
        """
        self._wiring, self._log, self.options = wiring, log, options
        self._prefix = f"{name}/" if name else ""
        self.title = f"camera {name}" if name else "camera"
        self._outputs = {
            topic: wiring.publisher(kind, self._prefix + topic) for topic, kind in output_kinds().items()
        }
        self._inputs: dict[str, Input] = {}
        self._outage, self.waiting = Outage(time.monotonic()), ""
        self._infos: dict[str, tuple[Any, ...]] = {}
        self.matcher = Matcher(options.slop)
        self._placer: Placer | None = None
        crowd = Crowd(options.max_age, options.follow_timeout)
        bodies = Bodies(plain) if options.ros4hri else None
        self.camera = Camera(name, self, crowd, figures.Figures(markers.ros_types()), bodies)

    # Outputs

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""
        return self._outputs[topic].get_subscription_count()

    def publish(self, topic: str, message: Any) -> None:
        """Publish a message."""
        self._outputs[topic].publish(message)

    # Inputs

    @property
    def is_listening(self) -> bool:
        """Whether the inputs are subscribed to."""
        return bool(self._inputs)

    def start(self, placer: Placer) -> None:
        """Listen from now on, while somebody wants something."""
        self._placer = placer
        self.look()

    def look(self) -> None:
        """Subscribe to what is needed now, and see to what has waited; to be called a few times a second."""
        if self._placer is None:
            return
        wanted = self._wanted()
        if bool(wanted) != bool(self._inputs):
            self._outage, self.waiting = Outage(time.monotonic()), ""
            self.matcher.clear()
        for name in self._inputs.keys() - wanted:
            self._wiring.unsubscribe(self._inputs.pop(name))
            self.matcher.forget(name)
        self._forget_depth_info()
        kinds = input_kinds()
        for name in wanted - self._inputs.keys():
            self._inputs[name] = self._wiring.subscription(
                kinds[name], self._prefix + name, self._receiver(name), depth=_QUEUE
            )
        if wanted:
            now_s = time.monotonic()
            self.matcher.slop_s = self.options.slop
            self._hand_on(self.matcher.check(now_s), now_s)
            self._look_for_outages(now_s)

    def _wanted(self) -> set[str]:
        anything = self.options.is_always_wanted or any(map(self.listeners, self._outputs))
        if not anything:
            return set()
        inputs = {*ALWAYS, DEPTH, INFO, DEPTH_INFO}
        if self.listeners("persons_3d/points"):
            inputs |= {joining.IMAGE, joining.PARTS}
        if self.options.ros4hri:
            inputs.add(joining.IMAGE)
        depth = self._inputs.get(DEPTH)
        if depth is not None and not self._wiring.publishers_of(depth.topic_name):
            inputs.add(joining.METRES)
        return inputs

    def _receiver(self, name: str) -> Callable[[Any], None]:
        if name in (INFO, DEPTH_INFO):
            return partial(self._calibrate, name)

        def on_message(message: Any) -> None:
            now_s, stamp = time.monotonic(), message.header.stamp
            stamp_ns = nanoseconds(stamp)
            if name == DEPTH:
                joined = self.matcher.add_depth(stamp_ns, message, now_s)
            else:
                joined = self.matcher.add(name, stamp_ns, message, now_s)
            self._hand_on(joined, now_s)

        return on_message

    def _hand_on(self, joined: Joined | None, now_s: float) -> None:
        if joined is None or self._placer is None:
            return
        if self._outage.frame(now_s):
            self.waiting = ""
            self._log.info(f"{self.title}: images and depth come again")
        self._placer.put(self.camera, joined)
        # The worker may have the interpreter now: the executor would keep it until it waits again.
        time.sleep(0)

    def _calibrate(self, name: str, info: Any) -> None:
        """Take a sensor_msgs/CameraInfo; most are the same as before."""
        region = info.roi
        said = (
            info.width, info.height, tuple(info.k), tuple(info.d), info.distortion_model, info.binning_x,
            info.binning_y, region.x_offset, region.y_offset, region.width, region.height,
        )  # fmt: skip
        if self._infos.get(name) == said:
            return
        if name in self._infos:
            self._log.info(f"{self._prefix}{name} has changed")
        self._infos[name] = said
        if name == INFO:
            try:
                self.camera.lens, self.camera.lens_error = Lens.from_info(info), ""
            except PlacingError as error:
                self.camera.lens, self.camera.lens_error = None, str(error)
        self.camera.misfit = self._misfit()

    def _forget_depth_info(self) -> None:
        """What said how the depth is seen says nothing any more once nobody publishes it."""
        heard = self._inputs.get(DEPTH_INFO)
        if DEPTH_INFO in self._infos and (heard is None or not self._wiring.publishers_of(heard.topic_name)):
            del self._infos[DEPTH_INFO]
            self.camera.misfit = self._misfit()

    def _misfit(self) -> str:
        """Why the depth is of another view, by what both cameras say."""
        if not self._infos.keys() >= {INFO, DEPTH_INFO}:
            return ""
        views = []
        for name in (INFO, DEPTH_INFO):
            width, height, k, *_ = self._infos[name]
            views.append(
                np.array([k[0], k[2], k[4], k[5]]) / (width or 1, width or 1, height or 1, height or 1)
            )
        if np.abs(views[0] - views[1]).max() < _MISFIT:
            return ""
        return (
            f"depth is not registered: {self._prefix}{DEPTH_INFO} is of another view than "
            f"{self._prefix}{INFO}. Take the depth that is aligned to the colour image"
        )

    # What is wrong

    def _look_for_outages(self, now_s: float) -> None:
        missing_s = self._outage.check(now_s)
        if missing_s is not None or self._outage.said:
            text = self._why(now_s, missing_s or 0.0)
            if text.partition(" for ")[0] != self.waiting.partition(" for ")[0]:
                self._log.warning(text)
            if missing_s is not None or not self.waiting:
                self.waiting = text

    def _why(self, now_s: float, seconds: float) -> str:
        for name in (joining.PERSONS, joining.MASK):
            if not self.matcher.is_coming(name, now_s):
                return self._silent(name, seconds)
        if self.matcher.problem and self.matcher.difference_s is not None:
            return self.matcher.problem
        return self._silent(DEPTH, seconds)

    def _silent(self, name: str, seconds: float) -> str:
        return why_silent(self._wiring, self._inputs[name], self._prefix + name, input_kinds()[name], seconds)

    # The end

    def stop_listening(self) -> None:
        """Unsubscribe, until told to start again."""
        self._placer = None
        for heard in self._inputs.values():
            self._wiring.unsubscribe(heard)
        self._inputs = {}
        self.matcher.clear()

    def destroy(self) -> None:
        """Take the publishers away."""
        if self.camera.bodies is not None:
            self.camera.bodies.stop()
        for output in self._outputs.values():
            self._wiring.unpublish(output)
