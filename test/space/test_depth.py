"""Persons placed by depth, in rooms where everything is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.errors import PlacingError
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space import Lens, place
from bodypix_ros.space.depth import doubt, metres
from support import rooms
from support.rooms import HEIGHT, WIDTH, Stands

ENOUGH = 300
"""Pixels of somebody who is to be measured."""


def errors(seen, placed):
    """The shares that distances are wrong by, of everybody who is to be seen: all must be placed."""
    found = []
    for k, one in enumerate(placed):
        if (seen.labels == k + 1).sum() >= ENOUGH:
            assert one.is_placed
            truth = np.linalg.norm(seen.position(k))
            found.append(abs(one.distance - truth) / truth)
    return found


def visible(seen, k, row):
    """Whether a keypoint's own pixel is seen, and where that is in metres."""
    x, y, score = seen.keypoints[k][row]
    column, line = int(np.rint(x)), int(np.rint(y))
    inside = score > 0 and 0 <= column < WIDTH and 0 <= line < HEIGHT
    if not inside or seen.labels[line, column] != k + 1:
        return None
    return np.append(seen.lens.rays(np.array([[x, y]]))[0], 1) * seen.clean[line, column]


@pytest.mark.parametrize(("holes", "leak"), [(0.15, 0.2), (0.0, 0.0), (0.4, 0.3)])
def test_distances_and_keypoints_in_made_rooms(data_dir, holes, leak):
    wrong, apart, lost, all_of = [], [], 0, 0
    for seed in range(16):
        seen = rooms.random_room(data_dir, seed)
        depth = rooms.measured(seen, seed, holes=holes)
        placed = place(rooms.scene(seen, rooms.leaked(seen, leak, seed)), depth, seen.lens)
        wrong += errors(seen, placed)
        for k, one in enumerate(placed):
            for row, (*point, score) in enumerate(one.keypoints.tolist()):
                truth = visible(seen, k, row)
                all_of += truth is not None
                lost += truth is not None and score == 0
                if truth is not None and score > 0:
                    apart.append(np.linalg.norm(point - truth))
                # Nobody's keypoint is on the wall or another's body, seen or not.
                assert score == 0 or abs(point[2] - seen.people[k].z) < 0.35 + 0.03 * seen.people[k].z
    assert len(wrong) > 30
    assert np.median(wrong) < 0.01
    assert max(wrong) < 0.03
    assert np.median(apart) < 0.05
    assert lost < 0.15 * all_of


def test_millimetres_and_metres_are_the_same_place(data_dir):
    """Units wrong by a factor of 1000."""
    seen = rooms.random_room(data_dir, 3)
    depth, scene = rooms.measured(seen, 3), rooms.scene(seen)
    in_metres = place(scene, depth, seen.lens)
    others = (
        place(scene, rooms.as_16uc1(depth), seen.lens),
        place(scene, np.float32(1000) * depth, seen.lens, depth_unit=0.001),
        place(scene, np.rint(np.nan_to_num(depth) * 4000).astype(np.uint16), seen.lens, depth_unit=0.00025),
    )
    for other in others:
        for one, two in zip(in_metres, other, strict=True):
            np.testing.assert_allclose(one.position, two.position, atol=0.003)
            assert one.valid == pytest.approx(two.valid, abs=0.01)
    assert max(errors(seen, in_metres)) < 0.03
    assert doubt(depth) == ""
    assert "0.001 times" in doubt(np.float32(1000) * depth)
    assert "1000 times" in doubt(metres(rooms.as_16uc1(depth), 1e-6))
    assert not any(one.is_placed for one in place(scene, np.float32(1000) * depth, seen.lens))


def test_depth_of_another_size_is_scaled_and_of_another_view_refused(data_dir):
    seen = rooms.random_room(data_dir, 4)
    depth, scene = rooms.measured(seen, 4), rooms.scene(seen)
    for smaller in (depth[::2, ::2], np.repeat(np.repeat(depth, 2, axis=0), 2, axis=1), depth[::3, ::3]):
        assert max(errors(seen, place(scene, smaller, seen.lens))) < 0.03
    for other in (
        np.zeros((480, 848), np.uint16),
        np.zeros((480, 480), np.uint16),
        np.zeros((0, 0), np.uint16),
    ):
        with pytest.raises(PlacingError, match="not the same view"):
            place(scene, other, seen.lens)
    with pytest.raises(PlacingError, match="depth is uint8"):
        place(scene, np.zeros((HEIGHT, WIDTH), np.uint8), seen.lens)
    with pytest.raises(PlacingError, match="depth_unit is 0"):
        place(scene, depth, seen.lens, depth_unit=0)
    with pytest.raises(PlacingError, match="camera_info is of 640x480, but the images are 320x240"):
        place(replace(scene, instance_mask=seen.labels[::2, ::2]), depth, seen.lens)


@pytest.mark.parametrize("hole", [np.nan, 0.0, np.inf, -np.inf])
def test_nobody_is_placed_by_holes_or_by_the_wall(data_dir, hole):
    """Black clothes give no depth; what is left under the mask is the wall behind."""
    for seed in range(6):
        seen = rooms.room(data_dir, (Stands(seed, -0.4, 2.0), Stands(seed + 7, 0.7, 3.0)), wall=4.0)
        depth = rooms.measured(seen, seed, holes=0.15)
        depth[seen.labels == 1] = hole
        first, second = place(rooms.scene(seen, rooms.leaked(seen, 0.3, seed)), depth, seen.lens)
        assert not first.is_placed
        assert np.isnan(first.position).all()
        assert not first.keypoints[:, 3].any()
        assert np.isnan(first.keypoints[:, :3]).all()
        assert second.is_placed
        nothing = place(rooms.scene(seen), np.full_like(depth, hole), seen.lens)
        assert not any(one.is_placed for one in nothing)
        assert [one.valid for one in nothing] == [0, 0]


def test_a_few_of_a_persons_pixels_go_before_many_of_the_wall(data_dir):
    """Three quarters of a person are holes, and more of the mask is on the wall."""
    for seed in range(6):
        seen = rooms.room(data_dir, (Stands(seed, 0.1, 2.0),), wall=3.5)
        depth = rooms.measured(seen, seed, holes=0.0)
        hidden = np.random.default_rng(seed).random(depth.shape) < 0.75
        depth[hidden & (seen.labels == 1)] = np.nan
        (one,) = place(rooms.scene(seen, rooms.leaked(seen, 0.3, seed)), depth, seen.lens)
        assert one.position[2] == pytest.approx(2.0, abs=0.06)


def test_a_wall_close_behind_does_not_move_anybody(data_dir):
    for seed in range(6):
        seen = rooms.room(data_dir, (Stands(seed, 0.1, 2.5),), wall=2.9)
        (one,) = place(
            rooms.scene(seen, rooms.leaked(seen, 0.25, seed)), rooms.measured(seen, seed), seen.lens
        )
        assert one.distance == pytest.approx(np.linalg.norm(seen.position(0)), rel=0.02)


def test_hidden_keypoints_are_not_invented(data_dir):
    """Feet behind a table, and somebody behind somebody: by the truth's masks, and by masks that run over."""
    hidden = 0
    for seed in range(8):
        people = (
            Stands(seed, -0.5, 2.2, table=True),
            Stands(seed + 3, 0.5, 3.5),
            Stands(seed + 11, 0.4, 2.0),
        )
        seen = rooms.room(data_dir, people)
        for labels in (seen.labels, rooms.leaked(seen, 0.1, seed)):
            placed = place(rooms.scene(seen, labels), rooms.measured(seen, seed), seen.lens)
            for k, one in enumerate(placed):
                for row, (*_, z, score) in enumerate(one.keypoints):
                    if seen.keypoints[k][row, 2] == 0:
                        assert score == 0
                        continue
                    x, y = np.rint(seen.keypoints[k][row, :2]).astype(int)
                    inside = 0 <= x < WIDTH and 0 <= y < HEIGHT
                    if inside and visible(seen, k, row) is None:
                        hidden += 1
                        assert score == 0 or abs(z - people[k].z) < 0.25
    assert hidden > 20


def test_size_and_covariance_say_what_is_seen(data_dir):
    seen = rooms.room(data_dir, (Stands(1, 0.0, 3.0),))
    near = rooms.room(data_dir, (Stands(1, 0.0, 2.5),))
    (one,) = place(rooms.scene(seen), rooms.measured(seen), seen.lens)
    (two,) = place(rooms.scene(near), rooms.measured(near), near.lens)
    truth = np.ptp(np.nonzero(seen.labels)[0]) / 525 * 3.0
    assert one.size[1] == pytest.approx(truth, rel=0.07)
    assert one.center[1] == pytest.approx(FEET - truth / 2, abs=0.06)
    assert (np.linalg.eigvalsh(one.covariance) > 0).all()
    assert one.covariance[2, 2] > two.covariance[2, 2]
    off = one.position - seen.position(0)
    assert off @ np.linalg.solve(one.covariance, off) < 9
    assert one.valid == pytest.approx(0.85, abs=0.1)
    assert one.distance == pytest.approx(np.linalg.norm(one.position))


FEET = rooms.FLOOR_M


def test_places_are_seen_where_the_pixels_are_through_a_bent_lens(data_dir):
    info = rooms.camera_info(d=rooms.BENT)
    seen = rooms.room(data_dir, (Stands(5, -1.0, 2.5),), info=info)
    (one,) = place(rooms.scene(seen), rooms.measured(seen, holes=0), seen.lens)
    assert np.linalg.norm(one.position - seen.position(0)) < 0.04


@given(
    pixels=st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=6, max_size=6),
    z=st.floats(0.2, 30),
    box=st.tuples(*4 * [st.integers(-50, 700)]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_a_scene_holds_nothing_is_worse_than_unknown(pixels, z, box):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    x0, y0, x1, y1 = box
    labels[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 1
    person = Person(0.5, box, np.array(pixels, np.float32).reshape(2, 3))
    scene = Scene(labels > 0, labels, None, None, (person,), ("a", "b"))
    lens = Lens.from_fov(WIDTH, HEIGHT, 60)
    (one,) = place(scene, np.full((HEIGHT, WIDTH), z, np.float32), lens)
    assert one.is_placed == np.isfinite(one.position).all()
    if one.is_placed:
        assert one.position[2] == pytest.approx(z, rel=1e-3)
    known = one.keypoints[:, 3] > 0
    assert np.isfinite(one.keypoints[known]).all()
    assert np.isnan(one.keypoints[~known, :3]).all()


def test_somebody_is_found_at_every_depth():
    labels = np.zeros((120, 160), np.uint8)
    labels[20:110, 60:100] = 1
    person = Person(0.8, (60, 20, 100, 110), np.zeros((0, 3), np.float32))
    scene, lens = Scene(labels > 0, labels, None, None, (person,), ()), Lens.from_fov(160, 120, 60)
    for z in np.arange(0.12, 39, 0.007):
        (one,) = place(scene, np.full((120, 160), z, np.float32), lens)
        assert one.position[2] == pytest.approx(z, rel=1e-5)


@pytest.mark.parametrize("every", [(2, 1), (1, 2), (2, 2), (3, 3)])
@given(box=st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(100, 300), st.integers(120, 260)))
@settings(max_examples=30, deadline=None)
def test_holes_in_a_lattice_hide_nobody(every, box):
    """As of depth that was warped from a smaller image without being filled in."""
    left, top, wide, high = box
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[top : top + high, left : left + wide] = 1
    person = Person(0.9, (left, top, left + wide, top + high), np.zeros((0, 3), np.float32))
    scene, lens = Scene(labels > 0, labels, None, None, (person,), ()), Lens.from_fov(WIDTH, HEIGHT, 60)
    depth = np.zeros((HEIGHT, WIDTH), np.float32)
    depth[:: every[0], :: every[1]] = np.where(labels, 2.5, 6.0)[:: every[0], :: every[1]]
    (one,) = place(scene, depth, lens)
    assert one.position[2] == pytest.approx(2.5)
    assert one.valid == pytest.approx(1 / (every[0] * every[1]), rel=0.35)


def test_persons_of_different_models_are_refused():
    labels = np.ones((120, 160), np.uint8)
    persons = tuple(Person(0.8, (0, 0, 160, 120), np.zeros((n, 3), np.float32)) for n in (17, 33))
    with pytest.raises(PlacingError, match="different numbers of keypoints"):
        place(
            Scene(labels > 0, labels, None, None, persons, ()),
            labels.astype(np.float32),
            Lens.from_fov(160, 120, 60),
        )


def test_the_order_of_a_messages_bytes_does_not_matter():
    labels = np.zeros((120, 160), np.uint8)
    labels[20:110, 60:100] = 1
    person = Person(0.8, (60, 20, 100, 110), np.zeros((0, 3), np.float32))
    scene, lens = Scene(labels > 0, labels, None, None, (person,), ()), Lens.from_fov(160, 120, 60)
    for depth in (np.full((120, 160), 1500, ">u2"), np.full((120, 160), 1.5, ">f4")):
        (one,) = place(scene, depth, lens)
        assert one.position[2] == pytest.approx(1.5)


def test_without_persons_and_without_keypoints():
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    lens, depth = Lens.from_fov(WIDTH, HEIGHT, 60), np.full((HEIGHT, WIDTH), 2000, np.uint16)
    assert place(Scene(labels > 0, labels, None, None, (), ()), depth, lens) == ()
    labels[100:400, 200:300] = 1
    person = Person(0.9, (200, 100, 300, 400), np.zeros((0, 3), np.float32))
    (one,) = place(Scene(labels > 0, labels, None, None, (person,), ()), depth, lens)
    assert one.position[2] == pytest.approx(2.0)
    assert one.keypoints.shape == (0, 4)


def test_metres_of_the_model_give_a_place_without_depth():
    lens = Lens.from_fov(WIDTH, HEIGHT, 62)
    rng = np.random.default_rng(2)
    body = rng.uniform((-0.4, -0.8, -0.2), (0.4, 0.8, 0.2), (33, 3))
    there = np.add(body, (0.5, 0.1, 3.0))
    pixels = there[:, :2] / there[:, 2:] * lens.matrix[0, 0] + lens.matrix[:2, 2]
    ones = np.ones((33, 1))
    keypoints, figure = (np.hstack([p, ones]).astype(np.float32) for p in (pixels, body))
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    people = (Person(0.9, (0, 0, 9, 9), keypoints, figure), Person(0.9, (0, 0, 9, 9), keypoints))
    one, without = place(Scene(labels > 0, labels, None, None, people, ()), None, lens)
    np.testing.assert_allclose(one.position, there.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(one.keypoints[:, :3], there, atol=0.02)
    assert one.covariance[2, 2] == pytest.approx((0.05 * 3) ** 2, rel=0.2)
    assert not without.is_placed
