"""What is known of hands before there are any: their networks, and what a stream keeps. Brings no kernels."""

from dataclasses import dataclass, field
from typing import Any, Final

from bodypix_ros.details.network import Kind

SIZE: Final = 224
"""Rows and columns of the networks' input."""
LANDMARKS: Final = 21
SHAPES: Final = {
    "points": (1, LANDMARKS * 3),
    "presence": (1, 1),
    "right": (1, 1),
    "world": (1, LANDMARKS * 3),
}
"""Of the outputs, in the networks' order."""
KINDS: Final = {name: Kind(f"hands-{name}", SIZE, SHAPES) for name in ("lite", "full")}
"""The networks that there are, by the values of the option `hands_model`."""


@dataclass(slots=True)
class HandMemory:
    """The hands of one stream.

    Attributes:
        ends: What `finding` keeps of arms' ends.
        shape: Rows and columns of the images.
    """

    ends: list[Any] = field(default_factory=list)
    shape: tuple[int, ...] = ()

    def reset(self) -> None:
        """Forget them."""
        self.ends = []
