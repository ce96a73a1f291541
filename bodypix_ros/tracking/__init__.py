"""Ids that stay: who of an image's persons is whom of the images before, whatever model saw them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bodypix_ros.tracking.tracker import Tracker as Tracker

__all__ = ["Tracker"]


def __getattr__(name: str) -> object:
    """Load the tracker when it is first used: options are read without its kernels."""
    if name != "Tracker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bodypix_ros.tracking.tracker import Tracker

    return Tracker
