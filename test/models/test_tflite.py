"""TensorFlow Lite models: read as they are published, refused in one sentence where they are damaged."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from bodypix_ros.errors import CheckpointError
from bodypix_ros.models import tflite


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a TensorFlow Lite model"),
        (b"<html>log in</html>", "is not a TensorFlow Lite model"),
        (b"\x1c\x00\x00\x00TFL2" + bytes(100), "lacks the mark TFL3"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        tflite.read_model(path)
    assert "model.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "MAX_MODEL_BYTES", 100)
    (tmp_path / "model.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(100))
    with pytest.raises(CheckpointError, match="108 bytes, more than the 100"):
        tflite.read_model(tmp_path / "model.tflite")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tflite.read_model(tmp_path / "model.tflite")


def test_what_openvino_cannot_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Core(ov.Core):
        def read_model(self, *_: object) -> ov.Model:
            raise RuntimeError("Exception from somewhere.cpp:1:\nthe file is corrupted\n")

    monkeypatch.setattr(tflite.ov, "Core", Core)
    (tmp_path / "model.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(100))
    with pytest.raises(CheckpointError, match="damaged or not supported: the file is corrupted") as caught:
        tflite.read_model(tmp_path / "model.tflite")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "size", "outputs"),
    [
        ("selfie_segmentation", (256, 256), [(1, 256, 256, 1)]),
        ("selfie_segmentation_landscape", (144, 256), [(1, 144, 256, 1)]),
        ("pose_detection", (224, 224), [(1, 2254, 12), (1, 2254, 1)]),
        (
            "pose_landmark_full",
            (256, 256),
            [(1, 195), (1, 1), (1, 256, 256, 1), (1, 64, 64, 39), (1, 117)],
        ),
    ],
)
def test_published_models(
    data_dir: Path, name: str, size: tuple[int, int], outputs: list[tuple[int, ...]]
) -> None:
    model = tflite.read_model(data_dir / f"models/mediapipe/{name}.tflite")
    assert tuple(model.input(0).shape) == (1, *size, 3)
    assert [tuple(port.shape) for port in model.outputs] == outputs
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled([np.full((1, *size, 3), 0.5, np.float32)])
    assert all(np.isfinite(values).all() for values in result.values())


@pytest.mark.parametrize("name", ["selfie_segmentation", "selfie_segmentation_landscape"])
def test_the_same_network_without_metadata_computes_the_same(data_dir: Path, name: str) -> None:
    folder, core = data_dir / "models/mediapipe", ov.Core()
    image = np.random.default_rng(0).random((1, 144 if "landscape" in name else 256, 256, 3), np.float32)
    results = []
    for path in (folder / f"{name}.tflite", folder / f"npm-variant/{name}.tflite"):
        compiled = core.compile_model(tflite.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results.append(compiled([image])[0])
    assert np.abs(results[0] - results[1]).max() < 1e-5
