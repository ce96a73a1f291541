"""How the viewer is divided: pictures to the left, metres and plots to the right."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bodypix_ros.viewing.figures import IMAGE
from bodypix_ros.viewing.sight import Sight


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to be shown, and how large pictures are.

    Attributes:
        width: Of the pictures, in pixels.
        height: Of the pictures, in pixels.
        parts: Whether there are body parts.
        confidence: Whether there are probabilities.
        metres: Whether there are three dimensions.
    """

    width: int
    height: int
    parts: bool
    confidence: bool
    metres: bool

    @classmethod
    def of(cls, sight: Sight) -> "Room":
        """What one sight needs."""
        height, width = sight.image.shape[:2]
        metres = sight.depth is not None or bool(sight.placed)
        scene = sight.scene
        return cls(width, height, scene.part_mask is not None, scene.confidence is not None, metres)

    def with_(self, other: "Room") -> "Room":
        """What both need; pictures are as large as the other's."""
        return Room(
            other.width,
            other.height,
            self.parts or other.parts,
            self.confidence or other.confidence,
            self.metres or other.metres,
        )


def layout(room: Room) -> Any:
    """Give Rerun's blueprint.

    Raises:
        ImportError: Rerun is not there.
    """
    rrb = import_module("rerun.blueprint")
    shared = [f"/{IMAGE}", *(f"/{IMAGE}/{name}" for name in ("boxes", "faces", "keypoints", "bones"))]
    bounds = rrb.VisualBounds2D(x_range=(0, room.width), y_range=(0, room.height))

    def picture(name: str, *more: str) -> Any:
        return rrb.Spatial2DView(
            origin=f"/{IMAGE}", contents=[*shared, *more], name=name, visual_bounds=bounds
        )

    pictures = [picture("people", f"/{IMAGE}/instances")]
    if room.parts:
        pictures.append(picture("body parts", f"/{IMAGE}/parts"))
    if room.confidence:
        pictures.append(picture("confidence", f"/{IMAGE}/confidence"))
    plots = rrb.TimeSeriesView(origin="/timings", name="milliseconds")
    # Behind the camera and above it, looking at who stands three metres in front of it.
    eye = rrb.EyeControls3D(position=(1.2, -1.6, -1.8), look_target=(0, 0.2, 3), eye_up=(0, -1, 0))
    space = rrb.Spatial3DView(
        origin="/",
        contents=["/camera", f"/{IMAGE}", "/camera/depth", "/people/**"],
        name="metres",
        eye_controls=eye,
    )
    right = rrb.Vertical(space, plots, row_shares=[3, 1]) if room.metres else plots
    return rrb.Blueprint(
        rrb.Horizontal(rrb.Tabs(*pictures), right, column_shares=[3, 2]), collapse_panels=True
    )
