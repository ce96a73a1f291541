"""A model's networks by themselves: as its family reads them, with the picture that they are tried on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import bodypix_ros
from bodypix_ros.models import ranges
from bodypix_ros.runtime.comparison import Example
from bodypix_ros.runtime.network import Graph, Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.segmenters.base import rounding_for

Outputs = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Bare:
    """A network.

    Attributes:
        title: Model and, of several networks, which.
        model: The model's name.
        size: Height and width of its input.
    """

    title: str
    model: str
    graph: Graph
    outputs: tuple[str, ...]
    size: tuple[int, int]
    example: Example

    @property
    def has_ranges(self) -> bool:
        """Whether it can be computed in 8 bits."""
        return ranges.has(self.model)

    def on(self, device: str, precision: str, cache: Path | None = None) -> Networks:
        """Compile it."""
        where = Placement(device=device, precision=precision, cache_dir=str(cache or ""))
        return Networks(
            self.graph,
            self.outputs,
            where,
            first_size=self.size,
            rounding=rounding_for(self.model, where),
            example=self.example,
        )


def bare(model: str, **options: Any) -> tuple[Bare, ...]:
    """The networks of a model: one, or BlazePose's for landmarks and for finding people.

    Args:
        model: Its name.
        options: What to load it with.
    """
    titles = ("landmarks", "detector") if model.startswith("blazepose") else ("",)
    with bodypix_ros.load(model, device="CPU", precision="f32", **options) as segmenter:
        found = []
        for title, networks in zip(titles, segmenter._open.networks, strict=True):
            (size, *_) = networks._slots
            assert networks._example is not None
            outputs = tuple(port.get_any_name() for port in networks.graph.outputs)
            name = f"{model} {title}".rstrip()
            found.append(Bare(name, model, networks.graph, outputs, size, networks._example))
        return tuple(found)


def run(networks: Networks, picture: npt.NDArray[np.float32]) -> Outputs:
    """What a network gives for a picture, as it takes it."""
    with networks.network(*picture.shape[:2]).request() as request:
        request.input[:] = picture
        request.infer()
        return {name: values.copy() for name, values in request.outputs.items()}
