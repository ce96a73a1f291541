"""One image's way through the people node: joined messages, Scene and depth, people in metres, messages."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bodypix_ros.errors import MessageError, PlacingError
from bodypix_ros.ros.messages import humans, images
from bodypix_ros.ros.messages.depth import to_depth
from bodypix_ros.ros.messages.figures import TOPIC as MARKERS
from bodypix_ros.ros.messages.figures import Figures
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS, Give, People, PlacedOutput
from bodypix_ros.ros.messages.scenes import to_scene
from bodypix_ros.ros.messages.stencil import Stencils
from bodypix_ros.ros.messages.types import Message
from bodypix_ros.ros.people import joining
from bodypix_ros.ros.people.figures3d import from_metres
from bodypix_ros.ros.people.frames import NoFrameError, NoTransformError, Transforms, apart, stands
from bodypix_ros.ros.people.humans import GONE_S, Bodies
from bodypix_ros.ros.people.joining import Joined
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.shared.diagnostics import Window
from bodypix_ros.ros.shared.log import Log, Throttle
from bodypix_ros.ros.shared.mailbox import Mailboxes
from bodypix_ros.ros.shared.wiring import Port
from bodypix_ros.scene import Scene
from bodypix_ros.space.body import body
from bodypix_ros.space.crowd import Crowd, Found
from bodypix_ros.space.depth import doubt, metres
from bodypix_ros.space.follow import CHOICES
from bodypix_ros.space.frames import Frame
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.placing import place

_MISPLACED_M: Final = 0.005
"""A depth camera so far from the colour camera sees something else."""
_MISPLACED: Final = math.radians(0.5)
_WAIT_S: Final = 0.01
"""Seconds that whoever hands over an image waits for it at most."""


@dataclass(slots=True)
class Statistics:
    """What happened to one camera's images. One thread writes."""

    placed: int = 0
    replaced: int = 0
    people: int = 0
    without_place: int = 0
    own_ms: Window = field(default_factory=Window)
    lag_ms: Window = field(default_factory=Window)
    problem: str = ""
    problem_s: float = -math.inf
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Camera:
    """A camera: its outputs, how it sees, and who is in front of it.

    Attributes:
        lens: None until camera_info came.
        lens_error: Why it cannot be used; empty where it can.
        misfit: Why the depth is not registered, by its own camera_info; empty where it may be.
        newest_ns: The stamp of the latest image.
    """

    name: str
    port: Port
    crowd: Crowd
    figures: Figures | None
    bodies: Bodies | None
    statistics: Statistics = field(default_factory=Statistics)
    lens: Lens | None = None
    lens_error: str = ""
    misfit: str = ""
    newest_ns: int = 0
    stencils: dict[str, Stencils[People]] = field(default_factory=dict)


class Placer:
    """Places people in a thread of its own, of the newest image of each camera.

    Attributes:
        options: Those in force; replace the attribute to change them.
    """

    def __init__(
        self,
        cameras: list[Camera],
        options: PlacesOptions,
        give: Give,
        serialize: Callable[[Message], bytes],
        transforms: Transforms,
        broadcast: Callable[[list[Message]], None],
        log: Log,
    ) -> None:
        """Start.

        Args:
            cameras: All there are.
            options: Those in force.
            give: The message classes.
            serialize: Message -> bytes, which can be published as well.
            transforms: tf.
            broadcast: Publishes geometry_msgs/TransformStamped on tf.
            log: Gets told what fails.
        """
        self.options = options
        self._give, self._serialize = give, serialize
        self._transforms, self._broadcast, self._log = transforms, broadcast, log
        self._complain = Throttle(log.warning)
        self._cameras = {camera.name: camera for camera in cameras}
        self._bodies: dict[str, tuple[int, list[str]]] = {}  # of each camera, when and who
        self._mailboxes: Mailboxes[Joined] = Mailboxes(list(self._cameras))
        self._placed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="place", daemon=True)
        self._thread.start()

    def put(self, camera: Camera, joined: Joined) -> None:
        """Have people placed, unless a newer image comes before its turn.

        Waits a moment for it: the interpreter lets one thread compute at a time, and whoever goes on now only
        keeps the other one from it.
        """
        self._placed.clear()
        camera.statistics.replaced += self._mailboxes.put(camera.name, joined)
        self._placed.wait(_WAIT_S)

    def stop(self, timeout_s: float = 0.5) -> None:
        """Take no more images, and wait for the one at hand."""
        self._mailboxes.close()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while taken := self._mailboxes.take():
            name, joined = taken
            camera = self._cameras[name]
            try:
                self._process(camera, joined)
            except (MessageError, PlacingError, NoTransformError) as error:
                self.report(camera, str(error))
            except Exception as error:  # noqa: BLE001 - one image's failure is not the next one's
                self.report(camera, f"placing failed: {type(error).__name__}: {error}")
            self._mailboxes.release(name)
            self._placed.set()

    def report(self, camera: Camera, text: str) -> None:
        """Say why an image gave nothing; it stays in the diagnostics until one gives something."""
        statistics = camera.statistics
        statistics.problem, statistics.problem_s = text, time.monotonic()
        named = f"{camera.name}: {text}" if camera.name else text
        self._complain(f"{camera.name} {text[:24]}", named, statistics.problem_s)

    def _process(self, camera: Camera, joined: Joined) -> None:
        options, port = self.options, camera.port
        wanted = [output for output in PLACED_OUTPUTS.values() if port.listeners(output.topic)]
        marked = port.listeners(MARKERS) > 0
        always = options.is_always_wanted
        if not (wanted or marked or always):
            return
        if camera.lens is None:
            raise PlacingError(
                camera.lens_error or "waiting for camera_info: nobody has said how the camera sees"
            )
        if joined.stamp_ns < camera.newest_ns:
            self._transforms.clear()
        camera.newest_ns = joined.stamp_ns
        skeletal = marked or always or any(output.skeletal for output in wanted)
        scene, ids = _scene(joined.messages, skeletal=skeletal)
        height, width = scene.instance_mask.shape
        camera.lens.check(width, height)
        header = joined.messages[joining.MASK].header
        notes: dict[str, str] = {}
        found, depth = self._found(camera, joined, scene, ids, notes)
        target = self._target(options, header.frame_id, joined.stamp_ns)
        # Depth of another time is made up for by how fast people go, whoever listens.
        tracked = always or marked or joined.lag_ns != 0 or any(output.tracked for output in wanted)
        fixed = self._fixed(options, header.frame_id, joined, notes) if tracked else None
        if fixed is not None:
            found = self._follow(camera, joined, found, fixed, options, notes)
        pixels = any(output.pixels for output in wanted)
        people = People(
            header,
            found,
            scene.keypoint_names,
            target,
            fixed,
            camera.crowd.tracks if fixed is not None else (),
            camera.crowd.follow.chosen if fixed is not None else "",
            scene if pixels else None,
            metres(depth, options.depth_unit or None) if pixels and depth is not None else None,
            camera.lens,
            _image(joined.messages) if pixels else None,
            options.stride,
            options.organized,
        )
        self._publish(camera, people, wanted, marked, joined.last_s)
        if always:
            self._embody(camera, people, scene, joined.messages)
        statistics = camera.statistics
        statistics.placed += 1
        statistics.people += len(found)
        statistics.without_place += len(scene.persons) - len(found)
        if joined.depth is not None:
            statistics.lag_ms.add(time.monotonic(), joined.lag_ns / 1e6)
        if scene.persons and not found:
            notes["persons_3d"] = "nobody has a place: only holes and surroundings are under the masks"
        statistics.notes, statistics.problem = notes, ""

    def _found(
        self, camera: Camera, joined: Joined, scene: Scene, ids: list[str], notes: dict[str, str]
    ) -> tuple[list[Found], Any]:
        """Who has a place, and the depth as it came."""
        assert camera.lens is not None
        depth = None
        if joined.depth is None:
            placed = from_metres(scene, ids, joined.messages[joining.METRES])
            notes["depth"] = "none comes: people are where the model's metres say, which is an estimate"
        else:
            self._check_registered(camera, joined, notes)
            depth, unit = to_depth(joined.depth), self.options.depth_unit or None
            placed = place(scene, depth, camera.lens, depth_unit=unit)
            if not all(one.is_placed for one in placed) and (why := doubt(depth, unit)):
                notes["depth"] = why
        return [
            Found(k + 1, ids[k], person.score, one)
            for k, (person, one) in enumerate(zip(scene.persons, placed, strict=True))
            if one.is_placed
        ], depth

    def _check_registered(self, camera: Camera, joined: Joined, notes: dict[str, str]) -> None:
        """Refuse depth that is of another camera's view.

        Raises:
            PlacingError: It is.
        """
        if camera.misfit:
            raise PlacingError(camera.misfit)
        ours, its = joined.messages[joining.MASK].header.frame_id, joined.depth.header.frame_id
        if ours == its or not its:
            return
        try:
            between = self._transforms.lookup(ours, its, joined.stamp_ns)
        except NoTransformError:
            notes["depth"] = (
                f"is in the frame {its}, the images in {ours}: nothing says that it is registered"
            )
            return
        distance, angle = apart(between, Frame(its))
        if distance > _MISPLACED_M or angle > _MISPLACED:
            raise PlacingError(
                f"depth is not registered: it is seen from {its}, {distance * 100:.1f} cm and "
                f"{math.degrees(angle):.1f} degrees from {ours}. Take the depth "
                "that is aligned to the colour image"
            )

    def _target(self, options: PlacesOptions, camera_frame: str, stamp_ns: int) -> Frame:
        if not options.target_frame or options.target_frame == camera_frame:
            return Frame(camera_frame)
        return self._transforms.lookup(options.target_frame, camera_frame, stamp_ns)

    def _fixed(
        self, options: PlacesOptions, camera_frame: str, joined: Joined, notes: dict[str, str]
    ) -> Frame | None:
        """The frame of the filter, with the camera in it; None where that is not known at this time."""
        if not options.fixed_frame or options.fixed_frame == camera_frame:
            return Frame(camera_frame)
        try:
            return self._transforms.lookup(options.fixed_frame, camera_frame, joined.stamp_ns)
        except NoFrameError as error:
            notes["fixed_frame"] = f"tracks are in {camera_frame}, right while that stands: {error}"
            return Frame(camera_frame)
        except NoTransformError as error:
            notes["persons_3d/tracks"] = notes["followed"] = str(error)
            return None

    def _follow(
        self,
        camera: Camera,
        joined: Joined,
        found: list[Found],
        fixed: Frame,
        options: PlacesOptions,
        notes: dict[str, str],
    ) -> list[Found]:
        """Have the filters take in who was found; returns where these are by now."""
        crowd = camera.crowd
        if joined.lag_ns and self._stood(fixed, joined):
            found = crowd.made_up(found, fixed, joined.lag_ns / 1e9)
        crowd.world.max_age_s, crowd.follow.timeout_s = options.max_age, options.follow_timeout
        if found and not any(one.id for one in found):
            notes["persons_3d/tracks"] = notes["followed"] = (
                "nobody has an id: the segmenter's tracking is off, or everybody is new"
            )
        if crowd.update(joined.stamp_ns / 1e9, found, fixed, options.follow):
            self._log.warning(f"{camera.name}: time went back: all tracks begin anew".removeprefix(": "))
        if options.follow not in CHOICES and not crowd.follow.chosen:
            notes["followed"] = f"nobody who is seen has the id {options.follow!r:.80}"
        if crowd.follow.says:
            self._log.info(crowd.follow.says)
        return found

    def _stood(self, fixed: Frame, joined: Joined) -> bool:
        """Whether the camera stood between depth and image."""
        camera_frame = joined.messages[joining.MASK].header.frame_id
        if fixed.name == camera_frame:
            return True
        try:
            before = self._transforms.lookup(fixed.name, camera_frame, joined.stamp_ns - joined.lag_ns)
        except NoTransformError:
            return False
        return stands(fixed, before)

    def _publish(
        self, camera: Camera, people: People, wanted: list[PlacedOutput], marked: bool, last_s: float
    ) -> None:
        for output in wanted:
            message = self._message(camera, output, people)
            if message is not None:
                camera.port.publish(output.topic, message)
            if output is wanted[0]:
                now_s = time.monotonic()
                camera.statistics.own_ms.add(now_s, (now_s - last_s) * 1e3)
        if marked and camera.figures is not None:
            camera.port.publish(MARKERS, camera.figures.markers(self._give, people))

    def _message(self, camera: Camera, output: PlacedOutput, people: People) -> Message:
        """The message, or one that is serialised already; None where this image gives none."""
        if output.varying is None:
            return output.make(self._give, people)
        if output.topic not in camera.stencils:
            camera.stencils[output.topic] = Stencils(
                lambda _, people: output.make(self._give, people), output.varying, self._serialize
            )
        return camera.stencils[output.topic](people.header, people)

    def _embody(self, camera: Camera, people: People, scene: Scene, messages: dict[str, Any]) -> None:
        """Publish the frames of bodies, and what ROS4HRI wants."""
        named = [one for one in people.found if one.id]
        names = [humans.body_id(one.id) if camera.bodies is not None else one.id for one in named]
        others = self._others(camera, names)
        self._broadcast(
            [
                humans.transform(self._give, people.header, name, *body(one.placed, people.names))
                for name, one in zip(names, named, strict=True)
            ]
        )
        if camera.bodies is not None:
            camera.bodies.publish(
                self._give, people, scene, dict(zip(names, named, strict=True)), others, messages
            )

    def _others(self, camera: Camera, names: list[str]) -> list[str]:
        """The bodies of the other cameras; where two of them have the same name, that is said."""
        self._bodies[camera.name] = camera.newest_ns, names
        others = [
            name
            for other, (stamp_ns, theirs) in self._bodies.items()
            if other != camera.name and abs(camera.newest_ns - stamp_ns) < GONE_S * 1e9
            for name in theirs
        ]
        if twice := sorted({*names} & {*others}):
            self._complain(
                "twice",
                f"body {', '.join(twice):.80} is of several cameras: tf and /humans/bodies mix them up. Give "
                "the segmenters an id_prefix, such as '{camera}_'",
                time.monotonic(),
            )
        return others


def _scene(messages: dict[str, Any], *, skeletal: bool) -> tuple[Scene, list[str]]:
    """What was seen, and everybody's id; keypoints, which take longest, where they are needed."""
    names = [joining.MASK, joining.PERSONS, joining.PARTS, *([joining.KEYPOINTS] if skeletal else [])]
    given = {name: messages.get(name) for name in names}
    mask = messages[joining.MASK]
    scene = to_scene((mask.height, mask.width), **given)
    return scene, [detection.id for detection in messages[joining.PERSONS].detections]


def _image(messages: dict[str, Any]) -> Any:
    """uint8 (H, W, 3), BGR; None where none came."""
    message = messages.get(joining.IMAGE)
    return None if message is None else images.as_bgr(*images.to_image(message))
