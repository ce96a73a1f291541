"""The catalogue of models, the node's parameters, and the files and arguments that they come in."""

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from bodypix_ros.errors import CatalogueError, OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.ros.segmenter.parameters import Settings, parameters
from bodypix_ros.ros.shared.cameras import TRANSPORTS
from bodypix_ros.runtime.placement import HINTS
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE
from fuzz.answers import Case, attempt, check
from fuzz.values import Tree, changed, damaged, mostly, texts, values

PARAMETERS = parameters()
_LIKELY: dict[str, tuple[Any, ...]] = {
    "model": tuple(catalogue.models()),
    "precision": ("f32", "f16", ""),
    "performance_hint": HINTS,
    "input_transport": TRANSPORTS,
    "cameras": ([], ["front"], ["front", "rear"], ("a/b",), ["front", "front"], ["/x"], [""], [1]),
    "algorithm": (PEOPLE, ORIGINAL),
    "internal_resolution": ("low", "full", "0.5", "inf", "nan", 0.3, 2, 1),
}


def models(folder: Path, text: bytes) -> str:
    """Read a catalogue."""
    path = folder / "catalogue.json"
    path.write_bytes(text)
    outcome, known = attempt(lambda: catalogue.read(path), (CatalogueError,), (str(path),))
    for model in (known or {}).values():
        check(bool(model.files) and bool(model.family) and isinstance(model.licence, str), model.name)
        check(model.size is None or model.size >= 0, f"{model.name}: {model.size}")
        for file in model.files:
            inside = (folder / file.path).resolve().is_relative_to(folder.resolve())
            check(inside and file.url.startswith("https://"), f"{file.path}, {file.url}")
            check(file.package is None or not str(file.package.name).startswith("-"), f"{file.package}")
    return f"catalogue {outcome}"


def changes(folder: Path, steps: list[tuple[dict[str, Any], bool]]) -> str:
    """Change parameters, one step after the other, each while the node is configured or not."""
    settings, outcome = Settings(), "unchanged"
    for wanted, configured in steps:
        before, change = settings.values(), partial(settings.changed, wanted, configured=configured)
        outcome, after = attempt(change, (OptionError,), tuple(wanted))
        check(settings.values() == before, "a change that was refused has changed something")
        if after is not None:
            settings = after
            _consistent(settings)
    return f"parameters {outcome}"


def _consistent(settings: Settings) -> None:
    found = settings.values()
    check(found.keys() == PARAMETERS.keys(), "values")
    arguments, live = settings.load_arguments(), settings.live_options
    check(all(found.get(name, value) == value for name, value in live.items()), "live options")
    check(arguments["model"] in catalogue.models(), "model")
    kinds = {float: (int, float, np.number), int: (int, np.integer), bool: (bool, np.bool_)}
    for name, got in found.items():
        want = type(PARAMETERS[name].default)
        check(name == "internal_resolution" or isinstance(got, kinds.get(want, want)), f"{name} is {got!r}")
    check(settings.changed(found).values() == found, "values do not give themselves")


def file(folder: Path, text: bytes) -> str:
    """A parameter file as ROS would hand it over: its values, whatever their types."""
    try:
        nodes = yaml.safe_load(text).values()
        entries = [item for node in nodes for item in node["ros__parameters"].items()]
    except Exception:  # noqa: BLE001 - ROS refuses it before us, in its own words
        return "file is none"
    wanted = {key: value for key, value in entries if isinstance(key, str)}
    outcome, settings = attempt(lambda: Settings().changed(wanted), (OptionError,), tuple(wanted))
    if settings is not None:
        _consistent(settings)
    return f"file {outcome}"


def launch(folder: Path, arguments: dict[str, str]) -> str:
    """Take a launch file's arguments."""
    from bodypix_ros.ros.shared import launching

    context = SimpleNamespace(launch_configurations=arguments)
    remaps = launching.image_remaps("image", arguments["model"])
    return f"launch {attempt(lambda: launching.segmenter(context, remaps), (ValueError,))[0]}"


def _likely(name: str) -> st.SearchStrategy[Any]:
    """Values of a parameter, not all of them good."""
    if name not in PARAMETERS:
        return values
    known = PARAMETERS[name]
    default, low, high = known.default, known.low, known.high
    if name in _LIKELY:
        good = st.sampled_from(_LIKELY[name])
    elif isinstance(default, bool):
        good = st.booleans()
    elif low is None:
        good = texts
    else:
        kinds = st.sampled_from((type(default), type(default), float, np.float64, np.int64))
        number = st.sampled_from((low, high, high + 1, low - 1)) | st.floats(low, high)
        good = st.builds(lambda kind, number: kind(number), kinds, number)
    return mostly(good, values, 2)


def _cases(call: Callable[..., str], name: str, drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Case]:
    return drawn.map(lambda value: partial(call, **{name: value}))


_names = mostly(st.sampled_from(sorted(PARAMETERS)), texts, 10)
_entries = _names.flatmap(lambda name: st.tuples(st.just(name), _likely(name)))
_steps = st.tuples(
    st.lists(_entries, min_size=1, max_size=3).map(dict), st.sampled_from((False, False, True))
)
_trees = st.deferred(lambda: changed(_known())).map(lambda tree: json.dumps(tree).encode())
_texts = st.deferred(lambda: damaged(json.dumps(_known()).encode()))
_catalogues = _cases(models, "text", mostly(_trees, _texts, 10))
_files = _cases(file, "text", st.deferred(lambda: st.sampled_from(_shipped()).flatmap(damaged)))
_changes = _cases(changes, "steps", st.lists(_steps, min_size=1, max_size=3))
_launches = st.deferred(lambda: st.fixed_dictionaries(dict.fromkeys(_arguments(), texts)))
CASES = st.one_of(
    _catalogues,
    _changes,
    _files,
    *([_cases(launch, "arguments", _launches)] if find_spec("launch_ros") else []),
)


def hostile() -> list[Case]:
    """Texts that are no catalogue, and parameter files as they are shipped."""
    shipped = (catalogue.share_folder() / "models/catalogue.json").read_bytes()
    texts = (shipped, b"", b"[" * 100_000, b"\xff", b"NaN", b"{}", b'{"models": {}, "sources": []}')
    return [
        *(partial(models, text=text) for text in texts),
        *(partial(file, text=text) for text in _shipped()),
    ]


@cache
def _arguments() -> list[str]:
    from bodypix_ros.ros.shared import launching

    return [argument.name for argument in launching.arguments("segmenter.yaml")]


@cache
def _known() -> Tree:
    """What is shipped, of one model of each family: every place in it is hit soon."""
    known = json.loads((catalogue.share_folder() / "models/catalogue.json").read_text(encoding="utf-8"))
    names = ("bodypix-mobilenet-050-s16-q2", "selfie-general", "blazepose-lite")
    for source in known["sources"]:
        paths = [path for path in source["files"] if "mediapipe" in path or "quant2/050" in path]
        source["files"] = {path: source["files"][path] for path in paths}
    return {"models": {name: known["models"][name] for name in names}, "sources": known["sources"]}


@cache
def _shipped() -> list[bytes]:
    files = [path.read_bytes() for path in sorted((catalogue.share_folder() / "config").glob("*.yaml"))]
    check(bool(files), "no parameter files")
    return files
