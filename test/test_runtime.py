"""Devices, precisions, one network per input size: with a core that pretends to have devices."""

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from bodypix_ros import runtime
from bodypix_ros.runtime import MAX_NETWORKS, PrecisionError, Runtime


class FakeCompiled:
    """A network compiled on the CPU that claims to run elsewhere, in some precision."""

    def __init__(self, compiled: Any, device: str, precision: str) -> None:
        self._compiled, self._device, self._precision = compiled, device, precision
        self.inputs, self.outputs = compiled.inputs, compiled.outputs

    def input(self, index: int) -> Any:
        return self._compiled.input(index)

    def create_infer_request(self) -> Any:
        return self._compiled.create_infer_request()

    def get_property(self, name: str) -> Any:
        return {
            "INFERENCE_PRECISION_HINT": self._precision,
            "EXECUTION_DEVICES": [f"{self._device}.0" if self._device == "GPU" else self._device],
            "INFERENCE_NUM_THREADS": 2,
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": 3,
        }[name]


class FakeCore:
    """Devices by name: what precision each gives (None: as asked), and those that cannot compile."""

    def __init__(self, devices: dict[str, str | None], broken: tuple[str, ...] = (), wrong: str = "") -> None:
        self.devices, self.broken, self.wrong = devices, broken, wrong
        self.compiled: list[tuple[str, tuple[int, ...], dict[str, str]]] = []
        self._core = ov.Core()

    @property
    def available_devices(self) -> list[str]:
        return list(self.devices)

    def get_property(self, device: str, name: str) -> Any:
        return {"OPTIMIZATION_CAPABILITIES": ["FP32", "INT8"], "FULL_DEVICE_NAME": f"A {device} "}[name]

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


def make(core: FakeCore, tmp_path: Path, **options: Any) -> Runtime:
    return Runtime(tiny_model(), ["doubled"], first_size=(4, 6), cache_dir=tmp_path, core=core, **options)


@pytest.mark.parametrize(
    ("devices", "broken", "chosen", "precision"),
    [
        (("CPU", "GPU", "NPU"), (), "GPU.0", "f16"),
        (("CPU", "NPU"), (), "NPU", "f16"),
        (("CPU", "GPU", "NPU"), ("GPU",), "NPU", "f16"),
        (("CPU", "GPU", "NPU"), ("GPU", "NPU"), "CPU", "f32"),
        (("CPU",), (), "CPU", "f32"),
    ],
)
def test_auto_takes_the_first_that_compiles(
    devices: tuple[str, ...], broken: tuple[str, ...], chosen: str, precision: str, tmp_path: Path
) -> None:
    made = make(FakeCore(dict.fromkeys(devices), broken), tmp_path)
    assert (made.device, made.precision) == (chosen, precision)


def test_an_order_is_kept(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None, "GPU": None, "NPU": None}, broken=("NPU",))
    assert make(core, tmp_path, device="npu, CPU,GPU").device == "CPU"


def test_an_unknown_device_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="device 'TPU' is not here; there is: CPU, GPU"):
        make(FakeCore({"CPU": None, "GPU": None}), tmp_path, device="TPU,CPU")


def test_all_devices_failing_names_each_with_its_reason(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None, "GPU": None}, broken=("CPU", "GPU"))
    with pytest.raises(RuntimeError, match="GPU: the driver is too old; CPU: the driver is too old"):
        make(core, tmp_path)


def test_a_precision_that_the_device_does_not_give_is_refused(tmp_path: Path) -> None:
    core = FakeCore({"CPU": "bf16"})
    with pytest.raises(PrecisionError, match=r"f16 was asked of CPU, which would run in bf16.*offers: f32"):
        make(core, tmp_path, precision="f16")
    with pytest.raises(ValueError, match="precision is 'int8', but must be one of f32, f16"):
        make(core, tmp_path, precision="int8")


def test_the_real_cpu_never_runs_in_bf16_unasked(tmp_path: Path) -> None:
    made = Runtime(tiny_model(), ["doubled"], device="CPU", first_size=(4, 6), cache_dir=tmp_path)
    assert (made.device, made.precision) == ("CPU", "f32")
    assert made.threads is not None
    assert made.threads >= 1


def test_only_networks_for_other_devices_are_cached(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None, "GPU": None})
    make(core, tmp_path)
    make(core, tmp_path, device="CPU")
    assert [config.get("CACHE_DIR") for device, _, config in core.compiled if device == "GPU"] == [
        str(tmp_path)
    ]
    assert all("CACHE_DIR" not in config for device, _, config in core.compiled if device == "CPU")


def test_a_cache_folder_that_cannot_be_made_only_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    core = FakeCore({"CPU": None})
    Runtime(tiny_model(), ["doubled"], first_size=(4, 6), cache_dir=tmp_path / "file" / "sub", core=core)
    assert "cannot be made" in caplog.text


def test_results_that_differ_from_the_cpu_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(FakeCore({"CPU": None, "NPU": None}, wrong="NPU"), tmp_path)
    assert "NPU computes something else than the CPU: output doubled differs by 50 %" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        make(FakeCore({"CPU": None, "NPU": None}), tmp_path)
    assert not caplog.text


def test_one_network_per_size_and_the_oldest_goes_first(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None})
    made = make(core, tmp_path)
    for width in range(1, MAX_NETWORKS + 1):
        made.network(4, width)
    assert made.networks_compiled == MAX_NETWORKS  # (4, 6) was there from the start
    made.network(4, 1)
    assert made.networks_compiled == MAX_NETWORKS
    made.network(5, 5)  # pushes out (4, 2), the one not used for longest
    made.network(4, 1)
    assert made.networks_compiled == MAX_NETWORKS + 1
    made.network(4, 2)
    assert made.networks_compiled == MAX_NETWORKS + 2


def test_a_size_is_compiled_once_however_many_threads_ask(tmp_path: Path) -> None:
    made = make(FakeCore({"CPU": None}), tmp_path)
    threads = [threading.Thread(target=made.network, args=(7, 7)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.networks_compiled == 2


def test_requests_compute_the_outputs_asked_for_into_their_buffers(tmp_path: Path) -> None:
    made = make(FakeCore({"CPU": None}), tmp_path, performance_hint="THROUGHPUT")
    network = made.network(4, 6)
    with network.request() as first, network.request() as second:
        assert first is not second
        assert list(first.outputs) == ["doubled"]
        view = first.outputs["doubled"]
        first.input[:] = 4
        second.input[:] = 5
        first.infer()
        second.infer()
        assert (view == 8).all()
        assert (second.outputs["doubled"] == 10).all()


def test_devices_are_listed_with_their_precisions() -> None:
    found = runtime.devices(FakeCore({"CPU": None, "GPU": None}))
    assert [(d.name, d.full_name, d.precisions) for d in found] == [
        ("CPU", "A CPU", ("f32",)),
        ("GPU", "A GPU", ("f32",)),
    ]
