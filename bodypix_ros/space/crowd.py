"""One camera's people from image to image: placed, filtered, one of them chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodypix_ros.space.follow import Candidate, Follow
from bodypix_ros.space.frames import Frame
from bodypix_ros.space.placing import PlacedPerson
from bodypix_ros.space.world import Sighting, Track, World


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Somebody who was placed.

    Attributes:
        value: Of the person's pixels in `Scene.instance_mask`.
        id: As the tracker has it; may be empty.
        score: 0..1.
        placed: Where.
    """

    value: int
    id: str
    score: float
    placed: PlacedPerson


class Crowd:
    """The people of one camera.

    Attributes:
        world: Their filters.
        follow: Chooses whom to follow.
    """

    def __init__(self, max_age_s: float = 1.0, follow_timeout_s: float = 2.0) -> None:
        self.world, self.follow = World(max_age_s), Follow(follow_timeout_s)
        self._frame = ""

    def made_up(self, found: Sequence[Found], fixed: Frame, lag_s: float) -> list[Found]:
        """Move people by their velocity along the rays, since the depth is of another time than the image.

        Args:
            found: Who was placed.
            fixed: The frame of the filters.
            lag_s: Seconds from the depth to the image; below 0 where the depth is newer.
        """
        moved = []
        for one in found:
            toward = one.placed.position / one.placed.distance
            metres = self.world.advance(one.id, fixed.rotation @ toward, lag_s) if one.id else 0.0
            moved.append(replace(one, placed=_scaled(one.placed, 1 + metres / one.placed.distance)))
        return moved

    def update(self, stamp_s: float, found: Sequence[Found], fixed: Frame, wanted: str) -> bool:
        """Take in an image.

        Args:
            stamp_s: Its stamp, seconds.
            found: Who was placed; those without ids are left out.
            fixed: The frame of the filters.
            wanted: Whom to follow: see `Follow.choose`.

        Returns:
            Whether time went back, and everybody was forgotten first.
        """
        if fixed.name != self._frame:
            self._frame = fixed.name
            self.world.clear()
        known = [one for one in found if one.id]
        jumped = self.world.update(
            stamp_s,
            {
                one.id: Sighting(
                    fixed.points(one.placed.position), fixed.covariance(one.placed.covariance), one.score
                )
                for one in known
            },
        )
        self.follow.choose(
            wanted,
            {
                one.id: Candidate(
                    one.placed.distance, float(np.prod(one.placed.size[:2])) / one.placed.distance**2
                )
                for one in known
            },
            stamp_s,
        )
        return jumped

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Who is followed through time."""
        return tuple(self.world.tracks.values())


def _scaled(placed: PlacedPerson, factor: float) -> PlacedPerson:
    if factor == 1 or factor <= 0:
        return placed
    keypoints = placed.keypoints.copy()
    keypoints[:, :3] *= np.float32(factor)
    return replace(
        placed,
        position=placed.position * factor,
        center=placed.center * factor,
        keypoints=keypoints,
        distance=placed.distance * factor,
    )
