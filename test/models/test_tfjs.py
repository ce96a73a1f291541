"""Reading TensorFlow.js checkpoints: against numpy, against the original runtime, and bad ones refused."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.errors import CheckpointError, MissingShardError
from bodypix_ros.models.tfjs import read_model, weights
from support.checkpoints import HEADS, SHARD, Checkpoint, text, write_tiny_bodypix

Array = npt.NDArray[Any]


def outputs(model: ov.Model, image: Array) -> dict[str, Array]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {output.get_any_name(): value for output, value in compiled(image).items()}


def picture(height: int = 7, width: int = 9, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)


def windows(
    data: Array,
    size: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    padding: str,
    fill: float,
) -> Array:
    """Return what a window sees, (1, H, W, rows, columns, C), with TensorFlow's rules for padding."""
    pads = []
    for length, k, s, d in zip(data.shape[1:3], size, strides, dilations, strict=True):
        reach = (k - 1) * d + 1
        total = max((-(-length // s) - 1) * s + reach - length, 0) if padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    data = np.pad(data, ((0, 0), *pads, (0, 0)), constant_values=fill)
    rows, columns = (
        (length - (k - 1) * d - 1) // s + 1
        for length, k, s, d in zip(data.shape[1:3], size, strides, dilations, strict=True)
    )
    seen = [
        [
            data[:, y * dilations[0] :: strides[0], x * dilations[1] :: strides[1]][:, :rows, :columns]
            for x in range(size[1])
        ]
        for y in range(size[0])
    ]
    return np.moveaxis(np.array(seen), (0, 1), (3, 4))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(3, 3), (2, 4), (1, 1)])
@pytest.mark.parametrize(
    ("op", "strides", "dilations"),
    [
        (op, strides, dilations)
        for op in ("Conv2D", "DepthwiseConv2dNative", "MaxPool")
        for strides, dilations in (((1, 1), (1, 1)), ((2, 2), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (2, 1)))
        if op != "MaxPool" or dilations == (1, 1)
    ],
)
def test_windows_are_tensorflows(
    tmp_path: Path,
    op: str,
    size: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    padding: str,
) -> None:
    checkpoint = Checkpoint()
    kernel = np.random.default_rng(1).standard_normal((*size, 3, 2)).astype(np.float32)
    if op == "MaxPool":
        checkpoint.window("out", op, ("sub_2",), strides, padding, ksize=(1, *size, 1))
    else:
        inputs = ("sub_2", checkpoint.const("kernel", kernel))
        checkpoint.window("out", op, inputs, strides, padding, dilations=(1, *dilations, 1))
    model = read_model(checkpoint.write(tmp_path))
    for image in (picture(7, 9), picture(8, 6)):
        seen = windows(image, size, strides, dilations, padding, -np.inf if op == "MaxPool" else 0.0)
        if op == "MaxPool":
            expected = seen.max((3, 4))
        elif op == "Conv2D":
            expected = np.einsum("bhwyxc,yxcm->bhwm", seen, kernel)
        else:
            expected = np.einsum("bhwyxc,yxcm->bhwcm", seen, kernel).reshape(*seen.shape[:3], 6)
        np.testing.assert_allclose(outputs(model, image)["out"], expected, atol=1e-5)


@pytest.mark.parametrize(("reference", "dilations"), [(False, (2, 2)), (True, (2, 1))])
def test_dilations_in_front_are_height_and_width(
    tmp_path: Path, reference: bool, dilations: tuple[int, int]
) -> None:
    checkpoint = Checkpoint()
    kernel = np.random.default_rng(1).standard_normal((3, 3, 3, 2)).astype(np.float32)
    checkpoint.window("out", "Conv2D", ("sub_2", checkpoint.const("kernel", kernel)), dilations=(2, 2, 1, 1))
    model = read_model(checkpoint.write(tmp_path), reference_dilation=reference)
    seen = windows(picture(), (3, 3), (1, 1), dilations, "SAME", 0.0)
    expected = np.einsum("bhwyxc,yxcm->bhwm", seen, kernel)
    np.testing.assert_allclose(outputs(model, picture())["out"], expected, atol=1e-5)


def test_arithmetic(tmp_path: Path) -> None:
    checkpoint = Checkpoint()
    bias = np.float32([0.5, -0.5, 8.0])
    checkpoint.node("biased", "BiasAdd", ("sub_2", checkpoint.const("bias", bias)))
    checkpoint.node("same", "Identity", ("biased",))
    checkpoint.node("relu", "Relu", ("same",))
    checkpoint.node("relu6", "Relu6", ("same",))
    checkpoint.node("sum", "AddV2", ("same", "sub_2"))
    checkpoint.node("more", "Add", (checkpoint.const("row", bias.reshape(1, 1, 1, 3)), "same"))
    checkpoint.node("low", "Minimum", ("same", checkpoint.const("half", 0.5)))
    checkpoint.node("high", "Maximum", ("same", checkpoint.const("channelwise", bias)))
    paddings = checkpoint.const("paddings", np.int32([[0, 0], [1, 2], [3, 0], [0, 0]]))
    checkpoint.node("pad", "Pad", ("same", paddings))
    model = read_model(checkpoint.write(tmp_path))
    found, biased = outputs(model, picture()), picture() + bias
    expected = {
        "relu": np.maximum(biased, 0),
        "relu6": np.clip(biased, 0, 6),
        "sum": biased + picture(),
        "more": biased + bias,
        "low": np.minimum(biased, 0.5),
        "high": np.maximum(biased, bias),
        "pad": np.pad(biased, ((0, 0), (1, 2), (3, 0), (0, 0))),
    }
    assert list(found) == list(expected), "outputs in the graph's order"
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6, err_msg=name)


def test_the_model_takes_pictures_of_any_size(tmp_path: Path) -> None:
    model = read_model(write_tiny_bodypix(tmp_path))
    (image,) = model.inputs
    assert image.get_names() == {"sub_2"}
    assert image.get_partial_shape() == ov.PartialShape([1, -1, -1, 3])
    assert image.get_element_type() == ov.Type.f32


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("quant_bytes", [1, 2, 4])
def test_tiny_bodypix_has_the_outputs_of_a_real_one(tmp_path: Path, stride: int, quant_bytes: int) -> None:
    path = write_tiny_bodypix(tmp_path, stride, quant_bytes=quant_bytes)
    found = outputs(read_model(path), picture(65, 97))
    assert {name: value.shape for name, value in found.items()} == {
        name: (1, 64 // stride + 1, 96 // stride + 1, count)
        for name, count in {**HEADS, "float_part_offsets": 48}.items()
    }
    assert all(value.std() > 0 for value in found.values())
    assert 0 <= found["float_part_offsets"].min() <= found["float_part_offsets"].max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_quantised_weights_are_computed_in_double_precision(tmp_path: Path, dtype: str) -> None:
    integers = np.arange(256, dtype=dtype)
    minimum, scale = -0.08792929969136244, 2.122050866187915e-06
    quantisation = {"dtype": dtype, "min": minimum, "scale": scale}
    spec = {"name": "w", "shape": [256], "dtype": "float32", "quantization": quantisation}
    (tmp_path / SHARD).write_bytes(integers.tobytes())
    found = weights.read_weights([{"paths": [SHARD], "weights": [spec]}], tmp_path)["w"]
    np.testing.assert_array_equal(found, np.float32([int(q) * scale + minimum for q in integers]))


def test_quantised_integers_are_rounded(tmp_path: Path) -> None:
    quantisation = {"dtype": "uint16", "min": 0, "scale": 4.5777065690089265e-05}
    spec = {"name": "w", "shape": [2], "dtype": "int32", "quantization": quantisation}
    (tmp_path / SHARD).write_bytes(np.uint16([0, 65535]).tobytes())
    found = weights.read_weights([{"paths": [SHARD], "weights": [spec]}], tmp_path)["w"]
    assert found.dtype == np.int32
    assert found.tolist() == [0, 3]


def test_weights_may_be_cut_into_shards_anywhere(tmp_path: Path) -> None:
    path = write_tiny_bodypix(tmp_path)
    expected = outputs(read_model(path), picture(33, 33))
    data, graph = (path.parent / SHARD).read_bytes(), json.loads(path.read_text())
    (path.parent / SHARD).unlink()
    (path.parent / "a.bin").write_bytes(data[:333])
    (path.parent / "b.bin").write_bytes(data[333:])
    graph["weightsManifest"][0]["paths"] = ["a.bin", "b.bin"]
    path.write_text(json.dumps(graph))
    for name, value in outputs(read_model(path), picture(33, 33)).items():
        np.testing.assert_array_equal(value, expected[name])


def test_a_chain_may_be_longer_than_the_stack(tmp_path: Path) -> None:
    checkpoint, name = Checkpoint(), "sub_2"
    for index in range(3000):
        name = checkpoint.node(f"n{index}", "Identity", (name,))
    checkpoint.nodes.reverse()
    np.testing.assert_array_equal(outputs(read_model(checkpoint.write(tmp_path)), picture())[name], picture())


# Bad checkpoints


def small() -> Checkpoint:
    """Return input -> convolution -> bias -> Relu6 `out`, plus a padded, pooled branch `pool`."""
    checkpoint = Checkpoint()
    rng = np.random.default_rng(0)
    data = checkpoint.layer("conv", "sub_2", rng.standard_normal((3, 3, 3, 4)), np.zeros(4))
    checkpoint.node("out", "Relu6", (data,))
    pad = checkpoint.const("by", np.int32([[0, 0], [1, 1], [1, 1], [0, 0]]))
    checkpoint.window("pool", "MaxPool", (checkpoint.node("pad", "Pad", (data, pad)),), ksize=(1, 2, 2, 1))
    return checkpoint


def node(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    return next(entry for entry in checkpoint.nodes if entry["name"] == name)


def attributes(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    found: dict[str, Any] = node(checkpoint, name)["attr"]
    return found


def weight(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    return next(entry for entry in checkpoint.weights if entry["name"] == name)


def quantise(checkpoint: Checkpoint, **changed: Any) -> None:
    weight(checkpoint, "conv/bias")["quantization"] = {"dtype": "uint8", "min": 0.0, "scale": 1.0, **changed}


def first_value(checkpoint: Checkpoint, value: float) -> None:
    checkpoint.data = np.float32([value]).tobytes() + checkpoint.data[4:]


def another_constant(checkpoint: Checkpoint, values: Any, op: str = "Add", source: str = "out") -> None:
    checkpoint.node("last", op, (source, checkpoint.const("constant", values)))


HUGE = {"shape": [1 << 24], "dtype": "float32"}
BAD: dict[str, tuple[Callable[[Checkpoint], Any], str]] = {
    "another format": (lambda c: c.graph.update(format="layers-model"), "format is not 'graph-model'"),
    "no topology": (lambda c: c.graph.pop("modelTopology"), "lacks the key 'modelTopology'"),
    "no manifest": (lambda c: c.graph.pop("weightsManifest"), "lacks the key 'weightsManifest'"),
    "no nodes": (lambda c: c.graph.update(modelTopology={}), "lacks a list of nodes"),
    "node without op": (lambda c: node(c, "out").pop("op"), "lacks a name or an op"),
    "inputs no list": (lambda c: node(c, "out").update(input="conv"), "inputs of node 'out' are not a list"),
    "attributes no object": (lambda c: node(c, "out").update(attr=3), "attributes of node 'out' are not"),
    "unknown operator": (lambda c: node(c, "out").update(op="Einsum"), "'out' has the operator 'Einsum'"),
    "cycle": (lambda c: node(c, "conv").update(input=["out", "conv/bias"]), "has a cycle"),
    "own input": (lambda c: node(c, "out").update(input=["out"]), "has a cycle"),
    "missing input": (lambda c: node(c, "out").update(input=["gone"]), "input 'gone', which is no node"),
    "too many inputs": (lambda c: node(c, "out").update(input=["conv", "conv"]), "has 2 inputs, where 1"),
    "same node twice": (lambda c: c.nodes.append(dict(node(c, "out"))), "two nodes are named 'out'"),
    "same weight twice": (
        lambda c: c.weights.append(dict(weight(c, "conv/bias"))),
        "two weights are named 'conv/bias'",
    ),
    "no placeholder": (lambda c: node(c, "sub_2").update(op="Const"), "has 0 placeholders"),
    "two placeholders": (lambda c: c.node("in", "Placeholder", ()), "has 2 placeholders"),
    "placeholder shape": (
        lambda c: attributes(c, "sub_2")["shape"]["shape"]["dim"].pop(),
        r"has the shape \[1, -1, -1\], where",
    ),
    "placeholder without shape": (lambda c: attributes(c, "sub_2").clear(), "lacks a shape"),
    "no output": (lambda c: c.nodes.__setitem__(slice(1, None), []), "computes nothing"),
    "constant output": (lambda c: c.node("last", "Identity", ("conv/bias",)), "is an output but a constant"),
    "constant without weights": (lambda c: c.node("c", "Const", ()), r"node 'c' \(Const\) has no weights"),
    "absolute path": (lambda c: c.graph["weightsManifest"][0].update(paths=["/etc/passwd"]), "leads out"),
    "path upwards": (lambda c: c.graph["weightsManifest"][0].update(paths=["../x.bin"]), "leads out"),
    "path with zero": (lambda c: c.graph["weightsManifest"][0].update(paths=["a\0b"]), "cannot be followed"),
    "paths no list": (lambda c: c.graph["weightsManifest"][0].update(paths=SHARD), "lacks a list of paths"),
    "missing shard": (
        lambda c: c.graph["weightsManifest"][0].update(paths=["gone.bin"]),
        "weight file 'gone.bin' is missing from",
    ),
    "manifest no list": (lambda c: c.graph.update(weightsManifest={}), "manifest is not a list"),
    "weights no list": (lambda c: c.graph["weightsManifest"][0].update(weights=1), "lacks a list of weights"),
    "weight without name": (lambda c: weight(c, "conv/bias").pop("name"), "lacks a name"),
    "short shard": (lambda c: setattr(c, "data", c.data[:-1]), "hold 479 bytes where .* 480: cut short"),
    "long shard": (lambda c: setattr(c, "data", c.data + b"0"), "hold 481 bytes where .* 480: too long"),
    "negative shape": (lambda c: weight(c, "conv/bias").update(shape=[-4]), "not a list of positive"),
    "shape of bools": (lambda c: weight(c, "conv/bias").update(shape=[True]), "not a list of positive"),
    "shape of text": (lambda c: weight(c, "conv/bias").update(shape="4"), "not a list of positive integers"),
    "five dimensions": (lambda c: weight(c, "conv/bias").update(shape=[1] * 5), "has 5 dimensions"),
    "huge weight": (lambda c: weight(c, "conv/bias").update(shape=[1 << 40] * 4), "has more than 16777216"),
    "many huge weights": (
        lambda c: c.weights.extend({**HUGE, "name": str(index)} for index in range(5)),
        "more than the 67108864 that are accepted",
    ),
    "unknown dtype": (lambda c: weight(c, "conv/bias").update(dtype="string"), "has the dtype 'string'"),
    "quantised to float16": (lambda c: quantise(c, dtype="float16"), "quantised to 'float16'"),
    "scale of NaN": (lambda c: quantise(c, scale=float("nan")), "has the scale nan, no finite number"),
    "infinite min": (lambda c: quantise(c, min=float("-inf")), "has the min -inf, no finite number"),
    "scale as text": (lambda c: quantise(c, scale="1"), "has the scale '1', no finite number"),
    "scale of bool": (lambda c: quantise(c, scale=True), "has the scale True, no finite number"),
    "huge integer min": (lambda c: quantise(c, min=10**400), "has the min 1000.*, no finite number"),
    "weight not finite": (lambda c: first_value(c, float("inf")), "'conv/weights' has values that are not"),
    "padding no base64": (
        lambda c: attributes(c, "conv/conv").update(padding={"s": "SAME!"}),
        "attribute padding as base64 text, not 'SAME!'",
    ),
    "no padding": (lambda c: attributes(c, "conv/conv").pop("padding"), "attribute padding as base64"),
    "explicit padding": (
        lambda c: attributes(c, "conv/conv").update(padding=text("EXPLICIT")),
        "has padding 'EXPLICIT'",
    ),
    "channels first": (
        lambda c: attributes(c, "pool").update(data_format=text("NCHW")),
        r"node 'pool' \(MaxPool\) has data_format 'NCHW'",
    ),
    "stride over channels": (
        lambda c: attributes(c, "pool").update(strides={"list": {"i": ["1", "1", "1", "2"]}}),
        r"has strides \[1, 1, 1, 2\], where",
    ),
    "stride of zero": (
        lambda c: attributes(c, "pool").update(strides={"list": {"i": ["1", "0", "1", "1"]}}),
        "from 1 to 64",
    ),
    "three strides": (
        lambda c: attributes(c, "pool").update(strides={"list": {"i": ["1", "1", "1"]}}),
        "strides as a list of four integers",
    ),
    "no pool size": (lambda c: attributes(c, "pool").pop("ksize"), "ksize as a list of four integers"),
    "dilated channels": (
        lambda c: attributes(c, "conv/conv").update(dilations={"list": {"i": ["1", "1", "2", "2"]}}),
        r"has dilations \[1, 1, 2, 2\]",
    ),
    "kernel rank": (lambda c: weight(c, "conv/weights").update(shape=[9, 3, 4]), "float32 of rank 4, not"),
    "kernel dtype": (lambda c: weight(c, "conv/weights").update(dtype="int32"), "of rank 4, not int32"),
    "kernel channels": (lambda c: weight(c, "conv/weights").update(shape=[3, 3, 4, 3]), "for 3 channels"),
    "kernel computed": (lambda c: node(c, "conv/conv").update(input=["sub_2"] * 2), "needs a constant"),
    "image constant": (
        lambda c: node(c, "conv/conv").update(input=["conv/weights"] * 2),
        "computes on the constant 'conv/weights'",
    ),
    "bias length": (
        lambda c: c.node("last", "BiasAdd", ("sub_2", "conv/bias")),
        "adds 4 values to 3 channels",
    ),
    "paddings of channels": (
        lambda c: another_constant(c, np.int32([[0, 0]] * 3 + [[1, 0]]), "Pad"),
        r"has paddings \[\[0, 0\], ",
    ),
    "negative paddings": (
        lambda c: another_constant(c, np.int32([[0, 0], [-1, 0], [0, 0], [0, 0]]), "Pad"),
        "may get 0 to 64",
    ),
    "paddings of float": (lambda c: another_constant(c, np.zeros((4, 2)), "Pad"), "int32 of rank 2, not"),
    "sum of constants": (lambda c: c.node("last", "Add", ("conv/bias",) * 2), "computes on constants only"),
    "sum of unlike": (lambda c: c.node("last", "Add", ("out", "sub_2")), r"numbers of channels: \[3, 4\]"),
    "sum with a row": (lambda c: another_constant(c, np.zeros((4, 1))), r"constant of float32 \[4, 1\]"),
    "sum with too many": (lambda c: another_constant(c, np.zeros(5)), r"4 channels with a constant of"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_checkpoints_are_refused(tmp_path: Path, kind: str) -> None:
    spoil, message = BAD[kind]
    read_model(small().write(tmp_path))
    spoil(checkpoint := small())
    path = checkpoint.write(tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_model(path)
    assert len(str(caught.value)) < 300 + len(str(tmp_path)), "one sentence, whatever the file holds"


def test_a_missing_shard_is_a_missing_file(tmp_path: Path) -> None:
    path = small().write(tmp_path)
    (tmp_path / SHARD).unlink()
    with pytest.raises(FileNotFoundError, match=SHARD) as caught:
        read_model(path)
    assert isinstance(caught.value, MissingShardError)


def test_a_missing_graph_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.json"):
        read_model(tmp_path / "model.json")


def test_a_link_must_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    path = small().write(tmp_path / "model")
    (tmp_path / "model" / SHARD).rename(tmp_path / "elsewhere.bin")
    (tmp_path / "model" / SHARD).symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(CheckpointError, match="leads out of the checkpoint's folder"):
        read_model(path)


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = small().write(tmp_path)
    (tmp_path / SHARD).unlink()
    (tmp_path / SHARD).symlink_to(tmp_path / SHARD)
    with pytest.raises(CheckpointError, match=SHARD):
        read_model(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\xfd", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"[]", "format is not 'graph-model'"),
        (b"3", "format is not 'graph-model'"),
        (b" " * ((1 << 20) + 1), "longer than the 1048576 bytes"),
    ],
)
def test_other_files_are_no_checkpoints(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_model(path)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars | st.sampled_from(["out", "sub_2", "Add", "SAME"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(random=st.randoms(use_true_random=False), value=anything, delete=st.booleans())
def test_any_change_is_read_or_refused(random: Any, value: Any, delete: bool) -> None:
    checkpoint = small()
    place: Any = checkpoint.graph
    while True:
        key = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], dict | list) or not place[key] or random.random() < 0.15:
            break
        place = place[key]
    if delete:
        del place[key]
    else:
        place[key] = value
    with tempfile.TemporaryDirectory() as folder:
        path = checkpoint.write(Path(folder))
        with suppress(CheckpointError):
            read_model(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000, "\0", "loop"])
def test_shard_paths_that_cannot_be_followed_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    checkpoint = Checkpoint()
    checkpoint.node("out", "Relu", ("sub_2",))
    checkpoint.graph["weightsManifest"] = [{"paths": [name], "weights": []}]
    with pytest.raises(
        CheckpointError, match=r"shard path .* cannot be followed|weight file .* is missing"
    ) as caught:
        read_model(checkpoint.write(tmp_path))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["half a \ud800 pair", "\0", "two\nlines"])
@pytest.mark.parametrize("op", ["Relu", "Placeholder"])
def test_names_that_are_no_text_are_refused(tmp_path: Path, name: str, op: str) -> None:
    checkpoint = Checkpoint()
    if op == "Placeholder":
        checkpoint.nodes[0]["name"] = name
        checkpoint.node("out", "Relu", (name,))
    else:
        checkpoint.node(name, "Relu", ("sub_2",))
    with pytest.raises(CheckpointError, match=r"node \d of the graph has the name .*: no text") as caught:
        read_model(checkpoint.write(tmp_path))
    assert str(caught.value).isprintable()


def test_long_names_are_quoted_in_part(tmp_path: Path) -> None:
    checkpoint = Checkpoint()
    checkpoint.node("out", "Relu", ("x" * 70_000,))
    with pytest.raises(CheckpointError, match="is no node of the graph") as caught:
        read_model(checkpoint.write(tmp_path))
    assert len(str(caught.value)) < 500


# Against real checkpoints


@pytest.mark.parametrize("kind", ["float", "quant1", "quant2"])
def test_resnet50_computes_what_the_original_runtime_did(
    data_dir: Path, compared: Callable[[str], None], tmp_path: Path, kind: str
) -> None:
    topology = data_dir / f"models/bodypix-topology-only/resnet50/{kind}/model-stride16.json"
    tool = data_dir / "tools/random_checkpoint.py"
    subprocess.run([sys.executable, tool, topology, tmp_path], check=True)
    image = (np.arange(113 * 145 * 3, dtype=np.int64) * 7919 % 256 - 116).astype(np.float32)
    model = read_model(tmp_path / "model-stride16.json", reference_dilation=True)
    found = outputs(model, image.reshape(1, 113, 145, 3))
    golden = np.load(data_dir / f"goldens/resnet50-random/resnet50-{kind}-s16.npz")
    compared(f"resnet50-{kind}-s16")
    assert {name.replace("/", "__") for name in found} == set(golden.files)
    assert len(found) == 8
    for name, value in found.items():
        expected = golden[name.replace("/", "__")]
        assert value.shape == expected.shape
        assert np.abs(value - expected).max() <= 5e-4 * np.abs(expected).max(), name


@pytest.mark.parametrize("stride", [8, 16])
def test_independent_conversions_agree(data_dir: Path, stride: int) -> None:
    ours = read_model(data_dir / f"models/bodypix/mobilenet/float/050/model-stride{stride}.json")
    onnx = data_dir / f"models/bodypix-onnx/MobileNetV1-x050-stride{stride}.onnx"
    image = picture(193, 225)
    found, expected = outputs(ours, image), outputs(ov.Core().read_model(onnx), image)
    assert len(found) == len(expected) == 8
    for name, value in found.items():
        short = name.removeprefix("float_").removeprefix("MobilenetV1/").removesuffix("_2/BiasAdd")
        np.testing.assert_allclose(value, expected[short], atol=1e-4 * np.abs(expected[short]).max())


def test_both_readings_of_dilation_differ(data_dir: Path) -> None:
    path = data_dir / "models/bodypix/mobilenet/float/050/model-stride8.json"
    image = picture(97, 97)
    trained, reference = (
        outputs(read_model(path, reference_dilation=flag), image)["float_segments"] for flag in (False, True)
    )
    assert np.abs(trained - reference).max() > 0.01


def test_every_real_checkpoint_is_read(data_dir: Path) -> None:
    paths = sorted((data_dir / "models/bodypix").rglob("*.json"))
    assert paths
    for path in paths:
        assert len(read_model(path).outputs) == 8, path
