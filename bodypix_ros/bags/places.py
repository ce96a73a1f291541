"""People in metres, for one image topic of a bag: images joined with depth by their stamps."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rosbags.typesys.store import Typestore

from bodypix_ros.bags.messages import IMAGE, deserialize
from bodypix_ros.bags.outputs import Outputs
from bodypix_ros.bags.pairs import Pairs
from bodypix_ros.bags.typestore import giver
from bodypix_ros.errors import MessageError, PlacingError
from bodypix_ros.ros.messages.depth import to_depth
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS, People
from bodypix_ros.ros.messages.types import Header, nanoseconds
from bodypix_ros.scene import Scene
from bodypix_ros.space.crowd import Crowd, Found
from bodypix_ros.space.depth import doubt, metres
from bodypix_ros.space.follow import NEAREST
from bodypix_ros.space.frames import Frame
from bodypix_ros.space.placing import place


@dataclass(frozen=True, slots=True)
class _Seen:
    """An image that waits for its depth."""

    time_ns: int
    header: Header
    scene: Scene
    image: npt.NDArray[np.uint8]


class Places:
    """Places people, and writes what the node would publish: in the camera's frame, as no tf is read.

    Attributes:
        written: Of how many images people were placed.
        problem: Why the latest image that nobody was placed in has none; empty where all is well.
    """

    def __init__(self, outputs: Outputs, store: Typestore, slop_s: float, unit: float | None) -> None:
        """Write nothing yet.

        Args:
            outputs: Of the same image topic; they know the lens.
            store: From `typestore`.
            slop_s: Seconds that image and depth may differ.
            unit: Metres per unit of depth; None: by its encoding.
        """
        self._outputs, self._store, self._unit = outputs, store, unit
        self._give = giver(store)
        self._pairs: Pairs[_Seen] = Pairs(slop_s, self._write)
        self._crowd = Crowd()
        self.written, self.problem = 0, ""

    def depth(self, raw: bytes) -> None:
        """Take a serialized image of depth."""
        try:
            stamp_ns = nanoseconds(deserialize(self._store, IMAGE, raw).header.stamp)
        except MessageError as error:
            self.problem = str(error)
            return
        self._pairs.depth(stamp_ns, raw)

    def see(self, time_ns: int, header: Header, scene: Scene, image: npt.NDArray[np.uint8]) -> None:
        """Take what was seen in an image; see `Outputs`."""
        self._pairs.see(nanoseconds(header.stamp), _Seen(time_ns, header, scene, image))

    def finish(self) -> None:
        """Write what still waits: no more depth comes."""
        self._pairs.finish()

    def _write(self, seen: _Seen, depth_ns: int, raw: bytes | None, why: str) -> None:
        if raw is None:
            self.problem = why
        elif self._outputs.lens is None:
            self.problem = "there is no camera_info before it: say which with --camera-info"
        else:
            try:
                self.written += self._place(seen, depth_ns, raw)
            except (PlacingError, MessageError) as error:
                self.problem = str(error)

    def _place(self, seen: _Seen, depth_ns: int, raw: bytes) -> bool:
        """Write what is known of an image; returns whether somebody has a place, or nobody is there."""
        lens = self._outputs.lens
        assert lens is not None
        depth = metres(to_depth(deserialize(self._store, IMAGE, raw)), self._unit)
        placed = place(seen.scene, depth, lens)
        found = [
            Found(k + 1, "" if person.track_id is None else str(person.track_id), person.score, one)
            for k, (person, one) in enumerate(zip(seen.scene.persons, placed, strict=True))
            if one.is_placed
        ]
        if placed and not found:
            self.problem = doubt(depth) or "only holes and surroundings are under the masks of its people"
        frame, stamp_ns = Frame(seen.header.frame_id), nanoseconds(seen.header.stamp)
        found = self._crowd.made_up(found, frame, (stamp_ns - depth_ns) / 1e9)
        self._crowd.update(stamp_ns / 1e9, found, frame, NEAREST)
        people = People(
            seen.header,
            found,
            seen.scene.keypoint_names,
            frame,
            frame,
            self._crowd.tracks,
            self._crowd.follow.chosen,
            seen.scene,
            depth,
            lens,
            seen.image,
        )
        for output in PLACED_OUTPUTS.values():
            message = output.make(self._give, people)
            if message is not None:
                self._outputs.put(output.topic, seen.time_ns, message)
        return bool(found) or not placed
