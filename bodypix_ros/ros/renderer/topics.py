"""The part of the renderer node that is one camera: what it listens to, and why no picture comes."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bodypix_ros.ros.messages import markers
from bodypix_ros.ros.messages.ids import number_of
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.renderer.drawing import COLOURED, COMPRESSED, RAW, Camera, Painter
from bodypix_ros.ros.renderer.joining import IMAGE, Frame, Joiner
from bodypix_ros.ros.renderer.options import RendererOptions, inputs_of, required_of
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.outage import Outage
from bodypix_ros.ros.shared.wiring import Input, Wiring, why_silent

_IMAGE: Final = "sensor_msgs/msg/Image"
_COMPRESSED: Final = "sensor_msgs/msg/CompressedImage"
_PLACES: Final = "vision_msgs/msg/Detection3DArray"
PLACES: Final = "persons_3d"
_NUMBERED: Final = "instances"
"""The mode that shows people's numbers, and beside them their distances where people_node says them."""
_DEPTH = 5
"""So many messages of an input wait: several make one frame."""


class Topics:
    """The topics of one camera."""

    def __init__(
        self, wiring: Wiring, name: str, options: RendererOptions, skeletons: markers.Skeletons, log: Log
    ) -> None:
        """Publish; nothing is subscribed to yet.

        Args:
            wiring: The node's.
            name: Of the camera: the prefix of its topics.
            options: Those in force.
            skeletons: Makes the camera's markers.
            log: Gets told why no picture comes.
        """
        self._wiring, self._options, self._skeletons, self._log = wiring, options, skeletons, log
        self._prefix = f"{name}/" if name else ""
        self._compressed = options.input_transport == "compressed"
        self.title = f"camera {name}" if name else "camera"
        self.camera = Camera(name, self, Joiner(options.buffer_size, options.wait_s))
        self.outage_text = ""
        self._outage = Outage(time.monotonic())
        self._quiet_since_s = 0.0
        self._absent: list[str] | None = None
        self._wanted: tuple[str, ...] = ()
        self._mode = options.mode
        self._inputs: dict[str, Input] = {}
        self._placed: Input | None = None
        self._distances: Input | None = None
        self._mask: tuple[str, Input] | None = None
        self._markers = wiring.publisher("visualization_msgs/msg/MarkerArray", self._prefix + markers.TOPIC)
        self._outputs = {
            topic: wiring.publisher(kind, self._prefix + topic)
            for topic, kind in ((RAW, _IMAGE), (COMPRESSED, _COMPRESSED), (COLOURED, _IMAGE))
        }

    @property
    def is_listening(self) -> bool:
        """Whether the inputs are subscribed to."""
        return bool(self._inputs)

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""
        return self._outputs[topic].get_subscription_count()

    def publish(self, topic: str, message: Any) -> None:
        """Publish a message."""
        self._outputs[topic].publish(message)

    def change(self, options: RendererOptions) -> None:
        """Go on with other options; cameras and transport stay as they were."""
        self._options = options
        self.camera.joiner.wait_s, self.camera.joiner.capacity = options.wait_s, options.buffer_size

    def look(self, painter: Painter) -> None:
        """Subscribe to what is needed now, and see to frames that have waited long enough.

        To be called a few times a second.

        Args:
            painter: Draws the frames that are whole.
        """
        self._look_at_pictures(painter)
        self._look_at_distances()
        self._look_at_labels(painter)
        self._look_at_skeletons()

    def _look_at_pictures(self, painter: Painter) -> None:
        mode = self._options.mode
        wanted = inputs_of(mode) if any(map(self.listeners, (RAW, COMPRESSED))) else ()
        if wanted != self._wanted or mode != self._mode:
            self._listen(wanted, mode, painter)
        if not wanted:
            return
        now_s = time.monotonic()
        self._hand_on(self.camera.joiner.check(now_s), now_s, painter)
        missing_s = self._outage.check(now_s)
        if missing_s is not None:
            self._quiet_since_s = now_s - missing_s
        if self._outage.said:
            self._say_what_is_absent(now_s)

    def _look_at_distances(self) -> None:
        """Listen to where people are while pictures with their numbers are drawn."""
        wanted = bool(self._wanted) and self._mode == _NUMBERED
        if wanted and self._distances is None:
            self._distances = self._wiring.subscription(_PLACES, self._prefix + PLACES, self._on_distances)
        elif not wanted and self._distances is not None:
            self._wiring.unsubscribe(self._distances)
            self._distances, self.camera.distances = None, {}

    def _on_distances(self, message: Any) -> None:
        """Take a vision_msgs/Detection3DArray of people in metres; the next pictures have their distances."""
        found = {}
        for detection in message.detections:
            number = number_of(detection.id)
            if number is not None and detection.results:
                place = detection.results[0].pose.pose.position
                found[number] = math.hypot(place.x, place.y, place.z)
        self.camera.distances = found

    def _look_at_labels(self, painter: Painter) -> None:
        """Listen to a mask while somebody wants to see it in colours, whatever the mode."""
        wanted = self._options.labels if self.listeners(COLOURED) else ""
        if self._mask is not None and self._mask[0] != wanted:
            self._wiring.unsubscribe(self._mask[1])
            self._mask = None
        if wanted and self._mask is None:
            colour = partial(painter.colour, self.camera, wanted)
            heard = self._wiring.subscription(OUTPUTS[wanted].kind, self._prefix + wanted, colour)
            self._mask = wanted, heard

    def _look_at_skeletons(self) -> None:
        """Listen to people in 3-D while somebody wants to see their skeletons, whatever the mode."""
        wanted = self._markers.get_subscription_count() > 0
        if wanted and self._placed is None:
            self._placed = self._wiring.subscription(
                OUTPUTS[markers.INPUT].kind, self._prefix + markers.INPUT, self._on_placed
            )
        elif not wanted and self._placed is not None:
            self._wiring.unsubscribe(self._placed)
            self._placed = None

    def _on_placed(self, message: Any) -> None:
        self._markers.publish(self._skeletons.markers(message, self._options.min_keypoint_score))

    def _listen(self, wanted: tuple[str, ...], mode: str, painter: Painter) -> None:
        self.camera.joiner.expect(wanted, required_of(mode))
        self._wanted, self._mode = wanted, mode
        self._outage, self.outage_text, self._absent = Outage(time.monotonic()), "", None
        for name in self._inputs.keys() - set(wanted):
            self._wiring.unsubscribe(self._inputs.pop(name))
        for name in wanted:
            if name not in self._inputs:
                self._inputs[name] = self._wiring.subscription(
                    self._kind(name), self._topic(name), self._receiver(name, painter), depth=_DEPTH
                )

    def _receiver(self, name: str, painter: Painter) -> Callable[[Any], None]:
        joiner = self.camera.joiner

        def on_message(message: Any) -> None:
            now_s = time.monotonic()
            stamp = message.header.stamp
            self._hand_on(joiner.add(name, (stamp.sec, stamp.nanosec), message, now_s), now_s, painter)

        return on_message

    def _hand_on(self, frame: Frame | None, now_s: float, painter: Painter) -> None:
        if frame is None:
            return
        if self._outage.frame(now_s):
            self.outage_text, self._absent = "", None
        painter.put(self.camera, frame)

    def _topic(self, name: str) -> str:
        return self._prefix + (f"{name}/compressed" if name == IMAGE and self._compressed else name)

    def _kind(self, name: str) -> str:
        if name == IMAGE:
            return _COMPRESSED if self._compressed else _IMAGE
        return OUTPUTS[name].kind

    def _say_what_is_absent(self, now_s: float) -> None:
        """Say why there is no picture, and again when the reason changes."""
        coming = self.camera.joiner.is_coming
        absent = [name for name in required_of(self._mode) if not coming(name, now_s)]
        if absent == self._absent:
            return
        self._absent = absent
        seconds = now_s - self._quiet_since_s
        self.outage_text = self._why_absent(absent[0], seconds) if absent else self._why_not_joined(seconds)
        self._log.warning(self.outage_text)

    def _why_not_joined(self, seconds: float) -> str:
        topics = ", ".join(heard.topic_name for heard in self._inputs.values())
        return (
            f"no picture for {seconds:.0f} s: messages come on some of {topics}, but none with the stamp of "
            "an image; the segmenter must read the very images that this node reads"
        )

    def _why_absent(self, name: str, seconds: float) -> str:
        heard = self._inputs[name]
        if name == IMAGE:
            return self._why_silent(name, seconds, compressed=self._compressed)
        needs = f"{self._mode} shows nothing without {name}: "
        output = OUTPUTS[name]
        if self._wiring.publishers_of(heard.topic_name):
            only = f"; the segmenter gives it only with {output.option}: true" if output.option else ""
            return needs + self._why_silent(name, seconds) + only
        # A segmenter that loads its model has no topics yet, and looks from here as if there were none.
        model = f", or has a model without {output.needs}" if output.needs else ""
        return (
            f"{needs}nobody publishes {heard.topic_name}; either the segmenter does not run, or still loads "
            f"its model, which /diagnostics say{model}; or {self._prefix}{name} has to be remapped"
        )

    def _why_silent(self, name: str, seconds: float, *, compressed: bool | None = None) -> str:
        topic, kind = self._topic(name), self._kind(name)
        return why_silent(self._wiring, self._inputs[name], topic, kind, seconds, compressed=compressed)
