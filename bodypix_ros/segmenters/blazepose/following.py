"""Where to look in the next image: one region and one set of filters per person.

A person who was seen is looked for around the landmarks of the image before. The detector runs only where
nobody is followed, where somebody was lost, and from time to time, on one view of the image, while there is
room for more people. It searches all views of the first image; later the small ones take turns.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bodypix_ros.imaging.region import Region
from bodypix_ros.segmenters.blazepose.detector import Detection
from bodypix_ros.segmenters.blazepose.landmarks import Pose
from bodypix_ros.segmenters.blazepose.masks import inside
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import Body, same_person
from bodypix_ros.segmenters.blazepose.smoothing import PoseFilter, smooth_mask
from bodypix_ros.tracking.clock import FREQUENCY_HZ, Clock

_MOST_INSIDE = 0.5
"""Whose mask lies farther in another's, and who was seen in a tile, is a piece of that person."""
LONGEST_GAP_S = 2.0
"""After a longer time without images nobody is where they were."""

Detect = Callable[[int | None, bool], Iterable[Detection]]
Look = Callable[[Region], Pose]


@dataclass(slots=True)
class Track:
    """One person who is followed."""

    pose: Pose
    filter: PoseFilter = field(default_factory=PoseFilter)

    @property
    def region(self) -> Region:
        """Where to look for the person in the next image."""
        return self.pose.next_region or self.pose.region


class Follower:
    """The people that one camera sees."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._shape: tuple[int, int] | None = None
        self._clock = Clock()
        self._since_detection = 0
        self._turn = 0

    def reset(self) -> None:
        """Forget everybody."""
        self._tracks = []
        self._shape = None

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
            stamp: See `tracking.clock.seconds`; everybody is forgotten when time goes back or leaps.
            detect: Runs the detector: on all views (None) or on the one whose turn it is; and whether
                somebody is lost.
            look: Finds the landmarks of the person in a region.
            options: In force for this image.

        Returns:
            Those with a score of at least `options.score_threshold`, who were here first in front.
        """
        step_s = self._clock.step(stamp)
        if anew := shape != self._shape or not 0 < step_s <= LONGEST_GAP_S:
            self.reset()
        self._shape = shape
        kept: list[Track] = []
        for track in self._tracks[: options.max_detections]:
            pose = self._again(track, look, [other.pose for other in kept], options)
            if pose is not None:
                kept.append(self._followed(track, pose, step_s, options))
        self._since_detection += 1
        lost = not kept or len(kept) < len(self._tracks)
        room = options.max_detections - len(kept)
        if room > 0 and (lost or self._since_detection >= options.detection_interval):
            self._since_detection = 0
            self._turn += 1
            detections = detect(None if anew else self._turn, lost)
            kept += self._newcomers(kept, detections, look, room, options)
        self._tracks = kept
        return kept

    def _again(
        self, track: Track, look: Look, known: Sequence[Pose], options: BlazePoseOptions
    ) -> Pose | None:
        """Look for a person around the landmarks, and where those were found; None where nobody is.

        Beside somebody else the landmarks' region may hold more of them than of the person: each image would
        find the person anew by the detector, for the time of four looks.
        """
        for region in dict.fromkeys((track.region, track.pose.region)):  # where these differ
            pose = look(region)
            if _counts(pose, known, options):
                return pose
        return None

    def _followed(self, track: Track, pose: Pose, step_s: float, options: BlazePoseOptions) -> Track:
        if options.smooth:
            smooth_mask(track.pose, pose)
        pose = track.filter.apply(pose, step_s, landmarks=options.smooth)
        return replace(track, pose=pose)

    def _newcomers(
        self,
        kept: Sequence[Track],
        detections: Iterable[Detection],
        look: Look,
        room: int,
        options: BlazePoseOptions,
    ) -> list[Track]:
        new: list[Track] = []
        known = [track.pose for track in kept]
        seen: list[Body] = [*known]
        for detection in detections:
            if any(same_person(detection, one) for one in seen):
                continue
            pose = look(detection.region)
            if not _counts(pose, known, options):
                continue
            if detection.doubtful:
                first, pose = pose, look(pose.next_region or pose.region)
                if not same_person(first, pose) or not _counts(pose, known, options):
                    continue
                if any(inside(pose, one) > _MOST_INSIDE for one in known):
                    continue
            track = Track(pose)
            track.filter.apply(pose, 1 / FREQUENCY_HZ)
            new.append(track)
            known.append(pose)
            seen += [detection, pose]
            if len(new) == room:
                break
        return new


def _counts(pose: Pose, known: Sequence[Pose], options: BlazePoseOptions) -> bool:
    """Whether a pose is somebody, and nobody who is known already."""
    return pose.score >= options.score_threshold and not any(same_person(pose, one) for one in known)
