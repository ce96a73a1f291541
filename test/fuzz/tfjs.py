"""Checkpoints of TensorFlow.js: the graph, the manifest and the weights."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from bodypix_ros.errors import CheckpointError, MissingShardError
from bodypix_ros.models.tfjs import read_model
from fuzz.cases import Case, Execute, check, check_message
from fuzz.mutate import changed, damaged, some_text
from support import checkpoints

_COMPUTED_EVERY = 4


def start(shared: Path) -> Execute:
    """Write small checkpoints of every kind."""
    samples = []
    for quant_bytes in (1, 2, 4):
        for stride in (8, 16):
            path = checkpoints.write_tiny_bodypix(shared, stride, quant_bytes=quant_bytes)
            samples.append((json.loads(path.read_text()), (path.parent / checkpoints.SHARD).read_bytes()))
    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": 1})

    def execute(case: Case) -> str:
        path = case.folder / "model.json"
        _write(case, path, *case.rng.choice(samples))
        refusals = (CheckpointError, MissingShardError, *((IsADirectoryError,) if path.is_dir() else ()))
        reference = case.rng.random() < 0.1
        outcome, model = case.attempt(lambda: read_model(path, reference_dilation=reference), refusals)
        if model is not None:
            check(len(model.inputs) == 1 and len(model.outputs) >= 1, "inputs and outputs")
            if case.rng.randrange(_COMPUTED_EVERY) == 0:
                return f"{outcome} and {_computed(core, model)}"
        return outcome

    return execute


def _computed(core: ov.Core, model: ov.Model) -> str:
    """Whatever is accepted must not crash the device, either."""
    try:
        model.reshape([1, 33, 49, 3])
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        compiled([np.full((1, 33, 49, 3), 0.5, np.float32)])
    except RuntimeError as error:
        check_message(str(error))
        return "refused by OpenVINO"
    return "computed"


def _write(case: Case, path: Path, graph: Any, weights: bytes) -> None:
    rng, shard = case.rng, path.parent / checkpoints.SHARD
    kind = rng.randrange(10)
    text = None
    if kind < 2:
        graph = changed(rng, graph)
    elif kind < 4:
        part = rng.choice(graph["modelTopology"]["node"])
        graph = _with(graph, "node", part, changed(rng, part, 1))
    elif kind < 6:
        part = rng.choice(graph["weightsManifest"][0]["weights"])
        graph = _with(graph, "weights", part, changed(rng, part, 1))
    elif kind == 6:
        graph = _rewired(rng, graph)
    elif kind == 7:
        text = damaged(rng, json.dumps(graph).encode())
    elif kind == 8:
        text = rng.choice(
            (
                b"[" * 200_000,
                b'{"modelTopology":' * 50_000,
                b'{"format": 1' + b"0" * 10_000 + b"}",
                b"\xff\xfe{}",
                json.dumps(graph).encode("utf-16"),
                b" " * 2_000_000,
                b"NaN",
                b"",
            )
        )
    else:
        weights = rng.choice(
            (
                damaged(rng, weights),
                weights[: rng.randrange(len(weights))],
                weights + b"x",
                damaged(rng, weights)[: len(weights)].ljust(len(weights), b"\xff"),
            )
        )
    if rng.random() < 0.15:
        paths = [
            rng.choice(
                (
                    checkpoints.SHARD,
                    "../x",
                    "/etc/passwd",
                    "linked",
                    "loop",
                    "pipe",
                    ".",
                    some_text(rng),
                    1,
                    None,
                )
            )
            for _ in range(rng.randrange(3))
        ]
        graph = _with(
            graph,
            "weightsManifest",
            graph.get("weightsManifest") if isinstance(graph, dict) else None,
            [{"paths": paths, "weights": []}],
        )
        (path.parent / "linked").symlink_to("/etc/passwd")
        (path.parent / "loop").symlink_to("loop")
        os.mkfifo(path.parent / "pipe")
    if rng.random() < 0.005:
        path.mkdir()
    else:
        sys.setrecursionlimit(20000)
        path.write_bytes(json.dumps(graph).encode() if text is None else text)
        sys.setrecursionlimit(1000)
    shard.write_bytes(weights)


def _with(graph: Any, key: str, old: Any, new: Any) -> Any:
    """A shallow copy in which one thing is another."""
    if not isinstance(graph, dict):
        return graph
    if key == "weightsManifest":
        return {**graph, key: new}
    if key == "weights":
        group = graph["weightsManifest"][0]
        swapped = {**group, key: [new if item is old else item for item in group[key]]}
        return {**graph, "weightsManifest": [swapped]}
    topology = graph["modelTopology"]
    swapped = {**topology, key: [new if item is old else item for item in topology[key]]}
    return {**graph, "modelTopology": swapped}


def _rewired(rng: Any, graph: Any) -> Any:
    """Well-formed graphs that make no sense: other inputs, operators, windows."""
    nodes = [dict(node) for node in graph["modelTopology"]["node"]]
    names = [node["name"] for node in nodes]
    for _ in range(rng.randrange(1, 4)):
        node = rng.choice([node for node in nodes if "input" in node])
        kind = rng.randrange(3)
        if kind == 0:
            node["input"] = [rng.choice(names) for _ in node["input"]]
        elif kind == 1:
            node["op"] = rng.choice(
                (
                    "Conv2D",
                    "DepthwiseConv2dNative",
                    "BiasAdd",
                    "Add",
                    "AddV2",
                    "Relu",
                    "Relu6",
                    "MaxPool",
                    "Minimum",
                    "Maximum",
                    "Pad",
                    "Identity",
                    "Const",
                    "Placeholder",
                )
            )
        else:
            sizes = [rng.choice((1, 1, 1, 2, 3, 64)) for _ in range(4)]
            if rng.random() < 0.8:
                sizes[0] = sizes[3] = 1
            padding = checkpoints.text(rng.choice(("SAME", "VALID", "EXPLICIT")))
            more = {
                rng.choice(("strides", "dilations", "ksize")): checkpoints.integers(sizes),
                "padding": padding,
            }
            node["attr"] = {**node.get("attr", {}), **more}
    return {**graph, "modelTopology": {"node": nodes}}
