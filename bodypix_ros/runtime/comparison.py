"""Whether a device computes what a CPU does: both see the same picture of somebody, and results are compared.

Devices have been silently wrong: drivers, compilers and conversions exchange channels, drop layers, overflow.
A sound device differs by what its precision costs, which is known per output; a wrong one by much more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

F32: Final = 0.001
"""The largest `difference` of any output in f32, where sums have another order."""


@dataclass(frozen=True, slots=True)
class Example:
    """What a network is tried on, and how far a sound device may be from a CPU.

    Attributes:
        picture: Height and width of an input -> float32 (height, width, 3), somebody, as the network takes
            it.
        bounds: By output, by precision: the largest `difference` of a sound device; in f32 it is F32.
    """

    picture: Callable[[int, int], Values]
    bounds: Mapping[str, Mapping[str, float]]

    def bound(self, output: str, precision: str) -> float:
        """The largest `difference` of a sound device."""
        return F32 if precision == "f32" else self.bounds[output][precision]


def difference(given: Values, expected: Values) -> float:
    """How far two results of one output are apart, by the channel that is worst.

    Args:
        given: float32 (..., channels).
        expected: The same shape.

    Returns:
        The root mean square of a channel's difference over the standard deviation of all that is expected, or
        over its size, where it is a single value. NaN or infinite where something in `given` is.
    """
    channels = expected.shape[-1]
    apart = np.asarray(given, np.float64).reshape(-1, channels) - expected.reshape(-1, channels)
    worst = float(np.sqrt(np.square(apart).mean(axis=0).max()))
    spread = float(expected.std(dtype=np.float64)) or float(np.abs(expected).max())
    return worst / max(spread, float(np.finfo(np.float32).tiny))


def complaints(
    given: Mapping[str, Values], expected: Mapping[str, Values], example: Example, precision: str
) -> list[str]:
    """What is wrong with a device's results, an output each; none where all are as its precision lets expect.

    Args:
        given: Its results, by output.
        expected: A CPU's.
        example: What they are of.
        precision: What the device computes in.
    """
    apart = {name: difference(given[name], values) for name, values in expected.items()}
    return [
        f"output {name} differs by {100 * found:.3g} % of its spread, and {precision} explains at most "
        f"{100 * example.bound(name, precision):.3g} %"
        for name, found in apart.items()
        if not found <= example.bound(name, precision)  # NaN is no smaller than anything
    ]
