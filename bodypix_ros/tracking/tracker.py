"""Who of an image's persons is whom of the images before: Scene -> Scene with ids. Knows no model."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.cuts import Cuts
from bodypix_ros.imaging.pixels import Pixels, as_pixels
from bodypix_ros.scene import Person, Scene
from bodypix_ros.tracking import appearance, association
from bodypix_ros.tracking.assignment import match_in_turn
from bodypix_ros.tracking.sightings import Sightings, look
from bodypix_ros.tracking.tracks import begin, nobody

_UNCONFIRMED = 0.25
"""Share of `max_age` that somebody who was seen once is remembered."""
_LEAP = 3.0
"""Times `max_age` from one image to the next after which nobody is looked for. Where images only paused,
people are still there; where another recording began, they are not."""


class Tracker:
    """The people that one camera sees.

    Attributes:
        sure_score: Persons who score less may continue a track, but do not begin one, and are left out of
            the Scene where they continue none.
        max_age: Seconds that somebody is remembered unseen; whom the first image after them shows is known.
        appearance: Whether people are told apart by their colours, too.
    """

    def __init__(self, *, sure_score: float = 0.0, max_age: float = 1.0, appearance: bool = True) -> None:
        self.sure_score, self.max_age, self.appearance = sure_score, max_age, appearance
        self._tracks = nobody(0)
        self._last_id = 0
        self._cuts = Cuts(turns=True)
        self._stamp_s: float | None = None
        self._kind: tuple[object, ...] = ()

    def reset(self) -> None:
        """Forget everybody; ids are not used again."""
        self._kind = ()

    def update(
        self,
        scene: Scene,
        stamp_s: float,
        image: npt.NDArray[np.uint8] | None = None,
        encoding: str = "bgr8",
    ) -> Scene:
        """Find the people of the images before in the next one.

        Everybody is forgotten where time goes back or leaps by more than three times `max_age`, where the
        image's size or the names of keypoints change, and at a cut, if images are given.

        Args:
            scene: What was seen, without ids.
            stamp_s: When, in seconds.
            image: uint8 (H, W, C), or (H, W) for mono8, of the Scene's size; for colours and cuts.
            encoding: rgb8, bgr8, rgba8, bgra8 or mono8.

        Returns:
            The Scene with `track_id` of those who were seen at least twice, without persons who are not sure
            and continue no track: their pixels are nobody's in `instance_mask`; `person_mask` stays.

        Raises:
            ValueError: The stamp is no finite number, or the image has another size than the Scene.
            TypeError: The image is no uint8 array.
            ImageError: A ValueError: unknown encoding, or a shape that does not go with it.
        """
        if not math.isfinite(stamp_s):
            raise ValueError(f"stamp_s is {stamp_s}, but must be a finite number of seconds")
        pixels = None if image is None else as_pixels(image, encoding)
        if pixels is not None and pixels.shape != scene.person_mask.shape:
            shape = scene.person_mask.shape
            raise ValueError(f"image is {pixels.shape} but the scene is {shape}, both (H, W)")
        self._tracks.predict(self._step(scene, stamp_s, pixels))
        sightings = look(scene, self.sure_score)
        looks = None
        if pixels is not None and self.appearance and len(sightings):
            looks = appearance.looks(scene, sightings, pixels)
        rows = self._associate(scene, sightings, looks, stamp_s)
        return _numbered(scene, self._renew(sightings, looks, rows, stamp_s), sightings.sure)

    def _step(self, scene: Scene, stamp_s: float, pixels: Pixels | None) -> float:
        """Seconds since the image before; everybody is forgotten where it was of something else."""
        kind = (scene.person_mask.shape, scene.keypoint_names)
        step_s = 0.0 if self._stamp_s is None else stamp_s - self._stamp_s
        cut = pixels is not None and self._cuts.is_cut(pixels.array, scene.instance_mask)
        if cut or kind != self._kind or not 0 <= step_s <= _LEAP * self.max_age:
            self._tracks = nobody(len(scene.keypoint_names))
        self._kind, self._stamp_s = kind, stamp_s
        return max(step_s, 0.0)

    def _associate(
        self, scene: Scene, sightings: Sightings, looks: appearance.Looks | None, stamp_s: float
    ) -> npt.NDArray[np.int64]:
        """The row of each sighting's track, -1 for none: sure sightings first, then the others."""
        tracks = self._tracks
        ages = np.minimum((stamp_s - tracks.seen_s) / max(self.max_age, 1e-9), 1.0)
        worth = association.gains(tracks, sightings, scene.keypoint_names, looks, ages)
        return match_in_turn(worth, sightings.sure, tracks.ids > 0)

    def _renew(
        self,
        sightings: Sightings,
        looks: appearance.Looks | None,
        rows: npt.NDArray[np.int64],
        stamp_s: float,
    ) -> list[int]:
        """Take in what was seen, begin and end tracks; the sightings' ids, 0 for none."""
        tracks, ids = self._tracks, np.zeros(len(sightings), np.int64)
        continued = np.flatnonzero(rows >= 0)
        if len(continued):
            found = rows[continued]
            tracks.renew(found, sightings, continued, looks, stamp_s)
            for row in found[tracks.ids[found] == 0].tolist():
                self._last_id += 1
                tracks.ids[row] = self._last_id
            ids[continued] = tracks.ids[found]
        longest = np.where(tracks.ids > 0, self.max_age, _UNCONFIRMED * self.max_age)
        kept = stamp_s - tracks.seen_s <= longest
        if not kept.all():
            tracks = tracks.keep(kept)
        begun = np.flatnonzero((rows < 0) & sightings.sure)
        if len(begun):
            tracks = tracks.and_also(begin(sightings, begun, looks, stamp_s))
        self._tracks = tracks
        numbers: list[int] = ids.tolist()
        return numbers


def _numbered(scene: Scene, ids: list[int], sure: npt.NDArray[np.bool_]) -> Scene:
    """The Scene with ids; whoever is neither sure nor has one is left out."""
    believed = sure.tolist()
    kept = [k for k, number in enumerate(ids) if number or believed[k]]
    persons = tuple(_with_id(scene.persons[k], ids[k] or None) for k in kept)
    return replace(scene if len(kept) == len(ids) else scene.only(kept), persons=persons)


def _with_id(person: Person, track_id: int | None) -> Person:
    return replace(person, track_id=track_id)
