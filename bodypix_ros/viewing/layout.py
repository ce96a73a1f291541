"""How the viewer is divided: pictures to the left, metres and plots to the right."""

from importlib import import_module
from typing import Any

from bodypix_ros.viewing.figures import IMAGE


def layout(*, confidence: bool = False, metres: bool = True) -> Any:
    """Give Rerun's blueprint.

    Args:
        confidence: With a picture of the probabilities.
        metres: With a room of three dimensions.

    Raises:
        ImportError: Rerun is not there.
    """
    rrb = import_module("rerun.blueprint")
    shared = [f"/{IMAGE}", *(f"/{IMAGE}/{name}" for name in ("boxes", "keypoints", "bones"))]

    def picture(name: str, *more: str) -> Any:
        return rrb.Spatial2DView(origin=f"/{IMAGE}", contents=[*shared, *more], name=name)

    pictures = [picture("people", f"/{IMAGE}/instances"), picture("body parts", f"/{IMAGE}/parts")]
    if confidence:
        pictures.append(picture("confidence", f"/{IMAGE}/confidence"))
    plots = rrb.TimeSeriesView(origin="/timings", name="milliseconds")
    # Behind the camera and above it, looking at who stands three metres in front of it.
    eye = rrb.EyeControls3D(position=(1.2, -1.6, -1.8), look_target=(0, 0.2, 3), eye_up=(0, -1, 0))
    room = rrb.Spatial3DView(
        origin="/",
        contents=["/camera", f"/{IMAGE}", "/camera/depth", "/people/**"],
        name="metres",
        eye_controls=eye,
    )
    right = rrb.Vertical(room, plots, row_shares=[3, 1]) if metres else plots
    return rrb.Blueprint(
        rrb.Horizontal(rrb.Tabs(*pictures), right, column_shares=[3, 2]), collapse_panels=True
    )
