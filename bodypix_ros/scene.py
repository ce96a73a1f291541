"""What a model saw in one image: the result every segmenter returns and everything else reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds that a Scene took: before, in and after the networks."""

    pre_ms: float = 0.0
    infer_ms: float = 0.0
    post_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        """All of them together."""
        return self.pre_ms + self.infer_ms + self.post_ms


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person of a Scene.

    Attributes:
        score: How sure the model is, 0..1.
        box: x0, y0, x1, y1 in image pixels, half open: the bounds of the person's pixels in
            `Scene.instance_mask`; without pixels those of the confident keypoints, clipped to the
            image; else zeros.
        keypoints: float32 (K, 3): x and y in image pixels (not clipped to the image), score 0..1. Row k
            is `Scene.keypoint_names[k]`.
        keypoints_3d: float32 (K, 4): x, y, z in metres, score 0..1; None where the model has no metres.
        track_id: The same number for the same person from image to image; None until people are tracked.
    """

    score: float
    box: Box
    keypoints: npt.NDArray[np.float32]
    keypoints_3d: npt.NDArray[np.float32] | None = None
    track_id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a model saw in one image of H rows and W columns.

    Attributes:
        person_mask: bool (H, W), True on people.
        instance_mask: uint8 (H, W), 0 nobody, k + 1 where `persons[k]` is. Inside `person_mask`, and equal
            to it once anybody is in `persons`.
        part_mask: uint8 (H, W), 0 background, part id + 1 (`anatomy.PARTS`); above 0 exactly where
            `person_mask` is. None where the model has no parts, or none were asked for.
        confidence: uint8 (H, W), probability of person * 255; None unless asked for.
        persons: In decoding order: falling score of the root keypoint.
        keypoint_names: The names of the rows of `Person.keypoints`.
        stamp: What the caller passed to `segment`, untouched.
        timings: How long it took.
    """

    person_mask: npt.NDArray[np.bool_]
    instance_mask: npt.NDArray[np.uint8]
    part_mask: npt.NDArray[np.uint8] | None
    confidence: npt.NDArray[np.uint8] | None
    persons: tuple[Person, ...]
    keypoint_names: tuple[str, ...]
    stamp: Any = None
    timings: Timings = Timings()
