"""Who goes with whom: the sum of the gains is the largest that there is."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bodypix_ros.tracking.assignment import match

GAINS = arrays.arrays(
    np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.floats(-2, 2, width=16)
)


def total(gains, partners):
    return sum(gains[row, column] for row, column in enumerate(partners) if column >= 0)


def largest(gains):
    """By trying everything: each row takes a column or stays alone."""
    rows, columns = gains.shape
    choices = [*range(columns), *[-1] * rows]
    return max((total(gains, chosen) for chosen in permutations(choices, rows)), default=0)


@given(GAINS)
def test_no_other_way_gains_more(gains):
    partners = match(gains)
    taken = [column for column in partners if column >= 0]
    assert len(taken) == len(set(taken))
    assert total(gains, partners) == pytest.approx(largest(gains))
    assert all(gains[row, column] > 0 for row, column in enumerate(partners) if column >= 0)


def test_many_who_know_each_other_find_each_other():
    order = np.random.default_rng(3).permutation(60)
    gains = np.full((60, 60), 0.4)
    gains[np.arange(60), order] = 0.5
    assert match(gains).tolist() == order.tolist()
