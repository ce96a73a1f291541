"""Smoothing from image to image, with MediaPipe's filters and constants."""

from dataclasses import dataclass, field, replace

import numpy as np

from bodypix_ros.kernels import Array, kernel
from bodypix_ros.segmenters.blazepose.landmarks import SIZE, Pose
from bodypix_ros.segmenters.blazepose.masks import sample
from bodypix_ros.tracking.smoothing import OneEuro, Values

_MASK_RATIO = 0.7
"""Weight of the previous mask where the new one is least sure."""

_SURE = np.float32(0.005)
"""So close to 0 or 1 the previous mask would change less than half a percent."""


@dataclass(slots=True)
class LowPass:
    """An exponential mean; `weight` is the new value's."""

    weight: float
    _smooth: Values | None = None

    def apply(self, values: Values) -> Values:
        """Filter; float64 of any shape, the same at every call."""
        if self._smooth is None:
            self._smooth = values
        else:
            self._smooth = self.weight * values + (1 - self.weight) * self._smooth
        return self._smooth


@dataclass(slots=True)
class PoseFilter:
    """The filters of one person (MediaPipe: PoseLandmarkFiltering)."""

    points: OneEuro = field(default_factory=lambda: OneEuro(0.05, 80.0))
    auxiliary: OneEuro = field(default_factory=lambda: OneEuro(0.01, 10.0))
    world: OneEuro = field(default_factory=lambda: OneEuro(0.1, 40.0))
    visibility: LowPass = field(default_factory=lambda: LowPass(0.1))

    def apply(self, pose: Pose, step_s: float, *, landmarks: bool = True) -> Pose:
        """Smooth a pose; speeds in the image count in diameters of the person's circle.

        Args:
            pose: In the next image.
            step_s: Seconds since the image before.
            landmarks: Smooth all landmarks; otherwise only the circle, which steadies the region.
        """
        diameter = 2 * float(np.hypot(*(pose.auxiliary[1] - pose.auxiliary[0])))
        scale = 1 / max(diameter, 1e-6)
        auxiliary = self.auxiliary.apply(pose.auxiliary, step_s, scale)
        points = self.points.apply(pose.points, step_s, scale)
        visibility = self.visibility.apply(pose.visibility)
        world = self.world.apply(pose.world, step_s)
        if not landmarks:
            return replace(pose, auxiliary=auxiliary)
        return Pose(pose.score, pose.region, points, visibility, world, auxiliary, pose.mask)


def smooth_mask(before: Pose, pose: Pose) -> None:
    """Mix the mask of the image before into the mask of a pose, in place, more of it where that is unsure."""
    turn, shift = np.split(before.region.to_crop(SIZE), [2], axis=1)
    to_before = np.ascontiguousarray(turn @ pose.region.to_image(SIZE))
    to_before[:, 2:] += shift
    _mix(pose.mask, before.mask, to_before)


@kernel("void(float32[:, ::1], float32[:, ::1], float64[:, ::1])")
def _mix(mask: Array, before: Array, to_before: Array) -> None:
    """MediaPipe's SegmentationSmoothing: a polynomial in (p - 1/2)^2 stands for the certainty of p.

    It approximates 1 - H(p)^2, where H is the binary entropy of p in bits. Most of a mask is all but certain
    and stays as it is.
    """
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            p = mask[y, x]
            if p < _SURE or p > np.float32(1) - _SURE:
                continue
            t = (p - np.float32(0.5)) * (p - np.float32(0.5))
            certainty = np.float32(291.309) + t * np.float32(-624.717)
            certainty = np.float32(-0.748699) + t * (np.float32(-57.8051) + t * certainty)
            certainty = min(np.float32(1), t * (np.float32(5.68842) + t * certainty))
            column = to_before[0, 0] * x + to_before[0, 1] * y + to_before[0, 2]
            row = to_before[1, 0] * x + to_before[1, 1] * y + to_before[1, 2]
            difference = sample(before, column, row) - p
            mask[y, x] = p + difference * (np.float32(1) - certainty) * np.float32(_MASK_RATIO)
