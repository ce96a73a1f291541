"""What a model saw in one image: the result every segmenter returns and everything else reads."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]

_T = TypeVar("_T", bound=np.generic)


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
class Hand:
    """One hand of a person.

    Attributes:
        side: "left" or "right", the person's own.
        score: How sure the model is that there is a hand, 0..1.
        keypoints: float32 (21, 3): x and y in image pixels (not clipped to the image), score 0..1. Row k is
            `anatomy.HAND_KEYPOINTS[k]`.
        keypoints_3d: float32 (21, 3): x, y, z in metres from the wrist, axes as the camera's.
    """

    side: str
    score: float
    keypoints: npt.NDArray[np.float32]
    keypoints_3d: npt.NDArray[np.float32]

    def mirrored(self, width: int) -> "Hand":
        """The hand as the mirrored picture has it, see `Person.mirrored`.

        Args:
            width: Of the picture, in pixels.
        """
        keypoints, metres = self.keypoints.copy(), self.keypoints_3d.copy()
        keypoints[:, 0] = width - 1 - keypoints[:, 0]
        metres[:, 0] = -metres[:, 0]
        return replace(self, keypoints=keypoints, keypoints_3d=metres)


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person of a Scene.

    Attributes:
        score: How sure the model is, 0..1.
        box: x0, y0, x1, y1 in image pixels, half open: the bounds of the person's pixels in
            `Scene.instance_mask`; without pixels those of the confident keypoints, clipped to the
            image; else zeros.
        keypoints: float32 (K, 3): x and y in image pixels (not clipped to the image), score 0..1. Row k
            is `Scene.keypoint_names[k]`. Zeros for a person without a pose.
        keypoints_3d: float32 (K, 4): x, y, z in metres, score 0..1; None where the model has no metres.
        track_id: The same number for the same person from image to image; None until people are tracked.
        distance: Metres from the camera; None where nobody has said.
        hands: One for each side at most, the left one first; empty unless asked for.
    """

    score: float
    box: Box
    keypoints: npt.NDArray[np.float32]
    keypoints_3d: npt.NDArray[np.float32] | None = None
    track_id: int | None = None
    distance: float | None = None
    hands: tuple[Hand, ...] = ()

    @property
    def has_pose(self) -> bool:
        """Whether there are keypoints: others are known by their pixels only."""
        return bool(self.keypoints[:, 2].any())

    def mirrored(self, width: int) -> "Person":
        """The person as the mirrored picture has it; left stays the person's own left.

        Pixel x becomes width - 1 - x, and x in metres, which is 0 in the middle, changes its sign. An empty
        box stays as it is.

        Args:
            width: Of the picture, in pixels.
        """
        x0, y0, x1, y1 = self.box
        box = (width - x1, y0, width - x0, y1) if x0 < x1 and y0 < y1 else self.box
        keypoints = self.keypoints.copy()
        if self.has_pose:
            keypoints[:, 0] = width - 1 - keypoints[:, 0]
        metres = self.keypoints_3d
        if metres is not None:
            metres = metres.copy()
            metres[:, 0] = -metres[:, 0]
        hands = tuple(hand.mirrored(width) for hand in self.hands)
        return replace(self, box=box, keypoints=keypoints, keypoints_3d=metres, hands=hands)


class Face(NamedTuple):
    """A face that a detector found, whoever's it is.

    Attributes:
        box: x0, y0, x1, y1 in image pixels, half open, clipped to the image.
        score: How sure the detector is, 0..1.
    """

    box: Box
    score: float

    def mirrored(self, width: int) -> "Face":
        """The face as the mirrored picture has it, `width` pixels wide."""
        x0, y0, x1, y1 = self.box
        return self._replace(box=(width - x1, y0, width - x0, y1))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a model saw in one image of H rows and W columns.

    Attributes:
        person_mask: bool (H, W), True on people: the union of the persons and of specks that are nobody's.
        instance_mask: uint8 (H, W), 0 nobody, k + 1 where `persons[k]` is. Inside `person_mask`.
        part_mask: uint8 (H, W), 0 background, part id + 1 (`anatomy.PARTS`); above 0 exactly where
            `person_mask` is. None where the model has no parts, or none were asked for.
        confidence: uint8 (H, W), probability of person * 255; None unless asked for.
        persons: Everybody, at most 254: first who has a pose, by falling score; then who has none, because
            no pose owns the pixels, or only one below the threshold, by falling area.
        keypoint_names: The names of the rows of `Person.keypoints`.
        stamp: What the caller passed to `segment`, untouched.
        timings: How long it took.
        faces: Those that were found, by falling score; empty unless the option `faces` is on.
    """

    person_mask: npt.NDArray[np.bool_]
    instance_mask: npt.NDArray[np.uint8]
    part_mask: npt.NDArray[np.uint8] | None
    confidence: npt.NDArray[np.uint8] | None
    persons: tuple[Person, ...]
    keypoint_names: tuple[str, ...]
    stamp: Any = None
    timings: Timings = Timings()
    faces: tuple[Face, ...] = ()

    def mirrored(self) -> "Scene":
        """The Scene of the mirrored picture, in arrays of its own.

        Masks, confidence and faces are mirrored, persons as in `Person.mirrored`; everything else stays, the
        order of persons and the stamp, too.
        """
        return replace(
            self,
            person_mask=_mirrored(self.person_mask),
            instance_mask=_mirrored(self.instance_mask),
            part_mask=None if self.part_mask is None else _mirrored(self.part_mask),
            confidence=None if self.confidence is None else _mirrored(self.confidence),
            persons=tuple(person.mirrored(self.person_mask.shape[1]) for person in self.persons),
            faces=tuple(face.mirrored(self.person_mask.shape[1]) for face in self.faces),
        )


def _mirrored(mask: npt.NDArray[_T]) -> npt.NDArray[_T]:
    mirrored: npt.NDArray[_T] = mask[:, ::-1].copy()
    return mirrored
