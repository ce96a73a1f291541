"""Where people are and how they move, in a frame that stands: one motion filter each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bodypix_ros.space.lens import Points
from bodypix_ros.tracking.motion import Motion

ACCELERATION: Final = 0.7
"""Standard deviation of what somebody's velocity changes by within a second, metres per second."""

_SPEED: Final = 1.0
"""The same of the velocity, when somebody is seen first."""

_GATE: Final = 5.0
"""A place so many standard deviations away is not believed,"""
_MOST_REFUSED: Final = 3
"""but where so many come in a row, the person is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Somebody seen in one image.

    Attributes:
        position: float64 (3,), metres, in the frame that stands.
        covariance: float64 (3, 3).
        score: 0..1.
    """

    position: Points
    covariance: Points
    score: float = 1.0


@dataclass(slots=True, eq=False)
class Track:
    """Somebody who is followed.

    Attributes:
        id: As the tracker has it.
        motion: The filter, at the stamp of the latest image.
        score: When seen last.
        seen_s: The stamp of the image when seen last.
        refused: How many places in a row were not believed.
    """

    id: str
    motion: Motion
    score: float
    seen_s: float
    refused: int = 0

    @property
    def position(self) -> Points:
        """float64 (3,), metres."""
        return self.motion.place

    @property
    def velocity(self) -> Points:
        """float64 (3,), metres per second."""
        return self.motion.velocity

    @property
    def covariance(self) -> Points:
        """float64 (6, 6), of position and velocity."""
        return self.motion.covariance


class World:
    """The people of one camera.

    Attributes:
        max_age_s: Seconds that somebody is kept who is not seen.
    """

    def __init__(self, max_age_s: float = 1.0) -> None:
        self.max_age_s = max_age_s
        self._tracks: dict[str, Track] = {}
        self._now_s = -np.inf

    @property
    def tracks(self) -> Mapping[str, Track]:
        """Those who are followed, by id."""
        return self._tracks

    def clear(self) -> None:
        """Forget everybody."""
        self._tracks, self._now_s = {}, -np.inf

    def update(self, stamp_s: float, sightings: Mapping[str, Sighting]) -> bool:
        """Take in an image.

        Args:
            stamp_s: Its stamp, seconds.
            sightings: Who was seen, by id; who is missing goes on as before.

        Returns:
            Whether time went back, and everybody was forgotten first.
        """
        jumped = stamp_s < self._now_s
        if jumped:
            self.clear()
        step_s = stamp_s - self._now_s
        self._now_s = stamp_s
        acceleration = np.full(3, ACCELERATION)
        for track in list(self._tracks.values()):
            if stamp_s - track.seen_s > self.max_age_s and track.id not in sightings:
                del self._tracks[track.id]
            elif stamp_s - track.seen_s > max(1.0, self.max_age_s):
                del self._tracks[track.id]  # after a pause nothing is known of the way between
            else:
                track.motion.predict(step_s, acceleration)
        for name, seen in sightings.items():
            self._see(name, seen, stamp_s)
        return jumped

    def _see(self, name: str, seen: Sighting, stamp_s: float) -> None:
        track = self._tracks.get(name)
        if track is None:
            self._tracks[name] = Track(name, _at_rest(seen), seen.score, stamp_s)
            return
        apart = seen.position - track.position
        spread = track.covariance[:3, :3] + seen.covariance
        track.score, track.seen_s = seen.score, stamp_s
        if apart @ np.linalg.solve(spread, apart) <= _GATE**2:
            track.motion.correct(seen.position, seen.covariance)
            track.refused = 0
        elif track.refused + 1 < _MOST_REFUSED:
            track.refused += 1
        else:
            track.motion, track.refused = _at_rest(seen), 0

    def advance(self, name: str, toward: Points, seconds: float) -> float:
        """How far somebody comes along a direction in a time, metres; 0 of who is not known.

        Args:
            name: The id.
            toward: float64 (3,), of length 1.
            seconds: May be negative.
        """
        track = self._tracks.get(name)
        return 0.0 if track is None else float(toward @ track.velocity) * seconds


def _at_rest(seen: Sighting) -> Motion:
    return Motion(seen.position.astype(np.float64), seen.covariance, np.full(3, _SPEED))
