"""Options: declared once, checked by name."""

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.errors import OptionError, PrecisionError
from bodypix_ros.options import check_all, like, option, options_of, replace, values_of


@dataclass(frozen=True)
class Made:
    share: float = option(0.5, "a share", low=0.0, high=1.0)
    count: int = option(3, "a count", low=1, high=9)
    loud: bool = option(False, "whether", hidden_from=("node",))
    word: str = option("a", "a word", choices=("a", "b", ""))
    names: tuple[str, ...] = option((), "names")
    either: str | float = option("medium", "a word or a number", dynamic=True, live=False)
    derived: str = "no option"

    def __post_init__(self) -> None:
        check_all(self)


@dataclass(frozen=True)
class Other:
    share: float = like(Made, "share", default=0.25, text="another share")


def test_a_declaration_is_read_by_name() -> None:
    known = options_of(Made)
    assert list(known) == ["share", "count", "loud", "word", "names", "either"]
    assert (known["share"].name, known["share"].kind, known["share"].high) == ("share", float, 1.0)
    assert (known["either"].live, known["loud"].hidden_from) == (False, ("node",))
    assert options_of(Made()) == known
    assert "derived" not in values_of(Made())


def test_what_is_like_another_has_its_range() -> None:
    known = options_of(Other)["share"]
    assert (known.default, known.text, known.low, known.high) == (0.25, "another share", 0.0, 1.0)
    assert options_of(Made)["share"].default == 0.5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("share", 1.1, "share is 1.1, but must be a number from 0.0 to 1.0"),
        ("share", float("nan"), "share is nan, but must be a number"),
        ("share", True, "share is True, but must be a number"),
        ("count", 2.0, "count is 2.0, but must be a whole number from 1 to 9"),
        ("loud", 1, "loud is 1, but must be True or False"),
        ("word", "c", "word is 'c', but must be one of a, b, empty"),
        ("names", ["x"], "names is .'x'., but must be a list of names"),
        ("names", (1,), "names is .1,., but must be a list of names"),
        ("volume", 1, "there is no option 'volume'; there are: count, either, loud, names, share, word"),
    ],
)
def test_a_value_that_may_not_be_is_refused_by_name(name: str, value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        replace(Made(), {name: value})
    assert caught.value.option == name
    assert isinstance(caught.value, ValueError)


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none())
def test_a_number_is_taken_exactly_in_its_range(value: Any) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
    try:
        assert replace(Made(), {"share": value}).share == value
    except OptionError:
        assert not good
    else:
        assert good


def test_numpys_numbers_and_booleans_are_welcome() -> None:
    made = replace(Made(), {"share": np.float32(0.25), "count": np.int64(4), "loud": np.True_})
    assert (made.share, made.count, bool(made.loud)) == (0.25, 4, True)
    with pytest.raises(OptionError):
        replace(Made(), {"count": np.True_})


def test_errors_survive_another_process() -> None:
    copy = pickle.loads(pickle.dumps(PrecisionError("precision", "precision f16 is not there")))
    assert (type(copy), copy.option, str(copy)) == (PrecisionError, "precision", "precision f16 is not there")
