"""What a model saw in one image: the result every segmenter returns and everything else reads."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import index
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_KEYPOINTS
from bodypix_ros.errors import ImageError, PersonError
from bodypix_ros.rle import encode

Box = tuple[int, int, int, int]

LEAST_WITHOUT_POSE: Final = 0.11
"""Score from which a person without a pose, who scores 0.15 at most, is somebody. Of tracks on made films 7 %
of the sightings that score less were people, and two thirds of the others."""

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

    def to_dict(self) -> dict[str, Any]:
        """Give what is known of the hand as JSON holds it.

        Returns:
            side, score; keypoints, {name: [x, y, score]} in image pixels; keypoints_3d, {name: [x, y, z]} in
            metres. Rounded as in `Person.to_dict`.
        """
        return {
            "side": self.side,
            "score": round(float(self.score), 5),
            "keypoints": _named(HAND_KEYPOINTS, self.keypoints, 2),
            "keypoints_3d": _named(HAND_KEYPOINTS, self.keypoints_3d, 4),
        }


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

    def to_dict(self, keypoint_names: Sequence[str]) -> dict[str, Any]:
        """Give what is known of the person as JSON holds it.

        Args:
            keypoint_names: The names of the rows of the keypoints: `Scene.keypoint_names`.

        Returns:
            score; box, [x0, y0, x1, y1] in image pixels, half open; keypoints, {name: [x, y, score]}, empty
            without a pose; and where they are known keypoints_3d, {name: [x, y, z, score]} in metres,
            track_id, distance in metres, and hands: a list of what `Hand.to_dict` gives. Pixels are rounded
            to hundredths, scores and metres to four places and more.
        """
        known: dict[str, Any] = {
            "score": round(float(self.score), 5),
            "box": [int(value) for value in self.box],
            "keypoints": _named(keypoint_names, self.keypoints, 2) if self.has_pose else {},
        }
        if self.keypoints_3d is not None:
            known["keypoints_3d"] = _named(keypoint_names, self.keypoints_3d, 4)
        if self.track_id is not None:
            known["track_id"] = int(self.track_id)
        if self.distance is not None:
            known["distance"] = round(float(self.distance), 4)
        if self.hands:
            known["hands"] = [hand.to_dict() for hand in self.hands]
        return known


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

    def to_dict(self) -> dict[str, Any]:
        """Give box and score as JSON holds them."""
        return {"box": [int(value) for value in self.box], "score": round(float(self.score), 5)}


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

    def only(self, kept: Sequence[int]) -> "Scene":
        """The Scene with some of its persons: the others' pixels are nobody's; `person_mask` and parts stay.

        Args:
            kept: Whom, by index; in this order they are numbered anew.

        Raises:
            PersonError: There is no such person.
        """
        persons = tuple(self._person(k) for k in kept)
        values = np.zeros(256, np.uint8)
        values[np.array(kept, int) + 1] = np.arange(1, len(kept) + 1)
        return replace(self, persons=persons, instance_mask=values[self.instance_mask])

    def mask_of(self, k: int) -> npt.NDArray[np.bool_]:
        """The pixels of `persons[k]`: bool (H, W), an array of its own.

        Raises:
            PersonError: There is no such person; k counts from 0.
        """
        self._person(k)
        mask: npt.NDArray[np.bool_] = self.instance_mask == k + 1
        return mask

    def crop(
        self, image: npt.NDArray[_T], k: int, background: int | Sequence[int] | None = None
    ) -> npt.NDArray[_T]:
        """Cut the box of `persons[k]` out of the image.

        Args:
            image: (H, W) or (H, W, C) of any dtype, of the Scene's size.
            k: Whom, from 0.
            background: What pixels that are not this person's become: a number, or one for each of the
                image's channels. None: they stay.

        Returns:
            (h, w) or (h, w, C), an array of its own: the part of the image in `Person.box`.

        Raises:
            PersonError: There is no such person, or one who is nowhere in the image.
            ImageError: The image is none, or of another size, or cannot hold the background.
        """
        x0, y0, x1, y1 = self._person(k).box
        shape = np.shape(image) if isinstance(image, np.ndarray) else ()
        if len(shape) not in (2, 3) or shape[:2] != self.person_mask.shape:
            raise ImageError(
                f"image is {shape or type(image).__name__}, but must be (H, W) or (H, W, C) of the scene's "
                f"size {self.person_mask.shape}: give the image that was segmented"
            )
        if x1 <= x0 or y1 <= y0:
            raise PersonError(
                f"persons[{k}] has neither pixels nor confident keypoints: there is no box to cut out"
            )
        cut: npt.NDArray[_T] = image[y0:y1, x0:x1].copy()
        if background is not None:
            cut[self.instance_mask[y0:y1, x0:x1] != k + 1] = _color(background, image)
        return cut

    def to_dict(self, masks: bool = False) -> dict[str, Any]:
        """Give what is in the Scene as JSON holds it, for `json.dumps`.

        Args:
            masks: With each person's pixels, as COCO's compressed RLE; `pycocotools.mask.decode` gives them
                back. Parts and confidence are never in it.

        Returns:
            width and height in pixels, and persons: a list in the Scene's order of what `Person.to_dict`
            gives, with "mask" where asked for; and where faces were found, faces: a list of box and score.
        """
        persons = [person.to_dict(self.keypoint_names) for person in self.persons]
        if masks:
            for k, person in enumerate(persons):
                person["mask"] = encode(self.mask_of(k))
        height, width = self.person_mask.shape
        told: dict[str, Any] = {"width": width, "height": height, "persons": persons}
        if self.faces:
            told["faces"] = [face.to_dict() for face in self.faces]
        return told

    def _person(self, k: int) -> Person:
        there = f"0..{len(self.persons) - 1}" if self.persons else "nothing: nobody is in the scene"
        try:
            if 0 <= index(k) < len(self.persons):
                return self.persons[k]
        except TypeError:
            raise PersonError(f"k is {k!r:.80}, but must be a whole number; persons has {there}") from None
        raise PersonError(f"k is {k}, but persons has {there}")


def _color(given: int | Sequence[int], image: npt.NDArray[_T]) -> npt.NDArray[_T]:
    """A colour as one pixel of an image."""
    with suppress(ValueError):  # of rows of several lengths
        color = np.asarray(given)
        if color.shape in ((), image.shape[2:]) and color.dtype.kind in "biuf" and _holds(image.dtype, color):
            return color.astype(image.dtype)
    raise ImageError(
        f"background is {given!r:.80}, but must be a number that {image.dtype} holds, or one for each "
        f"channel of the image, which is {image.shape}"
    )


def _holds(dtype: np.dtype[Any], values: npt.NDArray[Any]) -> bool:
    """Whether values are within what a type has; older versions of numpy wrap what is not."""
    if dtype.kind not in "iu":
        return True
    bounds = np.iinfo(dtype)
    return bool(((values >= bounds.min) & (values <= bounds.max)).all())


def _named(names: Sequence[str], rows: npt.NDArray[np.float32], places: int) -> dict[str, list[float]]:
    """Rows by name, rounded; the last column is a score. Without what is no number, which JSON lacks."""
    rounded = rows.astype(np.float64).round(places)
    rounded[:, -1] = rows[:, -1].astype(np.float64).round(4)
    named = zip(names, rounded.tolist(), strict=True)
    return {
        name: row for (name, row), known in zip(named, np.isfinite(rounded).all(axis=1), strict=True) if known
    }


def _mirrored(mask: npt.NDArray[_T]) -> npt.NDArray[_T]:
    mirrored: npt.NDArray[_T] = mask[:, ::-1].copy()
    return mirrored
