"""What tells a sound device from a wrong one: the measure, and what it makes of faults in real networks.

Sound devices are a CPU that computes each operation in f32 and keeps its result in f16, and one that computes
in 8 bits. Faults are put into what such a device gives, or into the graph that it is given.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from openvino import opset13 as ops

from bodypix_ros.runtime.comparison import F32, Example, complaints, difference
from devices.bare import Bare, Outputs, bare, run
from support.devices import in_f16

VALUES = arrays(np.float32, (3, 4, 5), elements=st.integers(-100, 100))


def test_a_difference_is_the_worst_channels_over_the_spread_of_all() -> None:
    expected = np.zeros((2, 2, 2), np.float32)
    expected[..., 1] = [[3, -3], [3, -3]]  # the standard deviation of all is 3 / sqrt(2)
    given_ = expected.copy()
    given_[0, 0] += (0.5, 0.25)
    assert difference(given_, expected) == pytest.approx(0.5 / 2 / (3 / 2**0.5))


def test_a_single_value_is_compared_with_its_size() -> None:
    assert difference(np.full((1,), 0.75, np.float32), np.full((1,), 1.0, np.float32)) == 0.25
    assert difference(np.zeros((1,), np.float32), np.zeros((1,), np.float32)) == 0
    assert difference(np.ones((4, 1), np.float32), np.full((4, 1), 2.0, np.float32)) == 0.5  # no spread


@settings(max_examples=50, deadline=None)
@given(VALUES, st.floats(2**-6, 2**10, width=32))
def test_a_difference_has_no_unit(values: Any, scale: float) -> None:
    other = values[::-1]
    assert difference(values, values) == 0
    scaled = difference(other * np.float32(scale), values * np.float32(scale))
    assert scaled == pytest.approx(difference(other, values), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_complained_of(value: float) -> None:
    expected = {"out": np.arange(12, dtype=np.float32).reshape(2, 2, 3)}
    given_ = {"out": expected["out"].copy()}
    example = Example(lambda height, width: np.zeros((height, width, 3), np.float32), {"out": {"f16": 9.0}})
    assert complaints(given_, expected, example, "f16") == []
    given_["out"][1, 1, 2] = value
    (said,) = complaints(given_, expected, example, "f16")
    assert said.startswith("output out differs by ")
    assert said.endswith(" % of its spread, and f16 explains at most 900 %")


# Real networks


MODELS = (
    "bodypix-mobilenet-050-s16-q4",
    "bodypix-mobilenet-075-s16-q2",
    "selfie-landscape",
    "blazepose-lite",
)


@pytest.fixture(scope="module", params=MODELS)
def networks(request: pytest.FixtureRequest, data_dir: Path) -> tuple[Bare, ...]:
    return bare(request.param, model_dir=data_dir / "models")


_known: dict[tuple[str, str, str], Outputs] = {}


def once(kind: str, network: Bare, precision: str, compute: Callable[[], Outputs]) -> Outputs:
    """What was computed for an earlier test."""
    key = (kind, network.title, precision)
    if key not in _known:
        _known[key] = compute()
    return _known[key]


def compiled_outputs(graph: ov.Model, network: Bare, picture: Any) -> Outputs:
    """What a graph gives on the CPU in f32."""
    graph = graph.clone()
    graph.reshape([1, *picture.shape])
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled([picture[np.newaxis]])
    return {name: results[name][0].copy() for name in network.outputs}


def sound(network: Bare, precision: str, picture: Any) -> Outputs:
    """What a device without faults gives."""
    if precision != "f16":
        return exact(network, precision, picture)
    return once(
        "sound", network, precision, lambda: compiled_outputs(in_f16(network.graph), network, picture)
    )


def exact(network: Bare, precision: str, picture: Any) -> Outputs:
    """What a device is compared with: the same graph on the CPU."""
    precision = "int8" if precision == "int8" else "f32"
    return once("exact", network, precision, lambda: run(network.on("CPU", precision), picture))


def said(network: Bare, given_: Outputs, expected: Outputs, precision: str) -> list[str]:
    return complaints(given_, expected, network.example, precision)


def test_everybody_sees_the_figure(networks: tuple[Bare, ...]) -> None:
    """Else nothing would be compared: all values would be those of a wall."""
    for network in networks:
        picture = network.example.picture(*network.size)
        assert picture.shape == (*network.size, 3)
        assert picture.dtype == np.float32
        outputs = run(network.on("CPU", "f32"), picture)
        wall = run(network.on("CPU", "f32"), np.broadcast_to(picture[:1, :1], picture.shape))
        for name, values in outputs.items():
            assert difference(wall[name], values) > 3 * network.example.bound(name, "f16")
            if values.shape[-1] == 1:  # probabilities, logits of person, scores of anchors
                assert values.max() > 0.5


def test_a_sound_device_passes_with_room(networks: tuple[Bare, ...]) -> None:
    for network in networks:
        picture = network.example.picture(*network.size)
        given_, expected = sound(network, "f16", picture), exact(network, "f16", picture)
        apart = {name: difference(given_[name], values) for name, values in expected.items()}
        assert all(found <= network.example.bound(name, "f16") / 2 for name, found in apart.items())
        assert max(apart.values()) > 1e-4  # else nothing was rounded
        assert said(network, given_, expected, "f16") == []


def exchanged(values: Any) -> Any:
    return np.roll(values, 1, axis=-1)


def upside_down(values: Any) -> Any:
    return values[::-1]


def negative(values: Any) -> Any:
    return -values


def with_a_nan(values: Any) -> Any:
    values = values.copy()
    values.flat[values.size // 2] = np.nan
    return values


def half(values: Any) -> Any:
    return values / 2


@pytest.mark.parametrize("fault", [exchanged, upside_down, negative, with_a_nan, half])
@pytest.mark.parametrize("precision", ["f32", "f16", "int8"])
def test_a_wrong_output_is_complained_of(
    networks: tuple[Bare, ...], precision: str, fault: Callable[[Any], Any]
) -> None:
    for network in networks:
        if precision == "int8" and not network.has_ranges:
            continue
        picture = network.example.picture(*network.size)
        given_, expected = sound(network, precision, picture), exact(network, precision, picture)
        for name, values in given_.items():
            if np.array_equal(fault(values), values):
                continue  # one channel, or one row
            (complaint,) = said(network, {**given_, name: fault(values)}, expected, precision)
            assert f"output {name} differs" in complaint


def swapped_colours(graph: ov.Model) -> ov.Model:
    """Red for blue."""
    graph = graph.clone()
    image = graph.get_parameters()[0]
    readers = image.output(0).get_target_inputs()
    turned = ops.gather(image, ops.constant([2, 1, 0]), ops.constant(3))
    for reader in readers:
        reader.replace_source_output(turned.output(0))
    return graph


def without_a_layer(graph: ov.Model) -> ov.Model:
    """A convolution in the middle of the network gives nothing."""
    graph = graph.clone()
    convolutions = [op for op in graph.get_ordered_ops() if op.get_type_name() == "Convolution"]
    middle = convolutions[len(convolutions) // 2]
    nothing = ops.multiply(middle, ops.constant(np.float32(0)))
    for reader in middle.output(0).get_target_inputs():
        if reader.get_node() != nothing:
            reader.replace_source_output(nothing.output(0))
    return graph


@pytest.mark.parametrize("fault", [swapped_colours, without_a_layer])
@pytest.mark.parametrize("precision", ["f16", "int8"])
def test_a_wrong_graph_is_complained_of(
    networks: tuple[Bare, ...], precision: str, fault: Callable[[ov.Model], ov.Model]
) -> None:
    for network in networks:
        if precision == "int8" and not network.has_ranges:
            continue
        picture = network.example.picture(*network.size)
        wrong = compiled_outputs(fault(network.graph), network, picture)
        assert said(network, wrong, exact(network, precision, picture), precision)


def test_most_single_channels_that_are_exchanged_are_found(networks: tuple[Bare, ...]) -> None:
    for network in networks:
        expected = exact(network, "f32", network.example.picture(*network.size))
        for name, values in expected.items():
            count = values.shape[-1]
            pairs = [(a, b) for a in range(count) for b in range(a) if values.ndim == 3]
            found = 0
            for a, b in pairs:
                order = np.arange(count)
                order[[a, b]] = b, a
                found += difference(values[..., order], values) > network.example.bound(name, "f16")
            assert found >= 0.9 * len(pairs)


def test_f32_has_one_bound_for_all(networks: tuple[Bare, ...]) -> None:
    assert {network.example.bound(name, "f32") for network in networks for name in network.outputs} == {F32}
