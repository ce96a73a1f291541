"""What every family can do with the images of a stream, one after another: declared once."""

from dataclasses import dataclass
from typing import TypeVar

from bodypix_ros.options import option

S = TypeVar("S", bound="StreamOptions")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The options of streams, of which those of the families inherit."""

    tracking: bool = option(True, "in streams, give people ids that stay from image to image")
    max_age: float = option(1.0, "seconds that somebody who is not seen keeps the id", low=0.0, high=60.0)
    appearance: bool = option(True, "in streams, tell people apart by the colours of what they wear, too")
    smooth: bool = option(
        True,
        "in streams, smooth people's keypoints, and masks where the model can, from image to image",
        formerly=("smooth_landmarks", "smooth_masks"),
    )

    @property
    def sure_score(self) -> float:
        """Least score of a person who takes no track to be believed in."""
        return float(getattr(self, "score_threshold", 0.0))

    def in_stream(self: S) -> S:
        """The options that a stream's images are seen with: perhaps with less sure people, for tracks."""
        return self
