"""TensorFlow Lite models, as MediaPipe's are published: from the file to OpenVINO."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from openvino.frontend import ConversionExtension

from bodypix_ros.errors import CheckpointError

__all__ = ["CheckpointError", "output_names", "read_model", "with_sigmoid"]

MAX_MODEL_BYTES = 64 << 20
_IDENTIFIER = b"TFL3"  # bytes 4 to 7 of every file of schema version 3


def read_model(path: str | os.PathLike[str]) -> ov.Model:
    """Read a TensorFlow Lite model.

    OpenVINO does the work; what it lacks is the custom operator of the selfie segmentation models, which is
    added here, so that the published files serve as they are.

    Its reader refuses most damaged files in good order, but some end the process. So give it only files that
    were compared with a digest: `bodypix_ros.load` calls `store.verify` before it comes here.

    Args:
        path: The `.tflite` file, verified.

    Returns:
        A model called as the file, with float32 inputs and outputs of fixed shapes, NHWC; tensors are named
        as in it.

    Raises:
        CheckpointError: A ValueError that says what is wrong with the file.
        OSError: It cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        start, size = file.read(8), path.stat().st_size
    if start[4:] != _IDENTIFIER:
        raise CheckpointError(f"{path.name} is not a TensorFlow Lite model: it lacks the mark TFL3 at byte 4")
    if size > MAX_MODEL_BYTES:
        raise CheckpointError(
            f"{path.name} has {size} bytes, more than the {MAX_MODEL_BYTES} a model may have"
        )
    core = ov.Core()
    core.add_extension(ConversionExtension("Convolution2DTransposeBias", _transposed_convolution))
    try:
        model = core.read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines() or [""]
        raise CheckpointError(
            f"{path.name} cannot be read as a TensorFlow Lite model, it is damaged or not supported: "
            f"{reason[-1]:.300}"
        ) from error
    model.set_friendly_name(path.stem)  # else all are called alike
    return model


def with_sigmoid(model: ov.Model, name: str) -> ov.Model:
    """Put a sigmoid behind an output, where it costs least; the names of outputs stay.

    Args:
        model: The model; it is changed.
        name: Of the output, which becomes the last one.
    """
    logits = model.output(name).get_node().input_value(0)
    logits.get_tensor().set_names(set())
    probability = ops.sigmoid(logits).output(0)
    probability.get_tensor().set_names({name})
    ports = [port for port in model.outputs if port.get_node().input_value(0) != logits]
    return ov.Model([*ports, probability], model.get_parameters(), model.get_friendly_name())


def output_names(
    model: ov.Model, shapes: Mapping[str, Sequence[int]], size: int, file: str
) -> dict[str, str]:
    """The tensors of a model's outputs, found by their shapes.

    Args:
        model: With one square input.
        shapes: Of the outputs, by what they are; those of the same shape in their order.
        size: Rows and columns of the input.
        file: Its name, for errors.

    Raises:
        CheckpointError: The model is not the one that is expected.
    """
    there: dict[tuple[int, ...], list[str]] = {}
    for port in model.outputs:
        if port.get_partial_shape().is_static:
            there.setdefault(tuple(port.get_partial_shape().to_shape()), []).append(port.get_any_name())
    inputs = [str(port.get_partial_shape()) for port in model.inputs]
    names = {shape: iter(same) for shape, same in there.items()}
    found = {what: next(names.get(tuple(shape), iter(())), "") for what, shape in shapes.items()}
    if not all(found.values()) or inputs != [f"[1,{size},{size},3]"]:
        raise CheckpointError(
            f"{file} is not the network that is expected there: inputs {', '.join(inputs)}, "
            f"outputs {', '.join(map(str, there))}"
        )
    return found


def _transposed_convolution(node: Any) -> list[Any]:
    """MediaPipe's `Convolution2DTransposeBias`: data NHWC, kernel OHWI, bias.

    Strides are in options that OpenVINO does not hand over; the models only have kernels as large as their
    stride (2 x 2), where padding SAME pads nothing.
    """
    data, kernel, bias = (node.get_input(index) for index in range(3))
    shape = kernel.get_partial_shape()
    if shape.rank.get_length() != 4 or list(shape)[1:3] != [2, 2]:
        raise RuntimeError(f"Convolution2DTransposeBias has a kernel of {shape}, where 2 x 2 is supported")
    upscaled = ops.convolution_backprop_data(
        ops.transpose(data, ops.constant(np.array([0, 3, 1, 2]))),
        ops.transpose(kernel, ops.constant(np.array([3, 0, 1, 2]))),
        strides=[2, 2],
        pads_begin=[0, 0],
        pads_end=[0, 0],
        dilations=[1, 1],
    )
    return [ops.add(ops.transpose(upscaled, ops.constant(np.array([0, 2, 3, 1]))), bias).output(0)]
