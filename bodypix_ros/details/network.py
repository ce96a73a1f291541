"""A network that a detail needs besides the model's own: found, read and compiled when it is first wanted."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.models import catalogue, store, tflite
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import USUAL, Placement

WARP: Final = "bodypix_ros.imaging.warp"
"""Brings the kernel that fills these networks' input; it is imported when one is loaded."""
_PREFERRED: Final = {**USUAL, "GPU": ("f32",)}
"""As BlazePose's networks, which are of the same make: docs/devices.md has what a GPU's f16 costs those."""


Piece: TypeAlias = tuple[Pixels, npt.NDArray[np.float64]]
"""An image, and float64 (2, 3): from x, y, 1 in a network's input to x, y in the image."""
Values: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""A network's outputs, by what they are."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a network before it is read.

    Attributes:
        model: Its name among `catalogue.details`.
        size: Rows and columns of its input.
        outputs: The shapes of its outputs, by what they are.
        scale: Factor of a pixel value.
        bias: Added to that.
    """

    model: str
    size: int
    outputs: Mapping[str, tuple[int, ...]]
    scale: float = 1 / 255
    bias: float = 0.0


@dataclass(slots=True)
class Spent:
    """Milliseconds that details took, before and in their networks."""

    pre_ms: float = 0.0
    infer_ms: float = 0.0


@dataclass(slots=True)
class DetailNetwork:
    """One such network. May be called from several threads once it is loaded.

    Attributes:
        kind: Which.
        placement: Where it runs.
        model_dir: Where its file is looked for first.
        networks: Once it is loaded.
    """

    kind: Kind
    placement: Placement
    model_dir: str | Path | None = None
    networks: Networks | None = None
    _names: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> None:
        """Read and compile it, if it is not yet.

        Raises:
            MissingModelError: Its file is not here; names what to get, from where, and where to put it.
            DigestError: The file is not the one that is published.
            CheckpointError: It is not the network that is expected.
            DeviceError: The device does not compile it.
        """
        if self.networks is not None:
            return
        import_module(WARP)  # its kernel is compiled now, not with an image
        kind = self.kind
        model = catalogue.details()[kind.model]
        (file,) = model.files
        path = store.find(model, self.model_dir)[file.path]
        store.verify(file, path)
        graph = tflite.read_model(path)
        self._names = tflite.output_names(graph, kind.outputs, kind.size, file.path)
        side = (kind.size, kind.size)
        names = list(self._names.values())
        self.networks = Networks(graph, names, self.placement, first_size=side, preferred=_PREFERRED)

    def run(self, pieces: Iterable[Piece], spent: Spent, *, replicate: bool = False) -> list[Values]:
        """Look at pieces of images.

        One after the other: two at once, on half of the threads each, are a quarter sooner done by
        themselves, and no sooner in a frame (docs/accuracy.md).

        Args:
            pieces: Where to look.
            spent: Gets the time that it takes.
            replicate: As for `fill_input`.

        Returns:
            Of each piece the outputs by what they are, without the first axis, the caller's own.

        Raises:
            DeviceError: The device failed.
        """
        if self.networks is None:
            raise RuntimeError(f"{self.kind.model} was not loaded")
        from bodypix_ros.imaging.warp import fill_input

        kind, values = self.kind, []
        with self.networks.network(kind.size, kind.size).request() as request:
            for pixels, crop_to_image in pieces:
                started = time.perf_counter()
                fill_input(
                    pixels, crop_to_image, request.input,
                    scale=kind.scale, bias=kind.bias, replicate=replicate,
                )  # fmt: skip
                ready = time.perf_counter()
                request.infer()
                done = time.perf_counter()
                values.append({what: request.outputs[name].copy() for what, name in self._names.items()})
                spent.pre_ms += (ready - started) * 1e3
                spent.infer_ms += (done - ready) * 1e3
        return values
