"""The kernels against a plain implementation of the same formulas, on made-up tensors of any size."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS, POSE_TREE
from bodypix_ros.imaging.resize import resize
from bodypix_ros.segmenters.bodypix.original import instances, masks, poses, roots
from bodypix_ros.segmenters.bodypix.original.filling import fill
from bodypix_ros.segmenters.bodypix.original.geometry import Geometry, geometry, internal_size
from support import dense

SIZES = st.tuples(st.integers(1, 140), st.integers(1, 140))
RESOLUTIONS = st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0, 2.0])
STRIDES = st.sampled_from([8, 16, 32])
SEEDS = st.integers(0, 2**32 - 1)


def smooth(shape: tuple[int, ...], seed: int, spread: float = 4.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * spread).astype(np.float32)


def grid(where: Geometry, channels: int) -> tuple[int, int, int]:
    return where.y.points, where.x.points, channels


@pytest.mark.parametrize(
    ("size", "resolution", "stride", "expected"),
    [(640, 0.5, 16, 321), (425, 0.5, 16, 209), (480, 0.5, 16, 241), (513, 1.0, 16, 513), (34, 0.5, 16, 17),
     (1, 0.1, 16, 1), (33, 1.0, 32, 33), (640, 0.25, 8, 161)],
)  # fmt: skip
def test_internal_size(size: int, resolution: float, stride: int, expected: int) -> None:
    assert internal_size(size, resolution, stride) == expected


@given(SIZES, RESOLUTIONS, STRIDES)
def test_geometry_is_consistent(size: tuple[int, int], resolution: float, stride: int) -> None:
    where = geometry(*size, resolution, stride)
    for axis in (where.y, where.x):
        assert (axis.internal - 1) % stride == 0
        assert axis.points == (axis.internal - 1) // stride + 1
        assert axis.first[0] == 0
        assert axis.first[-1] == axis.size
        assert (np.diff(axis.first) >= 0).all()
        assert ((axis.fraction >= 0) & (axis.fraction <= 1)).all()
        inside = axis.samples.weight.sum(axis=1)
        assert ((inside > -1e-6) & (inside < 1 + 1e-6)).all()


@settings(deadline=None, max_examples=60)
@given(SIZES, RESOLUTIONS, STRIDES, SEEDS, st.sampled_from([0.0, 0.2, 0.5, 0.7, 0.95, 1.0]))
def test_masks_equal_the_dense_form(
    size: tuple[int, int], resolution: float, stride: int, seed: int, threshold: float
) -> None:
    where = geometry(*size, resolution, stride)
    segments, parts = smooth(grid(where, 1), seed), smooth(grid(where, 24), seed + 1)
    person, labels, alone, owner = (np.full(size, 9, np.uint8) for _ in range(4))
    offsets, nobody = np.zeros(grid(where, 34), np.float32), np.zeros((0, 17, 3), np.float32)
    fill(segments, parts, offsets, nobody, where, threshold, 0.3, 10, person, labels, owner)
    assert not owner.any()
    fill(segments, None, offsets, nobody, where, threshold, 0.3, 10, alone, None, owner)

    score = dense.scores(segments, where)[..., 0]
    near = np.abs(score - threshold) < 1e-5  # float32 may decide either way
    assert np.array_equal(person[~near], (score > threshold)[~near])
    assert np.array_equal(person, alone)
    assert np.array_equal(labels > 0, person > 0)
    part_scores = dense.scores(parts, where)
    ranked = np.sort(part_scores, axis=-1)
    clear = (person > 0) & (ranked[..., -1] - ranked[..., -2] > 1e-5)
    assert np.array_equal(labels[clear], part_scores.argmax(axis=-1)[clear] + 1)


@settings(deadline=None, max_examples=30)
@given(SIZES, RESOLUTIONS, STRIDES, SEEDS)
def test_confidence_equals_the_dense_form(
    size: tuple[int, int], resolution: float, stride: int, seed: int
) -> None:
    where = geometry(*size, resolution, stride)
    segments = smooth(grid(where, 1), seed)
    out = np.empty(size, np.uint8)
    masks.confidence(segments, where, out)
    assert np.abs(out - dense.scores(segments, where)[..., 0] * 255).max() <= 0.5 + 1e-3


@settings(deadline=None, max_examples=40)
@given(SIZES, RESOLUTIONS, STRIDES, SEEDS)
@example((31, 1000), 0.3, 16, 1)  # many strips of columns that are few
@example((9, 700), 2.0, 8, 2)
def test_resize_equals_pad_then_bilinear(
    size: tuple[int, int], resolution: float, stride: int, seed: int
) -> None:
    where = geometry(*size, resolution, stride)
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    y, x = where.y, where.x
    padded = np.pad(image.astype(np.float64), ((y.before, y.after), (x.before, x.after), (0, 0)))
    # The reference computes where it samples in 32 bits.
    rows = np.arange(y.internal, dtype=np.float32) * np.float32(padded.shape[0] / y.internal)
    columns = np.arange(x.internal, dtype=np.float32) * np.float32(padded.shape[1] / x.internal)
    expected = dense._bilinear(padded, rows, columns)[..., ::-1] / 127.5 - 1
    out = np.empty((y.internal, x.internal, 3), np.float32)
    before = image.copy()
    image.setflags(write=False)
    resize(image, (2, 1, 0), where.y.samples, where.x.samples, 1 / 127.5, np.full(3, -1, np.float32), out)
    assert np.abs(out - expected).max() < 1e-4
    assert np.array_equal(image, before)


def planted(where: Geometry, at: list[tuple[float, float]], size: float) -> dict[str, np.ndarray]:
    """Tensors in which people stand at the given points (internal pixels), each a known figure."""
    rng = np.random.default_rng(3)
    figure = rng.uniform(-1, 1, (17, 2)) * size
    shape = (where.y.points, where.x.points)
    heat = np.full((*shape, 17), -8, np.float32)
    short, forward, backward = (np.zeros((*shape, c), np.float32) for c in (34, 32, 32))
    rows, columns = np.indices(shape) * where.stride
    people = [np.array(point) + figure for point in at]
    closest = np.argmin([np.hypot(rows - p[0], columns - p[1]) for p in at], axis=0)
    for k in range(17):
        for n, person in enumerate(people):
            y, x = person[k]
            i = int(np.clip(math.floor(y / where.stride + 0.5), 0, shape[0] - 1))
            j = int(np.clip(math.floor(x / where.stride + 0.5), 0, shape[1] - 1))
            heat[i, j, k] = 3 - 0.2 * n
        target = np.array([person[k] for person in people])[closest]
        short[..., k], short[..., 17 + k] = target[..., 0] - rows, target[..., 1] - columns
    for e, (parent, child) in enumerate(POSE_TREE):
        step = figure[KEYPOINTS.index(child)] - figure[KEYPOINTS.index(parent)]
        forward[..., e], forward[..., 16 + e] = step
        backward[..., e], backward[..., 16 + e] = -step
    return {
        "heat": heat,
        "short": short,
        "forward": forward,
        "backward": backward,
        "people": np.array(people),
    }


def test_planted_people_are_decoded_best_first() -> None:
    where = geometry(400, 640, 1.0, 16)
    made = planted(where, [(150, 150), (200, 480)], 60)
    found, score = poses.decode(
        made["heat"], made["short"], made["forward"], made["backward"], where, 10, 0.5, 20.0
    )
    assert len(found) == 2
    scale = (where.x.padded / where.x.internal, where.y.padded / where.y.internal)
    for n, person in enumerate(made["people"]):
        expected = person[:, ::-1] * scale - (where.x.before, where.y.before)
        assert np.abs(found[n, :, :2] - expected).max() < 0.5
        assert found[n, :, 2] == pytest.approx(1 / (1 + math.exp(-(3 - 0.2 * n))), abs=1e-5)
    assert score[0] > score[1]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (2, 2), (254, 2)])
def test_no_more_poses_than_asked_for(limit: int, expected: int) -> None:
    where = geometry(400, 640, 1.0, 16)
    made = planted(where, [(150, 150), (200, 480)], 60)
    tensors = (made["heat"], made["short"], made["forward"], made["backward"])
    assert len(poses.decode(*tensors, where, limit, 0.5, 20.0)[0]) == expected
    assert len(poses.decode(*tensors, where, limit, 1.0, 20.0)[0]) == 0


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.25, 3.0, 7.5]), max_size=70))
def test_the_best_come_first_and_equal_ones_in_their_order(values: list[float]) -> None:
    logits = np.array(values, np.float32)
    assert roots.falling.py_func(logits).tolist() == np.argsort(-logits, kind="stable").tolist()


def test_a_person_within_the_radius_is_suppressed() -> None:
    where = geometry(400, 640, 1.0, 16)
    made = planted(where, [(150, 150), (200, 480)], 60)
    tensors = (made["heat"], made["short"], made["forward"], made["backward"])
    assert len(poses.decode(*tensors, where, 10, 0.5, 1000.0)[0]) == 1


def assign(
    mask: np.ndarray,
    offsets: np.ndarray,
    pose: np.ndarray,
    where: Geometry,
    refine_steps: int,
    out: np.ndarray,
) -> np.ndarray:
    """Whose pixels those of a mask are; the boxes."""
    boxes = np.zeros((len(pose), 4), np.int32)
    stride, _, _, _, _, *placing = where.tables
    instances.assign(mask, offsets, pose, stride, *placing, 0.3, refine_steps, 0, len(mask), out, boxes)
    return boxes


@settings(deadline=None, max_examples=25, derandomize=True)  # agreement is a share: the same cases every time
@given(st.integers(2, 6), SEEDS, st.integers(1, 20))
def test_instances_agree_with_the_dense_form(people: int, seed: int, refine_steps: int) -> None:
    where = geometry(240, 320, 0.5, 16)
    rng = np.random.default_rng(seed)
    pose = rng.uniform((-30, -60, 0.2), (30, 60, 1), (people, 17, 3)).astype(np.float32)
    pose[:, :, :2] += rng.uniform((30, 20), (290, 220), (people, 1, 2)).astype(np.float32)
    middle = pose[:, :, 1::-1].mean(axis=1)
    # Offsets as a network gives them: from each point towards the keypoints of the nearest person.
    y, x = where.y, where.x
    rows = ((np.arange(y.points) * 16 + 1) / (y.internal / y.padded) - 1 - y.before)[:, None]
    columns = ((np.arange(x.points) * 16 + 1) / (x.internal / x.padded) - 1 - x.before)[None, :]
    owner = np.argmin([np.hypot(rows - m[0], columns - m[1]) for m in middle], axis=0)
    offsets = np.empty((y.points, x.points, 34), np.float32)
    offsets[..., :17] = pose[owner][..., 1] - rows[..., None]
    offsets[..., 17:] = pose[owner][..., 0] - columns[..., None]
    mask = np.zeros((240, 320), np.uint8)
    mask[20:200, 30:300] = 1
    mask[90:110, 100:140] = 0
    out = np.full_like(mask, 77)
    boxes = assign(mask, offsets, pose, where, refine_steps, out)

    assert np.array_equal(out > 0, mask > 0)
    pixels = np.argwhere(mask)
    exact = dense.distances(offsets, pose, pixels, where, 0.3, refine_steps)
    assert (out[mask > 0] == exact.argmin(axis=1) + 1).mean() > 0.97
    for n, box in enumerate(boxes):
        at = np.argwhere(out == n + 1)
        expected = [*at.min(axis=0)[::-1], *(at.max(axis=0)[::-1] + 1)] if len(at) else [0] * 4
        assert box.tolist() == expected


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), SEEDS, st.sampled_from([0.0, 0.01, 0.5, 1.0]))
def test_one_person_has_all_person_pixels(height: int, width: int, seed: int, share: float) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    where = geometry(height, width, 0.5, 16)
    pose = np.ones((1, 17, 3), np.float32)
    out = np.full_like(mask, 77)
    box = assign(mask, np.zeros(grid(where, 34), np.float32), pose, where, 10, out)[0]
    assert np.array_equal(out, mask)
    at = np.argwhere(mask)
    expected = [*at.min(axis=0)[::-1], *(at.max(axis=0)[::-1] + 1)] if len(at) else [0] * 4
    assert box.tolist() == expected


def test_nobody_leaves_an_empty_instance_mask() -> None:
    where = geometry(20, 30, 0.5, 16)
    out = np.full((20, 30), 77, np.uint8)
    nobody = np.zeros((0, 17, 3), np.float32)
    mask = np.ones((20, 30), np.uint8)
    boxes = assign(mask, np.zeros(grid(where, 34), np.float32), nobody, where, 10, out)
    assert not out.any()
    assert boxes.shape == (0, 4)


@settings(deadline=None, max_examples=20)
@given(st.integers(70, 300), st.integers(1, 200), SEEDS, st.integers(0, 4))
def test_halves_make_the_whole(height: int, width: int, seed: int, people: int) -> None:
    where = geometry(height, width, 0.5, 16)
    segments, parts = smooth(grid(where, 1), seed), smooth(grid(where, 24), seed + 1)
    offsets = smooth(grid(where, 34), seed + 2, 20.0)
    pose = (
        np.random.default_rng(seed)
        .uniform((0, 0, 0.2), (width, height, 1), (people, 17, 3))
        .astype(np.float32)
    )
    results = []
    for bands in ([None], [(0, 64), (64, height)]):
        person, labels, owner = (np.full((height, width), 9, np.uint8) for _ in range(3))
        masks_of = (person, labels, owner)
        boxes = [fill(segments, parts, offsets, pose, where, 0.5, 0.3, 5, *masks_of, rows) for rows in bands]
        results.append((person, labels, owner))
        for n in range(people):
            at = np.argwhere(owner == n + 1)
            got = [box[n] for box in boxes if box[n, 2]]
            assert bool(len(at)) == bool(got)
            if got:
                assert min(box[0] for box in got) == at[:, 1].min()
                assert max(box[3] for box in got) == at[:, 0].max() + 1
    for whole, halves in zip(*results, strict=True):
        assert np.array_equal(whole, halves)
