"""`load(device="GPU")` on the GPU plugin, with pictures: against the CPU, from the cache, in streams."""

import logging
import logging.handlers
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import pytest

import bodypix_ros
from bodypix_ros import Scene, Segmenter, media
from bodypix_ros.runtime.devices import shared_core
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import Placement
from devices.bare import bare, run

PICTURES = ("three_people", "pose", "portrait")
FAMILIES: dict[str, dict[str, Any]] = {
    "bodypix-mobilenet-075-s16-q2": {"algorithm": "original"},
    "selfie-landscape": {},
    "blazepose-lite": {},
}
Image = npt.NDArray[np.uint8]
Load = Callable[..., Segmenter]


@pytest.fixture(scope="module")
def pictures(data_dir: Path) -> dict[str, Image]:
    return {name: media.read_picture(data_dir / f"images/photos/{name}.jpg") for name in PICTURES}


@pytest.fixture(scope="module")
def load(gpu: str, cache: Path, data_dir: Path) -> Load:
    def loaded(model: str, device: str = gpu, precision: str | None = None, **more: Any) -> Segmenter:
        options: dict[str, Any] = {**FAMILIES[model], "model_dir": data_dir / "models", **more}
        return bodypix_ros.load(model, device=device, precision=precision, cache_dir=cache, **options)

    return loaded


def iou(one: Scene, other: Scene) -> float:
    both, any_ = one.person_mask & other.person_mask, one.person_mask | other.person_mask
    return float(both.sum() / max(any_.sum(), 1))


def keypoints_apart(one: Scene, other: Scene) -> list[float]:
    """Pixels between the confident keypoints of people and of those who are nearest in the other Scene."""
    assert len(one.persons) == len(other.persons)
    apart: list[float] = []
    for a in one.persons:
        b = min(other.persons, key=lambda person: float(np.abs(np.subtract(a.box, person.box)).sum()))
        sure = (a.keypoints[:, 2] > 0.5) & (b.keypoints[:, 2] > 0.5)
        apart += np.linalg.norm(a.keypoints[sure, :2] - b.keypoints[sure, :2], axis=1).tolist()
    return apart


@pytest.fixture(
    scope="module",
    params=[
        ("bodypix-mobilenet-075-s16-q2", "f32", "f32"),
        ("bodypix-mobilenet-075-s16-q2", None, "f16"),
        ("selfie-landscape", "f32", "f32"),
        ("selfie-landscape", None, "f16"),
        ("blazepose-lite", None, "f32"),
    ],
    ids=lambda case: f"{case[0]}-{case[1] or 'default'}",
)
def both(request: pytest.FixtureRequest, load: Load) -> Iterator[tuple[Segmenter, Segmenter]]:
    """A model on the GPU, and in f32 on the CPU."""
    model, asked, precision = request.param
    said = logging.handlers.BufferingHandler(1000)
    logging.getLogger("bodypix_ros").addHandler(said)
    with load(model, precision=asked) as on_gpu, load(model, "CPU", "f32") as on_cpu:
        assert (on_gpu.device, on_gpu.precision) == ("GPU.0", precision)
        assert not [record for record in said.buffer if record.levelno >= logging.WARNING]
        yield on_gpu, on_cpu
    logging.getLogger("bodypix_ros").removeHandler(said)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_the_same_people(
    name: str,
    both: tuple[Segmenter, Segmenter],
    pictures: dict[str, Image],
    measured: Callable[..., None],
) -> None:
    """In f32 to the pixel; in f16, where that is the default, with outlines and keypoints a little beside."""
    on_gpu, on_cpu = both
    given, expected = on_gpu.segment(pictures[name]), on_cpu.segment(pictures[name])
    assert expected.person_mask.any()
    masks = int((given.person_mask != expected.person_mask).sum())
    labels = int((given.instance_mask != expected.instance_mask).sum())
    apart = keypoints_apart(given, expected) or [0.0]
    share, middle, most = iou(given, expected), float(np.median(apart)), max(apart)
    cells = (len(given.persons), masks, labels, f"{share:.4f}", f"{middle:.2g}", f"{most:.2g}")
    measured(on_gpu.model, on_gpu.precision, name, *cells)
    if on_gpu.precision == "f32":
        # BlazePose's regions are on a grid. One that lies between two steps moves outlines by 200 pixels.
        assert max(masks, labels) <= (200 if on_gpu.model.startswith("blazepose") else 50)
        assert most <= 0.5
    else:
        assert share >= 0.99
        assert most <= 4


def test_people_are_the_same_with_the_default_algorithm(
    load: Load, pictures: dict[str, Image], measured: Callable[..., None]
) -> None:
    model, picture = "bodypix-mobilenet-075-s16-q2", pictures["three_people"]
    with (
        load(model, algorithm="people", precision="f32") as on_gpu,
        load(model, "CPU", "f32", algorithm="people") as on_cpu,
    ):
        given, expected = on_gpu.segment(picture), on_cpu.segment(picture)
        different = int((given.instance_mask != expected.instance_mask).sum())
        apart = max(keypoints_apart(given, expected))
        measured(model, "f32, people", "three_people", len(given.persons), different, f"{apart:.2g}")
        assert different <= 50
        assert apart <= 0.5


def test_a_compiled_network_comes_from_the_cache(gpu: str, tmp_path: Path, data_dir: Path) -> None:
    (network,) = bare("selfie-landscape", model_dir=data_dir / "models")
    picture = network.example.picture(*network.size)
    results, files = [], []
    for again in (False, True):
        made = network.on(gpu, "f32", tmp_path)
        assert made.network(*network.size).compiled.get_property("LOADED_FROM_CACHE") is again
        results.append(run(made, picture)[network.outputs[0]])
        files.append({file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()})
    assert np.array_equal(*results)
    assert files[0] == files[1]
    assert any(name.endswith(".blob") for name in files[0])


def test_a_model_is_loaded_again_by_the_name_of_its_device(load: Load) -> None:
    """As the node does where the only GPU hangs."""
    assert "GPU.0" not in shared_core().available_devices
    with (
        load("selfie-landscape", precision="f32") as first,
        load("selfie-landscape", first.device, "f32") as again,
    ):
        assert again.device == first.device == "GPU.0"


class Faulty:
    """A core whose GPU is given another graph."""

    available_devices = ("CPU", "GPU")

    def __init__(self, change: Callable[[ov.Model], ov.Model]) -> None:
        self._change = change

    def get_property(self, device: str, name: str) -> Any:
        return shared_core().get_property(device, name)

    def compile_model(self, model: ov.Model, device: str, config: dict[str, str]) -> Any:
        graph = self._change(model) if device == "GPU" else model
        return shared_core().compile_model(graph, device, config)


def negated(graph: ov.Model) -> ov.Model:
    """The last convolution's weights with the other sign."""
    graph = graph.clone()
    last = [op for op in graph.get_ordered_ops() if op.get_type_name() == "Convolution"][-1]
    weights = last.input_value(1)
    last.input(1).replace_source_output(ov.opset13.negative(weights).output(0))
    return graph


@pytest.mark.parametrize("change", [lambda graph: graph, negated], ids=["sound", "negated"])
def test_a_wrong_device_is_warned_of_at_the_start(
    change: Callable[[ov.Model], ov.Model],
    gpu: str,
    cache: Path,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    (network,) = bare("selfie-landscape", model_dir=data_dir / "models")
    where = Placement(device=gpu, precision="f32", cache_dir=str(cache))
    with caplog.at_level(logging.WARNING):
        Networks(
            network.graph, network.outputs, where,
            first_size=network.size, example=network.example, core=Faulty(change),
        )  # fmt: skip
    assert ("GPU.0 computes something else than the CPU" in caplog.text) == (change is negated)


def test_several_cameras_at_once_get_each_its_own(load: Load, pictures: dict[str, Image]) -> None:
    with load("selfie-landscape", precision="f32", performance_hint="THROUGHPUT") as segmenter:
        assert segmenter.requests == 5  # the plugin wants 4
        alone = {name: segmenter.segment(picture).person_mask for name, picture in pictures.items()}
        wrong: list[str] = []

        def camera(name: str) -> None:
            stream = segmenter.stream()
            masks = (stream.segment(pictures[name]).person_mask for _ in range(5))
            wrong.extend(name for mask in masks if not np.array_equal(mask, alone[name]))

        threads = [threading.Thread(target=camera, args=(name,)) for name in pictures]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in threads)
        assert wrong == []
