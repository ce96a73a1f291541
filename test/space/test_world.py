"""People who walk, seen by a robot that turns: velocities, whom it follows, and when filters begin anew."""

import numpy as np
import pytest

from bodypix_ros.space import Follow, World, place
from bodypix_ros.space.follow import Candidate
from bodypix_ros.space.world import Sighting
from support import rooms
from support.rooms import Stands

RATE_HZ = 15.0
OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
"""The camera's optical frame in one with x forward and z up."""


def turned(yaw):
    """The camera's optical frame in the frame that stands, of a robot that is turned."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ OPTICAL


def film(data, ways, seconds, *, turn=0.0, seed=0, until=None, late_s=0.0):
    """The images of people who walk.

    Args:
        data: Folder of the test data.
        ways: Of each: cutout, place (2,) and velocity (2,) on the floor, metres.
        seconds: How long.
        turn: The robot looks so far to the left and the right, radians.
        until: When the first one leaves.
        late_s: The depth is so much older than the image.

    Yields:
        Seconds, rotation of the camera, Scene, depth, lens.
    """
    for frame in range(int(seconds * RATE_HZ)):
        t = frame / RATE_HZ
        gone = until is not None and t >= until
        views = []
        for when in (t, t - late_s):
            rotation = turned(turn * np.sin(1.5 * when))
            people = []
            for who, start, velocity in ways[1 if gone else 0 :]:
                x, _, z = np.append(np.add(start, np.multiply(velocity, when)), 0) @ rotation
                people.append(Stands(who, x, z))
            views.append(rooms.room(data, tuple(people), wall=9.0))
        seen, before = views
        labels = rooms.leaked(seen, 0.15, seed + frame) if people else seen.labels
        ids = [k + 1 + gone for k in range(len(people))]
        depth = rooms.measured(before, seed + frame)
        yield t, turned(turn * np.sin(1.5 * t)), rooms.scene(seen, labels, ids=ids), depth, seen.lens


def walk(world, t, rotation, scene, placed):
    sightings = {
        str(person.track_id): Sighting(rotation @ one.position, rotation @ one.covariance @ rotation.T)
        for person, one in zip(scene.persons, placed, strict=True)
        if one.is_placed
    }
    return world.update(t, sightings)


WAYS = ((3, (3.0, -0.8), (0.0, 0.5)), (8, (4.8, 1.6), (-0.5, 0.0)))


@pytest.mark.parametrize("turn", [0.0, 0.2])
def test_velocities_of_people_who_walk_past_a_robot_that_turns(data_dir, turn):
    world, apart, away = World(), [], []
    for t, rotation, scene, depth, lens in film(data_dir, WAYS, 2.2, turn=turn):
        placed = place(scene, depth, lens)
        walk(world, t, rotation, scene, placed)
        if t < 1:
            continue
        for k, (_, start, velocity) in enumerate(WAYS, 1):
            track = world.tracks[str(k)]
            apart.append(np.linalg.norm(track.velocity - [*velocity, 0]))
            away.append(np.linalg.norm(track.position[:2] - np.add(start, np.multiply(velocity, t))))
    assert len(apart) >= 36
    assert max(apart) < 0.15
    assert max(away) < 0.15


def test_the_followed_person_never_changes_while_it_is_in_view_and_ends_when_it_is_gone(data_dir):
    world, follow, chosen = World(), Follow(1.0), []
    ways = ((3, (2.0, -0.4), (0.7, 0.2)), (8, (4.5, 1.0), (-1.0, -0.3)))  # the second comes nearer
    for t, rotation, scene, depth, lens in film(data_dir, ways, 3.0, turn=0.2, until=1.5):
        placed = place(scene, depth, lens)
        walk(world, t, rotation, scene, placed)
        people = {
            str(person.track_id): Candidate(one.distance, one.size[0] * one.size[1])
            for person, one in zip(scene.persons, placed, strict=True)
        }
        chosen.append((t, follow.choose("nearest", people, t)))
    assert all(name == "1" for t, name in chosen if t < 1.5)
    assert all(name == "2" for t, name in chosen if t >= 2.5)


def test_depth_that_is_older_than_the_image_is_made_up_for_by_the_velocity(data_dir):
    """Somebody comes at 1.2 m/s, and the depth is 0.1 s old: 12 cm."""
    world, with_it, without = World(), [], []
    late_s = 0.1
    ways = ((3, (4.0, 0.0), (-1.2, 0.0)),)
    for t, rotation, scene, depth, lens in film(data_dir, ways, 1.6, late_s=late_s):
        (one,) = place(scene, depth, lens)
        toward = rotation @ one.position / one.distance
        moved = world.advance("1", toward, late_s)
        position = one.position * (1 + moved / one.distance)
        truth = 4.0 - 1.2 * t
        if t > 0.8:
            without.append(one.position[2] - truth)
            with_it.append(position[2] - truth)
        world.update(t, {"1": Sighting(rotation @ position, one.covariance)})
    assert np.median(without) == pytest.approx(0.12, abs=0.03)
    assert abs(np.median(with_it)) < 0.03


def seen_at(*place):
    return Sighting(np.array(place, np.float64), 4e-4 * np.eye(3))


def test_one_wrong_place_is_not_believed_but_three_are():
    world = World()
    for k in range(15):
        world.update(k / 15, {"1": seen_at(2, 0, 0)})
    world.update(1.0, {"1": seen_at(5, 0, 0)})
    assert world.tracks["1"].position[0] == pytest.approx(2, abs=0.05)
    for k in (1, 2, 3):
        world.update(1.0 + k / 15, {"1": seen_at(5, 0, 0)})
    assert world.tracks["1"].position[0] == pytest.approx(5, abs=0.05)
    assert np.abs(world.tracks["1"].velocity).max() < 0.5


def test_somebody_unseen_goes_on_for_a_while_and_time_that_goes_back_forgets_everybody():
    world = World(max_age_s=1.0)
    for k in range(30):
        assert not world.update(k / 15, {"1": seen_at(2 + k / 15, 0, 0), "2": seen_at(0, 1, 0)})
    world.update(2.5, {"2": seen_at(0, 1, 0)})
    assert world.tracks["1"].position[0] == pytest.approx(4.5, abs=0.1)
    world.update(3.5, {"2": seen_at(0, 1, 0)})
    assert set(world.tracks) == {"2"}
    assert world.update(0.2, {"1": seen_at(1, 0, 0)})
    assert set(world.tracks) == {"1"}
    assert not world.update(60.0, {"1": seen_at(3, 0, 0)})
    assert world.tracks["1"].position[0] == 3
    assert not world.tracks["1"].velocity.any()
