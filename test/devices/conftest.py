"""What runs on a GPU: the emulated one, and a table of what was measured there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bodypix_ros.runtime.devices import shared_core
from devices.emulated import MARK

_rows: list[tuple[str, ...]] = []


@pytest.fixture(scope="session")
def gpu() -> str:
    """The device to ask for; without the emulated GPU tests that need it are skipped."""
    if MARK not in os.environ:
        pytest.skip("not run where the GPU plugin has a device: make test-devices")
    assert "GPU" in shared_core().available_devices
    return "GPU"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for compiled networks: compiling one takes 10 to 20 seconds."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def measured() -> Callable[..., None]:
    """Call with the cells of a row of the table that is printed in the end."""
    return lambda *cells: _rows.append(tuple(str(cell) for cell in cells))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was measured, as rows of Markdown."""
    for row in _rows:
        terminalreporter.write_line("| " + " | ".join(row) + " |")
