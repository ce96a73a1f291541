"""Both halves of a picture at once."""

from collections.abc import Callable

from bodypix_ros.scene import Box
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread


def by_halves(
    second: SecondThread | None, fill_rows: Callable[[tuple[int, int]], list[Box]], height: int, middle: int
) -> list[Box]:
    """Fill the upper and the lower rows at once, where there are two cores, and join the boxes.

    Args:
        second: Fills the lower ones; None: there is one thread.
        fill_rows: Fills from the first row to the one before the last; gives a box for each person.
        height: Rows of the picture.
        middle: The first row of the lower half.
    """
    if second is None or not 0 < middle < height:
        return fill_rows((0, height))
    lower_half = second.submit(fill_rows, (middle, height))
    upper, lower = fill_rows((0, middle)), lower_half.result()
    return [_joined(above, below) for above, below in zip(upper, lower, strict=True)]


def _joined(upper: Box, lower: Box) -> Box:
    """The box around two, either of which may be zeros: nobody's."""
    if not upper[2] or not lower[2]:
        return upper if upper[2] else lower
    return min(upper[0], lower[0]), upper[1], max(upper[2], lower[2]), lower[3]
