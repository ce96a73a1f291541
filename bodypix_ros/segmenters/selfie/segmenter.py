"""MediaPipe Selfie Segmentation: one mask of all people, for faces and upper bodies up to about 2 m away.

The published graphs (general 256x256, landscape 256x144) are sampled as MediaPipe does, which they were
trained for: input pixel i takes the image at i * size / input, without half-pixel centres; the way back has
half-pixel centres.
"""

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.resize import Samples, resize
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.models import store, tflite
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime import Hint, Runtime, Timings
from bodypix_ros.scene import Person, Scene
from bodypix_ros.segmenters.base import NetworkSegmenter, as_pixels, replace_options
from bodypix_ros.segmenters.selfie.options import SelfieOptions

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


class Selfie(NetworkSegmenter):
    """Selfie Segmentation, general or landscape; made by `bodypix_ros.load`."""

    def __init__(
        self,
        model: Model,
        *,
        device: str,
        precision: str | None,
        model_dir: str | Path | None,
        cache_dir: str | Path | None,
        performance_hint: Hint,
        options: dict[str, Any],
    ) -> None:
        """See `bodypix_ros.load`."""
        self.model = model.name
        self.timings = Timings()
        self._options: SelfieOptions = replace_options(SelfieOptions(), options)
        path = store.find(model, model_dir)[model.files[0].path]
        store.verify(model.files[0], path)
        graph = tflite.read_model(path)
        self.size = _check(graph, path.name)
        self._output = graph.output(0).get_any_name()
        self.networks = (
            Runtime(
                graph,
                [self._output],
                device=device,
                precision=precision,
                cache_dir=cache_dir,
                performance_hint=performance_hint,
                first_size=self.size,
            ),
        )

    @property
    def options(self) -> SelfieOptions:
        """The options in force."""
        return self._options

    def update(self, **options: Any) -> None:
        """Change options while running."""
        self._options = replace_options(self._options, options)

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: Any = None) -> Scene:
        """See people, all of them as one Person."""
        pixels, channels = as_pixels(image, encoding)
        options = self._options
        height, width = pixels.shape[:2]
        with self._main.network(*self.size).request() as request:
            started = time.perf_counter()
            fill_input(pixels, channels, request.input)
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            small = request.outputs[self._output][..., 0]
            probability: Any = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        scene = _scene(probability.reshape(height, width), options, stamp)
        done = time.perf_counter()
        self.timings = Timings((ready - started) * 1e3, (inferred - ready) * 1e3, (done - inferred) * 1e3)
        return scene


def _check(graph: Any, name: str) -> tuple[int, int]:
    """Height and width of the input.

    Raises:
        ValueError: The graph is not one of a selfie segmentation.
    """
    shapes = [[list(port.get_partial_shape()) for port in ports] for ports in (graph.inputs, graph.outputs)]
    if [len(ports) for ports in shapes] == [1, 1]:
        (wide,), (out,) = shapes
        if len(wide) == 4 and wide[3] == 3 and out == [*wide[:3], 1] and graph.is_dynamic() is False:
            return wide[1].get_length(), wide[2].get_length()
    raise ValueError(
        f"{name} is not a selfie segmentation: it needs one input [1, h, w, 3] and one output [1, h, w, 1]"
    )


def _scene(probability: npt.NDArray[np.float32], options: SelfieOptions, stamp: Any) -> Scene:
    mask = np.empty(probability.shape, np.uint8)
    count, total = _above(probability, np.float32(options.segmentation_threshold), mask)
    confidence: Any = None
    if options.confidence:
        confidence = cv2.convertScaleAbs(probability, alpha=255).reshape(mask.shape)
    persons: tuple[Person, ...] = ()
    if count:
        x, y, width, height = cv2.boundingRect(mask)
        persons = (Person(total / count, (x, y, x + width, y + height), _NO_KEYPOINTS),)
    return Scene(mask.view(np.bool_), mask.copy(), None, confidence, persons, (), stamp)


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
