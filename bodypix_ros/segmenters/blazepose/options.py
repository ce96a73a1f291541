"""The options of BlazePose: defaults, ranges and meanings, for `load`, commands and ROS parameters alike."""

from dataclasses import dataclass

from bodypix_ros.details.options import DetailOptions
from bodypix_ros.options import check_all, option


@dataclass(frozen=True, slots=True)
class BlazePoseOptions(DetailOptions):
    """What may be set; out of range: OptionError naming option, value and range."""

    segmentation_threshold: float = option(
        0.5, "a pixel is a person's where the probability is above this", low=0.0, high=1.0
    )
    max_detections: int = option(5, "at most so many people are looked at", low=1, high=254)
    score_threshold: float = option(
        0.5, "least score of a person: probability that the landmarks lie on one", low=0.0, high=1.0
    )
    detection_threshold: float = option(
        0.5, "least score of the detector for it to be followed up", low=0.0, high=1.0
    )
    min_keypoint_score: float = option(
        0.5, "keypoints above this give the box of a person without pixels", low=0.0, high=1.0
    )
    detection_interval: int = option(
        5,
        "while fewer than max_detections are followed, search a part of every so-manieth image for others",
        low=1,
        high=10000,
    )
    confidence: bool = option(False, "give the probability of person per pixel")

    def __post_init__(self) -> None:
        """Check all ranges."""
        check_all(self)

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold."""
        return self.max_detections
