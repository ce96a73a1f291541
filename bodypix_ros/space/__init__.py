"""People in metres: lens, calibration, pose, depth, follow. Knows no ROS.

The public names are loaded when first used: who reads lenses compiles no kernels.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bodypix_ros.space.follow import Follow as Follow
    from bodypix_ros.space.lens import Lens as Lens
    from bodypix_ros.space.placing import PlacedPerson as PlacedPerson
    from bodypix_ros.space.placing import place as place
    from bodypix_ros.space.world import World as World

__all__ = ["Follow", "Lens", "PlacedPerson", "World", "place"]

_HOME = {"Follow": "follow", "Lens": "lens", "PlacedPerson": "placing", "World": "world", "place": "placing"}


def __getattr__(name: str) -> object:
    """Load a public name."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bodypix_ros.space.{_HOME[name]}"), name)
