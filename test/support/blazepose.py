"""People who stand somewhere, as BlazePose's two networks see them."""

import math
from dataclasses import replace

import numpy as np

from bodypix_ros.imaging.region import Region
from bodypix_ros.segmenters.blazepose import detector
from bodypix_ros.segmenters.blazepose.landmarks import SIZE, Pose
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import MARGIN

OPTIONS = BlazePoseOptions()

SHAPE = (480, 640)


def person(x: float, y: float, score: float = 0.9, radius: float = 100.0) -> Pose:
    """Somebody who stands upright with the hips at x, y."""
    points = np.zeros((33, 2))
    points[:] = x, y
    points[[11, 12], 1] -= radius / 2
    region = Region(x, y, 2 * MARGIN * radius)
    auxiliary = np.array([[x, y], [x, y - radius]])
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[64:192, 96:160] = score
    return Pose(score, region, points, np.full(33, 0.8), np.zeros((33, 3)), auxiliary, mask)


def found(pose: Pose, score: float = 0.9) -> detector.Detection:
    return detector.Detection(score, pose.region, pose.hips, pose.shoulders)


class World:
    """People who stand somewhere, as the two networks see them; counts how often these are asked."""

    def __init__(self, *people: Pose) -> None:
        self.people = list(people)
        self.detected = self.looked = 0
        self.turns: list[int | None] = []

    def detect(self, turn: int | None, lost: bool) -> list[detector.Detection]:
        self.detected += 1
        self.turns.append(turn)
        return [found(pose) for pose in self.people]

    def look(self, region: Region) -> Pose:
        self.looked += 1
        seen = person(region.x, region.y, score=0.1)
        distance = 60.0
        for one in self.people:
            apart = math.hypot(one.region.x - region.x, one.region.y - region.y)
            if apart < distance:
                seen, distance = one, apart
        return replace(seen, mask=seen.mask.copy())
