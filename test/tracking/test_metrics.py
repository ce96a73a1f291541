"""HOTA, IDF1 and switches: against TrackEval's answers, and where the answer is plain."""

import json

import pytest

from bodypix_ros.tracking.metrics import compare
from support.paths import ROOT

CASES = json.loads((ROOT / "test/data/trackeval.json").read_text())["cases"]
"""Made-up tracks, each with what TrackEval says of them."""

LEFT, RIGHT = (0, 0, 10, 20), (50, 0, 60, 20)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_trackeval_says_the_same(case):
    metrics = compare(case["known"], case["found"])
    assert metrics.hota == pytest.approx(case["hota"], abs=1e-12)
    assert metrics.idf1 == pytest.approx(case["idf1"], abs=1e-12)
    assert metrics.switches == case["switches"]


def test_the_truth_is_perfect_whatever_ids_are_called():
    known = [{1: LEFT, 2: RIGHT}] * 5
    metrics = compare(known, [{"a": LEFT, "b": RIGHT}] * 5)
    assert (metrics.hota, metrics.idf1, metrics.switches, metrics.shared) == (pytest.approx(1), 1, 0, 0)
    assert (metrics.frames, metrics.people, metrics.found) == (5, 10, 10)


def test_two_who_swap_ids_half_way_have_half_of_them_right():
    known = [{1: LEFT, 2: RIGHT}] * 10
    found = [{1: LEFT, 2: RIGHT}] * 5 + [{2: LEFT, 1: RIGHT}] * 5
    metrics = compare(known, found)
    assert (metrics.idf1, metrics.switches, metrics.shared) == (0.5, 2, 2)


def test_a_new_id_is_a_switch_and_is_nobody_elses():
    metrics = compare([{1: LEFT}] * 4, [{1: LEFT}, {1: LEFT}, {}, {7: LEFT}])
    assert (metrics.switches, metrics.shared) == (1, 0)


def test_nothing_is_found_where_nothing_is():
    assert compare([], []).idf1 == compare([{}], [{}]).hota == 0
    missed = compare([{1: LEFT}], [{}])
    assert (missed.hota, missed.idf1, missed.switches) == (0, 0, 0)


def test_frames_must_be_as_many():
    with pytest.raises(ValueError, match="2 frames of known and 1 of found"):
        compare([{}, {}], [{}])
