"""What a list of people must be able to do that is written beside COCO's document."""

from collections.abc import Sequence
from typing import Protocol

from bodypix_ros.coco.earlier import Entry


class PeopleList(Protocol):
    """Gets the images of a document one after another, with their people."""

    def add(self, image: Entry, persons: Sequence[Entry], names: Sequence[str], /) -> None:
        """Write an image's people.

        Args:
            image: Its entry in the document.
            persons: Its annotations, see `document.annotations`.
            names: Of the rows of their keypoints.
        """

    def end(self) -> None:
        """Write what comes after the last image."""
