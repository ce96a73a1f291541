"""Hands of the photos: against MediaPipe's own, and against fingers drawn by hand.

`test/data/hands.json` has, for each photo, what the Python package mediapipe 0.10.21 finds (legacy
`solutions.hands`, `static_image_mode=True`, `max_num_hands=10`, `model_complexity` 0 for lite and 1 for
full), run in an environment of its own: `side` (the person's own; MediaPipe's label says what a mirror
shows), `points` (21, 2) in image pixels and `world` (21, 3) in metres from the wrist.
"""

import json
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import bodypix_ros
from bodypix_ros import Segmenter
from bodypix_ros.errors import MissingModelError
from bodypix_ros.scene import Hand, Scene
from support.drawn_hands import DRAWN
from support.paths import TESTS

EXPECTED = json.loads((TESTS / "data/hands.json").read_text(encoding="utf-8"))
_FOUND = 0.5
"""Mean distance of the points, in the hand's size, up to which two hands are one."""


@pytest.fixture(scope="module")
def segmenter(data_dir: Path) -> Generator[Segmenter, None, None]:
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models", hands=True) as segmenter:
        yield segmenter


def seen(segmenter: Segmenter, data_dir: Path, photo: str) -> Scene:
    image = cv2.imread(str(data_dir / "images/photos" / photo))
    assert image is not None
    return segmenter.segment(image)


def nearest(points: npt.NDArray[np.float64], scene: Scene) -> tuple[float, Hand | None]:
    """The hand closest to MediaPipe's, and how far off its points are in the hand's size."""
    size = np.ptp(points, axis=0).max()
    hands = [hand for person in scene.persons for hand in person.hands]
    away = [float(np.hypot(*(hand.keypoints[:, :2] - points).T).mean() / size) for hand in hands]
    best = int(np.argmin(away)) if away else -1
    return (away[best], hands[best]) if away else (np.inf, None)


@pytest.mark.parametrize("network", ["lite", "full"])
def test_hands_are_mediapipes(segmenter: Segmenter, data_dir: Path, network: str) -> None:
    """All hands on people but the fist of an arm that BodyPix gives to somebody else."""
    segmenter.update(hands_model=network)
    errors, metres, missed, count = [], [], [], 0
    for photo, networks in EXPECTED.items():
        scene = seen(segmenter, data_dir, photo)
        for hand in networks.get(network, []):
            points = np.array(hand["points"])
            rows, columns = np.clip(
                points[:, ::-1].T.astype(int), 0, np.array([scene.person_mask.shape]).T - 1
            )
            if scene.person_mask[rows, columns].mean() < 0.2:
                continue  # nobody is seen there
            count += 1
            away, found = nearest(points, scene)
            if found is None or away > _FOUND:
                missed.append((photo, points.mean(axis=0).round().tolist()))
                continue
            size = np.ptp(points, axis=0).max()
            errors.append(np.hypot(*(found.keypoints[:, :2] - points).T) / size)
            metres.append(np.linalg.norm(found.keypoints_3d - np.array(hand["world"]), axis=1))
    assert count >= 9
    assert len(missed) <= 1, missed
    assert np.median(np.concatenate(errors)) < 0.045
    assert np.median(np.concatenate(metres)) < 0.02


def test_fingers_are_in_the_mask(segmenter: Segmenter, data_dir: Path) -> None:
    """Fifteen hands drawn by hand, spread fingers among them."""
    segmenter.update(hands_model="lite")
    fingers, before, after, hands, false = 0, 0, 0, 0, 0
    scenes = {}
    for photo in {hand.photo for hand in DRAWN}:
        segmenter.update(hands=False)
        without = seen(segmenter, data_dir, photo).person_mask
        segmenter.update(hands=True)
        scenes[photo] = without, seen(segmenter, data_dir, photo).person_mask
    for hand in DRAWN:
        without, with_hands = scenes[hand.photo]
        mine, its = hand.pixels(without.shape), hand.finger_pixels(without.shape)
        others = np.any([one.pixels(without.shape) for one in DRAWN if one.photo == hand.photo], axis=0)
        fingers += np.count_nonzero(its)
        before += np.count_nonzero(its & without)
        after += np.count_nonzero(its & with_hands)
        hands += np.count_nonzero(mine)
        x, y = np.array(hand.outline).T.astype(int)
        reach = int(0.4 * max(np.ptp(x), np.ptp(y)))
        near = (
            slice(max(y.min() - reach, 0), y.max() + reach),
            slice(max(x.min() - reach, 0), x.max() + reach),
        )
        false += np.count_nonzero((with_hands & ~without & ~others)[near])
    assert len(DRAWN) >= 12
    assert after / fingers > max(0.95, before / fingers + 0.03)
    assert false / hands < 0.02


def test_a_stream_follows_hands_with_the_ids_of_people(segmenter: Segmenter, data_dir: Path) -> None:
    segmenter.update(hands=True, hands_model="lite", max_hands=1)
    photo = cv2.imread(str(data_dir / "images/photos/pexels-jack-sparrow-4046265.jpg"))
    assert photo is not None
    stream, found = segmenter.stream(), []
    for k in range(6):
        scene = stream.segment(photo, stamp=k / 30)
        found.append({hand.side for hand in scene.persons[0].hands})
    assert len(found[0]) <= 1
    assert found[-1] == {"left", "right"}
    assert scene.persons[0].track_id is not None


def test_without_the_networks_file(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to fetch; everything else works, and goes on after the option was refused."""
    (tmp_path / "bodypix").symlink_to(data_dir / "models/bodypix")
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with bodypix_ros.load(device="CPU") as segmenter:
        for name in ("lite", "full"):
            with pytest.raises(MissingModelError, match=f"bodypix models fetch hands-{name}"):
                segmenter.update(hands=True, hands_model=name)
        assert not segmenter.options.hands
        assert segmenter.segment(np.zeros((64, 64, 3), np.uint8)).persons == ()
