"""The graph of a TensorFlow.js checkpoint: read from its JSON, checked, put in order.

A checkpoint is untrusted. Whatever is wrong with it ends in a `CheckpointError` of one sentence that names
the file, the place in it and what was found.
"""

import base64
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodypix_ros.errors import CheckpointError

MAX_GRAPH_BYTES = 1 << 20

ARITY = {
    "Placeholder": 0,
    "Const": 0,
    "Identity": 1,
    "Pad": 2,
    "Conv2D": 2,
    "DepthwiseConv2dNative": 2,
    "BiasAdd": 2,
    "Add": 2,
    "AddV2": 2,
    "Relu": 1,
    "Relu6": 1,
    "MaxPool": 1,
    "Minimum": 2,
    "Maximum": 2,
}
"""The operators that are understood, and how many inputs each takes."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of the graph, its attributes still as in the JSON."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def error(self, problem: str) -> CheckpointError:
        """Return the error that this node has the problem."""
        return CheckpointError(f"node {self.name!r:.160} ({self.op}) {problem}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string attribute, base64 in the JSON."""
        value = self._value(key, "s")
        if value is None and default is not None:
            return default
        try:
            return base64.b64decode(value, validate=True).decode("ascii")
        except (TypeError, ValueError):
            raise self.error(f"needs the attribute {key} as base64 text, not {value!r:.80}") from None

    def integers(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """Return an attribute of four integers, text in the JSON, from 1 to 64: strides, sizes, dilations."""
        value = self._value(key, "list")
        if value is None and default is not None:
            return default
        items = value.get("i") if isinstance(value, dict) else None
        if not isinstance(items, list) or len(items) != 4:
            raise self.error(f"needs the attribute {key} as a list of four integers, not {value!r:.80}")
        numbers = tuple(_integer(item) for item in items)
        if any(number is None or not 1 <= number <= 64 for number in numbers):
            raise self.error(f"has {key} {items!r:.80}, where each must be an integer from 1 to 64")
        return tuple(number for number in numbers if number is not None)

    def _value(self, key: str, kind: str) -> Any:
        attribute = self.attributes.get(key)
        return attribute.get(kind) if isinstance(attribute, dict) else attribute


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked graph.

    Attributes:
        nodes: By name, in the order of the JSON.
        order: The names in an order in which every node comes after its inputs.
        placeholder: The one input.
        outputs: The nodes that compute something nobody consumes.
        manifest: The `weightsManifest` of the JSON, not yet checked.
    """

    nodes: dict[str, Node]
    order: tuple[str, ...]
    placeholder: Node
    outputs: tuple[str, ...]
    manifest: Any


def read_graph(path: Path) -> Graph:
    """Read the JSON of a checkpoint.

    Raises:
        CheckpointError: It is not a graph this package can run.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_GRAPH_BYTES + 1)
    if len(raw) > MAX_GRAPH_BYTES:
        raise CheckpointError(f"{path.name} is longer than the {MAX_GRAPH_BYTES} bytes a graph may have")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format", "graph-model") != "graph-model":
        raise CheckpointError(
            f"{path.name} is not a TensorFlow.js graph model: its format is not 'graph-model'"
        )
    for key in ("modelTopology", "weightsManifest"):
        if key not in data:
            raise CheckpointError(f"{path.name} lacks the key {key!r}: it is no TensorFlow.js graph model")
    topology = data["modelTopology"]
    entries = topology.get("node") if isinstance(topology, dict) else None
    if not isinstance(entries, list) or not entries:
        raise CheckpointError(f"{path.name} lacks a list of nodes in modelTopology.node")
    nodes = _nodes(entries)
    order = _order(nodes)
    consumed = {name for node in nodes.values() for name in node.inputs}
    outputs = tuple(n.name for n in nodes.values() if n.name not in consumed and ARITY[n.op])
    if not outputs:
        raise CheckpointError(f"{path.name} computes nothing: it has no node that nobody consumes")
    return Graph(nodes, order, _placeholder(nodes), outputs, data["weightsManifest"])


def _nodes(entries: list[Any]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("name", "op")):
            raise CheckpointError(f"node {index} of the graph lacks a name or an op")
        if not entry["name"].isprintable():  # half a surrogate pair, say, which nothing after Python takes
            raise CheckpointError(f"node {index} of the graph has the name {entry['name']!r:.160}: no text")
        inputs, attributes = entry.get("input", []), entry.get("attr", {})
        if not isinstance(inputs, list) or not all(isinstance(name, str) for name in inputs):
            raise CheckpointError(f"the inputs of node {entry['name']!r:.160} are not a list of names")
        if not isinstance(attributes, dict):
            raise CheckpointError(f"the attributes of node {entry['name']!r:.160} are not an object")
        node = Node(entry["name"], entry["op"], tuple(inputs), attributes)
        if node.name in nodes:
            raise CheckpointError(f"two nodes are named {node.name!r:.160}")
        if node.op not in ARITY:
            raise CheckpointError(
                f"node {node.name!r:.160} has the operator {node.op!r:.80}, which is not supported"
            )
        if len(inputs) != ARITY[node.op]:
            raise node.error(f"has {len(inputs)} inputs, where {ARITY[node.op]} are needed")
        nodes[node.name] = node
    return nodes


def _order(nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """Sort without recursion: a chain may be longer than Python's stack is deep."""
    consumers: dict[str, list[str]] = {name: [] for name in nodes}
    for node in nodes.values():
        for name in node.inputs:
            if name not in nodes:
                raise node.error(f"has the input {name!r:.160}, which is no node of the graph")
            consumers[name].append(node.name)
    waiting = {name: len(node.inputs) for name, node in nodes.items()}
    ready = deque(name for name, count in waiting.items() if not count)
    order = []
    while ready:
        order.append(name := ready.popleft())
        for consumer in consumers[name]:
            waiting[consumer] -= 1
            if not waiting[consumer]:
                ready.append(consumer)
    if len(order) < len(nodes):
        stuck = next(name for name, count in waiting.items() if count)
        raise CheckpointError(f"the graph has a cycle that node {stuck!r:.160} is in or behind")
    return tuple(order)


def _placeholder(nodes: Mapping[str, Node]) -> Node:
    found = [node for node in nodes.values() if node.op == "Placeholder"]
    if len(found) != 1:
        raise CheckpointError(f"the graph has {len(found)} placeholders, where one is needed")
    try:
        dims = [_integer(dim["size"]) for dim in found[0].attributes["shape"]["shape"]["dim"]]
    except (KeyError, TypeError):
        raise found[0].error("lacks a shape") from None
    if len(dims) != 4 or dims[0] not in (1, -1) or dims[3] != 3:
        raise found[0].error(f"has the shape {dims}, where [1, -1, -1, 3] is needed")
    return found[0]


def _integer(value: Any) -> int | None:
    """Return an integer given as one or, as protobuf's JSON does, as short text; None for anything else."""
    if isinstance(value, str) and len(value) <= 10 and value.removeprefix("-").isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
