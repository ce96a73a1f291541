"""Poses of several passes become one Scene: against plain numpy, pixel by pixel."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from bodypix_ros.segmenters.bodypix.people import owning
from bodypix_ros.segmenters.bodypix.people.composing import compose
from bodypix_ros.segmenters.bodypix.people.filling import Masks, fill, halfway, tile_side
from bodypix_ros.segmenters.bodypix.people.lattices import (
    AT,
    COLUMNS,
    FARTHEST,
    KEPT,
    OWNER,
    ROWS,
    X0,
    X1,
    Y0,
    Y1,
)
from bodypix_ros.segmenters.bodypix.people.merging import merge, similarity
from bodypix_ros.segmenters.bodypix.people.owning import Claims
from bodypix_ros.segmenters.bodypix.people.passes import Passes
from bodypix_ros.segmenters.bodypix.people.rest import components
from bodypix_ros.segmenters.bodypix.people.views import crop, whole
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

STRIDE, SHAPE = 16, (120, 160)
BASE = whole(*SHAPE, 161)


def points(view):
    """Picture rows and columns of a pass's points."""
    y = view.top + np.arange((view.height - 1) // STRIDE + 1) * STRIDE * view.step
    x = view.left + np.arange((view.width - 1) // STRIDE + 1) * STRIDE * view.step
    return y, x


def pose_at(x: float, y: float, size: float = 60) -> np.ndarray:
    pose = np.empty((17, 3), np.float32)
    pose[:, 0] = x + np.linspace(-1, 1, 17) * size / 6
    pose[:, 1] = y + np.linspace(-0.5, 0.5, 17) * size
    pose[:, 2] = 0.9
    return pose


def made(poses, views, seed=0, noise=0.5):
    """Passes in which an ellipse around each pose is a person whose offsets lead to the pose."""
    rng = np.random.default_rng(seed)
    passes = Passes(views[0], STRIDE, len(views) - 1)
    grids = []
    for view in views:
        y, x = points(view)
        gy, gx = np.meshgrid(y, x, indexing="ij")
        away = np.stack(
            [((gx - p[:, 0].mean()) / 22) ** 2 + ((gy - p[:, 1].mean()) / 42) ** 2 for p in poses]
        )
        segments = (4 * (1 - away.min(axis=0)) + rng.normal(0, noise, gy.shape)).astype(np.float32)
        nearest = np.stack(poses)[away.argmin(axis=0)]
        long = np.concatenate(
            [(nearest[..., 1] - gy[..., None]) / view.step, (nearest[..., 0] - gx[..., None]) / view.step],
            axis=2,
        ).astype(np.float32)
        parts = rng.normal(0, 1, (*gy.shape, 24)).astype(np.float32)
        passes.take(passes.add(view), segments[..., None], parts, long)
        grids.append((segments, parts))
    return passes.tables, grids


def bilinear(grid, first_y, first_x, apart, y, x):
    """A grid at picture pixels, clamped."""
    gy = np.clip((np.asarray(y) - first_y) / apart, 0, grid.shape[0] - 1)
    gx = np.clip((np.asarray(x) - first_x) / apart, 0, grid.shape[1] - 1)
    i, j = np.minimum(gy.astype(int), grid.shape[0] - 2), np.minimum(gx.astype(int), grid.shape[1] - 2)
    fy, fx = (gy - i)[:, None], (gx - j)[None, :]
    if grid.ndim == 3:
        fy, fx = fy[..., None], fx[..., None]
    upper = grid[i][:, j] * (1 - fx) + grid[i][:, j + 1] * fx
    lower = grid[i + 1][:, j] * (1 - fx) + grid[i + 1][:, j + 1] * fx
    return upper * (1 - fy) + lower * fy


def dense(tables, grids, views, claims, labels, threshold, shape):
    """Masks by the definition: the least distance owns a pixel, its passes' mean logit says what it is."""
    height, width = shape
    rows, columns = np.arange(height), np.arange(width)
    logits = [
        bilinear(segments, view.top, view.left, view.step * STRIDE, rows, columns)
        for view, (segments, _) in zip(views, grids, strict=True)
    ]
    best, winner = np.full(shape, FARTHEST), np.full(shape, -1)
    for n, person in enumerate(claims.whole):
        if not person[KEPT]:
            continue
        at = person[AT]
        lattice = claims.distance[at : at + person[ROWS] * person[COLUMNS]].reshape(
            person[ROWS], person[COLUMNS]
        )
        box = np.s_[person[Y0] : person[Y1], person[X0] : person[X1]]
        here = np.full(shape, np.inf)
        here[box] = bilinear(
            lattice, person[Y0], person[X0], claims.weights[n, 0], rows[box[0]], columns[box[1]]
        )
        winner[here < best] = n
        best = np.minimum(best, here)
    share = np.zeros(shape)
    weighted = np.zeros(shape)
    for k, (view, logit) in enumerate(zip(views, logits, strict=True)):
        weight = np.ones(shape)
        if k:
            weight = np.outer(
                fade(view.top, view, height, view.height), fade(view.left, view, width, view.width)
            )
        weighted += weight * logit
        share += weight
    score = weighted / share
    for n in range(len(labels)):
        own = sum(w * logit for w, logit in zip(claims.weights[n, 1:], logits, strict=True))
        score = np.where(winner == n, own, score)
    person = score > threshold
    padded = np.append(labels, 0)
    return person, np.where(person, padded[winner], 0), score, winner


def fade(first, view, size, count):
    last = first + (count - 1) * view.step
    begin, end = max(int(np.ceil(first)), 0), min(int(np.floor(last)) + 1, size)
    pixel = np.arange(size)
    share = np.where((pixel >= begin) & (pixel < end), 1.0, 0.0)
    if begin > 0:
        share = np.minimum(share, (pixel - begin + 1) / view.step / 24)
    if end < size:
        share = np.minimum(share, (end - pixel) / view.step / 24)
    return np.clip(share, 0, 1)


def filled(tables, claims, labels, threshold=0.0, side=16, cuts=()):
    block = np.full((4, *SHAPE), 77, np.uint8)
    masks = Masks(block[0], block[1], block[2], np.zeros((0, 0), np.uint8))
    rows = [0, *cuts, SHAPE[0]]
    found = [fill(tables, claims, labels, threshold, side, pair, masks) for pair in itertools.pairwise(rows)]
    return masks, found


CASES = [
    ([pose_at(80, 60)], 0),
    ([pose_at(60, 60), pose_at(100, 60)], 0),
    ([pose_at(40, 50), pose_at(80, 66), pose_at(120, 60)], 0),
    ([pose_at(60, 60), pose_at(100, 60)], 1),
    ([pose_at(40, 50), pose_at(80, 66), pose_at(120, 60)], 2),
]


@pytest.mark.parametrize(("poses", "crops"), CASES)
@pytest.mark.parametrize("side", [8, 16, 32])
def test_tiles_give_what_every_pixel_by_itself_gives(poses, crops, side):
    views = [BASE, crop(0.0, 20.0, 3.0), crop(10.0, 0.0, 3.0)][: 1 + crops]
    tables, grids = made(poses, views)
    trusted = np.linspace(0.9, 0.5, len(poses)).astype(np.float32)
    claims = Claims(tables, np.stack(poses), trusted, SHAPE, 0.0)
    assert claims.whole[:, KEPT].all()
    labels = np.arange(1, len(poses) + 1).astype(np.uint8)
    masks, ((*boxes, nobody),) = filled(tables, claims, labels, side=side)
    person, instance, score, winner = dense(tables, grids, views, claims, labels, 0.0, SHAPE)
    clear = np.abs(score) > 1e-3
    assert np.array_equal(masks.person[clear], person[clear])
    assert (masks.instance != instance)[clear].mean() < 1e-4  # where two are equally far within rounding
    y, x = np.nonzero(person & (instance == 0) & clear)
    assert not len(y) or (
        nobody[0] <= x.min() and nobody[1] <= y.min() and x.max() < nobody[2] and y.max() < nobody[3]
    )
    for n, box in enumerate(boxes):
        y, x = np.nonzero(masks.instance == n + 1)
        assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    # Parts: the largest logit in the pass that owns the person.
    rows, columns = np.arange(SHAPE[0]), np.arange(SHAPE[1])
    assert np.array_equal(masks.parts > 0, masks.person > 0)
    for n in range(len(poses)):
        view, (_, parts) = views[claims.whole[n, OWNER]], grids[claims.whole[n, OWNER]]
        logits = bilinear(parts, view.top, view.left, view.step * STRIDE, rows, columns)
        two = np.sort(logits, axis=2)
        mine = (winner == n) & person & clear & (two[..., -1] - two[..., -2] > 1e-3)
        assert np.array_equal(masks.parts[mine], logits.argmax(axis=2)[mine] + 1)


def test_two_halves_are_the_whole():
    poses = [pose_at(60, 60), pose_at(100, 60)]
    tables, _ = made(poses, [BASE])
    claims = Claims(tables, np.stack(poses), np.array([0.9, 0.8], np.float32), SHAPE, 0.0)
    labels = np.array([1, 2], np.uint8)
    whole_, _ = filled(tables, claims, labels)
    halves, _ = filled(tables, claims, labels, cuts=(64,))
    for a, b in zip(whole_[:3], halves[:3], strict=True):
        assert np.array_equal(a, b)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 0.7]), st.booleans(), st.floats(0, 1))
def test_a_scene_is_whole_whatever_the_network_says(seed, threshold, parts, score_threshold):
    rng = np.random.default_rng(seed)
    poses = [
        pose_at(*rng.uniform((0, 0), (160, 120)), rng.uniform(15, 100)) for _ in range(rng.integers(1, 6))
    ]
    tables, _ = made(poses, [BASE, crop(0.0, 20.0, 3.0)], seed, noise=3.0)
    trusted = np.sort(rng.random(len(poses)).astype(np.float32))[::-1].copy()
    options = PeopleOptions(
        segmentation_threshold=threshold, parts=parts, confidence=True, score_threshold=score_threshold
    )
    scene = compose(tables, np.stack(poses), trusted, SHAPE, options, None)
    labels = np.unique(scene.instance_mask)
    assert set(labels.tolist()) <= set(range(len(scene.persons) + 1))
    assert not (scene.instance_mask > 0)[~scene.person_mask].any()
    assert (scene.part_mask is not None) == parts
    if scene.part_mask is not None:
        assert np.array_equal(scene.part_mask > 0, scene.person_mask)
    assert scene.confidence is not None
    clear = np.abs(scene.confidence / 255 - threshold) > 0.004
    assert np.array_equal((scene.confidence > threshold * 255)[clear], scene.person_mask[clear])
    posed = [person for person in scene.persons if person.keypoints.any()]
    assert scene.persons[: len(posed)] == tuple(posed)
    assert all(person.score >= score_threshold for person in posed)
    assert [p.score for p in posed] == sorted((p.score for p in posed), reverse=True)
    areas = [(scene.instance_mask == k + 1).sum() for k in range(len(posed), len(scene.persons))]
    assert areas == sorted(areas, reverse=True)
    assert all(person.score <= 0.15 for person in scene.persons[len(posed) :])
    assert all(area >= 0.0008 * scene.person_mask.size for area in areas)


def test_the_worse_of_two_on_the_same_pixels_goes():
    poses = [pose_at(80, 60), pose_at(82, 61)]
    tables, _ = made(poses[:1], [BASE])
    claims = Claims(tables, np.stack(poses), np.array([0.9, 0.5], np.float32), SHAPE, 0.0)
    assert claims.whole[:, KEPT].tolist() == [1, 0]
    assert claims.score[1] == 0 < claims.score[0] <= 0.9


@pytest.mark.parametrize("people", [1, 2, 5])
def test_two_threads_work_out_what_one_does(monkeypatch, people):
    monkeypatch.setattr(owning, "_WORTH_HALVING", 0)
    poses = [pose_at(20 + 25 * k, 60) for k in range(people)]
    tables, _ = made(poses, [BASE])
    given = tables, np.stack(poses), np.linspace(0.9, 0.6, people, dtype=np.float32), SHAPE, 0.0
    second = SecondThread()
    try:
        alone, shared = Claims(*given), Claims(*given, second)
    finally:
        second.close()
    for name in ("whole", "weights", "distance", "score"):
        assert np.array_equal(getattr(alone, name), getattr(shared, name)), name
    assert alone.score[0] > 0


def test_a_pose_with_few_pixels_is_worth_little():
    pose = pose_at(80, 60)
    tables, _grids = made([pose], [BASE], noise=0)
    claims = Claims(tables, pose[None], np.array([0.9], np.float32), SHAPE, 0.0)
    thin = Claims(tables, pose[None], np.array([0.9], np.float32), SHAPE, 3.5)
    assert thin.score[0] < 0.7 * claims.score[0]


def test_merging_joins_who_is_the_same_and_nobody_else():
    a, b = pose_at(60, 60), pose_at(100, 60)
    again = a + np.float32([1, 1, -0.2])
    poses, trusted = merge(np.stack([again, b, a]), np.array([0.4, 0.7, 0.8], np.float32), 254)
    assert trusted.tolist() == pytest.approx([0.8, 0.7])
    assert np.allclose(poses[1], b, atol=1e-4)
    assert np.all((poses[0, :, :2] > a[:, :2]) & (poses[0, :, :2] < again[:, :2]))
    assert np.allclose(poses[0, :, 2], 0.9)  # the better of the two
    assert len(merge(np.stack([a, b]), np.array([0.8, 0.01], np.float32), 254)[0]) == 1
    assert len(merge(np.stack([a, b]), np.array([0.8, 0.7], np.float32), 1)[0]) == 1


def test_similarity_is_that_of_the_same_and_falls_with_distance():
    a = pose_at(60, 60)
    alike = similarity(a[None], np.stack([a, a + np.float32([3, 0, 0]), a + np.float32([60, 0, 0])]))[0]
    assert alike[0] == pytest.approx(1)
    assert 0.3 < alike[1] < 1
    assert alike[2] < 0.01


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(60, 80), (61, 83)]))
def test_the_rest_are_the_opened_components(seed, shape):
    rng = np.random.default_rng(seed)
    person = (cv2.resize(rng.random((9, 11)), shape[::-1]) > 0.55).astype(np.uint8)
    instance = np.where(cv2.resize(rng.random((3, 4)), shape[::-1]) > 0.6, person, 0).astype(np.uint8)
    before = instance.copy()
    view = whole(*shape, 257)
    passes = Passes(view, STRIDE, 0)
    logits = rng.normal(1, 2, ((view.height - 1) // STRIDE + 1, 17, 1)).astype(np.float32)
    others = [np.zeros((*logits.shape[:2], channels), np.float32) for channels in (24, 34)]
    passes.take(passes.add(view), logits, *others)
    y, x = np.nonzero(person & (instance == 0))
    bounds = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1) if len(y) else (0, 0, 1, 1)
    boxes, scores = components(passes.tables, person, instance, bounds, 2, 253)
    free = cv2.copyMakeBorder(person & (before == 0), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(free, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    _, expected, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    large = [k for k in range(1, len(stats)) if stats[k, cv2.CC_STAT_AREA] >= 0.0008 * person.size]
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    sure = 1 / (1 + np.exp(-bilinear(logits[..., 0], view.top, view.left, view.step * STRIDE, rows, columns)))
    certainty = {}
    for k in large:
        left, top, right, bottom = stats[k, :4] + np.r_[0, 0, stats[k, :2]]
        every = np.s_[top:bottom:4, left:right:4]
        there = expected[every] == k
        certainty[k] = sure[every][there].mean() if there.any() else 0
    if any(abs(value - 0.6) < 1e-3 for value in certainty.values()):
        return
    large = [k for k in large if certainty[k] >= 0.6]
    assert len(boxes) == len(scores) == len(large)
    assert np.allclose(np.sort(scores), np.sort([0.15 * certainty[k] for k in large]), atol=1e-4)
    assert np.array_equal(instance > 1, np.isin(expected, large))
    for n, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        mine = instance == n + 2
        assert len(np.unique(expected[mine])) == 1
        y, x = np.nonzero(mine)
        assert (x0, y0, x1, y1) == (x.min(), y.min(), x.max() + 1, y.max() + 1)
    assert np.array_equal(instance[instance <= 1], before[instance <= 1])


def test_a_tile_is_a_power_of_two_near_twelve_pixels_of_input():
    assert [tile_side(step) for step in (0.3, 1.0, 4 / 3, 4.0, 8.0, 100.0)] == [8, 16, 16, 64, 128, 128]


def test_the_row_that_halves_the_work_is_where_the_people_are():
    claims = Claims.__new__(Claims)
    claims.whole = np.zeros((2, 9), np.int64)
    assert halfway(claims, 480, 16) == 240
    claims.whole[:, [KEPT, X1]] = 1, 640
    claims.whole[0, [Y0, Y1]] = 320, 480  # its rows take twice as long
    assert halfway(claims, 480, 16) == 320
    claims.whole[1, [Y0, Y1]] = 320, 480
    assert halfway(claims, 480, 16) == 16 * round((480 - 400 / 3) / 16 - 1e-9)
    claims.whole[:, KEPT] = 0
    assert halfway(claims, 480, 16) == 240
    assert halfway(claims, 10, 16) == 0
