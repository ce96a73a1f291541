"""Messages joined by stamp: whole frames, missing partners, stamps that say nothing; nothing piles up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.ros.renderer.joining import REMEMBERED, Joiner

INPUTS = ("image", "instance_mask", "persons")
WAIT_S = 0.5


def joiner(inputs=INPUTS, required=("image",), capacity=4):
    made = Joiner(capacity, WAIT_S)
    made.expect(inputs, required)
    return made


def add_all(made, number, now_s, inputs=INPUTS):
    """What the last of a frame's messages gives."""
    given = None
    for name in inputs:
        given = made.add(name, (number, 0), f"{name} {number}", now_s)
    return given


@pytest.mark.parametrize("order", [INPUTS, INPUTS[::-1], ("persons", "image", "instance_mask")])
def test_a_frame_is_given_with_its_last_message_whatever_the_order(order):
    made = joiner()
    first, second, third = order

    assert made.add(first, (7, 8), 1, 0.1) is None
    assert made.add(second, (7, 8), 2, 0.2) is None
    frame = made.add(third, (7, 8), 3, 0.3)

    assert frame.messages == {first: 1, second: 2, third: 3}
    assert (frame.first_s, frame.last_s, frame.certain) == (0.1, 0.3, True)
    assert len(made) == 0


def test_messages_of_different_stamps_are_never_joined():
    made = joiner()
    assert made.add("image", (1, 0), "a", 0.0) is None
    assert made.add("instance_mask", (1, 1), "b", 0.0) is None
    assert made.add("persons", (2, 0), "c", 0.0) is None
    assert made.check(100.0).messages == {"image": "a"}


def test_what_is_not_expected_is_left_aside():
    made = joiner(("image",))
    assert made.add("part_mask", (1, 0), "b", 0.0) is None
    assert len(made) == 0
    assert made.add("image", (1, 0), "a", 0.0).messages == {"image": "a"}


def test_images_that_a_slow_model_skips_are_let_go_of_with_the_next_whole_frame():
    made = joiner()
    for number in (1, 2, 3):
        made.add("image", (number, 0), "a", 0.03 * number)
    assert made.add("instance_mask", (2, 0), "b", 0.2) is None
    assert made.add("persons", (2, 0), "c", 0.2).messages["image"] == "a"
    assert (len(made), made.incomplete) == (1, 1)  # the newer one waits on


def test_images_that_a_slow_model_skips_are_not_given_alone():
    made = joiner(capacity=100)
    add_all(made, 0, 0.0)
    given = []
    for number in range(1, 60):  # 30 Hz, of which every tenth gets its masks a third of a second late
        now_s = number / 30
        given += [made.add("image", (number, 0), number, now_s), made.check(now_s)]
        if number > 10 and number % 10 == 0:
            given.append(add_all(made, number - 10, now_s, INPUTS[1:]))
    whole = [frame.messages["image"] for frame in given if frame is not None]
    assert whole == [10, 20, 30, 40]


@pytest.mark.parametrize("name", INPUTS)
def test_frames_that_never_get_their_partners_do_not_pile_up(name):
    made = joiner(capacity=5)
    for other in INPUTS:  # all of them come, but stamps never meet
        made.add(other, (9, INPUTS.index(other)), 0, 0.0)
    for number in range(1000):
        made.add(name, (10, number), number, number * 1e-4)
        assert len(made) <= 5


def test_a_smaller_capacity_holds_at_once():
    made = joiner(capacity=50)
    for number in range(50):
        made.add("image", (number, 1), 0, 0.0)
    made.capacity = 3
    made.add("image", (50, 1), 0, 0.0)
    assert len(made) == 3


def test_an_input_that_stays_away_is_waited_for_once():
    made = joiner()
    made.add("image", (1, 0), "a", 0.0)
    made.add("instance_mask", (1, 0), "b", 0.1)
    assert made.check(WAIT_S - 0.01) is None
    assert made.check(WAIT_S + 0.01).messages == {"image": "a", "instance_mask": "b"}

    made.add("image", (2, 0), "a", 0.6)
    assert made.add("instance_mask", (2, 0), "b", 0.6).messages.keys() == {"image", "instance_mask"}

    made.add("persons", (3, 0), "c", 0.7)  # it is there again
    made.add("image", (3, 0), "a", 0.7)
    assert made.add("instance_mask", (3, 0), "b", 0.7).messages.keys() == set(INPUTS)
    made.add("image", (4, 0), "a", 0.8)
    assert made.add("instance_mask", (4, 0), "b", 0.8) is None


def test_partners_that_come_to_other_frames_are_waited_for_until_they_stay_away():
    made = joiner()
    add_all(made, 1, 0.0)
    made.add("image", (2, 0), "a", 0.1)
    assert made.check(1.9) is None  # the model may have skipped it
    assert made.check(2.1).messages == {"image": "a"}


def test_of_frames_that_have_waited_the_newest_is_given():
    made = joiner()
    for number in range(3):
        made.add("image", (number, 1), number, 0.01 * number)
    assert made.check(1.0).messages == {"image": 2}
    assert made.check(1.0) is None
    assert len(made) == 0


def test_required_inputs_are_waited_for_to_the_end():
    made = joiner(("image", "part_mask"), ("image", "part_mask"))
    for number in range(100):
        now_s = number / 3
        assert made.add("image", (number, 1), "a", now_s) is None
        assert made.check(now_s) is None
    assert made.check(1e6) is None
    assert made.add("part_mask", (99, 1), "b", 40.0).messages == {"image": "a", "part_mask": "b"}


def test_nothing_is_given_without_an_image():
    made = joiner()
    made.add("instance_mask", (1, 0), "b", 0.0)
    made.add("persons", (1, 0), "c", 0.0)
    assert made.check(1e6) is None


def test_of_repeated_stamps_the_newest_message_wins():
    made = joiner()
    for version in ("old", "new"):
        made.add("image", (1, 0), f"a {version}", 0.0)
        made.add("instance_mask", (1, 0), f"b {version}", 0.1)
    frame = made.add("persons", (1, 0), "c", 0.2)
    assert frame.messages == {"image": "a new", "instance_mask": "b new", "persons": "c"}


def test_stamps_of_zero_go_on_frame_by_frame_with_the_newest_image():
    made = joiner()
    for number in range(5):
        made.add("image", (0, 0), f"skipped {number}", number / 30)
        made.add("image", (0, 0), f"a {number}", number / 30)
        made.add("instance_mask", (0, 0), f"b {number}", number / 30)
        frame = made.add("persons", (0, 0), f"c {number}", number / 30)
        assert frame.messages == {name: f"{k} {number}" for name, k in zip(INPUTS, "abc", strict=True)}
        assert len(made) == 0


def test_it_is_told_whether_a_stamp_says_which_image_a_message_belongs_to():
    made = joiner()
    assert add_all(made, 1, 0.0).certain
    assert not add_all(made, 1, 0.1).certain  # again, as a mask of the first may still come
    assert not add_all(made, 0, 0.2).certain  # never set
    made.add("image", (2, 0), "a", 0.3)
    assert not add_all(made, 2, 0.3).certain
    made.expect(INPUTS)
    assert not add_all(made, 2, 0.4).certain
    for number in range(3, REMEMBERED + 5):
        assert add_all(made, number, 0.5).certain


def test_expecting_something_else_forgets_frames():
    made = joiner()
    made.add("image", (1, 0), "a", 0.0)
    made.expect(("image", "persons"))
    assert len(made) == 0
    assert made.add("persons", (1, 0), "c", 0.0) is None
    assert not made.is_coming("image", 0.0)
    assert made.is_coming("persons", 0.0)
    assert not made.is_coming("persons", 4 * WAIT_S)


@given(st.lists(st.tuples(st.sampled_from(INPUTS), st.integers(0, 6), st.booleans()), max_size=80))
def test_every_frame_given_has_an_image_and_one_stamp(events):
    made = joiner(capacity=3)
    for step, (name, number, look) in enumerate(events):
        now_s = step / 10
        frames = [made.add(name, (number, 1), (number, name), now_s), made.check(now_s) if look else None]
        for frame in filter(None, frames):
            assert "image" in frame.messages
            assert len({number for number, _ in frame.messages.values()}) == 1
            assert all(name == kind for name, (_, kind) in frame.messages.items())
        assert len(made) <= 3
