"""What belongs together: messages of an image by their exact stamp, and the nearest depth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.ros.people.joining import (
    CAPACITY,
    COMING_S,
    IMAGE,
    KEYPOINTS,
    MASK,
    METRES,
    PATIENCE_S,
    PERSONS,
    Matcher,
)

MS = 1_000_000
SECOND = 1000 * MS


class Line:
    """A matcher, and a clock."""

    def __init__(self, slop_s=0.05):
        self.matcher, self.now_s = Matcher(slop_s), 100.0

    def image(self, stamp_ns, names=(MASK, PERSONS), after_s=0.0):
        self.now_s += after_s
        found = [self.matcher.add(name, stamp_ns, f"{name} {stamp_ns}", self.now_s) for name in names]
        assert found[:-1] == [None] * (len(names) - 1)
        return found[-1]

    def depth(self, stamp_ns, after_s=0.0):
        self.now_s += after_s
        return self.matcher.add_depth(stamp_ns, f"depth {stamp_ns}", self.now_s)


def test_exact_stamps_are_joined_with_the_last_message():
    line = Line()
    line.depth(1 * SECOND)
    joined = line.image(1 * SECOND)
    assert joined.depth == f"depth {SECOND}"
    assert joined.messages == {MASK: f"{MASK} {SECOND}", PERSONS: f"{PERSONS} {SECOND}"}
    assert (joined.lag_ns, line.matcher.problem, line.matcher.difference_s) == (0, "", 0.0)
    assert line.image(2 * SECOND) is None
    assert line.depth(2 * SECOND).stamp_ns == 2 * SECOND


def test_the_nearest_depth_is_taken_and_a_nearer_one_waited_for():
    line = Line()
    for k in range(3):
        line.depth(k * 33 * MS)
    assert line.image(66 * MS + 10 * MS).lag_ns == 10 * MS  # none that comes can be nearer
    assert line.image(66 * MS + 30 * MS) is None
    assert line.depth(99 * MS).lag_ns == -3 * MS
    assert line.image(99 * MS + 20 * MS) is None
    assert line.matcher.check(line.now_s + 0.04) is None
    assert line.matcher.check(line.now_s + 0.06).lag_ns == 20 * MS


def test_what_is_too_far_apart_is_let_go_of_with_the_figure():
    line = Line()
    line.depth(0)
    assert line.image(80 * MS) is None
    assert line.depth(200 * MS) is None
    assert line.matcher.problem == "image and depth are 0.080 s apart, more than slop (0.05 s)"
    assert (line.matcher.apart, line.matcher.difference_s) == (1, 0.08)
    line.matcher.slop_s = 0.5
    assert line.image(260 * MS).lag_ns == 60 * MS
    assert line.matcher.problem == ""


def test_keypoints_are_waited_for_while_they_come_and_no_longer():
    line = Line()
    line.depth(0)
    assert line.image(0)  # nobody knows of keypoints yet
    line.image(33 * MS, (KEYPOINTS,))
    line.depth(33 * MS)
    assert line.image(33 * MS).messages.keys() == {MASK, PERSONS, KEYPOINTS}
    line.depth(66 * MS)
    assert line.image(66 * MS) is None
    assert line.image(66 * MS, (KEYPOINTS,)).stamp_ns == 66 * MS
    line.now_s += COMING_S
    line.depth(SECOND)
    assert line.image(SECOND)


def test_without_depth_metres_of_the_model_do_and_else_it_is_said():
    line = Line()
    line.image(0, (METRES,))
    joined = line.image(0)
    assert joined.depth is None
    assert joined.messages[METRES]
    line = Line()
    assert line.image(0) is None
    assert line.matcher.check(line.now_s + 0.1) is None
    assert (line.matcher.problem, line.matcher.alone) == ("no depth comes", 1)
    line.depth(SECOND)
    assert line.image(2 * SECOND, after_s=COMING_S + 1) is None  # it has stopped
    line.matcher.check(line.now_s + 0.1)
    assert line.matcher.alone == 2


def test_time_that_goes_back_joins_again_at_once():
    line = Line()
    line.depth(100 * SECOND)
    assert line.image(100 * SECOND)
    line.depth(1 * SECOND)
    assert line.image(1 * SECOND).stamp_ns == 1 * SECOND


@given(
    st.lists(
        st.tuples(
            st.sampled_from([MASK, PERSONS, KEYPOINTS, METRES, "depth"]),
            st.integers(0, 40),
            st.integers(0, 80),
        ),
        max_size=120,
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_comes_in_whatever_order_nothing_wrong_is_joined_and_little_is_kept(events):
    line = Line()
    for name, tick, wait_ms in events:
        line.now_s += wait_ms / 1000
        stamp_ns = tick * 20 * MS
        if name == "depth":
            joined = line.depth(stamp_ns)
        else:
            joined = line.matcher.add(name, stamp_ns, f"{name} {stamp_ns}", line.now_s)
        if joined is not None:
            assert joined.messages.keys() >= {MASK, PERSONS}
            assert all(text.endswith(f" {joined.stamp_ns}") for text in joined.messages.values())
            assert abs(joined.lag_ns) <= 50 * MS
            assert joined.depth in (None, f"depth {joined.stamp_ns - joined.lag_ns}")
            assert joined.depth is not None or METRES in joined.messages
        assert len(line.matcher._seen) <= CAPACITY


def test_an_older_image_is_not_given_after_a_newer_one():
    """Its last message is late, or lost: the filters would take it for a clock that went back."""
    line = Line()
    line.image(1 * SECOND, names=("image", MASK, PERSONS))
    line.matcher.check(line.now_s)
    line.depth(1 * SECOND)
    line.matcher.add("image", 1 * SECOND + 66 * MS, "newer", line.now_s)  # before anything of 33
    line.image(1 * SECOND + 33 * MS)
    line.matcher.add(MASK, 1 * SECOND + 66 * MS, "mask", line.now_s)
    line.matcher.add(PERSONS, 1 * SECOND + 66 * MS, "persons", line.now_s)
    joined = line.depth(1 * SECOND + 66 * MS)
    assert joined.stamp_ns == 1 * SECOND + 66 * MS
    assert line.matcher.check(line.now_s + 0.6) is None
    assert line.matcher.add("image", 1 * SECOND + 33 * MS, "late", line.now_s + 0.7) is None
    assert line.matcher.check(line.now_s + 2) is None


def given_of(line, frames, hz, names, also=lambda stamp_ns: None):
    """When images were given, of frames of depth and what was seen at a rate."""
    times = []
    for _ in range(frames):
        line.now_s += 1 / hz
        stamp_ns = round(line.now_s * SECOND)
        events = [line.depth(stamp_ns), also(stamp_ns), *(line.image(stamp_ns, (name,)) for name in names)]
        times += [line.now_s for one in events if one is not None]
    return times


@pytest.mark.parametrize("hz", [5, 10, 30])
def test_an_input_of_other_stamps_is_not_waited_for(hz):
    """As of another camera, or of a driver that stamps again."""
    line = Line()
    times = given_of(line, 60, hz, (MASK, PERSONS), lambda stamp_ns: line.image(stamp_ns + 1000, (IMAGE,)))
    assert len(times) == 60


@pytest.mark.parametrize("hz", [5, 15, 20, 30, 60])
def test_an_input_that_stops_stops_nothing_for_longer_than_images_are_waited_with(hz):
    line = Line()
    times = given_of(line, 30, hz, (MASK, PERSONS, KEYPOINTS))
    times += given_of(line, 4 * hz, hz, (MASK, PERSONS))
    assert max(np.diff(times)) <= PATIENCE_S + 2 / hz
    assert len(times) >= 30 + 4 * hz - max(CAPACITY, PATIENCE_S * hz) - 2
    times = given_of(line, 30, hz, (MASK, PERSONS, KEYPOINTS))
    assert line.image(round(line.now_s * SECOND) + MS) is None  # they are waited for again
    line.matcher.forget(KEYPOINTS)
    assert line.depth(round(line.now_s * SECOND) + MS)
