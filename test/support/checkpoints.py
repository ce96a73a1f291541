"""Small TensorFlow.js checkpoints with random weights, for tests that need no real ones."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SHARD = "group1-shard1of1.bin"
QUANTISED = {1: "uint8", 2: "uint16"}
FOLDERS = {1: "quant1", 2: "quant2", 4: "float"}
HEADS = {
    "float_heatmaps": 17,
    "float_short_offsets": 34,
    "float_long_offsets": 34,
    "MobilenetV1/displacement_fwd_2/BiasAdd": 32,
    "MobilenetV1/displacement_bwd_2/BiasAdd": 32,
    "float_segments": 1,
    "float_part_heatmaps": 24,
}


def text(value: str) -> dict[str, str]:
    """Return a string attribute as the JSON holds it."""
    return {"s": base64.b64encode(value.encode()).decode()}


def integers(values: Sequence[int]) -> dict[str, Any]:
    """Return a list attribute as the JSON holds it."""
    return {"list": {"i": [str(value) for value in values]}}


class Checkpoint:
    """A graph that grows node by node; every method returns the name of its node.

    `graph` is the JSON and may be changed before `write`.
    """

    def __init__(self, quant_bytes: int = 4) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.weights: list[dict[str, Any]] = []
        self.data = b""
        self.quant_bytes = quant_bytes
        self.graph = {
            "format": "graph-model",
            "modelTopology": {"node": self.nodes, "library": {}, "versions": {"producer": 38}},
            "weightsManifest": [{"paths": [SHARD], "weights": self.weights}],
        }
        dims = [{"size": str(size)} for size in (1, -1, -1, 3)]
        self.node("sub_2", "Placeholder", (), shape={"shape": {"dim": dims}}, dtype={"type": "DT_FLOAT"})

    def node(self, name: str, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        entry = {"name": name, "op": op, "attr": attributes}
        self.nodes.append({**entry, "input": list(inputs)} if inputs else entry)
        return name

    def const(self, name: str, values: Any) -> str:
        values = np.asarray(values, None if np.asarray(values).dtype == np.int32 else np.float32)
        spec = {"name": name, "shape": list(values.shape), "dtype": values.dtype.name}
        if self.quant_bytes in QUANTISED:
            dtype = np.dtype(QUANTISED[self.quant_bytes])
            low, high = float(values.min()), float(values.max())
            scale = (high - low) / np.iinfo(dtype).max or 1.0
            spec["quantization"] = {"min": low, "scale": scale, "dtype": dtype.name}
            values = np.round((values.astype(np.float64) - low) / scale).astype(dtype)
        self.weights.append(spec)
        self.data += values.tobytes()
        return self.node(name, "Const", ())

    def window(
        self,
        name: str,
        op: str,
        inputs: Sequence[str],
        strides: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        **lists: Sequence[int],
    ) -> str:
        """Add a convolution or pooling; `lists` are `dilations` or `ksize`, four integers each."""
        return self.node(
            name,
            op,
            inputs,
            strides=integers((1, *strides, 1)),
            padding=text(padding),
            data_format=text("NHWC"),
            **{key: integers(values) for key, values in lists.items()},
        )

    def layer(
        self,
        name: str,
        source: str,
        kernel: Array,
        bias: Array,
        *,
        op: str = "Conv2D",
        stride: int = 1,
        dilations: Sequence[int] = (1, 1, 1, 1),
    ) -> str:
        """Add a convolution and its bias; the bias has the name."""
        conv = self.window(
            f"{name}/conv",
            op,
            (source, self.const(f"{name}/weights", kernel)),
            (stride, stride),
            dilations=dilations,
        )
        return self.node(name, "BiasAdd", (conv, self.const(f"{name}/bias", bias)), data_format=text("NHWC"))

    def write(self, folder: Path, name: str = "model.json") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SHARD).write_bytes(self.data)
        (folder / name).write_text(json.dumps(self.graph))
        return folder / name


def write_tiny_bodypix(folder: Path, output_stride: int = 16, seed: int = 0, quant_bytes: int = 4) -> Path:
    """Write a complete BodyPix checkpoint of few channels and random weights.

    It lies in the model folder `folder` where `bodypix-mobilenet-050-s{8,16}-q{1,2,4}` does, so that
    `load(name, model_dir=folder)` finds it. As with the real ones, both strides share their weights.

    Args:
        folder: The model folder.
        output_stride: 8 or 16.
        seed: Of the weights.
        quant_bytes: 4 float32, 2 uint16, 1 uint8.

    Returns:
        The path of the graph.
    """
    rng = np.random.default_rng(seed)
    checkpoint, channels, last = Checkpoint(quant_bytes), 8, 2 if output_stride == 16 else 1

    def kernel(*shape: int, gain: float = 1.6) -> Array:
        fan_in = shape[0] * shape[1] * (shape[2] if shape[3] > 1 or shape[0] == 1 else 1)
        return gain * rng.standard_normal(shape) / np.sqrt(fan_in)

    def relu6(name: str) -> str:
        return checkpoint.node(f"{name}/Relu6", "Relu6", (name,))

    bias = 0.1 * np.ones(channels)
    data = relu6(checkpoint.layer("MobilenetV1/Conv2d_0", "sub_2", kernel(3, 3, 3, channels), bias, stride=2))
    for index, stride in enumerate((2, 2, last, 1), start=1):
        dilated = index == 4 and output_stride == 8
        name = f"MobilenetV1/Conv2d_{index}"
        data = checkpoint.layer(
            f"{name}_depthwise",
            data,
            kernel(3, 3, channels, 1),
            bias,
            op="DepthwiseConv2dNative",
            stride=stride,
            dilations=(2, 2, 1, 1) if dilated else (1, 1, 1, 1),
        )
        data = checkpoint.layer(f"{name}_pointwise", relu6(data), kernel(1, 1, channels, channels), bias)
        data = relu6(data)
    for name, count in HEADS.items():
        gain = 8.0 if "offsets" in name or "displacement" in name else 2.0
        checkpoint.layer(name, data, kernel(1, 1, channels, count, gain=gain), np.zeros(count))
    offsets = checkpoint.layer("MobilenetV1/part_offset_2", data, kernel(1, 1, channels, 48), np.zeros(48))
    clipped = checkpoint.node(
        "clip_by_value/Minimum", "Minimum", (offsets, checkpoint.const("clip_by_value/Minimum/y", 1.0))
    )
    checkpoint.node("float_part_offsets", "Maximum", (clipped, checkpoint.const("clip_by_value/y", 0.0)))
    home = folder / "bodypix/mobilenet" / FOLDERS[quant_bytes] / "050"
    return checkpoint.write(home, f"model-stride{output_stride}.json")
