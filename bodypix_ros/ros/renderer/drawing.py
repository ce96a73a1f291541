"""One frame's way through the renderer: joined messages, image and Scene, picture, messages."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from bodypix_ros import rendering
from bodypix_ros.errors import DepthError, MessageError
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.scenes import to_labels, to_scene
from bodypix_ros.ros.messages.types import Message, MessageTypes
from bodypix_ros.ros.renderer.joining import IMAGE, Frame, Joiner
from bodypix_ros.ros.renderer.options import RendererOptions, required_of
from bodypix_ros.ros.shared import diagnostics
from bodypix_ros.ros.shared.cameras import white_of
from bodypix_ros.ros.shared.log import Log, Throttle
from bodypix_ros.ros.shared.mailbox import Mailboxes, RateLimit
from bodypix_ros.ros.shared.wiring import Port

RAW: Final = "debug_image"
COMPRESSED: Final = "debug_image/compressed"
COLOURED: Final = "label_image"


def render(
    frame: Frame, options: RendererOptions, distances: Mapping[int, float] = MappingProxyType({})
) -> images.Pixels | None:
    """Draw a frame.

    Args:
        frame: Messages by input.
        options: Those in force.
        distances: Of people, metres, by the number of their track.

    Returns:
        The picture, BGR; None where a privacy mode may show nothing.

    Raises:
        MessageError: A message is broken, or does not fit the others.
    """
    given = dict(frame.messages)
    if not given.keys() >= set(required_of(options.mode)):
        return None
    if rendering.MODES[options.mode].privacy and not frame.certain:
        return None  # a part mask of another image would hide the wrong places
    decode = images.to_image_compressed if options.input_transport == "compressed" else images.to_image
    image = images.as_bgr(*decode(given.pop(IMAGE), mono16_max=white_of(options.mono16_max)))
    height, width = image.shape[:2]
    scene = to_scene((height, width), **given)
    if distances:
        persons = (replace(one, distance=distances.get(one.track_id or 0)) for one in scene.persons)
        scene = replace(scene, persons=tuple(persons))
    return rendering.draw(image, scene, options.mode, options, bgr=True)


@dataclass(slots=True)
class Statistics:
    """What happened to one camera's frames."""

    drawn: int = 0
    replaced: int = 0
    over_rate: int = 0
    withheld: int = 0
    bad: int = 0
    draw_ms: diagnostics.Window = field(default_factory=diagnostics.Window)
    last_error: str = ""
    last_error_s: float = -math.inf


@dataclass(slots=True)
class Camera:
    """A camera: its topics, the frames that come together, and what happened to them.

    Attributes:
        distances: Of people, metres, by the number of their track, as they were said last.
    """

    name: str
    port: Port
    joiner: Joiner
    statistics: Statistics = field(default_factory=Statistics)
    rate: RateLimit = field(default_factory=RateLimit)
    distances: Mapping[int, float] = field(default_factory=dict)


class Painter:
    """Draws frames in a thread of its own, the newest of each camera.

    Attributes:
        options: Those in force; replace the attribute to change them.
    """

    def __init__(
        self, cameras: list[Camera], options: RendererOptions, types: MessageTypes, log: Log
    ) -> None:
        """Start.

        Args:
            cameras: All there are.
            options: Those in force.
            types: The message classes.
            log: Gets told what fails.
        """
        self.options = options
        self._types = types
        self._complain = Throttle(log.error)
        self._complain_once = Throttle(log.error, every_s=math.inf)
        self._cameras = {camera.name: camera for camera in cameras}
        self._mailboxes: Mailboxes[Frame] = Mailboxes(list(self._cameras))
        self._thread = threading.Thread(target=self._run, name="draw", daemon=True)
        self._thread.start()

    def put(self, camera: Camera, frame: Frame) -> None:
        """Have a frame drawn, unless a newer one comes before its turn."""
        camera.statistics.replaced += self._mailboxes.put(camera.name, frame)

    def colour(self, camera: Camera, name: str, mask: Message) -> None:
        """Publish a label image in colours, at once: that takes a millisecond or two.

        Args:
            camera: Whose.
            name: "instance_mask" or "part_mask".
            mask: sensor_msgs/Image.
        """
        try:
            picture = rendering.draw_labels(to_labels(name, mask), name)
        except MessageError as error:
            self._report(camera, "mask", f"{COLOURED} cannot be drawn: {error}")
            return
        camera.port.publish(COLOURED, images.rgb_image(self._types, mask.header, picture))

    def stop(self, timeout_s: float = 0.5) -> None:
        """Take no more frames, and wait for the one at hand."""
        self._mailboxes.close()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while taken := self._mailboxes.take():
            name, frame = taken
            camera = self._cameras[name]
            try:
                self._process(camera, frame)
            except DepthError as error:
                self._report(camera, "depth", f"a frame cannot be drawn: {error}", once=True)
            except MessageError as error:
                self._report(camera, "bad", f"a frame cannot be drawn: {error}")
            except Exception as error:  # noqa: BLE001 - one frame's failure is not the next one's
                self._report(camera, "failed", f"drawing failed: {type(error).__name__}: {error}")
            self._mailboxes.release(name)

    def _process(self, camera: Camera, frame: Frame) -> None:
        options, statistics = self.options, camera.statistics
        outputs = [topic for topic in (RAW, COMPRESSED) if camera.port.listeners(topic)]
        if not outputs:
            return
        if not camera.rate.allows(frame.last_s, options.max_rate):
            statistics.over_rate += 1
            return
        picture = render(frame, options, camera.distances)
        if picture is None:
            statistics.withheld += 1
            if not frame.certain:
                self._explain(camera, options, frame)
            return
        if self.options is not options:
            return  # they have changed meanwhile, and may hide more now
        header = frame.messages[IMAGE].header
        for topic in outputs:
            if topic == RAW:
                message = images.bgr_image(self._types, header, picture)
            else:
                message = images.jpeg_image(self._types, header, picture, options.jpeg_quality)
            camera.port.publish(topic, message)
        now_s = time.monotonic()
        statistics.drawn += 1
        statistics.draw_ms.add(now_s, (now_s - frame.last_s) * 1e3)

    def _explain(self, camera: Camera, options: RendererOptions, frame: Frame) -> None:
        stamp = frame.messages[IMAGE].header.stamp
        why = "is not set" if (stamp.sec, stamp.nanosec) == (0, 0) else "was another image's before"
        self._report(
            camera,
            "withheld",
            f"{options.mode} shows nothing of an image whose stamp {why}: which part mask is its own is "
            "not certain; let the camera set stamps",
        )

    def _report(self, camera: Camera, kind: str, text: str, *, once: bool = False) -> None:
        text = f"{camera.name}: {text}" if camera.name else text
        now_s = time.monotonic()
        if kind != "withheld":
            camera.statistics.bad += 1
        camera.statistics.last_error, camera.statistics.last_error_s = text, now_s
        (self._complain_once if once else self._complain)(f"{kind} {camera.name}", text, now_s)


def status(
    camera: Camera, *, waiting: str, listening: bool, now_s: float | None = None
) -> diagnostics.Status:
    """The entry of one camera in /diagnostics.

    Args:
        camera: Which.
        waiting: Why nothing can be drawn, or empty.
        listening: Whether its inputs are subscribed to.
        now_s: `time.monotonic()`.
    """
    now_s = time.monotonic() if now_s is None else now_s
    statistics = camera.statistics
    drawn = statistics.draw_ms.rate(now_s)
    if not listening:
        level, message = diagnostics.OK, "idle: nobody subscribes"
    elif waiting:
        level, message = diagnostics.WARN, waiting
    elif now_s - statistics.last_error_s < diagnostics.WINDOW_S:
        level, message = diagnostics.WARN, statistics.last_error
    else:
        level, message = diagnostics.OK, f"{drawn:.1f} frames per second"
    p50 = statistics.draw_ms.percentile(now_s, 50)
    return diagnostics.Status(
        level,
        message,
        {
            "drawn (Hz)": f"{drawn:.1f}",
            "frames drawn": str(statistics.drawn),
            "images without partners": str(camera.joiner.incomplete),
            "dropped (a newer one came)": str(statistics.replaced),
            "left out (max_rate)": str(statistics.over_rate),
            "withheld (privacy)": str(statistics.withheld),
            "bad frames": str(statistics.bad),
            "waiting": str(len(camera.joiner)),
            "last input to picture p50 (ms)": "none" if p50 is None else f"{p50:.2f}",
            "last error": statistics.last_error or "none",
        },
    )
