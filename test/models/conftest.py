"""A server, and a cache of one's own."""

from collections.abc import Generator
from pathlib import Path

import pytest

from support.model_files import Server
from support.servers import serving


@pytest.fixture
def server() -> Generator[Server, None, None]:
    with serving(Server()) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BODYPIX_ROS_MODELS", raising=False)
