"""Bare networks of every family on the GPU plugin, against the CPU's."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bodypix_ros.errors import MissingModelError
from bodypix_ros.runtime.comparison import difference
from bodypix_ros.runtime.devices import executes_on, offers, precision_of, shared_core
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.runtime.quantize import Rounding, computes_in_8_bits
from devices.bare import bare, run
from support.devices import PLUGINS
from support.small import RANGES, graph, picture

ALL, FLOAT = ("f32", "f16", "int8"), ("f32", "f16")
MODELS = {
    "bodypix-mobilenet-050-s16-q4": ALL,
    "bodypix-mobilenet-075-s16-q2": ALL,
    "bodypix-mobilenet-075-s8-q2": FLOAT,
    "bodypix-mobilenet-100-s16-q1": FLOAT,
    "selfie-general": FLOAT,
    "selfie-landscape": FLOAT,
    "blazepose-lite": FLOAT,
    "blazepose-full": FLOAT,
    "blazepose-heavy": FLOAT,
}
"""Of every width and stride that there are weights of, in the precisions to be tried."""
DETECTING = {model for model in MODELS if not model.startswith("blazepose")} | {"blazepose-lite"}
"""Those whose networks are all tried: BlazePose's three sizes share a detector."""
MASK, STEEP = (256, 256, 1), 5e-4
"""BlazePose's mask, in which values of up to 1900 cancel: a CPU's f32 is 1e-4 off float64."""
ORIGINAL = {"algorithm": "original"}


def test_the_plugin_answers_as_fakes_do(gpu: str) -> None:
    core, plugin = shared_core(), PLUGINS["GPU"]
    assert tuple(core.get_property(gpu, "OPTIMIZATION_CAPABILITIES")) == plugin.capabilities
    assert offers(core, gpu) == ["f32", "f16", "int8"]
    network = graph()
    network.reshape([1, 64, 64, 3])
    for hint in plugin.hints:
        compiled = core.compile_model(network, "GPU.0", {"INFERENCE_PRECISION_HINT": hint})
        assert compiled.get_property("EXECUTION_DEVICES") == plugin.executes_on
        assert executes_on(compiled) == "GPU.0"
        assert precision_of(compiled.get_property("INFERENCE_PRECISION_HINT")) == hint
    wanted = {}
    for allowed in ("NO", "YES"):
        config = {"PERFORMANCE_HINT": "THROUGHPUT", "ALLOW_AUTO_BATCHING": allowed}
        compiled = core.compile_model(network, gpu, config)
        wanted[allowed] = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    assert wanted["NO"] == plugin.requests
    assert wanted["YES"] >= 10 * plugin.requests  # batches are as large as caches and memory allow
    with pytest.raises(RuntimeError):
        core.compile_model(network, "GPU.1", {})


@pytest.mark.parametrize("precision", ["f32", "f16", "int8"])
def test_a_small_network_computes_what_the_cpu_does(gpu: str, cache: Path, precision: str) -> None:
    results = []  # of 16 x 16 pixels: in 8 bits the plugin's kernel is wrong for a width of 8
    for device, finest in (("CPU", "f32"), (gpu, precision)):
        where = Placement(
            device=device, precision="int8" if precision == "int8" else finest, cache_dir=str(cache)
        )
        made = Networks(graph(), ["out"], where, first_size=(16, 16), rounding=Rounding(RANGES))
        results.append(run(made, picture(side=16))["out"])
    assert made.precision == precision
    assert difference(results[1], results[0]) < {"f32": 1e-5, "f16": 0.01, "int8": 0.02}[precision]


@pytest.mark.parametrize(
    ("model", "precision"), [(model, precision) for model, all_ in MODELS.items() for precision in all_]
)
def test_a_network_computes_what_the_cpu_does(
    model: str,
    precision: str,
    gpu: str,
    cache: Path,
    data_dir: Path,
    measured: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        networks = bare(model, model_dir=data_dir / "models", **ORIGINAL if "bodypix" in model else {})
    except MissingModelError:
        pytest.skip(f"{model} is not here")
    warned = 0
    for network in networks if model in DETECTING else networks[:1]:
        picture = network.example.picture(*network.size)
        with caplog.at_level(logging.WARNING):
            made = network.on(gpu, precision, cache)
        assert (made.device, made.precision) == ("GPU.0", precision)
        exact = network.on("CPU", "int8" if precision == "int8" else "f32")
        given, expected = run(made, picture), run(exact, picture)
        for name, values in expected.items():
            largest = float(np.abs(given[name] - values).max() / np.abs(values).max())
            apart = difference(given[name], values)
            measured(network.title, precision, name, f"{largest:.2g}", f"{apart:.2g}")
            steep = network.title.endswith("landmarks") and values.shape == MASK
            assert precision != "f32" or largest <= (STEEP if steep else 1e-4)
            if apart > network.example.bound(name, precision):
                # Its kernels add up in f16: so it is not the default there, and who asks for it is told.
                assert (model.split("-")[0], precision) == ("blazepose", "f16")
                assert f"GPU.0 computes something else than the CPU: output {name} differs" in caplog.text
                warned += 1
        assert caplog.text.count("something else") == warned
        if precision == "int8":
            assert computes_in_8_bits(made.network(*network.size).compiled)
