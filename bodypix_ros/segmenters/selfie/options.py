"""The options of Selfie Segmentation: defaults, ranges and meanings, for `load`, commands and ROS alike."""

from dataclasses import dataclass

from bodypix_ros.details.options import DetailOptions
from bodypix_ros.options import check_all, option


@dataclass(frozen=True, slots=True)
class SelfieOptions(DetailOptions):
    """What may be set; out of range: OptionError naming option, value and range."""

    segmentation_threshold: float = option(
        0.5, "a pixel is a person's where the probability is above this", low=0.0, high=1.0
    )
    confidence: bool = option(False, "give the probability of person per pixel")

    def __post_init__(self) -> None:
        """Check all ranges."""
        check_all(self)

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold."""
        return 1  # all people are one
