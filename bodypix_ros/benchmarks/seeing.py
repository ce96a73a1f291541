"""How a benchmark sees one picture again and again."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


def seeing(segmenter: "Segmenter") -> Callable[[npt.NDArray[np.uint8]], Scene]:
    """What is timed: `segment`, in a stream where the model itself is faster with the images before.

    In a stream people get ids, too, which takes some tenths of a millisecond: see docs/tracking.md.
    """
    return segmenter.stream().segment if segmenter.remembers else segmenter.segment
