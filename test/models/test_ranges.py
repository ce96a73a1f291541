"""Files of ranges: found, read, and refused where they are damaged or of another model."""

import json
import os
from pathlib import Path

import pytest

from bodypix_ros.errors import OptionError, RangesError
from bodypix_ros.models import catalogue, ranges
from bodypix_ros.models.ranges import Ranges

NAME = "bodypix-resnet50-s16-q2"
GOOD = {"models": [NAME], "made": "of two pictures", "ranges": {"a": [0, 6], "b": [-1.5, 2]}}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = ranges.cache_folder()
    assert folder is not None
    return folder


def written(path: Path, data: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = Ranges((NAME, "x"), "somehow", {"a": (0.0, 6.0), "b": (-1.25, 2.0)}, {"b": (0.5, -1.0)})
    ranges.write(tmp_path / "folder/f.json", made)
    assert ranges.read(tmp_path / "folder/f.json") == made
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["f.json"]


def test_every_mobilenet_has_ranges_and_every_file_names_known_models() -> None:
    shipped = [ranges.read(p) for p in (catalogue.share_folder() / "models/ranges").glob("*.json")]
    known = catalogue.models()
    named = [name for one in shipped for name in one.models]
    assert set(named) <= set(known)
    assert len(named) == len(set(named))
    for name, model in known.items():
        assert ranges.has(name) == (model.architecture == "mobilenet"), name
        if model.architecture == "mobilenet":
            found = ranges.find(name).ranges
            assert set(found.values()) <= {(-1, 1), (0, 6)}  # the picture, and what ReLU6 lets through
            assert len(found) == (25 if model.multiplier == 0.5 else 28)


def test_none_says_how_to_make_them() -> None:
    with pytest.raises(OptionError, match=f"int8 needs ranges.*`bodypix models calibrate {NAME} PICTURES`"):
        ranges.find(NAME)
    assert not ranges.has(NAME)


def test_the_users_own_come_first(cache: Path, tmp_path: Path) -> None:
    written(cache / f"{NAME}.json", GOOD)
    assert ranges.find(NAME).ranges == {"a": (0, 6), "b": (-1.5, 2)}
    mine = written(tmp_path / "mine.json", {**GOOD, "ranges": {"a": [0, 1]}})
    assert ranges.find(NAME, str(mine)).ranges == {"a": (0, 1)}


def test_a_model_that_loses_too_much_is_refused_with_the_figure(tmp_path: Path) -> None:
    mine = written(tmp_path / "mine.json", {**GOOD, "models": ["blazepose-full"]})
    for path in ("", str(mine)):
        with pytest.raises(OptionError, match=r"int8 is not for blazepose-full: .* 0\.52 \(full\)"):
            ranges.find("blazepose-full", path)


def test_ranges_of_another_model_are_refused(tmp_path: Path) -> None:
    mine = written(tmp_path / "mine.json", {**GOOD, "models": ["x", "y"]})
    with pytest.raises(RangesError, match=f"mine.json has the ranges of x, y, not of {NAME}"):
        ranges.find(NAME, str(mine))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "is no file of ranges"),
        ("[" * 100_000, "is no file of ranges"),
        ([], "it holds no object"),
        ({**GOOD, "models": []}, r"'models' is \[\]"),
        ({**GOOD, "models": [3]}, r"'models' is \[3\]"),
        ({**GOOD, "extra": 1}, "'extra' means nothing"),
        ({**GOOD, "made": 1}, "must be text"),
        ({**GOOD, "ranges": {}}, "'ranges' must be an object"),
        ({**GOOD, "ranges": [1]}, "'ranges' must be an object"),
        ({**GOOD, "refused": "why"}, "'ranges' must be an object"),
        ({**GOOD, "ranges": {"a": [0]}}, r"the range of 'a' is \[0\], but must be two numbers"),
        ({**GOOD, "ranges": {"a": [0, True]}}, "the range of 'a'"),
        ({**GOOD, "ranges": {"a": [1, 2]}}, "the range of 'a'"),
        ({**GOOD, "ranges": {"a": [0, 0]}}, "the range of 'a'"),
        ({**GOOD, "ranges": {"a": [-1, 1e9]}}, "the range of 'a'"),
        ('{"models": ["x"], "ranges": {"a": [0, NaN]}}', "the range of 'a'"),
        ('{"models": ["x"], "ranges": {"a": [-Infinity, 1]}}', "the range of 'a'"),
        ({**GOOD, "means": [1]}, "'means' must be an object"),
        ({**GOOD, "means": {"c": [0]}}, "by operations that 'ranges' has"),
        ({**GOOD, "means": {"a": 1}}, "the means of 'a' are 1, but must be numbers"),
        ({**GOOD, "means": {"a": [0, "x"]}}, "the means of 'a'"),
        ('{"models": ["x"], "ranges": {"a": [0, 1]}, "means": {"a": [NaN]}}', "the means of 'a'"),
        (" " * (ranges.MAX_BYTES + 1), "more than the 1048576 bytes"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path: Path, data: object, message: str) -> None:
    mine = written(tmp_path / "mine.json", data)
    with pytest.raises(RangesError, match=message) as error:
        ranges.read(mine)
    assert "mine.json" in str(error.value)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RangesError, match=r"none\.json cannot be read: No such file"):
        ranges.find(NAME, str(tmp_path / "none.json"))


def test_a_damaged_file_that_nobody_asked_for_is_left_out(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(cache / "aaa.json", "{")
    assert ranges.has("bodypix-mobilenet-075-s16-q2")
    assert ranges.find("bodypix-mobilenet-075-s16-q2").ranges
    assert "left out: " in caplog.text
    assert "aaa.json" in caplog.text


def test_a_file_without_ranges_says_why(tmp_path: Path) -> None:
    mine = written(tmp_path / "mine.json", {"models": [NAME], "refused": "it lost half"})
    with pytest.raises(RangesError, match=r"mine.json holds no ranges, but why.*: it lost half"):
        ranges.find(NAME, str(mine))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RangesError, match="pipe is no file"):
        ranges.read(tmp_path / "pipe")


def test_ranges_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RangesError, match=r"the second from 0\.001"):
        ranges.read(written(tmp_path / "f.json", {**GOOD, "ranges": {"a": [0, 1e-30]}}))
