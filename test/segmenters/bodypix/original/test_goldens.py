"""BodyPix against what the original computed in a browser, to the numbers that README promises."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import Segmenter

OPTIONS = {
    "segmentationThreshold": "segmentation_threshold",
    "maxDetections": "max_detections",
    "scoreThreshold": "score_threshold",
    "nmsRadius": "nms_radius",
    "minKeypointScore": "min_keypoint_score",
    "refineSteps": "refine_steps",
}


def _folder() -> Path:
    from support.paths import real_data

    return real_data()


@pytest.fixture(scope="module")
def loaded(data_dir: Path) -> Generator[Callable[[str, str], Segmenter], None, None]:
    cache: dict[tuple[str, str], Segmenter] = {}

    def get(model: str, resolution: str) -> Segmenter:
        if (model, resolution) not in cache:
            cache[model, resolution] = bodypix_ros.load(
                model,
                device="CPU",
                precision="f32",
                model_dir=data_dir / "models",
                reference_dilation=True,  # what the browser computed; most stride-16 graphs have none
                algorithm="original",
                internal_resolution=resolution,
            )
        return cache[model, resolution]

    yield get
    for segmenter in cache.values():
        segmenter.close()


def iou(a: np.ndarray, b: np.ndarray) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def agreement(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    return float((a == b)[where].mean()) if where.any() else 1.0


NAMES = sorted(path.name for path in (_folder() / "goldens/bodypix").glob("*.npz")) or ["absent"]


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_original(
    name: str, data_dir: Path, loaded: Callable[[str, str], Segmenter], compared: Callable[[str], None]
) -> None:
    golden = np.load(data_dir / "goldens/bodypix" / name)
    config: dict[str, Any] = json.loads(str(golden["config"]))
    segmenter = loaded(str(golden["model"]), config["internalResolution"])
    segmenter.update(**{OPTIONS[key]: value for key, value in config.items() if key in OPTIONS})
    image = cv2.imread(str(data_dir / "goldens/bodypix/inputs" / f"{name.split('.')[0]}.png"))
    scene = segmenter.segment(image, "bgr8")
    compared(name)

    assert scene.part_mask is not None
    person = golden["person"].astype(bool)
    assert iou(scene.person_mask, person) >= 0.999
    assert agreement(scene.part_mask, golden["parts"] + 1, scene.person_mask & person) >= 0.999
    assert np.array_equal(scene.part_mask > 0, scene.person_mask)

    assert len(scene.persons) == len(golden["poses"])
    either = (scene.instance_mask > 0) | (golden["instances"] > 0)
    assert agreement(scene.instance_mask, golden["instances"], either) >= 0.995
    for person_found, pose, score in zip(scene.persons, golden["poses"], golden["pose_scores"], strict=True):
        confident = pose[:, 2] > 0.3
        distance = np.linalg.norm(person_found.keypoints[:, :2] - pose[:, :2], axis=1)
        assert distance[confident].max(initial=0) <= 0.5
        assert person_found.keypoints[:, 2] == pytest.approx(pose[:, 2], abs=1e-3)
        assert person_found.score == pytest.approx(float(score), abs=1e-3)
