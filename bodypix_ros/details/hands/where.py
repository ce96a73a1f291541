"""Where to look for people's hands, by their arms' keypoints and by what the model took for hands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_PARTS, LOWER_ARM_PARTS, SIDES
from bodypix_ros.details.hands.landmarks import Point
from bodypix_ros.imaging.region import Region
from bodypix_ros.scene import Person, Scene

_SURE = 0.1
"""Least score of a wrist."""
_PER_ARM = 1.0
"""Side of a hand's region per upper or lower arm, whichever looks longer: hardly ever do both
point to the camera."""
_BEYOND = 0.35
"""How far beyond the wrist the region's centre is, in its sides."""
_PER_BLOB = 2.5
"""Side of a hand's region per square root of the pixels that the model took for a hand, without arms."""
_LEAST_BLOB = 0.1
"""Side of such pixels, as a square, per region of the person's: less is no hand."""
_GRID = 128
"""Pixels along a person's longer side that are looked at for hand parts: every so-manieth is enough."""
_LEAST = 16.0
"""Image pixels along a region: in less nobody sees fingers."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a hand may be.

    Attributes:
        person: Whose, as an index into `Scene.persons`.
        side: "left" or "right".
        wrist: x and y in image pixels; where the arm ends.
        region: Where to look.
    """

    person: int
    side: str
    wrist: Point
    region: Region


class _Arm(NamedTuple):
    """x, y in image pixels and score."""

    shoulder: list[float]
    elbow: list[float]
    wrist: list[float]

    @property
    def length(self) -> float:
        """Of upper or lower arm, whichever looks longer, in pixels; 0 where neither is known."""
        shoulder, elbow, wrist = self
        upper = _apart(shoulder, elbow) if shoulder[2] > 0 and elbow[2] > 0 else 0.0
        return max(upper, _apart(elbow, wrist) if elbow[2] > 0 and wrist[2] > 0 else 0.0)


def by_arms(scene: Scene) -> list[Place]:
    """A place where each arm ends that is in the picture."""
    found = []
    rows = _rows(tuple(scene.keypoint_names))
    if not rows:
        return []
    for index, person in enumerate(scene.persons):
        for side, arm in zip(SIDES, _arms(person, rows), strict=True):
            x, y, score = arm.wrist
            if score < _SURE or arm.elbow[2] <= 0:
                continue
            region = _beyond(arm)
            if _in_sight(region, scene):
                found.append(Place(index, side, (x, y), region))
    return found


def by_parts(scene: Scene, index: int) -> list[Place]:
    """Places of what the model took for a person's hands, the largest first; `side` is what it said.

    Args:
        scene: With a part mask, else there is none.
        index: Of the person.
    """
    person, rows = scene.persons[index], _rows(tuple(scene.keypoint_names))
    x0, y0, x1, y1 = person.box
    if scene.part_mask is None or x0 >= x1 or y0 >= y1:
        return []
    step = max(max(x1 - x0, y1 - y0) // _GRID, 1)
    cells = slice(y0, y1, step), slice(x0, x1, step)
    parts = scene.part_mask[cells] * (scene.instance_mask[cells] == index + 1)
    is_hand = _are(parts, [HAND_PARTS[side] for side in SIDES])
    count, labels, stats, centres = cv2.connectedComponentsWithStats(is_hand.astype(np.uint8))
    if count < 2:
        return []
    corner = np.array([x0, y0])
    arm_y, arm_x = np.nonzero(_are(parts, LOWER_ARM_PARTS))
    arms = corner + step * np.column_stack([arm_x, arm_y])
    bones = _arms(person, rows) if rows and person.has_pose else []
    length = max((arm.length for arm in bones), default=0.0)
    found = []
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1:
        area = stats[label, cv2.CC_STAT_AREA]
        across = step * math.sqrt(area)
        side_px = _PER_ARM * length or _PER_BLOB * across
        if across < _LEAST_BLOB * side_px:
            break
        centre = corner + step * centres[label]
        near = arms[np.hypot(*(arms - centre).T) < side_px] if len(arms) else arms
        root = near.mean(axis=0) if len(near) else centre + np.array([0.0, side_px])
        ahead = (centre - root) / max(math.hypot(*(centre - root)), 1e-6)
        region = Region(float(centre[0]), float(centre[1]), side_px, math.atan2(ahead[0], -ahead[1]))
        if _in_sight(region, scene):
            left = np.count_nonzero(parts[labels == label] == HAND_PARTS["left"] + 1)
            side = SIDES[0] if 2 * left >= area else SIDES[1]
            x, y = (centre - _BEYOND * side_px * ahead).tolist()
            found.append(Place(index, side, (x, y), region))
    return found


def _beyond(arm: _Arm) -> Region:
    """The region beyond a wrist; an arm that points to the camera has its hand before it."""
    (x, y, _), length = arm.wrist, max(arm.length, 1e-6)
    ahead_x, ahead_y = (x - arm.elbow[0]) / length, (y - arm.elbow[1]) / length
    side = _PER_ARM * arm.length
    return Region(
        x + _BEYOND * side * ahead_x, y + _BEYOND * side * ahead_y, side, math.atan2(ahead_x, -ahead_y)
    )


def _in_sight(region: Region, scene: Scene) -> bool:
    """Whether a region is large enough, and its middle not far from the picture."""
    height, width = scene.person_mask.shape
    margin = region.side / 4
    return (
        region.side >= _LEAST
        and -margin <= region.x <= width + margin
        and -margin <= region.y <= height + margin
    )


_Rows = tuple[tuple[int, int, int], ...]
"""Where shoulder, elbow and wrist of the left and of the right arm are among the keypoints."""


@cache
def _rows(names: tuple[str, ...]) -> _Rows:
    """Empty where a model has no arms."""
    if "left_wrist" not in names:
        return ()
    left, right = (
        (names.index(f"{side}_shoulder"), names.index(f"{side}_elbow"), names.index(f"{side}_wrist"))
        for side in SIDES
    )
    return left, right


def _arms(person: Person, rows: _Rows) -> list[_Arm]:
    """The left one, the right one."""
    keypoints = person.keypoints.tolist()
    return [_Arm(keypoints[shoulder], keypoints[elbow], keypoints[wrist]) for shoulder, elbow, wrist in rows]


def _are(parts: npt.NDArray[np.uint8], ids: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which pixels of a part mask are some parts'."""
    table = np.zeros(256, np.bool_)
    table[[one + 1 for one in ids]] = True
    return table[parts]


def _apart(a: Sequence[float], b: Sequence[float]) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])
