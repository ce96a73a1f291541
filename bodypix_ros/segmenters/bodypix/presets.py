"""Named settings of BodyPix: for what one looks at, instead of options one by one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bodypix_ros.segmenters.bodypix.options import ORIGINAL

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "near": {"base_size": 353, "crops": 1},
        "far": {"base_size": 641, "crops": 8},
        "fast": {"crops": 0},
        "original": {"algorithm": ORIGINAL},
        # Nobody's face may be overlooked: doubtful people count. Of either algorithm.
        "faces": {
            "base_size": 641,
            "crops": 4,
            "score_threshold": 0.05,
            "internal_resolution": "full",
            "segmentation_threshold": 0.5,
            "faces": True,
        },
    }
)
"""By name; options that the algorithm in use does not have are left aside."""
