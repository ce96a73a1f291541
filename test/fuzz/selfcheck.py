"""No target: everything that a case may do wrong, to see that it is found."""

import os
from collections.abc import Callable
from pathlib import Path

from fuzz.cases import Case, Execute, check

CPU_S = 0.5
MEMORY = 30 << 20


def start(shared: Path) -> Execute:
    """Nothing is shared."""

    def execute(case: Case) -> str:
        return FAULTS[case.number][1](case)

    return execute


def _refused(text: str, kind: type[Exception] = ValueError) -> Callable[[Case], str]:
    def fail() -> None:
        raise kind(text)

    return lambda case: case.attempt(fail, (ValueError,), ("size", "name"))[0]


def _busy(case: Case) -> str:
    while True:
        pass


def _write_beside(case: Case) -> str:
    (case.folder.parent / "beside").touch()
    return "accepted"


def _wrong(case: Case) -> str:
    check(False, "a wrong result")
    return "accepted"


FAULTS: tuple[tuple[str, Callable[[Case], str]], ...] = (
    ("", lambda case: case.attempt(int, (ValueError,))[0]),
    ("", _refused("the size is 3")),
    ("names none of", _refused("something is wrong")),
    ("a message of 0 characters", _refused("")),
    ("a message of 9000 characters", _refused("size" + "x" * 8996)),
    ("KeyError", _refused("the size is 3", KeyError)),
    ("UnicodeError", _refused("the size is 3", UnicodeError)),  # a ValueError, but none that is documented
    ("MemoryError", lambda case: str(len(bytearray(50 << 30)))),
    ("MB of memory", lambda case: str(len(b"x" * (40 << 20)))),
    ("a wrong result", _wrong),
    ("outside of the folder: ['beside']", _write_beside),
    ("it crashed: SIGABRT", lambda case: str(os.abort())),
    ("it computed for too long", _busy),
    ("it ended the process: exit code 3", lambda case: str(os._exit(3))),
    ("", lambda case: case.attempt(int, (ValueError,))[0]),
)
"""What is said of each case, and what it does; nothing is said of the good ones."""
