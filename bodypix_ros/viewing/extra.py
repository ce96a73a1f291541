"""Rerun, of the extra `view`: imported when it is needed, never before."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

MISSING = (
    "the viewer is not installed: pip install 'bodypix_ros[view]', with Python 3.11 or later and numpy 2"
)


def check() -> None:
    """See whether Rerun is there, without importing it.

    Raises:
        ImportError: It is not, with what to type.
    """
    if find_spec("rerun") is None:
        raise ImportError(MISSING)


def load() -> Any:
    """Give the module `rerun`.

    Raises:
        ImportError: It is not there, or not in a version that works here.
    """
    check()
    return import_module("rerun")
