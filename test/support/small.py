"""A small network that can be computed in 8 bits."""

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

RANGES = {"image": (-1.0, 1.0), "relu": (0.0, 6.0)}


def graph(seed: int = 0, scale: float = 1.0) -> ov.Model:
    """Two convolutions with a ReLU6 between them, NHWC outside."""
    random = np.random.default_rng(seed)
    image = ops.parameter(ov.PartialShape([1, -1, -1, 3]), np.float32)
    image.set_friendly_name("image")
    value = ops.transpose(image, ops.constant(np.array([0, 3, 1, 2])))
    for name, channels, rows in (("relu", 3, 3), ("sum", 16, 1)):
        weights = (random.normal(size=(16, channels, rows, rows)) * scale).astype(np.float32)
        value = ops.convolution(value, ops.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1], "same_upper")
        if name == "relu":
            value = ops.clamp(value, 0.0, 6.0)
            value.set_friendly_name(name)
    out = ops.transpose(value, ops.constant(np.array([0, 2, 3, 1])))
    out.output(0).get_tensor().set_names({"out"})
    return ov.Model([out], [image], "small")


def picture(seed: int = 1, side: int = 8) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, (side, side, 3)).astype(np.float32)
