"""BlazePose without its networks: regions, detector, landmarks, smoothing, masks, tracking."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, SKELETON
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.imaging.region import Region
from bodypix_ros.imaging.warp import fill_input
from bodypix_ros.segmenters.blazepose import detector, landmarks, masks
from bodypix_ros.segmenters.blazepose.following import Follower
from bodypix_ros.segmenters.blazepose.landmarks import SIZE, Pose
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import (
    around,
    parts_of_image,
    radius_of,
    tiles_of_image,
    whole_image,
)
from bodypix_ros.segmenters.blazepose.seer import _Looks
from bodypix_ros.segmenters.blazepose.smoothing import LowPass, PoseFilter, smooth_mask
from bodypix_ros.tracking.clock import seconds
from bodypix_ros.tracking.smoothing import OneEuro
from support.blazepose import OPTIONS, SHAPE, World, found, person


class Numbered(Follower):
    """Numbers people, who keep their filters from image to image, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.filters: list[PoseFilter] = []

    def number(self, one: PoseFilter) -> int:
        for number, known in enumerate(self.filters, 1):
            if known is one:
                return number
        self.filters.append(one)
        return len(self.filters)


def follow(
    tracker: Numbered, world: World, stamp: object = None, shape: tuple[int, int] = SHAPE
) -> list[int]:
    tracks = tracker.follow(shape, stamp, world.detect, world.look, OPTIONS)
    return [tracker.number(track.filter) for track in tracks]


# Names


def test_landmarks_have_names_and_the_skeleton_is_made_of_them() -> None:
    assert len(set(BLAZEPOSE_KEYPOINTS)) == 33
    assert BLAZEPOSE_KEYPOINTS[11:13] == ("left_shoulder", "right_shoulder")
    assert BLAZEPOSE_KEYPOINTS[23:25] == ("left_hip", "right_hip")
    assert {name for bone in SKELETON for name in bone} <= set(BLAZEPOSE_KEYPOINTS)


# Regions


@given(
    st.floats(-500, 1500), st.floats(-500, 1500), st.floats(2, 3000), st.floats(-math.pi, math.pi),
    st.sampled_from([224, 256]),
)  # fmt: skip
def test_into_the_image_and_back(x: float, y: float, side: float, rotation: float, size: int) -> None:
    region = Region(x, y, side, rotation)
    points = np.array([[0, 0], [size, 0], [size / 2, size / 2], [3, 77]])
    way = region.to_image(size)
    there = points @ way[:, :2].T + way[:, 2]
    assert there[2] == pytest.approx([x, y], abs=1e-6)
    assert math.dist(there[0], there[1]) == pytest.approx(side)
    back = region.to_crop(size)
    assert there @ back[:, :2].T + back[:, 2] == pytest.approx(points, abs=1e-6)


@given(st.floats(0, 2 * math.pi), st.floats(1, 1000))
def test_the_head_is_up_in_a_region(angle: float, radius: float) -> None:
    hips = np.array([320.0, 240.0])
    rim = hips + radius * np.array([math.cos(angle), math.sin(angle)])
    region = around(hips, rim)
    assert region is not None
    assert -math.pi <= region.rotation < math.pi
    assert radius_of(region) == pytest.approx(radius, rel=1e-4)
    assert region.side == pytest.approx(2.5 * radius, rel=1e-4)
    back = region.to_crop(SIZE)
    up = back[:, :2] @ rim + back[:, 2]
    assert up == pytest.approx([SIZE / 2, SIZE / 2 - SIZE / 2.5], abs=0.01)


@given(st.floats(0, 2 * math.pi), st.floats(1, 1000), st.floats(-1000, 3000), st.floats(-1000, 3000))
def test_regions_that_differ_by_nothing_are_the_same(angle: float, radius: float, x: float, y: float) -> None:
    """Outputs of devices differ in their last digits: regions are on a grid, in the middle of whose cells."""
    region = around(
        np.array([x, y]), np.array([x, y]) + radius * np.array([math.cos(angle), math.sin(angle)])
    )
    assert region is not None
    up = radius_of(region) * np.array([math.sin(region.rotation), -math.cos(region.rotation)])
    centre = np.array([region.x, region.y])
    noise = 1e-7 * region.side
    for moved in (centre, centre + noise, centre - noise):
        assert around(moved, moved + up * (1 + 1e-6)) == region


@pytest.mark.parametrize("rim", [(320, 240), (math.nan, 0), (1e9, 0)])
def test_points_that_make_no_region(rim: tuple[float, float]) -> None:
    assert around(np.array([320.0, 240.0]), np.array(rim)) is None


def test_views_of_an_image() -> None:
    assert whole_image(480, 640) == Region(320, 240, 640)
    assert parts_of_image(480, 640) == [Region(240, 240, 480), Region(400, 240, 480)]
    assert [part.y for part in parts_of_image(1200, 400)] == [200, 400, 600, 800, 1000]
    assert parts_of_image(500, 512) == []
    assert len(parts_of_image(1, 30000)) == 8
    assert tiles_of_image(240, 320) == []


@given(st.integers(1, 3000), st.integers(400, 3000))
def test_tiles_are_few_and_show_every_pixel(short: int, long: int) -> None:
    tiles = tiles_of_image(min(short, long), max(short, long))
    assert 1 <= len(tiles) <= 16
    for size, middles in (
        (min(short, long), {tile.y for tile in tiles}),
        (max(short, long), {tile.x for tile in tiles}),
    ):
        (side,) = {tile.side for tile in tiles}
        assert min(middles) <= side / 2
        assert max(middles) >= size - side / 2 - 1e-6
        assert all(b - a <= 0.7 * side + 1e-6 for a, b in pairwise(sorted(middles)))


class Views(_Looks):
    """Whom the detector sees in which views: nobody."""

    def __init__(self, options: BlazePoseOptions) -> None:
        super().__init__(Mock(), as_pixels(np.zeros((*SHAPE, 3), np.uint8), "bgr8"), options)
        self.seen: list[Region] = []

    def _detect(self, view: Region, least: float) -> list[detector.Detection]:
        self.seen.append(view)
        return []


def test_which_views_are_searched() -> None:
    large, tiles = [whole_image(*SHAPE), *parts_of_image(*SHAPE)], tiles_of_image(*SHAPE)

    def searched(turn: int | None, lost: bool, options: BlazePoseOptions = OPTIONS) -> list[Region]:
        views = Views(options)
        assert list(views.detect(turn, lost)) == []
        return views.seen

    assert searched(None, True) == large + tiles
    assert [searched(turn, False) for turn in range(len(large + tiles))] == [[one] for one in large + tiles]
    assert searched(len(large) + 2, True) == [*large, tiles[2]]
    assert searched(1, True) == large
    assert searched(None, True, replace(OPTIONS, max_detections=1)) == large[:1]


# Detector


def test_a_detection_is_decoded_into_image_pixels() -> None:
    values = np.zeros((2254, 12), np.float32)
    logits = np.full((2254, 1), -200, np.float32)
    # Hips 10 px right of the anchor, the rim 20 px above these, shoulders 8 px above.
    values[-1] = (0, -20, 16, 16, 10, 0, 10, -20, 10, -8, 0, 0)
    logits[-1] = 2
    centre = 224 * 6.5 / 7
    (one,) = detector.detections(values, logits, 0.5, whole_image(224, 448).to_image(224))
    assert one.score == pytest.approx(1 / (1 + math.exp(-2)))
    assert one.hips == pytest.approx([2 * (centre + 10), 2 * centre - 112])
    assert one.shoulders == pytest.approx([2 * (centre + 10), 2 * (centre - 8) - 112])
    assert one.region.side == pytest.approx(2 * 2.5 * 20)
    assert one.region.rotation == pytest.approx(0)
    assert detector.detections(values, logits, 0.9, whole_image(224, 224).to_image(224)) == []


def test_in_a_tile_whoever_is_turned_or_has_the_hips_outside_is_nobody() -> None:
    tile = Region(150, 200, 120)
    turned = [replace(found(person(150, 200)), region=Region(150, 200, 90, turn)) for turn in (-1, 1, -2, 3)]
    places = [found(person(x, y)) for x, y in ((209, 141), (211, 200), (150, 261))]
    kept = detector.in_tile([*turned, *places], tile)
    assert [one.region for one in kept] == [turned[0].region, turned[1].region, places[0].region]
    assert all(one.doubtful for one in kept)


# Landmarks


def test_a_landmark_moves_to_the_middle_of_its_heatmap() -> None:
    heatmap = np.full((64, 64, 39), -50, np.float32)
    points = np.tile([100.0, 60.0], (39, 1))
    heatmap[15, 25:27, 0] = 0  # sigmoid 0.5: just enough
    heatmap[15, 25:27, 1] = -0.1  # not enough
    heatmap[15, 30, 2] = 9  # five cells off
    heatmap[0, 0, 3] = 9
    points[3] = 1, 1
    points[4] = -20, 300
    heatmap[:, :, 4] = 9
    landmarks.refine(points, heatmap)
    assert points[0] == pytest.approx([25.5 * 4, 15 * 4])
    assert points[1] == pytest.approx([100, 60])
    assert points[2] == pytest.approx([100, 60])
    assert points[3] == pytest.approx([0, 0], abs=1e-6)
    assert points[4] == pytest.approx([-20, 300])


def test_outputs_are_turned_back_into_the_image() -> None:
    values = np.zeros((39, 5), np.float32)
    values[:, :2] = SIZE / 2
    values[0, :2] = SIZE / 2, 0
    values[34, :2] = SIZE / 2, SIZE / 2 - SIZE / 2.5
    values[7, 3] = 1
    world = np.zeros((39, 3), np.float32)
    world[0] = 0, -0.7, 0.1
    outputs = {
        "l": values.ravel(),
        "p": np.array([0.75], np.float32),
        "m": np.ones((SIZE, SIZE, 1), np.float32),
        "h": np.full((64, 64, 39), -50, np.float32),
        "w": world.ravel(),
    }
    region = Region(300, 200, 100, math.pi / 2)  # the head is to the right
    pose = landmarks.decode(outputs, landmarks.OutputNames("l", "p", "m", "h", "w"), region)
    assert pose.score == 0.75
    assert pose.points[0] == pytest.approx([350, 200])
    assert pose.points[1] == pytest.approx([300, 200])
    assert pose.world[0] == pytest.approx([0.7, 0, 0.1])
    assert pose.visibility[7] == pytest.approx(1 / (1 + math.exp(-1)))
    assert pose.next_region is not None
    assert pose.next_region.rotation == pytest.approx(math.pi / 2)
    assert (pose.next_region.x, pose.next_region.side) == pytest.approx((300, 100))
    outputs["m"][:] = 0
    assert pose.mask.all(), "the buffer belongs to the network"


# Smoothing


def test_one_euro_is_its_formula() -> None:
    one, rng = OneEuro(0.5, 3.0, 1.0), np.random.default_rng(0)

    def alpha(cutoff: float, step: float) -> float:
        return 1 / (1 + 1 / (2 * math.pi * cutoff) / step)

    smooth = speed = raw = 0.0
    for k in range(20):
        value, step = rng.random(), rng.uniform(0.01, 0.1)
        if k == 0:
            smooth, speed = value, 0.0
        else:
            derivative = (value - raw) * 0.25 / step
            speed = alpha(1.0, step) * derivative + (1 - alpha(1.0, step)) * speed
            weight = alpha(0.5 + 3.0 * abs(speed), step)
            smooth = weight * value + (1 - weight) * smooth
        raw = value
        assert one.apply(np.array([value]), step, 0.25) == pytest.approx([smooth])


def test_one_euro_is_smooth_at_rest_and_prompt_in_motion() -> None:
    one = OneEuro(0.05, 80.0)
    one.apply(np.zeros(1), 1 / 30)
    assert one.apply(np.full(1, 0.001), 1 / 30) < 0.0001
    moving = [one.apply(np.full(1, float(k)), 1 / 30)[0] for k in range(1, 20)]
    assert moving[-1] == pytest.approx(19, abs=0.01)


def test_low_pass() -> None:
    low = LowPass(0.1)
    assert low.apply(np.array([1.0])) == 1
    assert low.apply(np.array([0.0])) == pytest.approx([0.9])
    assert low.apply(np.array([0.0])) == pytest.approx([0.81])


def test_without_smoothing_only_the_region_is_steadied() -> None:
    both = PoseFilter()
    both.apply(person(100, 100), 1 / 30)
    moved = person(101, 100)
    plain = both.apply(moved, 1 / 30, landmarks=False)
    assert np.array_equal(plain.points, moved.points)
    assert 100 < plain.auxiliary[0, 0] < 101
    smooth = both.apply(person(102, 100), 1 / 30)
    assert 100 < smooth.points[0, 0] < 102


def test_the_mask_before_counts_where_the_new_one_is_unsure() -> None:
    before, now = person(200, 200), person(200, 200)
    before.mask[:] = 1
    levels = np.array([0.0, 0.02, 0.5, 0.98, 1.0], np.float32)
    now.mask[0, :5] = levels
    smooth_mask(before, now)
    mixed = now.mask[0, :5]
    assert mixed[0] == pytest.approx(0, abs=0.01)
    assert mixed[2] == pytest.approx(0.5 + 0.5 * 0.7)
    assert mixed[4] == pytest.approx(1)
    entropy = -levels[1] * np.log2(levels[1]) - levels[3] * np.log2(levels[3])
    assert mixed[1] == pytest.approx(0.02 + 0.98 * 0.7 * entropy**2, abs=0.005)


def test_the_mask_before_moves_with_the_region() -> None:
    before, now = person(200, 200, score=1.0), person(250, 200)
    now.mask[:] = 0.5
    smooth_mask(before, now)
    way = before.region.to_crop(SIZE) @ np.array([250, 200, 1])  # now's centre in the crop before
    expected = 1.0 if 96 <= way[0] < 160 else 0.0
    assert now.mask[SIZE // 2, SIZE // 2] == pytest.approx(0.5 + (expected - 0.5) * 0.7)


# Masks


def dense(poses: list[Pose], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The labels and the largest probability, pixel by pixel with OpenCV."""
    maps = [np.full(SHAPE, threshold, np.float32)]
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    for pose in poses:
        way = pose.region.to_crop(SIZE).astype(np.float32)
        at = [row[0] * x + row[1] * y + row[2] for row in way]
        padded = cv2.copyMakeBorder(pose.mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        maps.append(cv2.remap(padded, at[0] + 1, at[1] + 1, cv2.INTER_LINEAR, borderValue=0))
    return np.argmax(maps, axis=0), np.max(maps[1:], axis=0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_masks_are_the_dense_ones_and_never_overlap(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    poses = []
    for _ in range(count):
        region = Region(
            rng.uniform(-50, 700), rng.uniform(-50, 500), rng.uniform(30, 900), rng.uniform(-3, 3)
        )
        noise = cv2.resize(rng.random((9, 9), np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
        mask = np.clip(3 * noise - 1, 0, 1).astype(np.float32)
        poses.append(replace(person(0, 0), region=region, mask=mask))
    labels, boxes = masks.paint(poses, SHAPE, 0.5)
    expected, largest = dense(poses, 0.5)
    # OpenCV's positions are rounded to 1/32 pixel, so outlines may differ a little.
    assert (labels != expected).mean() < 0.003
    for k, box in enumerate(boxes.tolist(), start=1):
        ys, xs = np.nonzero(labels == k)
        assert box == ([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0])
    given_back = masks.confidence(poses, SHAPE)
    assert np.abs(given_back - 255.0 * largest).mean() < 1


def test_how_much_of_a_mask_lies_in_another() -> None:
    large = person(300, 200, radius=100)  # its mask: columns 250 to 300 +- 31, rows +- 62 around the middle
    assert masks.inside(person(300, 200, radius=20), large) == 1
    assert masks.inside(large, person(300, 200, radius=20)) < 0.1
    assert masks.inside(person(600, 200, radius=20), large) == 0
    half = person(300 + 250 / 8, 200, radius=20)  # its middle on the border
    assert masks.inside(half, large) == pytest.approx(0.5, abs=0.13)
    assert masks.inside(replace(large, mask=0 * large.mask), large) == 0


def test_nobody_has_no_mask() -> None:
    labels, boxes = masks.paint([], (4, 5), 0.5)
    assert labels.shape == (4, 5)
    assert not labels.any()
    assert boxes.shape == (0, 4)
    assert not masks.confidence([], (4, 5)).any()


# Tracking


def test_the_detector_rests_while_everybody_is_followed() -> None:
    world, tracker = World(person(200, 200), person(400, 200)), Numbered()
    for _ in range(5):
        assert follow(tracker, world) == [1, 2]
    assert (world.detected, world.looked) == (1, 10)


def test_newcomers_are_looked_for_from_time_to_time() -> None:
    world, tracker = World(person(200, 200)), Numbered()
    follow(tracker, world)
    world.people.append(person(400, 200))
    seen = [follow(tracker, world) for _ in range(OPTIONS.detection_interval)]
    assert seen[-2:] == [[1], [1, 2]]
    for _ in range(2 * OPTIONS.detection_interval):
        follow(tracker, world)
    assert world.turns == [None, 2, 3, 4], "the views take turns"


def test_a_full_house_is_not_searched() -> None:
    world = World(*(person(90 * k, 200) for k in range(7)))
    tracker = Numbered()
    for _ in range(30):
        assert follow(tracker, world) == [1, 2, 3, 4, 5]
    assert world.detected == 1


def test_fewer_people_may_be_asked_for_while_running() -> None:
    world, tracker = World(person(200, 200), person(400, 200)), Numbered()
    follow(tracker, world)
    one = replace(OPTIONS, max_detections=1)
    assert len(tracker.follow(SHAPE, None, world.detect, world.look, one)) == 1


def test_people_keep_their_numbers_and_the_lost_get_new_ones() -> None:
    world, tracker = World(person(200, 200), person(400, 200)), Numbered()
    follow(tracker, world)
    world.people[0] = person(215, 205)
    assert follow(tracker, world) == [1, 2]
    del world.people[0]
    assert follow(tracker, world) == [2]
    assert world.detected == 2, "whoever is lost is looked for at once"
    world.people.append(person(200, 200))
    assert [follow(tracker, world) for _ in range(OPTIONS.detection_interval)][-1] == [2, 3]


def test_whose_landmarks_lead_to_somebody_else_is_looked_for_in_the_old_place() -> None:
    """Else the detector would find them anew in each image."""
    one, other = person(200, 200), person(300, 200)
    other = replace(other, auxiliary=one.auxiliary)  # so that the next region is the one's
    world, tracker = World(one, other), Numbered()
    for _ in range(4):
        assert follow(tracker, world) == [1, 2]
    assert (world.detected, world.looked) == (1, 2 + 3 * 3)
    world.people.pop()
    assert follow(tracker, world) == [1], "who left is not found in the old place either"
    assert world.detected == 2


def test_several_views_show_each_person_once() -> None:
    here, there = person(100, 200), person(160, 200)
    world, tracker = World(here, there), Numbered()
    world.people += [person(110, 200), person(155, 200)]
    assert follow(tracker, world) == [1, 2]


def test_who_is_seen_in_a_tile_is_looked_at_twice() -> None:
    world = World(person(200, 200), person(400, 200))
    for first, second, people in ((0.9, 0.9, 2), (0.9, 0.3, 1), (0.3, 0.9, 1)):
        scores = iter((0.9, first, second))

        def look(region: Region, scores: Iterator[float] = scores) -> Pose:
            return replace(world.look(region), score=next(scores))

        def detect(turn: int | None, lost: bool) -> list[detector.Detection]:
            large, small = world.detect(turn, lost)
            return [large, replace(small, doubtful=True)]

        assert len(Follower().follow(SHAPE, None, detect, look, OPTIONS)) == people


def test_a_piece_of_somebody_is_nobody() -> None:
    whole, piece = person(200, 200, radius=200), person(200, 260, radius=25)
    for doubtful, people in ((True, 1), (False, 2)):
        seen = [found(whole), replace(found(piece), doubtful=doubtful)]
        tracks = Follower().follow(SHAPE, None, lambda *_, seen=seen: seen, World(whole, piece).look, OPTIONS)
        assert len(tracks) == people


def test_two_who_become_one_are_one() -> None:
    world, tracker = World(person(200, 200), person(245, 200)), Numbered()
    assert follow(tracker, world) == [1, 2]
    world.people = [person(222, 200)]
    assert follow(tracker, world) == [1]


@pytest.mark.parametrize(
    ("second", "stamp", "shape"),
    [("time goes back", 9.9, SHAPE), ("time leaps", 12.1, SHAPE), ("another size", 10.03, (480, 641))],
)
def test_everybody_is_forgotten_when(second: str, stamp: float, shape: tuple[int, int]) -> None:
    world, tracker = World(person(200, 200)), Numbered()
    assert follow(tracker, world, 10.0) == [1]
    assert follow(tracker, world, stamp, shape) == [2], second
    assert world.detected == 2


def test_stamps_that_do_not_move_are_no_reason_to_forget() -> None:
    world, tracker = World(person(200, 200)), Numbered()
    for stamp in (0, 0, None, "now", None, 0, 1.0):
        assert follow(tracker, world, stamp) == [1]


def test_seconds_of_a_stamp() -> None:
    class Time:
        sec, nanosec = 3, 500_000_000

    assert seconds(Time()) == 3.5
    assert seconds(np.float32(2)) == 2
    assert seconds(None) is seconds("1") is seconds(math.nan) is None


def test_masks_and_landmarks_are_smoothed_only_if_asked() -> None:
    for smooth in (True, False):
        options = replace(OPTIONS, smooth=smooth)
        world, tracker = World(person(200, 200, score=0.6)), Numbered()
        tracker.follow(SHAPE, None, world.detect, world.look, options)
        world.people = [person(202, 200, score=0.7)]
        (track,) = tracker.follow(SHAPE, None, world.detect, world.look, options)
        assert (track.pose.points[0, 0] < 202) == smooth
        assert (track.pose.mask[128, 128] < 0.7) == smooth


@pytest.mark.parametrize(
    ("name", "bad", "span"),
    [
        ("max_detections", 0, "a whole number from 1 to 254"),
        ("detection_interval", 0, "a whole number from 1"),
        ("score_threshold", 1.5, "a number from 0.0 to 1.0"),
        ("smooth", 1, "True or False"),
    ],
)
def test_options_out_of_range_are_refused_by_name(name: str, bad: object, span: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*{span}"):
        replace(OPTIONS, **{name: bad})


def test_an_image_that_the_warp_cannot_address_is_made_smaller_first() -> None:
    out = np.empty((64, 64, 3), np.float32)
    to_image = np.array([[40000 / 64, 0, 0], [0, 2 / 64, 0]])
    fill_input(as_pixels(np.full((2, 40000, 3), 200, np.uint8), "bgr8"), to_image, out, replicate=True)
    assert np.abs(out - 200 / 255).max() < 1e-6
