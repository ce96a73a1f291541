"""Devices, precisions, one network per input size: with a core that pretends to have devices."""

import logging
import threading
from pathlib import Path
from typing import Any

import openvino as ov
import pytest

from bodypix_ros.errors import DeviceError, OptionError, PrecisionError
from bodypix_ros.runtime.devices import devices
from bodypix_ros.runtime.network import MAX_NETWORKS, Networks
from bodypix_ros.runtime.placement import Placement
from support.devices import FakeCore, tiny_model


def make(core: Any, folder: Path, **placement: Any) -> Networks:
    where = Placement(cache_dir=str(folder), **placement)
    return Networks(tiny_model(), ["doubled"], where, first_size=(4, 6), core=core)


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
    for wanted in ("TPU", "TPU.1", "tpu , VPU"):
        with pytest.raises(OptionError, match=r"device 'TPU.* is not here; there is: CPU, GPU"):
            make(FakeCore({"CPU": None, "GPU": None}), tmp_path, device=wanted)


def test_auto_is_no_part_of_an_order(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="device is 'AUTO,CPU', but AUTO stands alone"):
        make(FakeCore({"CPU": None}), tmp_path, device="AUTO,CPU")


def test_absent_devices_of_an_order_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = make(FakeCore({"CPU": None, "NPU": None}), tmp_path, device="GPU,tpu,CPU,NPU")
    assert made.device == "CPU"
    assert "GPU, TPU: not here, left out of GPU,tpu,CPU,NPU; there is: CPU, NPU" in caplog.text


def test_all_devices_failing_names_each_with_its_reason(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None, "GPU": None}, broken=("CPU", "GPU"))
    with pytest.raises(DeviceError, match="GPU: the driver is too old; CPU: the driver is too old"):
        make(core, tmp_path)


def test_a_precision_that_the_device_does_not_give_is_refused(tmp_path: Path) -> None:
    core = FakeCore({"CPU": "bf16"})
    with pytest.raises(PrecisionError, match=r"f16 was asked of CPU, which would run in bf16.*offers: f32"):
        make(core, tmp_path, precision="f16")
    with pytest.raises(ValueError, match="precision is 'int4', but must be one of empty, f32, f16, int8"):
        make(core, tmp_path, precision="int4")


def test_the_real_cpu_never_runs_in_bf16_unasked(tmp_path: Path) -> None:
    made = make(None, tmp_path, device="CPU")
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
    make(core, tmp_path / "file" / "sub")
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
    assert made.is_compiled(4, 2)
    made.network(5, 5)  # pushes out (4, 2), the one not used for longest
    assert not made.is_compiled(4, 2)
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


@pytest.mark.parametrize(("device", "given"), [("CPU", "3"), ("GPU", None)])
def test_threads_are_those_that_a_cpu_is_told(tmp_path: Path, device: str, given: str | None) -> None:
    core = FakeCore({"CPU": None, "GPU": None})
    make(core, tmp_path, device=device, threads=3)
    assert core.compiled[0][2].get("INFERENCE_NUM_THREADS") == given
    core = FakeCore({"CPU": None})
    make(core, tmp_path, device="CPU")
    assert "INFERENCE_NUM_THREADS" not in core.compiled[0][2]


def test_a_real_cpu_computes_with_as_many_threads(tmp_path: Path) -> None:
    assert make(ov.Core(), tmp_path, device="CPU", threads=1).threads == 1


def test_devices_are_listed_with_their_precisions() -> None:
    found = devices(FakeCore({"CPU": None, "GPU": None}))
    assert [(d.name, d.full_name, d.precisions) for d in found] == [
        ("CPU", "A CPU", ("f32", "int8")),
        ("GPU", "A GPU", ("f32", "int8")),
    ]
