"""The command that all these tests call."""

import pytest

import bodypix_ros
from support.bags import Fake
from support.commands import invoke


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run `bodypix bag` in an empty folder; `call.segmenter` is the model, `call.loads` counts."""
    monkeypatch.chdir(tmp_path)

    def load(model, **options):
        run.loads += 1
        return run.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load, raising=False)

    def run(*arguments, code=0):
        before = {path for path in tmp_path.iterdir() if path.name != "out"}
        result = invoke("bag", *arguments, code=code)
        after = {path for path in tmp_path.iterdir() if path.name != "out"}
        assert after == before  # nothing temporary stays, whatever happened
        return result.output

    run.segmenter, run.loads, run.folder = Fake(), 0, tmp_path
    return run
