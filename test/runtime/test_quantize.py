"""INT8: what is rounded, by how much, what executes, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset13 as ops

from bodypix_ros.errors import PrecisionError, RangesError
from bodypix_ros.runtime import devices
from bodypix_ros.runtime.calibration import METHODS, Survey, Trial
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import USUAL, Placement
from bodypix_ros.runtime.quantize import Rounding, _largest_pair, computes_in_8_bits, features, quantized
from support.devices import FakeCore
from support.small import RANGES, graph, picture


def networks(core: Any = None, ranges: Any = RANGES, **placement: Any) -> Networks:
    where = Placement(**{"device": "CPU", "precision": "int8", **placement})
    return Networks(graph(), ["out"], where, first_size=(8, 8), rounding=Rounding(ranges), core=core)


def run(made: Networks) -> Any:
    with made.network(8, 8).request() as request:
        request.input[:] = picture()
        request.infer()
        return request.outputs["out"].copy()


def test_features_are_named_after_what_computes_them() -> None:
    assert list(features(graph())) == ["image", "relu"]


def test_int8_executes_in_8_bits_and_comes_close(tmp_path: Path) -> None:
    exact, made = networks(precision="f32"), networks()
    assert (exact.precision, made.precision) == ("f32", "int8")
    assert not computes_in_8_bits(exact.network(8, 8).compiled)
    assert computes_in_8_bits(made.network(8, 8).compiled)
    wanted, given_ = run(exact), run(made)
    error = np.sqrt(np.square(given_ - wanted).mean() / np.square(wanted).mean())
    assert 0 < error < 0.03


def test_what_has_no_range_stays_finer() -> None:
    def in_8_bits(model: ov.Model) -> tuple[int, int]:
        """How many values are rounded, and how many weights."""
        operations = model.get_ordered_ops()
        constants = [one for one in operations if one.get_type_name() == "Constant"]
        weights = [one for one in constants if one.get_element_type() == ov.Type.i8]
        return sum(one.get_type_name() == "FakeQuantize" for one in operations), len(weights)

    assert in_8_bits(quantized(graph(), Rounding({"image": (-1.0, 1.0)}))) == (1, 1)
    assert in_8_bits(quantized(graph(), Rounding(RANGES))) == (2, 2)
    assert in_8_bits(graph()) == (0, 0)


def one_layer(weights: Any, groups: int = 1) -> ov.Model:
    """A convolution of single pixels; weights (outputs, inputs), or (groups, outputs, inputs)."""
    image = ops.parameter(ov.PartialShape([1, -1, -1, weights.shape[-1] * groups]), np.float32)
    image.set_friendly_name("image")
    value = ops.transpose(image, ops.constant(np.array([0, 3, 1, 2])))
    make = ops.convolution if groups == 1 else ops.group_convolution
    value = make(value, ops.constant(weights[..., None, None]), [1, 1], [0, 0], [0, 0], [1, 1])
    out = ops.transpose(value, ops.constant(np.array([0, 2, 3, 1])))
    out.output(0).get_tensor().set_names({"out"})
    return ov.Model([out], [image], "layer")


@pytest.mark.parametrize("groups", [1, 2])
def test_biases_take_back_what_rounding_weights_shifts(groups: int) -> None:
    """At the means that are told, the output is f32's: rounding what comes in is all that is left."""
    random = np.random.default_rng(3)
    weights = random.normal(size=(8, 4) if groups == 1 else (groups, 4, 2)).astype(np.float32)
    made, mean = one_layer(weights, groups), (1.0, 2.0, 3.0, 4.0)
    values = np.broadcast_to(np.array(mean, np.float32), (1, 8, 8, 4))
    results, f32 = {}, {"INFERENCE_PRECISION_HINT": "f32"}  # of what is not in 8 bits
    for name, rounding in (
        ("plain", Rounding({"image": (0.0, 255 / 63)})),  # of which 1 to 4 are whole steps
        ("corrected", Rounding({"image": (0.0, 255 / 63)}, {"image": mean})),
    ):
        model = quantized(made, rounding)
        results[name] = ov.Core().compile_model(model, "CPU", f32)([values])["out"].copy()
    wanted = ov.Core().compile_model(made, "CPU", f32)([values])["out"]
    error = {name: float(np.abs(given_ - wanted).max()) for name, given_ in results.items()}
    assert error["corrected"] < 0.2 * error["plain"]


def test_means_of_another_network_are_refused() -> None:
    with pytest.raises(RangesError, match=r"another network: 'image' has 3 channels, and not 2"):
        quantized(graph(), Rounding(RANGES, {"image": (0.0, 0.0)}))
    with pytest.raises(RangesError, match="'rely' feeds no convolution"):
        quantized(graph(), Rounding(RANGES, {"rely": (0.0,)}))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_pairs_of_products_fit_into_16_bits(seed: int, inputs: int) -> None:
    """The worst that bytes can do to two neighbouring weights as `quantized` rounds them."""
    values = np.random.default_rng(seed).standard_cauchy((4, inputs, 2, 2)).astype(np.float32)
    step = np.maximum(np.abs(values).max(axis=(1, 2, 3), keepdims=True) / 127, _largest_pair(values) / 127.5)
    steps = np.rint(values / step)
    even = np.pad(steps, ((0, 0), (0, inputs % 2), (0, 0), (0, 0))).reshape(4, -1, 2, 2, 2)
    assert 255 * np.maximum(even, 0).sum(axis=2).max() <= 2**15 - 1
    assert 255 * np.minimum(even, 0).sum(axis=2).min() >= -(2**15)
    assert np.abs(steps).max() <= 127


def test_neighbouring_weights_do_not_saturate_on_any_cpu() -> None:
    """Large equal weights on large inputs: what 16 bits cut off would miss by a third."""
    image = ops.parameter(ov.PartialShape([1, -1, -1, 3]), np.float32)
    image.set_friendly_name("image")
    value = ops.transpose(image, ops.constant(np.array([0, 3, 1, 2])))
    weights = ops.constant(np.ones((16, 3, 1, 1), np.float32))
    value = ops.convolution(value, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    out = ops.transpose(value, ops.constant(np.array([0, 2, 3, 1])))
    out.output(0).get_tensor().set_names({"out"})
    where = Placement(device="CPU", precision="int8")
    made = Networks(
        ov.Model([out], [image], "ones"),
        ["out"],
        where,
        first_size=(8, 8),
        rounding=Rounding({"image": (0.0, 1.0)}),
    )
    with made.network(8, 8).request() as request:
        request.input[:] = 1
        request.infer()
        assert request.outputs["out"] == pytest.approx(3, rel=0.01)


def test_ranges_of_another_network_are_refused() -> None:
    with pytest.raises(
        RangesError, match=r"another network: 'rely' feeds no convolution.*did you mean relu\?"
    ):
        networks(ranges={"image": (-1.0, 1.0), "rely": (0.0, 6.0)})


def test_a_device_without_8_bits_is_refused_with_what_it_offers() -> None:
    core = FakeCore({"NPU": None}, capabilities=("FP16",))
    with pytest.raises(PrecisionError, match=r"int8 was asked of NPU, which does not.*it offers: f16"):
        networks(core, device="NPU")


def test_a_device_that_only_says_so_is_found_out() -> None:
    """Without ranges nothing is left to run in 8 bits."""
    with pytest.raises(PrecisionError, match=r"int8 was asked of CPU, which would run in f32 instead"):
        networks(ranges={})


def test_networks_in_8_bits_are_cached_for_other_devices(tmp_path: Path) -> None:
    core = FakeCore({"GPU": None, "CPU": None})
    networks(core, device="GPU", cache_dir=str(tmp_path))
    assert [config.get("CACHE_DIR") for device, _, config in core.compiled if device == "GPU"] == [
        str(tmp_path)
    ]


def test_a_cached_network_computes_in_8_bits_as_before(tmp_path: Path) -> None:
    model, core = quantized(graph(), Rounding(RANGES)), ov.Core()
    model.reshape([1, 8, 8, 3])
    results = []
    for _ in range(2):
        compiled = core.compile_model(model, "CPU", {"CACHE_DIR": str(tmp_path)})
        assert computes_in_8_bits(compiled)
        results.append(compiled([picture()[np.newaxis]])["out"].copy())
    assert list(tmp_path.glob("*.blob"))
    assert np.array_equal(*results)


@pytest.mark.parametrize(("device", "rest"), [("GPU", "f16"), ("NPU", "f16"), ("CPU", "f32")])
def test_every_device_computes_in_8_bits_what_can_be_and_the_rest_as_usual(device: str, rest: str) -> None:
    """An NPU's runtime graph shows no operations, so that it has to be believed."""
    core = FakeCore({"CPU": None, "GPU": None, "NPU": None})
    assert networks(core, device=device).precision == "int8"
    assert core.compiled[0][2]["INFERENCE_PRECISION_HINT"] == rest


@pytest.mark.parametrize(("instructions", "precision"), [("VNNI", "int8"), ("AMX", "int8"), ("", "f32")])
def test_8_bits_are_the_default_where_they_are_fast(
    monkeypatch: pytest.MonkeyPatch, instructions: str, precision: str
) -> None:
    monkeypatch.setattr("bodypix_ros.runtime.network.int8_instructions", lambda: instructions)

    def chosen(**given: Any) -> str:
        where = Placement(device="CPU")
        return Networks(graph(), ["out"], where, first_size=(8, 8), **given).precision

    preferred = {**USUAL, "CPU": ("int8", "f32")}
    assert chosen(rounding=Rounding(RANGES), preferred=preferred) == precision
    assert chosen(rounding=None, preferred=preferred) == "f32"
    assert chosen(rounding=Rounding(RANGES)) == "f32"
    anothers = Rounding({"rely": (0.0, 6.0)})
    assert chosen(rounding=anothers, preferred=preferred) == "f32"
    core = FakeCore({"GPU": None, "CPU": None})
    where = Placement(device="GPU")
    on_gpu = Networks(
        graph(), ["out"], where, first_size=(8, 8), rounding=Rounding(RANGES), preferred=preferred, core=core
    )
    assert on_gpu.precision == "f16"


@pytest.mark.parametrize(
    ("features_", "limit", "wanted"),
    [
        ({"amx-int8": True, "avx512vnni": True}, "", "AMX"),
        ({"avx512vnni": True}, "", "VNNI"),
        ({"avxvnni": True}, "AVX2_VNNI", "VNNI"),
        ({"amx-int8": True}, "avx2", ""),
        ({"avx2": True}, "", ""),
    ],
)
def test_what_a_cpu_adds_bytes_up_with(
    monkeypatch: pytest.MonkeyPatch, features_: dict[str, bool], limit: str, wanted: str
) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    monkeypatch.setattr(devices.binding, "get_host_cpu_features", lambda: features_)
    devices.int8_instructions.cache_clear()
    try:
        assert devices.int8_instructions() == wanted
    finally:
        devices.int8_instructions.cache_clear()


def test_a_survey_sees_how_far_values_reach() -> None:
    survey = Survey(graph(scale=0.1))
    for seed in range(3):
        survey.add(picture(seed))
    widest = survey.rounding(METHODS["min/max"]).ranges["image"]
    pictures = np.array([picture(seed) for seed in range(3)])
    assert widest == pytest.approx((pictures.min(), pictures.max()), abs=1e-4)
    mean = survey.rounding(METHODS["mean of min/max"]).ranges["image"]
    assert mean[1] == pytest.approx(np.mean([p.max() for p in pictures]), abs=1e-4)
    most = survey.rounding(METHODS["mean of 99.9 %"]).ranges["relu"]
    assert most[1] < survey.rounding(METHODS["min/max"]).ranges["relu"][1]
    means = survey.rounding(METHODS["min/max"]).means["image"]
    assert means == pytest.approx(pictures.mean(axis=(0, 1, 2)), rel=0.01)
    assert not survey.rounding(METHODS["min/max, biases as they are"]).means


def test_a_trial_tells_good_ranges_from_bad() -> None:
    narrow = Rounding({"image": (-0.1, 0.1), "relu": (0.0, 0.5)})
    trial = Trial(graph(), {"good": Rounding(RANGES), "narrow": narrow})
    trial.add(picture())
    losses = trial.losses()
    assert losses["good"] < 0.03 < 0.3 < losses["narrow"]
