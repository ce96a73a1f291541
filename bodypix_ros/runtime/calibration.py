"""Measuring ranges for INT8: how far what convolutions take in reaches, and what rounding it costs."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import openvino as ov

from bodypix_ros.runtime.devices import shared_core
from bodypix_ros.runtime.quantize import Mean, Range, Rounding, features, quantized

_SHARES: Final = (1.0, 0.9999, 0.999)
"""Of a picture's values those that a range holds: all, or all but a few."""


class Method(NamedTuple):
    """How ranges are made of pictures, and whether biases are corrected with the pictures' means."""

    share: int
    extreme: bool
    corrected: bool = True


METHODS: Final = {
    "min/max": Method(0, extreme=True),
    "min/max, biases as they are": Method(0, extreme=True, corrected=False),
    "mean of min/max": Method(0, extreme=False),
    "mean of 99.99 %": Method(1, extreme=False),
    "mean of 99.9 %": Method(2, extreme=False),
}
"""Of pictures' ranges, each of all of its values or of most, the widest or the mean."""


class Survey:
    """The values that a graph's convolutions take in, of any number of pictures: no picture is kept.

    Attributes:
        pictures: How many were seen.
    """

    def __init__(self, graph: ov.Model) -> None:
        """Compile a graph so that it gives these values.

        Args:
            graph: In f32, with one NHWC input.
        """
        found = features(graph)
        self._names = list(found)
        self._compiled = _on_cpu(ov.Model(list(found.values()), graph.get_parameters(), "features"))
        self._widest = np.zeros((len(found), len(_SHARES), 2))
        self._sum = np.zeros_like(self._widest)
        self._means = [np.zeros(value.get_partial_shape()[1].get_length()) for value in found.values()]
        self.pictures = 0

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """See a picture.

        Args:
            values: float32 (h, w, 3), as the network takes it.
        """
        shares = np.array(_SHARES)
        given = self._compiled([values[np.newaxis]]).to_tuple()
        for total, feature in zip(self._means, given, strict=True):
            total += feature.mean(axis=(0, 2, 3), dtype=np.float64)
        ends = [np.quantile(feature, [1 - shares, shares]).T for feature in given]
        low, high = np.moveaxis(np.array(ends), -1, 0)
        each = np.stack([np.minimum(low, 0), np.maximum(high, 0)], axis=-1)
        self._sum += each
        self._widest = np.stack(
            [np.minimum(self._widest[..., 0], each[..., 0]), np.maximum(self._widest[..., 1], each[..., 1])],
            axis=-1,
        )
        self.pictures += 1

    def rounding(self, method: Method) -> Rounding:
        """What is known of the pictures so far."""
        return Rounding(self._ranges(method), self._rounded_means() if method.corrected else {})

    def _rounded_means(self) -> dict[str, Mean]:
        return {
            name: tuple(float(f"{value:.3g}") for value in total / max(self.pictures, 1))
            for name, total in zip(self._names, self._means, strict=True)
        }

    def _ranges(self, method: Method) -> dict[str, Range]:
        ends = self._widest if method.extreme else self._sum / max(self.pictures, 1)
        return {
            name: (round(float(low), 4), max(round(float(high), 4), 1e-4))
            for name, (low, high) in zip(self._names, ends[:, method.share], strict=True)
        }


class Trial:
    """What a graph in 8 bits gives against what it gives in f32."""

    def __init__(self, graph: ov.Model, candidates: Mapping[str, Rounding]) -> None:
        """Compile both.

        Args:
            graph: In f32.
            candidates: By the method that made them.
        """
        self._exact = _on_cpu(graph)
        self._rounded = {name: _on_cpu(quantized(graph, rounding)) for name, rounding in candidates.items()}
        self._errors = {name: np.zeros(len(graph.outputs)) for name in candidates}
        self._powers = np.zeros(len(graph.outputs))

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """See a picture, float32 (h, w, 3) as the network takes it."""
        exact = self._exact([values[np.newaxis]]).to_tuple()
        exact = [output.copy() for output in exact]
        self._powers += [float(np.square(output).sum()) for output in exact]
        for name, compiled in self._rounded.items():
            outputs = compiled([values[np.newaxis]]).to_tuple()
            self._errors[name] += [
                float(np.square(output - true).sum()) for output, true in zip(outputs, exact, strict=True)
            ]

    def losses(self) -> dict[str, float]:
        """By method the mean over outputs of the error's root mean square over that of the values."""
        powers = np.maximum(self._powers, 1e-12)
        return {name: float(np.sqrt(errors / powers).mean()) for name, errors in self._errors.items()}


def _on_cpu(graph: ov.Model) -> ov.CompiledModel:
    return shared_core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
