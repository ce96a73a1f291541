"""From a checked TensorFlow.js graph to OpenVINO.

TensorFlow's tensors are NHWC, OpenVINO's convolutions NCHW. The inside of the model is NCHW throughout, with
one transpose after the input and one before each output, so that a device's compiler sees bare convolutions.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from bodypix_ros.models.tfjs.checkpoint import Graph, Node

Array = npt.NDArray[Any]

MAX_PADDING = 64
_TO_NCHW, _TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def build(graph: Graph, weights: Mapping[str, Array], *, reference_dilation: bool) -> ov.Model:
    """Return the graph as an OpenVINO model; see `tfjs.read_model`.

    Raises:
        CheckpointError: A node's attributes, or the shapes of what it combines, make no sense.
    """
    name = graph.placeholder.name
    image = ops.parameter(ov.PartialShape([1, -1, -1, 3]), np.float32, name)
    image.set_friendly_name(name)
    image.output(0).get_tensor().set_names({name})
    network = _Network({name: _transpose(image.output(0), _TO_NCHW)}, weights, reference_dilation)
    for node in map(graph.nodes.__getitem__, graph.order):
        network.add(node)
    results = []
    for name in graph.outputs:
        if name not in network.features:
            raise graph.nodes[name].error("is an output but a constant")
        output = _transpose(network.features[name], _TO_NHWC)
        output.get_tensor().set_names({name})
        results.append(ops.result(output, name=f"{name}/result"))
    return ov.Model(results, [image], "bodypix")


class _Network:
    """A model under construction: the values of the nodes so far.

    Attributes:
        features: What is computed from the image: outputs of OpenVINO nodes, NCHW.
        constants: Weights as the checkpoint holds them.
    """

    def __init__(
        self, features: dict[str, ov.Output], weights: Mapping[str, Array], reference_dilation: bool
    ) -> None:
        self.features = features
        self.constants: dict[str, Array] = {}
        self._weights = weights
        self._reference_dilation = reference_dilation

    def add(self, node: Node) -> None:
        """Add a node whose inputs are there."""
        if node.op == "Placeholder":
            return
        if node.op == "Const":
            if node.name not in self._weights:
                raise node.error("has no weights in the manifest")
            self.constants[node.name] = self._weights[node.name]
        elif node.op == "Identity":
            values = self.constants if node.inputs[0] in self.constants else self.features
            values[node.name] = values[node.inputs[0]]
        else:
            try:
                made = self._computed(node)
            except RuntimeError as error:
                raise node.error(f"is refused by OpenVINO: {str(error).strip().splitlines()[-1]}") from error
            made.set_friendly_name(node.name)
            self.features[node.name] = made.output(0)

    def _computed(self, node: Node) -> ov.Node:
        match node.op:
            case "Conv2D":
                return self._convolution(node)
            case "DepthwiseConv2dNative":
                return self._depthwise(node)
            case "BiasAdd":
                return self._bias_add(node)
            case "Relu":
                return ops.relu(self._feature(node))
            case "Relu6":
                return ops.clamp(self._feature(node), 0.0, 6.0)
            case "MaxPool":
                return self._max_pool(node)
            case "Pad":
                return self._pad(node)
            case "Minimum":
                return ops.minimum(*self._operands(node))
            case "Maximum":
                return ops.maximum(*self._operands(node))
            case _:
                return ops.add(*self._operands(node))

    def _convolution(self, node: Node) -> ov.Node:
        kernel = self._kernel(node).transpose(3, 2, 0, 1)
        weights = ops.constant(np.ascontiguousarray(kernel))
        return ops.convolution(self._feature(node), weights, **self._window(node))

    def _depthwise(self, node: Node) -> ov.Node:
        kernel = self._kernel(node).transpose(2, 3, 0, 1)[:, :, np.newaxis]
        weights = ops.constant(np.ascontiguousarray(kernel))
        return ops.group_convolution(self._feature(node), weights, **self._window(node))

    def _bias_add(self, node: Node) -> ov.Node:
        _check_layout(node)
        data, bias = self._feature(node), self._constant(node, np.float32, 1)
        if len(bias) != _channels(data):
            raise node.error(f"adds {len(bias)} values to {_channels(data)} channels")
        return ops.add(data, ops.constant(bias.reshape(1, -1, 1, 1)))

    def _max_pool(self, node: Node) -> ov.Node:
        size = _spatial(node, "ksize")
        return ops.max_pool(self._feature(node), kernel_shape=size, **self._window(node))

    def _pad(self, node: Node) -> ov.Node:
        amounts = self._constant(node, np.int32, 2)
        spatial_only = amounts.shape == (4, 2) and not amounts[[0, 3]].any()
        if not spatial_only or amounts.min() < 0 or amounts.max() > MAX_PADDING:
            raise node.error(
                f"has paddings {amounts.tolist()!r:.80}, where height and width may get 0 to {MAX_PADDING}"
            )
        begin, end = amounts[_TO_NCHW].astype(np.int64).T
        return ops.pad(self._feature(node), begin.copy(), end.copy(), "constant", np.float32(0))

    def _operands(self, node: Node) -> list[ov.Output | ov.Node]:
        """Return two values that can be combined pixel by pixel; one may be the same for all pixels."""
        features = [self.features[name] for name in node.inputs if name in self.features]
        if not features:
            raise node.error("computes on constants only")
        channels = {_channels(feature) for feature in features}
        if len(channels) > 1:
            raise node.error(f"combines different numbers of channels: {sorted(channels)}")
        return [self.features[i] if i in self.features else self._per_channel(node, i) for i in node.inputs]

    def _per_channel(self, node: Node, name: str) -> ov.Node:
        value = self.constants[name]
        channels = _channels(self.features[next(i for i in node.inputs if i in self.features)])
        flat = value.ndim == 0 or value.shape[-1] == value.size
        if value.dtype != np.float32 or not flat or value.size not in (1, channels):
            raise node.error(
                f"combines {channels} channels with a constant of {value.dtype.name} {list(value.shape)}"
            )
        return ops.constant(value.reshape(1, -1, 1, 1))

    def _feature(self, node: Node) -> ov.Output:
        if node.inputs[0] not in self.features:
            raise node.error(f"computes on the constant {node.inputs[0]!r:.160}, not on the image")
        return self.features[node.inputs[0]]

    def _constant(self, node: Node, dtype: type[Any], rank: int) -> Array:
        name = node.inputs[1]
        if name not in self.constants:
            raise node.error(f"needs a constant, which its second input {name!r:.160} is not")
        value = self.constants[name]
        if value.dtype != dtype or value.ndim != rank:
            raise node.error(
                f"needs {name!r:.160} as {np.dtype(dtype).name} of rank {rank}, "
                f"not {value.dtype.name} of shape {list(value.shape)}"
            )
        return value

    def _kernel(self, node: Node) -> Array:
        kernel, channels = self._constant(node, np.float32, 4), _channels(self._feature(node))
        if kernel.shape[2] != channels:
            raise node.error(f"has weights of shape {list(kernel.shape)} for {channels} channels")
        return kernel

    def _window(self, node: Node) -> dict[str, Any]:
        """Return how a convolution or pooling moves, as OpenVINO takes it."""
        _check_layout(node)
        padding = node.text("padding")
        if padding not in ("SAME", "VALID"):
            raise node.error(f"has padding {padding!r:.160}, where 'SAME' or 'VALID' is needed")
        return {
            "strides": _spatial(node, "strides"),
            "dilations": self._dilations(node),
            "pads_begin": [0, 0],
            "pads_end": [0, 0],
            "auto_pad": "same_upper" if padding == "SAME" else "valid",
        }

    def _dilations(self, node: Node) -> list[int]:
        first, second, third, fourth = values = node.integers("dilations", (1, 1, 1, 1))
        if self._reference_dilation or first == fourth == 1:
            return [second, third]
        if third != 1 or fourth != 1:
            raise node.error(f"has dilations {list(values)}, where [1, h, w, 1] or [h, w, 1, 1] is needed")
        # BodyPix has height and width in front, where NHWC has the batch; they were trained as such.
        return [first, second]


def _spatial(node: Node, key: str) -> list[int]:
    values = node.integers(key)
    if values[0] != 1 or values[3] != 1:
        raise node.error(f"has {key} {list(values)}, where the first and the last must be 1")
    return list(values[1:3])


def _check_layout(node: Node) -> None:
    if (layout := node.text("data_format", "NHWC")) != "NHWC":
        raise node.error(f"has data_format {layout!r:.160}, where 'NHWC' is needed")


def _channels(value: ov.Output) -> int:
    return int(value.get_partial_shape()[1].get_length())


def _transpose(value: ov.Output, order: list[int]) -> ov.Output:
    return ops.transpose(value, ops.constant(np.array(order, np.int64))).output(0)
