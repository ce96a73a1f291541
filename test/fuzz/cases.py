"""One case: its random numbers, its folder, and what counts as an answer."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

MAX_MESSAGE = 2000


class Finding(AssertionError):
    """The code under test gave an answer, but a wrong one."""


@dataclass
class Case:
    """What a target makes a case of.

    Attributes:
        number: Of the case.
        rng: All of its random numbers.
        folder: Empty; for files. Nothing may be written beside it.
        notes: What was made, for the report.
    """

    number: int
    rng: Random
    folder: Path
    notes: list[str] = field(default_factory=list)

    def note(self, *what: Any) -> None:
        """Remember what the case is about."""
        self.notes.append(" ".join(text if isinstance(text, str) else repr(text) for text in what))

    def attempt(
        self,
        call: Callable[[], Any],
        refusals: Collection[type[Exception]],
        names: Collection[str] = ("",),
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
    if not text.strip() or len(text) > MAX_MESSAGE:
        raise Finding(f"a message of {len(text)} characters: {text!r:.300}")
    if not any(name in text for name in names):
        raise Finding(f"names none of {sorted(names)}: {text!r:.300}")


def check(good: bool, what: str) -> None:
    """Raise Finding unless it is good."""
    if not good:
        raise Finding(what)


Execute = Callable[[Case], str]
"""Make and run a case; gives the outcome in a word, raises for a finding."""
Start = Callable[[Path], Execute]
"""Make what all cases share, in a folder that may be written to."""
