"""What counts as an answer: a right result, or a documented error that names what is wrong."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

MAX_MESSAGE = 2000
Case = Callable[[Path], str]
"""Tries something in an empty folder; gives the outcome in a word, raises for a finding."""


def attempt(
    call: Callable[[], Any], refusals: Collection[type[Exception]], names: Collection[str] = ("",)
) -> tuple[str, Any]:
    """Call what is tested.

    Args:
        call: Without arguments.
        refusals: The documented errors; not their sub-classes.
        names: One of these must be in the error's message: the file or field that is wrong.

    Returns:
        "accepted" and what it gave, or the error's name and None.
    """
    try:
        return "accepted", call()
    except Exception as error:
        if type(error) not in refusals:
            raise
        check_message(str(error), names)
        return type(error).__name__, None


def check_message(text: str, names: Collection[str] = ("",)) -> None:
    """Check that an error is told in a few words that name what is wrong."""
    check(
        bool(text.strip()) and len(text) <= MAX_MESSAGE, f"a message of {len(text)} characters: {text!r:.300}"
    )
    check(any(name in text for name in names), f"names none of {sorted(names)}: {text!r:.300}")


def check(good: bool, what: str) -> None:
    """Raise an AssertionError unless it is good."""
    if not good:
        raise AssertionError(what)
