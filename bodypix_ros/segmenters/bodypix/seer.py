"""BodyPix 2: its networks, and the algorithm that looks through them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.models import tfjs
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import USUAL, Placement
from bodypix_ros.segmenters.base import Seer, Sight, rounding_for
from bodypix_ros.segmenters.bodypix.architecture import Architecture, architecture_of
from bodypix_ros.segmenters.bodypix.options import OriginalOptions, PeopleOptions
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

_FIRST_IMAGE = (480, 640)  # the camera size that most people have: loading compiles for it


class BodyPix(Seer[Any, Any]):
    """BodyPix 2 with MobileNetV1 or ResNet50."""

    def __init__(
        self,
        model: Model,
        files: Mapping[str, Path],
        placement: Placement,
        options: PeopleOptions | OriginalOptions,
    ) -> None:
        """Read the checkpoint and compile it for the size of camera that most people have.

        Raises:
            CheckpointError: It is broken, or not BodyPix's.
            OptionError: Unknown device, or a precision that it does not run in.
            DeviceError: No device compiles the model.
        """
        graph = tfjs.read_model(files[model.files[0].path], reference_dilation=options.reference_dilation)
        architecture = architecture_of(model, graph)
        people = isinstance(options, PeopleOptions)
        self._algorithm: Any = _algorithm(architecture, options)
        first, *_ = self._algorithm.input_sizes(*_FIRST_IMAGE)
        self._networks = Networks(
            graph,
            architecture.outputs,
            placement,
            first_size=first,
            rounding=rounding_for(model.name, placement, by_default=people),
            preferred={**USUAL, "CPU": ("int8", "f32")} if people else USUAL,
            example=architecture.example,
        )
        self.networks = (self._networks,)
        for each in self.inputs(*_FIRST_IMAGE):
            self._networks.network(*each)
        # The cores that the network leaves idle afterwards; with many requests there are none.
        alone = placement.performance_hint == "LATENCY" and placement.threads != 1
        alone = alone and (os.cpu_count() or 1) > 1
        self._second = SecondThread() if alone else None

    def close(self) -> None:
        """End the second thread."""
        if self._second is not None:
            self._second.close()

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the input for the whole picture."""
        return self.inputs(height, width)[0][:2]

    def inputs(self, height: int, width: int) -> list[tuple[int, int, int]]:
        """What `Networks.network` takes for the passes, one by one and as many at once as is sooner done."""
        sizes: tuple[tuple[int, int], ...] = self._algorithm.input_sizes(height, width)
        counts = range(1, 1 + (self._networks.at_once if len(sizes) > 1 else 1))
        return [(*size, at_once) for at_once in counts for size in sizes]

    def remember(self) -> Any:
        """What the algorithm remembers of a stream."""
        return self._algorithm.remember()

    def see(
        self,
        pixels: Pixels,
        options: PeopleOptions | OriginalOptions,
        stamp: object,  # noqa: ARG002
        memory: Any,
    ) -> Sight:
        """See people."""
        sight: Sight = self._algorithm.see(pixels, options, self._networks, self._second, memory)
        scene = sight.scene
        return Sight(scene.mirrored() if options.flip_horizontal else scene, sight.timings)


def _algorithm(architecture: Architecture, options: PeopleOptions | OriginalOptions) -> Any:
    """The algorithm that options are for. Only its own kernels are compiled."""
    if isinstance(options, PeopleOptions):
        from bodypix_ros.segmenters.bodypix.people.seeing import People

        return People(architecture, options)
    from bodypix_ros.segmenters.bodypix.original.seeing import Original

    return Original(architecture, options)
