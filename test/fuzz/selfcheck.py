"""No target: everything that a case may do wrong, to see that it is found."""

import os
from functools import partial
from pathlib import Path

from hypothesis import strategies as st

from fuzz.answers import Case, attempt, check

CPU_S = 0.5
MEMORY = 30 << 20


def raises(folder: Path, error: Exception) -> str:
    """Raise an error where only a ValueError that names one of two things is documented."""

    def fail() -> None:
        raise error

    return attempt(fail, (ValueError,), ("size", "name"))[0]


def allocates(folder: Path, size: int) -> str:
    """Take memory."""
    return str(len(b"x" * size))


def busy(folder: Path) -> str:
    """Compute without end."""
    while True:
        pass


def writes_beside(folder: Path) -> str:
    """Leave a file outside of the folder."""
    (folder.parent / "beside").touch()
    return "accepted"


def ends(folder: Path, code: int) -> str:
    """End the process: by a signal if it is negative."""
    os.kill(os.getpid(), -code) if code < 0 else os._exit(code)
    return "accepted"


def wrong(folder: Path) -> str:
    """Give a wrong result."""
    check(False, "a wrong result")
    return "accepted"


GOOD: list[Case] = [partial(raises, error=ValueError("the size is 3")), partial(allocates, size=100)]
FAULTS: dict[str, Case] = {
    "names none of": partial(raises, error=ValueError("something is wrong")),
    "a message of 0 characters": partial(raises, error=ValueError("")),
    "a message of 9000 characters": partial(raises, error=ValueError("size" + "x" * 8996)),
    "KeyError": partial(raises, error=KeyError("the size is 3")),
    "UnicodeError": partial(
        raises, error=UnicodeError("the size is 3")
    ),  # a ValueError, but not the documented
    "MemoryError": partial(allocates, size=50 << 30),
    "MB of memory": partial(allocates, size=40 << 20),
    "a wrong result": wrong,
    "outside of the folder: ['beside']": writes_beside,
    "it crashed: SIGABRT": partial(ends, code=-6),
    "it computed for too long": busy,
    "exit code 3": partial(ends, code=3),
}
"""By what is said of each."""
CASES = st.sampled_from([*GOOD, *FAULTS.values()])


def hostile() -> list[Case]:
    """None more."""
    return []
