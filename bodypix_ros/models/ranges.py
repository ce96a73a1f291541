"""Ranges for INT8: how far the values in a network reach, by the operations that compute them.

They are measured, on pictures; weights have theirs in themselves. A file says which models it is of, since
those that differ in stride or in the precision of their weights share them:

    {"models": ["bodypix-mobilenet-075-s16-q2"], "made": "how",
     "ranges": {"float_segments": [0, 6]}, "means": {"float_segments": [0.25, 1.5]}}

or, of models that lose too much: {"models": ["blazepose-full"], "refused": "what they lose"}.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bodypix_ros.errors import OptionError, RangesError
from bodypix_ros.models import store
from bodypix_ros.models.catalogue import share_folder

_log = logging.getLogger(__name__)

MAX_BYTES = 1 << 20
"""The most bytes that a file of ranges may have."""
_FARTHEST, _NEAREST = 1e6, 1e-3

Range = tuple[float, float]
"""Least and largest value of a tensor."""
Mean = tuple[float, ...]
"""Mean value of each channel of a tensor."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a file of ranges says.

    Attributes:
        models: The models that they hold for.
        made: How they were measured.
        ranges: Least and largest value by operation; what is not there is not computed in 8 bits.
        means: Mean of each channel by operation, of some or all of them.
        refused: What the models would lose; empty where there are ranges.
    """

    models: tuple[str, ...]
    made: str = ""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    means: Mapping[str, Mean] = field(default_factory=dict)
    refused: str = ""


def find(model: str, path: str = "") -> Ranges:
    """The ranges of a model.

    Args:
        model: Its name.
        path: A file; empty: the first of the user's and the package's that holds for the model.

    Raises:
        OptionError: There are none, or the model is not to be computed in 8 bits.
        RangesError: The file is damaged, or of other models.
    """
    check(model)
    if path:
        given = read(Path(path))
        if model not in given.models:
            raise RangesError(f"{path} has the ranges of {', '.join(given.models)}, not of {model}")
        if given.refused:
            raise RangesError(f"{path} holds no ranges, but why there are none: {given.refused:.300}")
        return given
    for known in _known():
        if model in known.models and not known.refused:
            return known
    raise OptionError(
        "precision",
        f"precision int8 needs ranges, of which there are none for {model}: make them of pictures as it will "
        f"see them, with `bodypix models calibrate {model} PICTURES`",
    )


def check(model: str) -> None:
    """Check that a model may be computed in 8 bits.

    Raises:
        OptionError: It loses too much; the message says what.
    """
    refused = next((known.refused for known in _known(own=False) if model in known.models), "")
    if refused:
        raise OptionError("precision", f"precision int8 is not for {model}: {refused}")


def has(model: str) -> bool:
    """Whether there are ranges of a model, its user's or the package's."""
    return any(model in known.models and not known.refused for known in _known())


def cache_folder() -> Path | None:
    """The user's own folder of ranges; None for a user without a home."""
    cache = store.cache_folder()
    return None if cache is None else cache / "ranges"


def read(path: Path) -> Ranges:
    """Read a file of ranges.

    Raises:
        RangesError: It is not there, too large, or not such a file; the message names the place in it.
    """
    if path.exists() and not path.is_file():
        raise RangesError(f"{path} is no file")  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RangesError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(text) > MAX_BYTES:
        raise RangesError(f"{path} has more than the {MAX_BYTES} bytes that ranges may have")
    try:
        return _ranges(json.loads(text))
    except (ValueError, RecursionError) as error:
        what = "no file of ranges, as `bodypix models calibrate` makes them"
        raise RangesError(f"{path} is {what}: {error!s:.300}") from error


def write(path: Path, ranges: Ranges) -> None:
    """Write a file of ranges, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    members = {name: value for name, value in asdict(ranges).items() if value}
    lists_of_numbers = re.compile(r"\[[^\]\"]*\]")  # a line each
    text = lists_of_numbers.sub(lambda found: " ".join(found[0].split()), json.dumps(members, indent=1))
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def _known(own: bool = True) -> "list[Ranges]":
    """All files of ranges that are here, the user's, then the package's; damaged ones are left out."""
    folders = [share_folder() / "models/ranges"]
    if own and (cache := cache_folder()) is not None:
        folders.insert(0, cache)
    read_ = [_read_if_sound(path) for folder in folders for path in sorted(folder.glob("*.json"))]
    return [known for known in read_ if known is not None]


def _read_if_sound(path: Path) -> Ranges | None:
    """What a file says that nobody named: whoever asks for nothing of it goes on without it."""
    try:
        return read(path)
    except RangesError as error:
        _log.warning("left out: %s", error)
        return None


def _ranges(data: Any) -> Ranges:
    if not isinstance(data, dict):
        raise ValueError("it holds no object")
    if unknown := data.keys() - {"models", "made", "ranges", "means", "refused"}:
        raise ValueError(f"{min(unknown)!r:.100} means nothing")
    models, made, refused = data.get("models"), data.get("made", ""), data.get("refused", "")
    if not isinstance(models, list) or not models or not all(isinstance(name, str) for name in models):
        raise ValueError(f"'models' is {models!r:.100}, but must be a list of models' names")
    if not isinstance(made, str) or not isinstance(refused, str):
        raise ValueError("'made' and 'refused' must be text")
    found = data.get("ranges", {})
    if not isinstance(found, dict) or bool(found) == bool(refused):
        raise ValueError("'ranges' must be an object of least and largest values by operation")
    means = data.get("means", {})
    if not isinstance(means, dict) or means.keys() - found.keys():
        raise ValueError("'means' must be an object of lists of numbers by operations that 'ranges' has")
    return Ranges(
        tuple(models),
        made,
        {name: _range(name, ends) for name, ends in found.items()},
        {name: _mean(name, values) for name, values in means.items()},
        refused,
    )


def _mean(name: str, values: Any) -> Mean:
    good = isinstance(values, list) and all(type(value) in (int, float) for value in values)
    if not good or not all(-_FARTHEST <= value <= _FARTHEST for value in values):
        raise ValueError(
            f"the means of {name!r:.160} are {values!r:.100}, but must be numbers from -{_FARTHEST:g} to "
            f"{_FARTHEST:g}, one per channel"
        )
    return tuple(float(value) for value in values)


def _range(name: str, ends: Any) -> Range:
    numbers = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    # Zero is within them: it is what convolutions pad with.
    if not numbers or not -_FARTHEST <= ends[0] <= 0 < _NEAREST <= ends[1] <= _FARTHEST:
        raise ValueError(
            f"the range of {name!r:.160} is {ends!r:.100}, but must be two numbers, the first from "
            f"-{_FARTHEST:g} to 0, the second from {_NEAREST:g} to {_FARTHEST:g}"
        )
    return float(ends[0]), float(ends[1])
