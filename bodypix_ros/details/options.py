"""What can be asked for beside what a model sees: declared once, for every family."""

from dataclasses import dataclass

from bodypix_ros.options import option
from bodypix_ros.tracking.options import StreamOptions


@dataclass(frozen=True, slots=True)
class DetailOptions(StreamOptions):
    """The options of details, of which those of the families inherit."""

    edges: bool = option(False, "draw outlines to the picture's edges, which takes about a millisecond")
    hands: bool = option(
        False, "find people's hands: 21 keypoints each, and fingers in the masks; takes milliseconds a hand"
    )
    hands_model: str = option(
        "lite",
        "the network that reads hands: lite, or full, slower and finer",
        choices=("lite", "full"),
    )
    max_hands: int = option(
        2, "in streams at most so many hands are looked at per image, in turn", low=1, high=100
    )
    faces: bool = option(
        False,
        "look for faces by themselves, for whoever hides them; takes some milliseconds",
        hidden_from=("eval",),  # there the word means to look at how they are hidden
    )

    @property
    def besides(self) -> tuple[str, ...]:
        """The models of details that these options need, by their names in the catalogue."""
        hands = (f"hands-{self.hands_model}",) if self.hands else ()
        return (*hands, *(("faces",) if self.faces else ()))
