"""Who is where from one image to the next: one region, one set of filters and one number per person.

A person who was seen is looked for around the landmarks of the image before. The detector runs only where
nobody is followed, where somebody was lost, and from time to time, on one view of the image, while there is
room for more people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bodypix_ros.segmenters.blazepose.detector import Detection
from bodypix_ros.segmenters.blazepose.landmarks import Pose
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import Region, same_person
from bodypix_ros.segmenters.blazepose.smoothing import FREQUENCY_HZ, PoseFilter, smooth_mask

LONGEST_GAP_S = 2.0
"""After a longer time without images nobody is where they were."""

Detect = Callable[[int | None], Sequence[Detection]]
Look = Callable[[Region], Pose]


@dataclass(slots=True)
class Track:
    """One person who is followed."""

    track_id: int
    pose: Pose
    filter: PoseFilter = field(default_factory=PoseFilter)

    @property
    def region(self) -> Region:
        """Where to look for the person in the next image."""
        return self.pose.next_region or self.pose.region


class Clock:
    """Seconds between images, from whatever stamps they carry."""

    def __init__(self) -> None:
        self._last: float | None = None

    def step(self, stamp: object) -> float:
        """Seconds since the image before; below 0 where time went back."""
        now = seconds(stamp)
        before, self._last = self._last, now
        if now is None or before is None or now == before:
            return 1 / FREQUENCY_HZ
        return now - before


def seconds(stamp: object) -> float | None:
    """A stamp in seconds: a number, or what has `sec` and `nanosec`; None for anything else."""
    if hasattr(stamp, "sec") and hasattr(stamp, "nanosec"):
        stamp = stamp.sec + stamp.nanosec * 1e-9
    if isinstance(stamp, (int, float, np.integer, np.floating)) and np.isfinite(stamp):
        return float(stamp)
    return None


class Tracker:
    """The people that one camera sees."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._shape: tuple[int, int] | None = None
        self._clock = Clock()
        self._next_id = 1
        self._since_detection = 0
        self._turn = 0

    def reset(self) -> None:
        """Forget everybody; numbers of people are not used again."""
        self._tracks = []

    def follow(
        self,
        shape: tuple[int, int],
        stamp: object,
        detect: Detect,
        look: Look,
        options: BlazePoseOptions,
    ) -> list[Track]:
        """Find the people in the next image.

        Args:
            shape: Its rows and columns; everybody is forgotten when they change.
            stamp: See `seconds`; everybody is forgotten when time goes back or leaps.
            detect: Runs the detector, on all views (None) or on the one whose turn it is.
            look: Finds the landmarks of the person in a region.
            options: In force for this image.

        Returns:
            Those with a score of at least `options.score_threshold`, who were here first in front.
        """
        step_s = self._clock.step(stamp)
        if shape != self._shape or not 0 < step_s <= LONGEST_GAP_S:
            self.reset()
        self._shape = shape
        kept: list[Track] = []
        for track in self._tracks[: options.max_detections]:
            pose = look(track.region)
            if _counts(pose, kept, options):
                kept.append(self._followed(track, pose, step_s, options))
        self._since_detection += 1
        lost = not kept or len(kept) < len(self._tracks)
        room = options.max_detections - len(kept)
        if room > 0 and (lost or self._since_detection >= options.detection_interval):
            self._since_detection = 0
            self._turn += 1
            detections = detect(None if lost else self._turn)
            kept += self._newcomers(kept, detections, look, room, options)
        self._tracks = kept
        return kept

    def _followed(self, track: Track, pose: Pose, step_s: float, options: BlazePoseOptions) -> Track:
        if options.smooth_masks:
            smooth_mask(track.pose, pose)
        pose = track.filter.apply(pose, step_s, landmarks=options.smooth_landmarks)
        return replace(track, pose=pose)

    def _newcomers(
        self,
        kept: Sequence[Track],
        detections: Sequence[Detection],
        look: Look,
        room: int,
        options: BlazePoseOptions,
    ) -> list[Track]:
        new: list[Track] = []
        for detection in detections:
            if len(new) == room:
                break
            known = [*kept, *new]
            if any(same_person(detection, track.pose) for track in known):
                continue
            pose = look(detection.region)
            if not _counts(pose, known, options):
                continue
            track = Track(self._next_id, pose)
            track.filter.apply(pose, 1 / FREQUENCY_HZ)
            new.append(track)
            self._next_id += 1
        return new


def _counts(pose: Pose, known: Sequence[Track], options: BlazePoseOptions) -> bool:
    """Whether a pose is somebody, and nobody who is known already."""
    return pose.score >= options.score_threshold and not any(same_person(pose, t.pose) for t in known)
