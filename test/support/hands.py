"""A made-up open hand, people with arms, and a network that sees hands where they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.details.hands.known import SIZE
from bodypix_ros.details.hands.landmarks import Look, decode
from bodypix_ros.imaging.region import Region
from bodypix_ros.scene import Box, Hand, Person, Scene

Points = npt.NDArray[np.float64]

METRES: Points = np.array(
    [(0, 0), *((0.03 + 0.012 * k, -0.025 - 0.02 * k) for k in range(4))]
    + [(x, -0.09 - 0.025 * k) for x in (0.025, 0.005, -0.015, -0.035) for k in range(4)]
)
"""float64 (21, 2): a right hand's palm, or a left hand's back, fingers up; x and y from the wrist."""


def points_of(x: float, y: float, per_metre: float = 1000.0, turned: float = 0.0) -> Points:
    """The hand in an image, its wrist at x, y, turned clockwise by radians: float64 (21, 2)."""
    c, s = math.cos(turned), math.sin(turned)
    return np.array([x, y]) + per_metre * METRES @ np.array([[c, s], [-s, c]])


def look_of(points: Points, score: float = 0.9375, right: float = 0.5, metres: Points = METRES) -> Look:
    """What a network says that looks at a square around the points."""
    numbers = np.isfinite(points).all(axis=1)
    known = points[numbers] if numbers.any() else np.zeros((1, 2))
    (x, y), side = known.mean(axis=0), max(float(np.ptp(known, axis=0).max()), 1.0)
    crop = (points - (x, y)) * (SIZE / side) + SIZE / 2
    flat = {"points": _flat(crop), "world": _flat(metres)}
    told = {"presence": np.array([score], np.float32), "right": np.array([right], np.float32)}
    return decode({**flat, **told}, Region(x, y, side))


def _flat(points: Points) -> npt.NDArray[np.float32]:
    return np.column_stack([points, np.zeros(21)]).astype(np.float32).ravel()


def hand_of(points: Points, side: str = "left", score: float = 0.8) -> Hand:
    """The same as a Hand, not turned in metres."""
    keypoints = np.full((21, 3), score, np.float32)
    keypoints[:, :2] = points
    return Hand(side, score, keypoints, np.column_stack([METRES, np.zeros(21)]).astype(np.float32))


def person_of(box: Box = (0, 0, 0, 0), **joints: tuple[float, float]) -> Person:
    """Somebody with some keypoints, as in left_wrist=(x, y); the others have no score."""
    keypoints = np.zeros((len(KEYPOINTS), 3), np.float32)
    for name, (x, y) in joints.items():
        keypoints[KEYPOINTS.index(name)] = x, y, 0.9
    return Person(0.9, box, keypoints)


def scene_of(persons: Sequence[Person], shape: tuple[int, int] = (480, 640)) -> Scene:
    """A Scene in which these people have no pixels yet."""
    instance, parts = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    return Scene(np.zeros(shape, np.bool_), instance, parts, None, tuple(persons), KEYPOINTS)


@dataclass
class Network:
    """Sees a hand where a region's middle is near one, and notes where it looked."""

    hands: list[Look]
    looks: list[Region] = field(default_factory=list)

    def __call__(self, regions: Sequence[Region]) -> list[Look]:
        """Look."""
        self.looks += regions
        return [self._seen(region) for region in regions]

    def _seen(self, region: Region) -> Look:
        nothing = look_of(points_of(region.x, region.y, region.side * 4), score=0.01)
        for hand in self.hands:
            x, y = hand.middle
            if math.hypot(x - region.x, y - region.y) < region.side / 2:
                return hand
        return nothing
