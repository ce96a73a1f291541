"""Two passes at once, on half of the threads each."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import Segmenter, media
from bodypix_ros.errors import ClosedError, DeviceError
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.segmenters.bodypix.people.looking import Look
from bodypix_ros.segmenters.bodypix.people.views import View, crop, whole


@pytest.fixture(scope="module")
def segmenter(data_dir: Path) -> Generator[Segmenter, None, None]:
    where = {"device": "CPU", "precision": "int8", "threads": 2}
    with bodypix_ros.load(model_dir=data_dir / "models", **where) as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def image(data_dir: Path) -> media.Image:
    return media.read_picture(data_dir / "images/coco_open/images/000000252219.jpg", exif=False)


def look(segmenter: Segmenter, image: media.Image, second: Any, *views: tuple[View, ...]) -> Look:
    seer: Any = segmenter._open
    pixels = as_pixels(image, "bgr8")
    seen = Look(seer._algorithm._architecture, seer._networks, pixels, views[0][0], 3, second)
    for together in views:
        seen.at(*together)
    return seen


def test_two_at_once_see_what_one_after_the_other_does(segmenter: Segmenter, image: media.Image) -> None:
    base = whole(*image.shape[:2], 481)
    views = (base, crop(40, 0, 1.0), crop(40, 250, 1.0), crop(10, 100, 1.5))
    seer: Any = segmenter._open
    if seer._second is None:
        pytest.skip("one processor")
    assert seer._networks.at_once == 2
    together, in_turn = (look(segmenter, image, second, views) for second in (seer._second, None))
    assert together.views == in_turn.views == list(views)
    assert len(together.found) == 4
    for one, other in zip(together.found, in_turn.found, strict=True):
        assert len(one.poses) == len(other.poses) > 0
        assert np.allclose(one.poses, other.poses, atol=1e-3)
    mine, theirs = together.passes.tables, in_turn.passes.tables
    assert np.array_equal(mine.at, theirs.at)
    assert np.array_equal(mine.place, theirs.place)
    assert np.allclose(mine.values, theirs.values, atol=1e-4)
    assert together.infer_ms > 0
    assert together.pre_ms > 0


def test_what_a_camera_needs_is_compiled_before_its_first_image(
    segmenter: Segmenter, image: media.Image
) -> None:
    segmenter.prepare(*image.shape[:2])
    before = segmenter.networks_compiled
    stream = segmenter.stream()
    for _ in range(3):
        stream.segment(image)
    segmenter.segment(image)
    assert segmenter.networks_compiled == before


@pytest.mark.parametrize("which", [1, 2])
def test_one_of_two_that_fails_is_an_error_and_the_next_image_is_seen(
    which: int, segmenter: Segmenter, image: media.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    seer: Any = segmenter._open
    if seer._second is None:
        pytest.skip("one processor")
    views = (whole(*image.shape[:2], 481), crop(40, 0, 1.0))
    glance = Look._glance

    def fails(self: Look, view: View, number: int, at_once: int) -> Any:
        if number == which - 1:
            raise DeviceError("it fell")
        return glance(self, view, number, at_once)

    with monkeypatch.context() as patch:
        patch.setattr(Look, "_glance", fails)
        with pytest.raises(DeviceError, match="it fell"):
            look(segmenter, image, seer._second, views)
    assert len(segmenter.segment(image).persons) == 3


def test_the_first_image_after_a_cut_is_seen_as_in_a_fresh_stream(
    segmenter: Segmenter, image: media.Image, data_dir: Path
) -> None:
    other = media.read_picture(data_dir / "images/coco_open/images/000000462565.jpg", exif=False)
    stream = segmenter.stream()
    for _ in range(5):
        stream.segment(image)
    after, fresh = stream.segment(other), segmenter.stream().segment(other)
    assert np.array_equal(after.instance_mask, fresh.instance_mask)
    assert len(after.persons) == len(fresh.persons) > 0


def test_who_is_at_an_image_while_it_is_closed_ends_it(data_dir: Path, image: media.Image) -> None:
    where = {"device": "CPU", "precision": "int8", "threads": 2}
    segmenter = bodypix_ros.load(model_dir=data_dir / "models", **where)
    expected = segmenter.segment(image).instance_mask
    seer: Any = segmenter._open
    if seer._second is None:
        pytest.skip("one processor")
    seer._second.close()  # as `close` does, after the frame has begun
    assert np.array_equal(segmenter.segment(image).instance_mask, expected)
    segmenter.close()
    with pytest.raises(ClosedError):
        segmenter.segment(image)
