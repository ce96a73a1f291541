"""Whom to follow."""

from bodypix_ros.space import Follow
from bodypix_ros.space.follow import Candidate

NEAR, FAR, LARGE = Candidate(1.5, 0.3), Candidate(4.0, 0.2), Candidate(3.0, 0.9)


def test_the_nearest_is_chosen_and_kept_though_another_comes_nearer():
    follow = Follow(2.0)
    assert follow.choose("nearest", {"1": FAR, "2": NEAR}, 0.0) == "2"
    assert follow.says == "following 2"
    assert follow.choose("nearest", {"1": Candidate(0.5, 0.2), "2": FAR}, 0.1) == "2"
    assert follow.says == ""


def test_somebody_who_is_not_seen_is_kept_for_a_while_and_then_lost_which_is_said():
    follow = Follow(2.0)
    follow.choose("nearest", {"1": NEAR}, 10.0)
    assert follow.choose("nearest", {"2": NEAR}, 11.9) == "1"
    assert follow.says == ""
    assert follow.choose("nearest", {"2": FAR}, 12.0) == "2"
    assert follow.says == "lost 1: not seen for 2.0 s; following 2"
    assert follow.choose("nearest", {}, 14.1) == ""
    assert follow.says == "lost 2: not seen for 2.1 s"
    assert follow.choose("nearest", {}, 15.0) == ""
    assert follow.says == ""


def test_the_largest_an_id_and_nobody():
    follow, people = Follow(2.0), {"1": NEAR, "2": FAR, "3": LARGE}
    assert follow.choose("largest", people, 0.0) == "3"
    assert follow.choose("2", people, 0.1) == "2"
    assert follow.choose("none", people, 0.2) == ""
    assert follow.choose("front9", people, 0.3) == ""
    assert follow.choose("front9", {**people, "front9": FAR}, 0.4) == "front9"
    assert follow.choose("front9", people, 1.0) == "front9"
    assert follow.choose("front9", people, 3.0) == ""
    assert follow.choose("nearest", people, 3.1) == "1"


def test_where_time_goes_back_the_choice_is_made_anew():
    follow = Follow(2.0)
    assert follow.choose("nearest", {"7": NEAR}, 100.0) == "7"
    assert follow.choose("nearest", {"1": NEAR}, 5.0) == "1"
