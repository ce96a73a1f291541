"""The options of BodyPix: defaults, ranges and meanings, for `load`, commands and ROS parameters alike."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Final

from bodypix_ros.details.options import DetailOptions
from bodypix_ros.errors import OptionError
from bodypix_ros.options import check_all, like, option

RESOLUTIONS: Final = {"low": 0.25, "medium": 0.5, "high": 0.75, "full": 1.0}
"""Words for the size of the network's input relative to the image."""
PEOPLE: Final = "people"
ORIGINAL: Final = "original"


@dataclass(frozen=True, slots=True)
class BodyPixOptions(DetailOptions):
    """What both algorithms have; out of range: OptionError naming option, value and range."""

    algorithm: str = option(
        PEOPLE,
        "people: near and far ones, in crops where they are small; original: BodyPix as published, to the"
        " figure, with its options",
        choices=(PEOPLE, ORIGINAL),
        live=False,
    )
    min_keypoint_score: float = option(
        0.3, "keypoints above this decide which pixels are whose", low=0.0, high=1.0
    )
    flip_horizontal: bool = option(
        False, "mirror the results, for pictures that are shown mirrored", hidden_from=("node", "bag")
    )
    parts: bool = option(True, "label the 24 body parts")
    confidence: bool = option(False, "give the probability of person per pixel")
    reference_dilation: bool = option(
        False,
        "read dilations as TensorFlow.js does, 2x1, worse than the 2x2 that was trained; to compare with the"
        " original",
        live=False,
        hidden_from=("node",),
    )

    def __post_init__(self) -> None:
        """Check all ranges."""
        check_all(self)


@dataclass(frozen=True, slots=True)
class PeopleOptions(BodyPixOptions):
    """Those of `algorithm="people"`."""

    segmentation_threshold: float = option(
        0.5, "a pixel is a person's where the probability is above this", low=0.0, high=1.0
    )
    score_threshold: float = option(
        0.3, "least score of a person; one with less has no pose", low=0.0, high=1.0
    )
    max_detections: int = option(30, "at most so many poses are given", low=1, high=254)
    base_size: int = option(
        481,
        "longer side of the network's input for the whole picture, in pixels, rounded to a multiple of 32"
        " and 1: more finds people farther away",
        low=129,
        high=1281,
        live=False,
    )
    crops: int = option(
        2, "at most so many crops are looked at besides, around who is small; 0 is fastest", low=0, high=8
    )

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold: people without a pose count, too."""
        return 254

    def in_stream(self) -> "PeopleOptions":
        """With people of a third of the score, too, where they may continue a track."""
        return replace(self, score_threshold=self.score_threshold / 3) if self.tracking else self


@dataclass(frozen=True, slots=True)
class OriginalOptions(BodyPixOptions):
    """Those of `algorithm="original"`, with the original's defaults."""

    algorithm: str = like(BodyPixOptions, "algorithm", default=ORIGINAL)
    internal_resolution: str | float = option(
        "medium",
        "size of the network's input relative to the image: low (0.25), medium (0.5), high (0.75), full (1.0)"
        " or a number from 0.1 to 2",
        live=False,
        dynamic=True,
        words=RESOLUTIONS,
    )
    segmentation_threshold: float = like(PeopleOptions, "segmentation_threshold", default=0.7)
    max_detections: int = option(10, "at most so many poses are decoded", low=1, high=254)
    score_threshold: float = option(
        0.4, "least score of a person, and of the keypoint that a pose starts from", low=0.0, high=1.0
    )
    nms_radius: float = option(
        20.0,
        "keypoints within so many pixels of the network's input belong to one person",
        low=0.01,
        high=10000.0,
    )
    refine_steps: int = option(10, "how often the way from a pixel to its person is refined", low=1, high=20)

    def __post_init__(self) -> None:
        """Check all ranges."""
        check_all(self)
        self.resolution  # noqa: B018

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold."""
        return self.max_detections

    @property
    def resolution(self) -> float:
        """The internal resolution as a number.

        Raises:
            OptionError: Neither a known word nor a number from 0.1 to 2.
        """
        value: Any = self.internal_resolution
        number: Any = RESOLUTIONS.get(value, value) if isinstance(value, str) else value
        if isinstance(number, str):
            try:
                number = float(number)
            except ValueError:
                number = None
        is_number = isinstance(number, Real) and not isinstance(number, bool)
        if not is_number or not 0.1 <= number <= 2:
            raise OptionError(
                "internal_resolution",
                f"internal_resolution is {value!r:.80}, but must be {', '.join(RESOLUTIONS)}, "
                "or a number from 0.1 to 2",
            )
        return float(number)
