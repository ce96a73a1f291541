"""Outlines: to the picture's edges, and nothing that masks promise is broken."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.details.edges import sharpen
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.scene import Person, Scene

NO_POSE = np.zeros((len(KEYPOINTS), 3), np.float32)


def scene_of(instance, parts=None, person=None):
    """A Scene of an instance mask; boxes are those of its people."""
    people = []
    for label in range(1, int(instance.max()) + 1):
        ys, xs = np.nonzero(instance == label)
        box = (
            (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1) if len(xs) else (0, 0, 0, 0)
        )
        people.append(Person(0.9, box, NO_POSE))
    mask = instance > 0 if person is None else person
    return Scene(mask, instance, parts, None, tuple(people), KEYPOINTS)


def discs(height, width, *places):
    """A grey picture with dark discs (x, y, radius), and the mask of each."""
    image, masks = np.full((height, width, 3), 200, np.uint8), []
    rows, columns = np.mgrid[:height, :width]
    for x, y, radius in places:
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
        image[inside] = (40, 60, 80)
        masks.append(inside)
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8), masks


def coarse(mask, step):
    """As of a grid with a point every `step` pixels, a little too wide."""
    height, width = mask.shape
    points = cv2.resize(
        mask.astype(np.float32), (width // step, height // step), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(points, (width, height), interpolation=cv2.INTER_LINEAR) > 0.3


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (640, 360)])
def test_outlines_come_to_the_edges_that_are_in_the_picture(size):
    height, width = size
    radius = min(size) // 4
    image, (true,) = discs(height, width, (width / 2, height / 2, radius))
    rough = coarse(true, max(size) // 40)
    instance = rough.astype(np.uint8)
    fine = sharpen(scene_of(instance), as_pixels(image, "bgr8"))
    before, after = overlap(rough, true), overlap(fine.person_mask, true)
    assert before < 0.95 < 0.97 < after
    assert fine.persons[0].box == pytest.approx(
        (width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius),
        abs=max(size) / 160,
    )


def test_the_encoding_says_where_colours_are():
    image, (true,) = discs(240, 320, (160, 120, 60))
    rough = coarse(true, 8)
    results = []
    for encoding, given_ in (("bgr8", image), ("rgb8", image[..., ::-1])):
        fine = sharpen(scene_of(rough.astype(np.uint8)), as_pixels(given_, encoding))
        results.append(fine.person_mask)
    assert np.array_equal(*results)


def test_a_flat_picture_changes_hardly_anything():
    _, (true,) = discs(240, 320, (160, 120, 60))
    fine = sharpen(scene_of(true.astype(np.uint8)), as_pixels(np.full((240, 320, 3), 99, np.uint8), "bgr8"))
    assert overlap(fine.person_mask, true) > 0.98


def test_borders_between_people_and_between_parts_stay():
    image, (one, other) = discs(240, 320, (120, 120, 50), (190, 120, 50))
    instance = np.where(one, 1, 0) + np.where(other & ~one, 2, 0)
    parts = np.where(instance > 0, np.where(np.arange(240)[:, None] < 120, 1, 13), 0)
    given_ = scene_of(instance.astype(np.uint8), parts.astype(np.uint8))
    before, labels = given_.instance_mask.copy(), given_.part_mask.copy()
    fine = sharpen(given_, as_pixels(image, "bgr8"))
    both = (before > 0) & (fine.instance_mask > 0)
    assert np.array_equal(fine.instance_mask[both], before[both])
    assert np.array_equal(fine.part_mask[both], labels[both])


@st.composite
def scenes(draw):
    """Any masks, with somebody's pixels that are nobody's, and any picture."""
    height, width = draw(st.integers(4, 90)), draw(st.integers(4, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    blobs = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), draw(st.floats(0.5, 8)))
    people = draw(st.integers(1, 4))
    person = blobs > np.quantile(blobs, draw(st.floats(0.1, 0.95)))
    owner = np.minimum((np.arange(width) * (people + 1)) // width, people)  # the last ones are nobody's
    instance = np.where(person & (owner < people), owner + 1, 0).astype(np.uint8)
    parts = np.where(person, rng.integers(1, 25, person.shape), 0).astype(np.uint8)
    return image, scene_of(instance, parts, person)


@settings(max_examples=60, deadline=None)
@given(scenes(), st.booleans())
def test_what_masks_promise_holds(given_, with_parts):
    image, scene = given_
    scene = scene if with_parts else replace(scene, part_mask=None)
    before = scene.instance_mask.copy()
    fine = sharpen(scene, as_pixels(image, "bgr8"))
    assert not fine.instance_mask[~fine.person_mask].any()
    assert fine.person_mask.view(np.uint8).max(initial=0) <= 1
    if with_parts:
        assert np.array_equal(fine.part_mask > 0, fine.person_mask)
    both = (before > 0) & (fine.instance_mask > 0)
    assert np.array_equal(fine.instance_mask[both], before[both])
    assert len(fine.persons) == len(scene.persons)
    for label, person in enumerate(fine.persons, 1):
        ys, xs = np.nonzero(fine.instance_mask == label)
        if len(xs):
            assert person.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_nobody_is_left_as_it_is():
    empty = np.zeros((20, 30), np.uint8)
    scene = scene_of(empty)
    assert sharpen(scene, as_pixels(np.zeros((20, 30, 3), np.uint8), "bgr8")) is scene
