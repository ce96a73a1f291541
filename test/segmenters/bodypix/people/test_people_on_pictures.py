"""The people of annotated pictures, with real weights."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import Segmenter, media
from bodypix_ros.coco import evaluation, truth


@pytest.fixture(scope="module")
def people(data_dir: Path) -> Generator[Segmenter, None, None]:
    with bodypix_ros.load(
        device="CPU", precision="f32", model_dir=data_dir / "models", score_threshold=0.05
    ) as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def annotated(data_dir: Path) -> truth.Annotated:
    folder = data_dir / "images/coco_open"
    return truth.read(folder / "person_keypoints.json", folder / "images")


def test_people_near_and_far_are_found(people: Segmenter, annotated: truth.Annotated) -> None:
    metrics = evaluation.evaluate(people, annotated)
    assert metrics.mean_iou is not None
    assert metrics.mean_iou >= 0.55
    assert metrics.segm_ap is not None
    assert metrics.segm_ap >= 0.149
    assert metrics.oks_ap is not None
    assert metrics.oks_ap >= 0.33


@pytest.mark.parametrize("picture", [60623, 519208, 522418, 160012])
def test_close_people_are_somebody(
    picture: int, people: Segmenter, annotated: truth.Annotated, data_dir: Path
) -> None:
    entry = annotated.truth.imgs[picture]
    image = media.read_picture(annotated.folder / entry["file_name"], exif=False)
    scene = people.segment(image)
    large = [
        annotated.truth.annToMask(person).astype(bool)
        for person in annotated.people()[picture]
        if not person.get("iscrowd") and person["area"] > 0.05 * image.shape[0] * image.shape[1]
    ]
    assert large
    for person in large:
        labels = np.bincount(scene.instance_mask[person], minlength=2)
        assert labels[1:].max() >= 0.5 * person.sum()


def test_a_film_is_seen_without_flicker(people: Segmenter, data_dir: Path) -> None:
    """The man of pose_1.mp4 is there in every frame, in one piece."""
    stream = people.stream()
    with media.VideoReader(media.Video(str(data_dir / "images/videos/pose_1.mp4"))) as video:
        for number, frame in zip(range(40), video, strict=False):
            scene = stream.segment(frame)
            assert scene.persons[0].score > 0.3, number
