"""MediaPipe Selfie Segmentation: one mask of all people, for faces and upper bodies up to about 2 m away.

The published graphs (general 256x256, landscape 256x144) are sampled as MediaPipe does, which they were
trained for: input pixel i takes the image at i * size / input, without half-pixel centres; the way back has
half-pixel centres.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import CheckpointError
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.resize import Samples, resize
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.models import store, tflite
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime.network import Graph, Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.scene import Person, Scene, Timings
from bodypix_ros.segmenters.base import Memory, Seer, Sight, example, rounding_for
from bodypix_ros.segmenters.selfie.options import SelfieOptions

_BOUNDS: Final = {"f16": 0.03}
"""What a sound device's result may differ by, see docs/devices.md."""
_NO_BIAS = np.zeros(3, np.float32)
_NO_KEYPOINTS = np.zeros((0, 3), np.float32)


@lru_cache(maxsize=32)
def _samples(size: int, count: int) -> Samples:
    """Of which of an axis's `size` pixels the `count` input pixels are made; the last one is repeated.

    As in OpenCV's warp, which MediaPipe samples with, places are rounded to 1/1024 of a pixel, then to 1/32.
    """
    at = (np.rint(np.arange(count) * (size / count) * 1024).astype(np.int64) + 16) >> 5
    low = np.minimum(at >> 5, size - 1)
    towards = (at & 31).astype(np.float32) / np.float32(32)
    source = np.stack([low, np.minimum(low + 1, size - 1)], axis=1).astype(np.int32)
    return Samples(source, np.stack([1 - towards, towards], axis=1))


def fill_input(
    pixels: npt.NDArray[np.uint8], channels: tuple[int, int, int], out: npt.NDArray[np.float32]
) -> None:
    """Sample an image as MediaPipe does: bilinear, without half-pixel centres, rounded to whole grey values.

    Args:
        pixels: uint8 (H, W, C).
        channels: Which of the C channels are red, green and blue.
        out: float32 (h, w, 3), overwritten with 0..1.
    """
    rows, columns = _samples(pixels.shape[0], out.shape[0]), _samples(pixels.shape[1], out.shape[1])
    resize(pixels, channels, rows, columns, 1.0, _NO_BIAS, out)
    _round(out.reshape(-1))


@kernel("void(float32[::1])")
def _round(values: Array) -> None:
    """Make 0..255 whole numbers, then 0..1."""
    for i in range(values.size):
        values[i] = np.floor(values[i] + np.float32(0.5)) * np.float32(1 / 255)


class Selfie(Seer[SelfieOptions, Memory]):
    """Selfie Segmentation, general or landscape."""

    def __init__(
        self, model: Model, files: Mapping[str, Path], placement: Placement, options: SelfieOptions
    ) -> None:
        """Read the graph and compile it.

        Raises:
            CheckpointError: It is broken, or not a selfie segmentation.
            DigestError: It is not the file that is published.
            OptionError: Unknown device, or a precision that it does not run in.
            DeviceError: No device compiles the model.
        """
        del options  # all of them change while running
        (file,) = model.files
        path = files[file.path]
        store.verify(file, path)
        graph = tflite.read_model(path)
        self._size = _check(graph, path.name)
        self._output = graph.output(0).get_any_name()
        self._network = Networks(
            graph,
            [self._output],
            placement,
            first_size=self._size,
            rounding=rounding_for(model.name, placement),
            example=example(1 / 255, 0, {self._output: _BOUNDS}),
        )
        self.networks = (self._network,)

    def input_size(self, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002
        """Height and width of the network's input, whatever the image's."""
        return self._size

    def see(self, pixels: Pixels, options: SelfieOptions, stamp: object, memory: Memory | None) -> Sight:  # noqa: ARG002
        """See people, all of them as one Person."""
        height, width = pixels.shape
        with self._network.network(*self._size).request() as request:
            started = time.perf_counter()
            fill_input(pixels.array, pixels.channels, request.input)
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            small = request.outputs[self._output][..., 0]
            probability: Any = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        scene = _scene(probability.reshape(height, width), options)
        done = time.perf_counter()
        return Sight(
            scene, Timings((ready - started) * 1e3, (inferred - ready) * 1e3, (done - inferred) * 1e3)
        )


def _check(graph: Graph, name: str) -> tuple[int, int]:
    """Height and width of the input.

    Raises:
        CheckpointError: The graph is not one of a selfie segmentation.
    """
    shapes = [[list(port.get_partial_shape()) for port in ports] for ports in (graph.inputs, graph.outputs)]
    if [len(ports) for ports in shapes] == [1, 1]:
        (wide,), (out,) = shapes
        if len(wide) == 4 and wide[3] == 3 and out == [*wide[:3], 1] and graph.is_dynamic() is False:
            return wide[1].get_length(), wide[2].get_length()
    raise CheckpointError(
        f"{name} is not a selfie segmentation: it needs one input [1, h, w, 3] and one output [1, h, w, 1]"
    )


def _scene(probability: npt.NDArray[np.float32], options: SelfieOptions) -> Scene:
    mask = np.empty(probability.shape, np.uint8)
    count, total = _above(probability, np.float32(options.segmentation_threshold), mask)
    confidence: Any = None
    if options.confidence:
        confidence = cv2.convertScaleAbs(probability, alpha=255).reshape(mask.shape)
    persons: tuple[Person, ...] = ()
    if count:
        x, y, width, height = cv2.boundingRect(mask)
        persons = (Person(total / count, (x, y, x + width, y + height), _NO_KEYPOINTS),)
    return Scene(mask.view(np.bool_), mask.copy(), None, confidence, persons, ())


@kernel("Tuple((int64, float64))(float32[:, ::1], float32, uint8[:, ::1])")
def _above(probability: Array, threshold: float, mask: Array) -> tuple[int, float]:
    """Fill the mask with 1 above the threshold; return how many those are, and their sum."""
    count, total = 0, 0
    for y in range(probability.shape[0]):
        inside, row_total = np.int32(0), np.int32(0)
        for x in range(probability.shape[1]):
            value = probability[y, x]
            above = value > threshold
            mask[y, x] = above
            inside += np.int32(above)
            # In whole numbers, whose sum does not depend on the order: only then it is vectorised.
            row_total += np.int32(value * np.float32(32768)) if above else np.int32(0)
        count += inside
        total += row_total
    return count, total / 32768
