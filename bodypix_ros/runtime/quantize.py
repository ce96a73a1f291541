"""INT8: a graph, and ranges of what its convolutions take in -> the graph that devices compute in 8 bits.

FakeQuantize operations say where a value is rounded to 8 bits, and over which range; a device that computes
in 8 bits makes integer arithmetic of them and of the convolutions between. As in NNCF's default placement,
what convolutions take in has one range per tensor, and their weights a symmetric one per output channel. The
weights are whole numbers and a factor: CPUs and GPUs would also take a FakeQuantize on them, but an NPU's
compiler computes in f16 where that has more than one range.

Rounding weights shifts what a convolution gives by what the rounding's errors make of the mean of its input:
that much is added again where the means are known (bias correction: Nagel et al. 2019, section 4.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from bodypix_ros.errors import RangesError, hint

Range = tuple[float, float]
"""Least and largest value of a tensor."""

Mean = tuple[float, ...]
"""Mean value of each channel of a tensor."""

_CONVOLUTIONS: Final = ("Convolution", "GroupConvolution")


@dataclass(frozen=True, slots=True)
class Rounding:
    """What is known of the values that a graph's convolutions take in, by names of `features`.

    Attributes:
        ranges: How far they reach; convolutions of what is not among them stay as they are.
        means: Their means, of as many as are known.
    """

    ranges: Mapping[str, Range]
    means: Mapping[str, Mean] = field(default_factory=dict)


def features(graph: ov.Model) -> dict[str, ov.Output]:
    """What the convolutions of a graph take in, by the name of the operation that computes it."""
    found: dict[str, ov.Output] = {}
    for operation in graph.get_ordered_ops():
        if operation.get_type_name() in _CONVOLUTIONS:
            source = operation.input_value(0)
            found.setdefault(_name(source), source)
    return found


def quantized(graph: ov.Model, rounding: Rounding) -> ov.Model:
    """A copy of a graph, with FakeQuantize on what convolutions take in, and their weights in 8 bits.

    Args:
        graph: In f32.
        rounding: Of this graph.

    Raises:
        RangesError: It is of another graph.
    """
    graph = graph.clone()
    found = features(graph)
    for name in (*rounding.ranges, *rounding.means):
        if name not in found:
            raise RangesError(
                f"the ranges are of another network: {name!r:.160} feeds no convolution of this one"
                + hint(name, found)
            )
    for name, (low, high) in rounding.ranges.items():
        source = found[name]
        readers = [i for i in source.get_target_inputs() if i.get_node().get_type_name() in _CONVOLUTIONS]
        rounded = _rounded(source, *_signed(low, high))
        for reader in readers:
            reader.replace_source_output(rounded)
            shift = _quantize_weights(reader.get_node())
            if name in rounding.means:
                _shift_back(reader.get_node(), shift, _checked(name, rounding.means[name], source))
    return graph


def computes_in_8_bits(compiled: ov.CompiledModel) -> bool:
    """Whether a compiled network runs convolutions in 8 bits, as its device's runtime graph says.

    True also where the device shows no such graph: an NPU's has inputs and outputs alone.
    """
    try:
        operations = compiled.get_runtime_model().get_ordered_ops()
    except RuntimeError:
        return True
    told = [{name: value.astype(str) for name, value in o.get_rt_info().items()} for o in operations]
    layers = [(one["layerType"], one.get("runtimePrecision")) for one in told if "layerType" in one]
    in_8_bits = ["convolution" in layer.lower() and precision in ("i8", "u8") for layer, precision in layers]
    return not layers or any(in_8_bits)


def _name(source: ov.Output) -> str:
    """The name of what computes a value; that it is transposed counts for nothing."""
    node = source.get_node()
    while node.get_type_name() == "Transpose":
        node = node.input_value(0).get_node()
    return str(node.get_friendly_name())


def _signed(low: float, high: float) -> Range:
    """A range as 8 bits have it: from 0 unsigned, else -128 to 127 steps, so that 0 is one of them."""
    if low >= 0:
        return 0.0, high
    step = max(high / 127, -low / 128)
    return -128 * step, 127 * step


def _checked(name: str, mean: Mean, source: ov.Output) -> npt.NDArray[np.float32]:
    """float32 (channels,).

    Raises:
        RangesError: There are more or fewer than the tensor has channels.
    """
    channels = source.get_partial_shape()[1].get_length()
    if len(mean) != channels:
        raise RangesError(
            f"the ranges are of another network: {name!r:.160} has {channels} channels, and not {len(mean)}"
        )
    return np.array(mean, np.float32)


def _shift_back(convolution: ov.Node, errors: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> None:
    """Add to what a convolution gives what rounding its weights has taken, in the mean.

    Args:
        convolution: Where.
        errors: float32, shape of the weights: those in f32 less the rounded ones.
        mean: float32 (channels,), of its input.
    """
    taps = errors.sum(axis=(-2, -1))
    if convolution.get_type_name() == "GroupConvolution":  # (groups, outputs, inputs of a group)
        shift = np.einsum("goi,gi->go", taps, mean.reshape(len(taps), -1)).reshape(-1)
    else:
        shift = taps @ mean
    readers = list(convolution.output(0).get_target_inputs())
    added = ops.add(convolution.output(0), ops.constant(shift.reshape(1, -1, 1, 1).astype(np.float32)))
    for reader in readers:
        reader.replace_source_output(added.output(0))


def _quantize_weights(convolution: ov.Node) -> npt.NDArray[np.float32]:
    """Round a convolution's weights; returns what that took off them."""
    weights = convolution.input_value(1)
    values: Any = weights.get_node().data
    grouped = convolution.get_type_name() == "GroupConvolution"
    within = tuple(range(2 if grouped else 1, values.ndim))
    step = np.abs(values).max(axis=within, keepdims=True) / 127
    pair = _largest_pair(values.reshape(-1, *values.shape[-3:]))
    step = np.maximum(step, pair.reshape(step.shape) / _PAIR_STEPS)
    step = np.maximum(step, np.finfo(np.float32).tiny).astype(np.float32)
    steps = np.rint(values / step).clip(-127, 127)
    scaled = ops.multiply(ops.convert(ops.constant(steps.astype(np.int8)), np.float32), ops.constant(step))
    convolution.input(1).replace_source_output(scaled.output(0))
    taken: npt.NDArray[np.float32] = (values - steps * step).astype(np.float32)
    return taken


_PAIR_STEPS: Final = 127.5
"""What the weights of two neighbouring input channels may add up to, in steps, before they are rounded.

Processors without VNNI add their products with bytes up in 16 bits, and saturate: 255 * 128 still fits, and
rounding adds at most a half to each. All devices get the same weights, so that they see the same people.
"""


def _largest_pair(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The largest sum of two neighbouring input channels' weights of one sign, per output channel.

    Args:
        values: float32 (outputs, inputs, rows, columns).

    Returns:
        float32 (outputs, 1, 1, 1).
    """
    even = np.pad(values, ((0, 0), (0, values.shape[1] % 2), (0, 0), (0, 0)))
    pairs = even.reshape(len(values), -1, 2, *values.shape[2:])
    sums = np.maximum(np.maximum(pairs, 0).sum(axis=2), np.maximum(-pairs, 0).sum(axis=2))
    largest: npt.NDArray[np.float32] = sums.max(axis=(1, 2, 3)).reshape(-1, 1, 1, 1)
    return largest


def _rounded(source: ov.Output, low: float, high: float) -> ov.Output:
    ends = [ops.constant(np.asarray(end, np.float32)) for end in (low, high)]
    return ops.fake_quantize(source, *ends, *ends, 256).output(0)
