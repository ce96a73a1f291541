"""The README's first command on real weights and the real picture."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodypix_ros.errors import MissingModelError
from bodypix_ros.models import catalogue, store

# Drawn by hand around the astronaut: x, y. Her helmet, at the lower right, may be taken for hers or not.
OUTLINE = [
    (160, 50), (230, 15), (300, 60), (300, 130), (275, 170), (300, 240), (340, 280), (360, 350), (290, 400),
    (280, 511), (30, 511), (40, 300), (110, 230), (170, 170), (155, 110),
]  # fmt: skip
HELMET = (slice(340, 512), slice(275, 512))
ON_HER = {
    "face": (225, 110),
    "hair": (230, 40),
    "left shoulder": (310, 300),
    "chest": (210, 330),
    "sleeve": (80, 420),
}
NOT_ON_HER = {"flag": (40, 60), "wall": (100, 120), "rocket": (430, 180), "dark": (480, 300)}


def _weights(request: pytest.FixtureRequest) -> Path:
    try:
        files = store.find(catalogue.model("bodypix-mobilenet-075-s16-q2"))
        return next(iter(files.values())).parents[4]
    except MissingModelError:
        return Path(request.getfixturevalue("data_dir")) / "models"


def test_the_demo_finds_the_astronaut(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    folder = _weights(request)
    code = "from bodypix_ros.cli import main; main()"
    arguments = ["demo", "--out", str(tmp_path), "--device", "CPU", "--model-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 image, 1 person" in done.stdout

    mask = cv2.imread(str(tmp_path / "astronaut.mask.png"), cv2.IMREAD_UNCHANGED) > 0
    parts = cv2.imread(str(tmp_path / "astronaut.parts.png"), cv2.IMREAD_UNCHANGED)
    instances = cv2.imread(str(tmp_path / "astronaut.instances.png"), cv2.IMREAD_UNCHANGED)
    her = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(her, [np.array(OUTLINE)], 1)
    counted = np.ones(mask.shape, bool)
    counted[HELMET] = False
    overlap, union = mask & (her > 0) & counted, (mask | (her > 0)) & counted
    assert overlap.sum() / (her > 0)[counted].sum() > 0.95  # hair and torso are whole
    assert overlap.sum() / union.sum() > 0.8  # a piece of the flag beside her is taken for her
    assert all(mask[y, x] for x, y in ON_HER.values())
    assert not any(mask[y, x] for x, y in NOT_ON_HER.values())
    # She is one, and whole; what is left, nobody's, are specks, most of them on the helmet in her arms.
    assert not (instances > 1).any()
    assert (instances == 1)[counted].sum() > 0.98 * mask[counted].sum()
    assert np.array_equal(parts > 0, mask)
    assert parts[110, 205] in (1, 2)  # left_face, right_face
    assert parts[330, 210] == 13  # torso_front

    found = json.loads((tmp_path / "people.json").read_text())
    assert len(found["annotations"]) == 1
    nose = found["annotations"][0]["keypoints"][:3]
    assert nose[2] == 2
    assert np.hypot(nose[0] - 222, nose[1] - 125) < 12
