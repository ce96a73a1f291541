"""Checkpoints of TensorFlow.js: the graph, the manifest and the weights."""

import json
import os
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openvino as ov
from hypothesis import strategies as st

from bodypix_ros.errors import CheckpointError, MissingShardError
from bodypix_ros.models.tfjs import read_model
from fuzz.answers import Case, attempt, check, check_message
from fuzz.values import Tree, changed, cut, damaged, texts
from support import checkpoints

_OPERATORS = (
    *("Conv2D", "DepthwiseConv2dNative", "BiasAdd", "Add", "AddV2", "Minimum", "Maximum", "Relu", "Relu6"),
    *("MaxPool", "Pad", "Identity", "Const", "Placeholder"),
)
_paths = (
    st.sampled_from((checkpoints.SHARD, "../x", "/etc/passwd", "linked", "loop", "pipe", ".", 1, None))
    | texts
)
_sometimes = st.sampled_from((False,) * 6 + (True,))


def checkpoint(
    folder: Path,
    graph: bytes | None,
    weights: bytes,
    odd_files: bool = False,
    reference: bool = False,
    compute: bool = False,
) -> str:
    """Read a graph's text, or a folder in its place; what is accepted must not crash the device, either."""
    path = folder / "model.json"
    if graph is None:
        path.mkdir()
    else:
        path.write_bytes(graph)
    (folder / checkpoints.SHARD).write_bytes(weights)
    if odd_files:
        (folder / "linked").symlink_to("/etc/passwd")
        (folder / "loop").symlink_to("loop")
        os.mkfifo(folder / "pipe")
    refusals = (CheckpointError, MissingShardError, *((IsADirectoryError,) if path.is_dir() else ()))
    outcome, model = attempt(lambda: read_model(path, reference_dilation=reference), refusals)
    if model is None:
        return outcome
    check(len(model.inputs) == 1 and len(model.outputs) >= 1, "inputs and outputs")
    return f"{outcome} and {_computed(model)}" if compute else outcome


def _computed(model: ov.Model) -> str:
    try:
        model.reshape([1, 33, 49, 3])
        compiled = _core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        compiled([np.full((1, 33, 49, 3), 0.5, np.float32)])
    except RuntimeError as error:
        check_message(str(error))
        return "refused by OpenVINO"
    return "computed"


@cache
def _core() -> ov.Core:
    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": 1})
    return core


@st.composite
def _checkpoints(draw: st.DrawFn) -> Case:
    graph, weights = draw(st.sampled_from(_samples()))
    where = draw(
        st.sampled_from(("anywhere", "node", "node", "weights", "weights", "wires", "text", "shard"))
    )
    text, odd_files = None, False
    if where == "anywhere":
        graph = draw(changed(graph))
    elif where in ("node", "weights"):
        holder = graph["modelTopology"] if where == "node" else graph["weightsManifest"][0]
        parts = list(holder[where])
        telling = [at for at, part in enumerate(parts) if "input" in part] or range(len(parts))
        at = draw(st.sampled_from(telling))  # a constant without inputs says little
        parts[at] = draw(changed(parts[at], 1))
        holder = {**holder, where: parts}
        graph = {**graph, **({"modelTopology": holder} if where == "node" else {"weightsManifest": [holder]})}
    elif where == "wires":
        graph = draw(_rewired(graph))
    elif where == "text":
        text = draw(damaged(json.dumps(graph).encode()))
    else:
        size = len(weights)
        weights = draw(damaged(weights) | cut(weights) | st.just(weights + b"x"))
        if draw(st.booleans()):
            weights = weights[:size].ljust(size, b"\xff")
    if isinstance(graph, dict) and draw(_sometimes):
        odd_files = True
        graph = {**graph, "weightsManifest": [{"paths": draw(st.lists(_paths, max_size=2)), "weights": []}]}
    text = json.dumps(graph).encode() if text is None else text
    more = {"reference": draw(_sometimes), "compute": draw(st.booleans())}
    return partial(checkpoint, graph=text, weights=weights, odd_files=odd_files, **more)


@st.composite
def _rewired(draw: st.DrawFn, graph: Tree) -> Tree:
    """Well-formed graphs that make no sense: other inputs, operators, windows."""
    nodes = [dict(node) for node in graph["modelTopology"]["node"]]
    for _ in range(draw(st.integers(1, 3))):
        node = draw(st.sampled_from([node for node in nodes if "input" in node]))
        what = draw(st.sampled_from(("input", "op", "attr")))
        if what == "input":
            name = st.sampled_from([node["name"] for node in nodes])
            node["input"] = [draw(name) for _ in node["input"]]
        elif what == "op":
            node["op"] = draw(st.sampled_from(_OPERATORS))
        else:
            side = st.sampled_from((1, 1, 1, 2, 3, 64))
            sizes = [draw(side | st.just(1)), draw(side), draw(side), draw(side | st.just(1))]
            key = draw(st.sampled_from(("strides", "dilations", "ksize")))
            padding = checkpoints.text(draw(st.sampled_from(("SAME", "VALID", "EXPLICIT"))))
            node["attr"] = {**node.get("attr", {}), key: checkpoints.integers(sizes), "padding": padding}
    return {**graph, "modelTopology": {"node": nodes}}


CASES = _checkpoints()


def hostile() -> list[Case]:
    """Texts that parsers have died of, and a folder."""
    graph, weights = _samples()[0]
    deep = (b"[" * 200_000, b'{"modelTopology":' * 50_000, b'{"format": 1' + b"0" * 10_000 + b"}")
    texts = (b"\xff\xfe{}", json.dumps(graph).encode("utf-16"), b" " * 2_000_000, b"NaN", b"")
    good = partial(checkpoint, graph=json.dumps(graph).encode(), weights=weights, compute=True)
    return [good, *(partial(checkpoint, graph=text, weights=weights) for text in (*deep, *texts, None))]


@cache
def _samples() -> list[tuple[Any, bytes]]:
    """Small checkpoints of every kind."""
    with TemporaryDirectory() as folder:
        paths = [
            checkpoints.write_tiny_bodypix(Path(folder), stride, quant_bytes=quant_bytes)
            for quant_bytes in (1, 2, 4)
            for stride in (8, 16)
        ]
        return [
            (json.loads(path.read_text()), (path.parent / checkpoints.SHARD).read_bytes()) for path in paths
        ]
