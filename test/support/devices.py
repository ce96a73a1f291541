"""A core that pretends to have devices."""

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops


class FakeCompiled:
    """A network compiled on the CPU that claims to run elsewhere, in some precision."""

    def __init__(self, compiled: Any, device: str, precision: str) -> None:
        self._compiled, self._device, self._precision = compiled, device, precision
        self.inputs, self.outputs = compiled.inputs, compiled.outputs

    def input(self, index: int) -> Any:
        return self._compiled.input(index)

    def create_infer_request(self) -> Any:
        return self._compiled.create_infer_request()

    def get_runtime_model(self) -> Any:
        return self._compiled.get_runtime_model()

    def get_property(self, name: str) -> Any:
        return {
            "INFERENCE_PRECISION_HINT": self._precision,
            "EXECUTION_DEVICES": [f"{self._device}.0" if self._device == "GPU" else self._device],
            "INFERENCE_NUM_THREADS": 2,
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": 3,
        }[name]


class FakeCore:
    """Devices by name: what precision each gives (None: as asked), and those that cannot compile."""

    def __init__(
        self,
        devices: dict[str, str | None],
        broken: tuple[str, ...] = (),
        wrong: str = "",
        capabilities: tuple[str, ...] = ("FP32", "INT8"),
    ) -> None:
        self.devices, self.broken, self.wrong, self.capabilities = devices, broken, wrong, capabilities
        self.compiled: list[tuple[str, tuple[int, ...], dict[str, str]]] = []
        self._core = ov.Core()

    @property
    def available_devices(self) -> list[str]:
        return list(self.devices)

    def get_property(self, device: str, name: str) -> Any:
        known = {"OPTIMIZATION_CAPABILITIES": list(self.capabilities), "FULL_DEVICE_NAME": f"A {device} "}
        return known[name]

    def compile_model(self, model: Any, device: str, config: dict[str, str]) -> FakeCompiled:
        if device in self.broken:
            raise RuntimeError("Exception from somewhere.cpp:1:\nthe driver is too old\n")
        self.compiled.append((device, tuple(model.input(0).shape), dict(config)))
        if device == self.wrong:
            model = tiny_model(weight=3.0).clone()
            model.reshape(list(self.compiled[-1][1]))
        real = self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return FakeCompiled(real, device, self.devices[device] or config["INFERENCE_PRECISION_HINT"])


def tiny_model(weight: float = 2.0) -> Any:
    parameter = ops.parameter([1, -1, -1, 3], np.float32, name="image")
    doubled = ops.multiply(parameter, ops.constant(np.float32(weight)))
    unused = ops.add(parameter, ops.constant(np.float32(1)))
    doubled.output(0).get_tensor().set_names({"doubled"})
    unused.output(0).get_tensor().set_names({"unused"})
    return ov.Model([doubled.output(0), unused.output(0)], [parameter], "tiny")
