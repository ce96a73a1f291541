"""What the two algorithms know of a BodyPix network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.errors import CheckpointError
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime.comparison import Example
from bodypix_ros.runtime.network import Graph
from bodypix_ros.segmenters.base import example

_K, _E = len(KEYPOINTS), len(KEYPOINTS) - 1
_OUTPUTS: Final = {
    "float_segments": 1,
    "float_part_heatmaps": len(PARTS),
    "float_heatmaps": _K,
    "float_short_offsets": 2 * _K,
    "float_long_offsets": 2 * _K,
    "displacement_fwd_2/BiasAdd": 2 * _E,
    "displacement_bwd_2/BiasAdd": 2 * _E,
}
"""Outputs in use (the last two carry the architecture's name in front) and their channels."""

_BOUNDS: Final[Mapping[str, float]] = {"f16": 0.1, "int8": 0.2}
"""What a sound device's results may differ by: three times what was measured: see docs/devices.md."""

_NORMALIZATION: Final = {
    "mobilenet": (1 / 127.5, np.full(3, -1, np.float32)),
    "resnet50": (1.0, np.array([-123.15, -115.90, -103.06], np.float32)),
}
"""Scale and bias (red, green, blue) that each architecture was trained with."""


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """A network's numbers.

    Attributes:
        stride: Pixels of input between two points of the output grids.
        scale: Factor of a pixel value.
        bias: float32 (3,), added to red, green and blue.
        outputs: The graph's names of logits of person, of parts and of keypoints, short and long offsets,
            displacements forward and backward.
    """

    stride: int
    scale: float
    bias: npt.NDArray[np.float32]
    outputs: tuple[str, ...]

    @property
    def example(self) -> Example:
        """What devices are tried on."""
        return example(self.scale, self.bias, dict.fromkeys(self.outputs, _BOUNDS))


def architecture_of(model: Model, graph: Graph) -> Architecture:
    """The numbers of a model.

    Raises:
        CheckpointError: The graph is not BodyPix's.
    """
    if model.architecture is None or model.output_stride is None:
        raise CheckpointError(f"{model.name} is not a BodyPix model")
    scale, bias = _NORMALIZATION[model.architecture]
    return Architecture(model.output_stride, scale, bias, tuple(_output_names(graph, model.name)))


def _output_names(graph: Graph, model: str) -> list[str]:
    """The graph's names of the outputs in use, in the order of _OUTPUTS.

    Raises:
        CheckpointError: The graph is not BodyPix's.
    """
    channels = {port.get_any_name(): port.get_partial_shape()[3] for port in graph.outputs}
    names = []
    for wanted, count in _OUTPUTS.items():
        found = [name for name in channels if name == wanted or name.endswith(f"/{wanted}")]
        if len(found) != 1 or channels[found[0]].is_dynamic or channels[found[0]].get_length() != count:
            raise CheckpointError(
                f"the checkpoint of {model} is not a BodyPix graph: no output {wanted} of {count} channels"
            )
        names.append(found[0])
    return names
