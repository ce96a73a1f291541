"""Images of depth, registered to the colour image, in metres."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PlacingError

UNITS: Final = {"uint16": 0.001, "float32": 1.0}
"""Metres per unit of depth, by its type, as REP-118 has them."""

NEAREST_M: Final = 0.1
FARTHEST_M: Final = 40.0
"""What is not between these is a hole: no camera of depth measures it."""

NOISE: Final = 0.0025
"""Standard deviation of a measured depth, per square of the depth in metres: that of a good stereo camera."""


def unit_of(depth: npt.NDArray[Any], unit: float | None = None) -> float:
    """Metres per unit of an image of depth.

    Args:
        depth: uint16 or float32 (H, W).
        unit: As somebody says; None: by its type, a millimetre or a metre.

    Raises:
        PlacingError: It is no image of depth, or no unit.
    """
    if depth.ndim != 2 or depth.dtype.name not in UNITS:
        raise PlacingError(
            f"depth is {depth.dtype.name} {depth.shape}, but must be uint16 in millimetres or float32 in "
            "metres, of one channel"
        )
    scale = UNITS[depth.dtype.name] if unit is None else unit
    if not (np.isfinite(scale) and scale > 0):
        raise PlacingError(f"depth_unit is {scale}, but must be metres per unit, as 0.001")
    return scale


def metres(depth: npt.NDArray[Any], unit: float | None = None) -> npt.NDArray[np.float32]:
    """Depth in metres.

    Args:
        depth: uint16 or float32 (H, W).
        unit: As for `unit_of`.

    Returns:
        float32 (H, W); what is 0, negative or not finite is a hole. Itself where it is in metres already.

    Raises:
        PlacingError: From `unit_of`.
    """
    scale = unit_of(depth, unit)
    if depth.dtype == np.float32 and scale == 1:
        return depth
    in_metres: npt.NDArray[np.float32] = np.multiply(depth, np.float32(scale), dtype=np.float32)
    return in_metres


def check_view(depth: npt.NDArray[Any], width: int, height: int) -> None:
    """Check that depth may be of the same view as an image: of any resolution, but of the same shape.

    Raises:
        PlacingError: It is not.
    """
    high, wide = depth.shape[:2]
    if not high or not wide or abs(wide * height - high * width) > max(width, height):
        raise PlacingError(
            f"depth is {wide}x{high}, but the image is {width}x{height}: not the same view. Take the depth "
            "that is registered to the colour image, as aligned_depth_to_color or depth_registered"
        )


def doubt(depth: npt.NDArray[Any], unit: float | None = None) -> str:
    """Why depth may be in another unit, arguments as for `metres`; empty where it looks like a camera's."""
    seen = metres(depth[::8, ::8], unit)
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if not len(seen):
        return ""
    middle = float(np.median(seen))
    if NEAREST_M <= middle <= FARTHEST_M:
        return ""
    better = 0.001 if middle > FARTHEST_M else 1000
    return f"depths are {middle:.3g} m in the middle: set depth_unit, perhaps {better:g} times what it is"
