"""Devices, precisions, one network per input size: with a core that pretends to have devices."""

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from bodypix_ros.errors import DeviceError, OptionError, PrecisionError
from bodypix_ros.runtime.comparison import Example
from bodypix_ros.runtime.devices import devices
from bodypix_ros.runtime.network import MAX_NETWORKS, Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.runtime.quantize import Rounding
from support import small
from support.devices import FakeCompiled, FakeCore, tiny_model

EXAMPLE = Example(
    lambda *size: np.linspace(-1, 1, int(np.prod(size)) * 3, dtype=np.float32).reshape(*size, 3),
    {"doubled": {"f16": 0.01}},
)


def make(core: Any, folder: Path, **placement: Any) -> Networks:
    where = Placement(cache_dir=str(folder), **placement)
    return Networks(tiny_model(), ["doubled"], where, first_size=(4, 6), example=EXAMPLE, core=core)


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
    core = FakeCore({"CPU": "bf16"}, capabilities=("FP32", "FP16", "BF16"))
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
    text = "NPU computes something else than the CPU: output doubled differs by 50 % of its spread, and f16"
    assert f"{text} explains at most 1 %" in caplog.text
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


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor only")
def test_whoever_computes_on_a_cpu_is_bound_to_no_part_of_it(tmp_path: Path) -> None:
    """OpenVINO's threads are bound to the first core by default: all processes of a computer share it."""
    made = make(ov.Core(), tmp_path, device="CPU", threads=1)
    until = time.monotonic() + 0.5

    def compute() -> None:
        with made.network(400, 400).request() as request:
            while time.monotonic() < until:
                request.infer()

    computing = threading.Thread(target=compute)
    computing.start()
    seen = set()
    while time.monotonic() < until - 0.1:
        assert computing.native_id is not None
        seen.add(frozenset(os.sched_getaffinity(computing.native_id)))
    computing.join()
    assert seen == {frozenset(os.sched_getaffinity(0))}


def test_devices_are_listed_with_their_precisions() -> None:
    found = devices(FakeCore({"CPU": None, "GPU": None}))
    assert [(d.name, d.full_name, d.precisions) for d in found] == [
        ("CPU", "A CPU", ("f32", "int8")),
        ("GPU", "A GPU", ("f32", "f16", "int8")),
    ]


@pytest.mark.parametrize(
    ("device", "precision", "offered"),
    [("NPU", "f32", "f16, int8"), ("NPU.0", "f32", "f16, int8"), ("CPU", "f16", "f32, int8")],
)
def test_a_precision_that_a_device_does_not_offer_is_refused_before_it_compiles(
    tmp_path: Path, device: str, precision: str, offered: str
) -> None:
    core = FakeCore({"CPU": None, "NPU": None})
    with pytest.raises(ValueError, match=rf"{device}, which does not compute in f.*; it offers: {offered}"):
        make(core, tmp_path, device=device, precision=precision)
    assert not core.compiled


def test_a_device_may_be_asked_for_by_the_name_that_networks_on_it_say(tmp_path: Path) -> None:
    """Where there is one GPU it is listed as "GPU", and executes as "GPU.0": so it is loaded again."""
    core = FakeCore({"CPU": None, "GPU": None, "NPU": None})
    for device in ("GPU", "NPU", "CPU"):
        said = make(core, tmp_path, device=device).device
        assert make(core, tmp_path, device=said).device == said
        assert make(core, tmp_path, device=f"{said},CPU").device == said
    with pytest.raises(OptionError, match=r"device 'GPU.1' is not here; there is: CPU, GPU, NPU"):
        make(core, tmp_path, device="GPU.1")


def test_one_of_several_devices_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    core = FakeCore({"CPU": None, "GPU.0": None, "GPU.1": None})
    assert make(core, tmp_path, device="GPU.1").device == "GPU.1"
    assert make(core, tmp_path, device="GPU").device == "GPU.0"
    with pytest.raises(OptionError, match=r"device 'GPU.2' is not here; there is: CPU, GPU.0, GPU.1"):
        make(core, tmp_path, device="GPU.2")


def test_an_npu_says_its_name_as_text_and_no_list_of_letters(tmp_path: Path) -> None:
    assert make(FakeCore({"CPU": None, "NPU": None}), tmp_path, device="NPU").device == "NPU"


def test_families_prefer_precisions_by_device(tmp_path: Path) -> None:
    preferred = {"CPU": ("f32",), "GPU": ("f32",), "NPU": ("f16",)}
    core = FakeCore({"CPU": None, "GPU": None, "NPU": None})

    def chosen(device: str, precision: str = "") -> str:
        where = Placement(device=device, precision=precision, cache_dir=str(tmp_path))
        made = Networks(tiny_model(), ["doubled"], where, first_size=(4, 6), preferred=preferred, core=core)
        return made.precision

    assert [chosen(device) for device in ("CPU", "GPU.0", "NPU")] == ["f32", "f32", "f16"]
    assert chosen("GPU", "f16") == "f16"  # who asks for it gets it


def test_a_gpu_without_f16_computes_in_f32(tmp_path: Path) -> None:
    core = FakeCore({"GPU": None}, capabilities=("FP32", "BIN"))
    assert make(core, tmp_path, device="GPU").precision == "f32"


def test_requests_are_made_when_they_are_needed(tmp_path: Path) -> None:
    """An NPU wants 8 of them, each with buffers: two cameras get two."""
    core = FakeCore({"NPU": None, "CPU": None})
    made = make(core, tmp_path, device="NPU", performance_hint="THROUGHPUT")
    assert made.requests == 9
    network, compiled = made.network(4, 6), core.networks[0]
    for _ in range(3):
        with network.request() as first, network.request() as second:
            assert first is not second
    assert compiled.requests_made == 2
    with ExitStack() as busy:
        lent = [busy.enter_context(network.request()) for _ in range(9)]
        waiting = ThreadPoolExecutor(1).submit(network.take)
        assert not wait([waiting], 0.1).done
        network.give_back(lent[3])
        assert waiting.result(5) is lent[3]
    assert compiled.requests_made == len(set(map(id, lent))) == 9


def test_a_gpu_waits_for_no_batch(tmp_path: Path) -> None:
    """With THROUGHPUT its plugin would collect up to 256 images, and let each wait for a second."""
    core = FakeCore({"GPU": None, "CPU": None})
    assert make(core, tmp_path, device="GPU", performance_hint="THROUGHPUT").requests == 5


def test_a_request_that_a_device_has_no_room_for_is_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = FakeCore({"NPU": None, "CPU": None})
    network = make(core, tmp_path, device="NPU", performance_hint="THROUGHPUT").network(4, 6)

    def full(self: object) -> None:
        raise RuntimeError("from somewhere:\nL0 zeMemAllocHost result: ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY\n")

    with network.request(), monkeypatch.context() as patched:
        patched.setattr(FakeCompiled, "create_infer_request", full)
        with pytest.raises(DeviceError, match="OUT_OF_HOST_MEMORY"), network.request():
            pass
    with network.request(), network.request():  # there is room again
        pass


@pytest.mark.parametrize(
    ("device", "size", "warned"),
    [
        ("NPU", (481, 481), False),
        ("NPU", (353, 481), False),
        ("NPU", (720, 1280), True),
        ("GPU", (720, 1280), False),
    ],
)
def test_sizes_that_an_npu_compiles_for_minutes_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, device: str, size: tuple[int, int], warned: bool
) -> None:
    make(FakeCore({"CPU": None, "NPU": None, "GPU": None}), tmp_path, device=device).network(*size)
    assert ("compiling for inputs of 1280 x 720 may take minutes" in caplog.text) == warned


@pytest.mark.parametrize(
    ("asked", "at_once"),
    [
        ({"precision": "int8"}, 2),
        ({"precision": "int8", "threads": 1}, 1),
        ({"precision": "int8", "performance_hint": "THROUGHPUT"}, 1),
        ({"precision": "f32"}, 1),
    ],
)
def test_two_inferences_at_once_share_the_threads_where_that_is_sooner_done(
    asked: dict[str, Any], at_once: int
) -> None:
    where = Placement(device="CPU", **{"threads": 2, **asked})
    made = Networks(small.graph(), ["out"], where, first_size=(8, 8), rounding=Rounding(small.RANGES))
    assert made.at_once == at_once
    if at_once == 1:
        return
    before = made.precision, made.requests, made.threads
    shared = made.network(8, 8, 2)
    assert shared.compiled.get_property("NUM_STREAMS") == 2
    assert shared.compiled.get_property("INFERENCE_NUM_THREADS") == 2
    assert (made.precision, made.requests, made.threads) == before
    assert made.is_compiled(8, 8, 2)
    assert made.network(8, 8) is not shared
    with shared.request() as one, shared.request() as other, made.network(8, 8).request() as alone:
        for number, request in enumerate((one, other, alone)):
            request.input[:] = small.picture(number % 2)
            request.infer()
        assert np.array_equal(one.outputs["out"], alone.outputs["out"])
        assert not np.array_equal(one.outputs["out"], other.outputs["out"])


def test_a_size_that_is_also_inferred_in_pairs_takes_one_place() -> None:
    where = Placement(device="CPU", precision="int8", threads=2)
    made = Networks(small.graph(), ["out"], where, first_size=(8, 8), rounding=Rounding(small.RANGES))
    sizes = [(8, 8 * k) for k in range(1, MAX_NETWORKS + 1)]
    for size in sizes:
        made.network(*size)
        made.network(*size, 2)
    assert all(made.is_compiled(*size, at_once) for size in sizes for at_once in (1, 2))
    assert made.networks_compiled == 2 * MAX_NETWORKS
