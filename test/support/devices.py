"""A core that pretends to have devices, each of which answers as OpenVINO's plugin for it does.

The answers are those of OpenVINO 2026.4.1: of its CPU plugin, of its GPU plugin as test/devices runs it, and
of its NPU plugin as test/devices compiles with it, or as its source has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops


@dataclass(frozen=True)
class Plugin:
    """What a plugin says of its device, and of networks on it.

    Attributes:
        executes_on: A network's EXECUTION_DEVICES, of one device of this kind.
        hints: What INFERENCE_PRECISION_HINT may be.
        requests: OPTIMAL_NUMBER_OF_INFER_REQUESTS for THROUGHPUT.
        batched: The same where batches are allowed, on one machine: it depends on caches and memory.
        shows_graph: Whether the runtime graph has the network's operations.
    """

    capabilities: tuple[str, ...]
    executes_on: list[str] | str
    hints: tuple[str, ...]
    requests: int
    shows_graph: bool = True
    batched: int = 0


PLUGINS: Mapping[str, Plugin] = {
    "CPU": Plugin(("WINOGRAD", "FP32", "INT8", "BIN", "EXPORT_IMPORT"), ["CPU"], ("f32", "f16", "bf16"), 4),
    "GPU": Plugin(
        ("FP32", "BIN", "FP16", "INT8", "GPU_USM_MEMORY", "EXPORT_IMPORT"),
        ["GPU.0"],
        ("f32", "f16"),
        4,
        batched=512,
    ),
    "NPU": Plugin(("FP16", "INT8", "EXPORT_IMPORT"), "NPU", ("f16", "i8"), 8, shows_graph=False),
}


def execution_device(name: str) -> str:
    """What a network on a device says that it executes on."""
    said = PLUGINS[name].executes_on if name in PLUGINS else name
    return said if isinstance(said, str) else said[0]


class FakeCompiled:
    """A network compiled on the CPU that claims to run elsewhere, in some precision."""

    def __init__(self, compiled: Any, device: str, precision: str, config: Mapping[str, str]) -> None:
        self._compiled, self._device, self._precision = compiled, device, precision
        self._plugin = PLUGINS[device.split(".")[0]]
        self._requests = 1
        if config["PERFORMANCE_HINT"] == "THROUGHPUT":
            batched = config.get("ALLOW_AUTO_BATCHING") != "NO" and self._plugin.batched
            self._requests = batched or self._plugin.requests
        self.inputs, self.outputs, self.requests_made = compiled.inputs, compiled.outputs, 0

    def input(self, index: int) -> Any:
        return self._compiled.input(index)

    def create_infer_request(self) -> Any:
        self.requests_made += 1
        return self._compiled.create_infer_request()

    def get_runtime_model(self) -> Any:
        if self._plugin.shows_graph:
            return self._compiled.get_runtime_model()
        parameter = ops.parameter([1, 4, 6, 3], np.float32)
        return ov.Model([ops.constant(np.zeros((1, 4, 6, 3), np.float32))], [parameter], "dummy")

    def get_property(self, name: str) -> Any:
        numbered = "." in self._device  # one of several
        return {
            "INFERENCE_PRECISION_HINT": self._precision,
            "EXECUTION_DEVICES": [self._device] if numbered else self._plugin.executes_on,
            "INFERENCE_NUM_THREADS": 2,
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": self._requests,
        }[name]


class FakeCore:
    """Devices by name: what precision each gives (None: as asked), and those that cannot compile.

    `wrong` is a device that computes something else, `capabilities` are other ones than the plugins'.
    """

    def __init__(
        self,
        devices: dict[str, str | None],
        broken: tuple[str, ...] = (),
        wrong: str = "",
        capabilities: tuple[str, ...] = (),
    ) -> None:
        self.devices, self.broken, self.wrong, self.capabilities = devices, broken, wrong, capabilities
        self.compiled: list[tuple[str, tuple[int, ...], dict[str, str]]] = []
        self.networks: list[FakeCompiled] = []
        self._core = ov.Core()

    @property
    def available_devices(self) -> list[str]:
        return list(self.devices)

    def get_property(self, device: str, name: str) -> Any:
        there = self._listed(device)
        known = {
            "OPTIMIZATION_CAPABILITIES": list(self.capabilities or PLUGINS[there.split(".")[0]].capabilities),
            "FULL_DEVICE_NAME": f"A {there} ",
        }
        return known[name]

    def compile_model(self, model: Any, device: str, config: dict[str, str]) -> FakeCompiled:
        device = self._listed(device)
        if device in self.broken:
            raise RuntimeError("Exception from somewhere.cpp:1:\nthe driver is too old\n")
        precision, kind = config["INFERENCE_PRECISION_HINT"], device.split(".")[0]
        if precision not in PLUGINS[kind].hints:
            raise RuntimeError(
                f"Exception from options.hpp:159:\nWrong value {precision} for property key "
                f"INFERENCE_PRECISION_HINT. Supported values: {', '.join(PLUGINS[kind].hints)}\n"
            )
        self.compiled.append((device, tuple(model.input(0).shape), dict(config)))
        if device == self.wrong:
            model = tiny_model(weight=3.0).clone()
            model.reshape(list(self.compiled[-1][1]))
        real = self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        given = self.devices[device] or precision
        self.networks.append(FakeCompiled(real, device, given, config))
        return self.networks[-1]

    def _listed(self, device: str) -> str:
        """The device as it is listed: "GPU.0" is the only GPU's name, too, and "GPU" the first one's."""
        for name in (device, device.removesuffix(".0"), f"{device}.0"):
            if name in self.devices:
                return name
        raise RuntimeError(f"Exception from plugin.cpp:570:\nCouldn't find config for {device}\n")


def tiny_model(weight: float = 2.0) -> Any:
    parameter = ops.parameter([1, -1, -1, 3], np.float32, name="image")
    doubled = ops.multiply(parameter, ops.constant(np.float32(weight)))
    unused = ops.add(parameter, ops.constant(np.float32(1)))
    doubled.output(0).get_tensor().set_names({"doubled"})
    unused.output(0).get_tensor().set_names({"unused"})
    return ov.Model([doubled.output(0), unused.output(0)], [parameter], "tiny")


def in_f16(graph: ov.Model) -> ov.Model:
    """A copy of a graph that keeps what operations give in f16, as a device that adds up in f32 does."""
    graph = graph.clone()
    for operation in graph.get_ordered_ops():
        for output in operation.outputs():
            readers = output.get_target_inputs()
            if output.get_element_type() == ov.Type.f32 and operation.get_type_name() != "Result":
                rounded = _rounded_to_f16(output)
                for reader in readers:
                    reader.replace_source_output(rounded)
    return graph


def _rounded_to_f16(value: ov.Output) -> ov.Output:
    """Round to 11 bits of mantissa in f32, by Dekker's splitting: a pair of conversions would be left out."""
    far = ops.multiply(value, ops.constant(np.float32(2**13 + 1)))
    return ops.subtract(far, ops.subtract(far, value)).output(0)
