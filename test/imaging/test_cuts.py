"""Where a film is cut: on made pictures, photos and films."""

from itertools import combinations, islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodypix_ros import media
from bodypix_ros.imaging.cuts import Cuts

SHAPE = (240, 320)


def scene_of(seed: int) -> media.Image:
    """A picture of large patches."""
    small = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), np.uint8)
    return cv2.resize(small, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)


def cut(*images: media.Image, turns: bool = False) -> list[bool]:
    cuts = Cuts(turns=turns)
    return [cuts.is_cut(image) for image in images]


def test_another_scene_is_a_cut_and_the_first_picture_is_none() -> None:
    one, other = scene_of(1), scene_of(2)
    assert cut(one, one, other, other, one) == [False, False, True, False, True]


@pytest.mark.parametrize(("gain", "sigma"), [(1.0, 35), (1.0, 60), (0.1, 10), (0.15, 10)])
def test_noise_is_no_cut_by_day_and_in_the_dark(gain: float, sigma: float) -> None:
    rng, still = np.random.default_rng(0), scene_of(3) * gain
    noisy = [np.clip(still + rng.normal(0, sigma, still.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    assert not any(cut(*noisy))


def test_light_that_flickers_and_a_black_frame_are_no_cuts() -> None:
    image = scene_of(4).astype(int)
    flicker = [np.clip(image + light, 0, 255).astype(np.uint8) for light in (0, 60, -60, 40, -20)]
    dark = np.zeros((*SHAPE, 3), np.uint8)
    assert not any(cut(*flicker, dark, flicker[0], flicker[0] // 3))


def test_a_turn_of_the_camera_is_a_cut_to_whom_places_matter() -> None:
    image = np.concatenate([scene_of(5), scene_of(6)], axis=1)
    views = [np.ascontiguousarray(image[:, x : x + SHAPE[1]]) for x in (0, 120)]
    assert cut(*views, turns=True) == [False, False]
    assert cut(*views, turns=False) == [False, True]


def test_somebody_who_steps_in_front_of_the_camera_is_no_cut() -> None:
    dim = scene_of(8) // 6 + 100  # hardly any contrast beside the person's
    nobody = np.zeros(SHAPE, np.uint8)

    def with_person(x: int) -> tuple[media.Image, npt.NDArray[np.uint8]]:
        image, moving = dim.copy(), nobody.copy()
        image[20:, x : x + 180], moving[20:, x : x + 180] = scene_of(9)[20:, :180], 1
        return image, moving

    seen = [(dim, nobody), with_person(60), (dim, nobody), with_person(0), with_person(130)]
    cuts = Cuts(turns=True)
    assert not any(cuts.is_cut(*one) for one in seen)
    assert cut(dim, with_person(60)[0]) == [False, True], "as far as nothing is known"
    assert cuts.is_cut(scene_of(10), nobody)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (5, 7), (30, 40), (1080, 1920)])
def test_pictures_of_any_size_and_kind(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    for channels in (1, 3, 4):
        image = rng.integers(0, 255, (2 * shape[0], shape[1], channels), np.uint8)[::2]
        image.flags.writeable = False
        assert cut(image, image) == [False, False]


def test_films_have_no_cuts_and_unlike_photos_mostly_are(data_dir: Path) -> None:
    for film in ("bedroom.mp4", "pose_1.mp4", "pose_squats.mp4", "mmpose_demo.mp4"):
        with media.VideoReader(media.Video(str(data_dir / "images/videos" / film))) as video:
            frames = list(islice(video, 120))
        assert not any(cut(*frames)), film
    folder = sorted((data_dir / "images/coco_open/images").glob("*.jpg"))[::2]
    photos = [media.read_picture(path, exif=False) for path in folder]
    for turns, least in ((False, 0.85), (True, 0.6)):
        told = [cut(*pair, turns=turns)[1] for pair in combinations(photos, 2)]
        assert np.mean(told) > least
