"""The catalogue of models, the node's parameters, and the files and arguments that they come in."""

import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bodypix_ros.errors import CatalogueError, OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.ros.segmenter.parameters import Settings, parameters
from bodypix_ros.ros.shared.cameras import TRANSPORTS
from bodypix_ros.runtime.placement import HINTS
from fuzz.cases import Case, Execute, check
from fuzz.mutate import changed, damaged, some_text, value

PARAMETERS = parameters()

_LIKELY: dict[str, tuple[Any, ...]] = {
    "model": tuple(catalogue.models()),
    "precision": ("f32", "f16", ""),
    "performance_hint": HINTS,
    "input_transport": TRANSPORTS,
    "cameras": ([], ["front"], ["front", "rear"], ("a/b",), ["front", "front"], ["/x"], [""], [1]),
    "internal_resolution": ("low", "full", "0.5", "inf", "nan", 0.3, 2, 1),
}


def start(shared: Path) -> Execute:
    """Read what is shipped."""
    share = catalogue.share_folder()
    known = json.loads((share / "models/catalogue.json").read_text(encoding="utf-8"))
    small = _small(known)
    files = [path.read_bytes() for path in sorted((share / "config").glob("*.yaml"))]
    check(bool(files), "no parameter files")
    can_launch = find_spec("launch_ros") is not None

    def execute(case: Case) -> str:
        kind = case.rng.randrange(10)
        if kind < 4:
            return f"catalogue {_catalogue(case, known if kind == 0 else small)}"
        if kind < 7:
            return f"parameters {_parameters(case)}"
        if kind == 7 and can_launch:
            return f"launch {_launch(case)}"
        return f"file {_file(case, files)}"

    return execute


def _small(known: dict[str, Any]) -> dict[str, Any]:
    """A catalogue in which every place is hit soon: one model of each family."""
    models = {
        name: known["models"][name]
        for name in ("bodypix-mobilenet-050-s16-q2", "selfie-general", "blazepose-lite")
    }
    sources = [
        {
            **source,
            "files": {
                path: file
                for path, file in source["files"].items()
                if "mediapipe" in path or "quant2/050" in path
            },
        }
        for source in known["sources"]
    ]
    return {"models": models, "sources": sources}


def _catalogue(case: Case, known: Any) -> str:
    path, kind = case.folder / "catalogue.json", case.rng.randrange(10)
    if kind == 0:
        text = damaged(case.rng, json.dumps(known).encode())
    elif kind == 1 and case.rng.random() < 0.1:
        text = case.rng.choice(
            (b"", b"[" * 100_000, b"\xff", b"NaN", b"{}", b'{"models": {}, "sources": []}')
        )
    else:
        text = json.dumps(changed(case.rng, known)).encode()
    path.write_bytes(text)
    outcome, models = case.attempt(lambda: catalogue.read(path), (CatalogueError,), (str(path),))
    for model in (models or {}).values():
        check(bool(model.files) and bool(model.family) and isinstance(model.licence, str), model.name)
        check(model.size is None or model.size >= 0, f"{model.name}: {model.size}")
        for file in model.files:
            inside = (case.folder / file.path).resolve().is_relative_to(case.folder.resolve())
            check(inside and file.url.startswith("https://"), f"{file.path}, {file.url}")
            check(file.package is None or not str(file.package.name).startswith("-"), f"{file.package}")
    return outcome


def _parameters(case: Case) -> str:
    settings, outcome = Settings(), "unchanged"
    for _ in range(case.rng.randrange(1, 4)):
        changes, configured = _changes(case), case.rng.random() < 0.3
        before = settings.values()
        case.note("changes", changes, f"{configured=}")
        outcome, after = case.attempt(
            partial(settings.changed, changes, configured=configured),
            (ValueError, OptionError),
            tuple(changes),
        )
        check(settings.values() == before, "a change that was refused has changed something")
        if after is not None:
            settings = after
            _consistent(settings)
    return outcome


def _changes(case: Case) -> dict[str, Any]:
    rng, changes = case.rng, {}
    for _ in range(rng.randrange(1, 4)):
        name = rng.choice(list(PARAMETERS)) if rng.random() < 0.9 else some_text(rng)
        field = PARAMETERS.get(name)
        if field is None or rng.random() < 0.4:
            changes[name] = value(rng)
        elif name in _LIKELY:
            changes[name] = rng.choice(_LIKELY[name])
        elif isinstance(field.default, bool):
            changes[name] = rng.random() < 0.5
        elif field.low is not None:
            low, high = field.low, field.high
            number = rng.choice((low, high, low + (high - low) * rng.random(), high + 1, low - 1))
            kind = rng.choice((type(field.default), type(field.default), float, np.float64, np.int64))
            changes[name] = kind(number)
        else:
            changes[name] = some_text(rng)
    return changes


def _consistent(settings: Settings) -> None:
    values = settings.values()
    check(values.keys() == PARAMETERS.keys(), "values")
    arguments, live = settings.load_arguments(), settings.live_options()
    check(all(values[name] == live[name] for name in live), "live options")
    check(arguments["model"] in catalogue.models(), "model")
    for name, got in values.items():
        want = type(PARAMETERS[name].default)
        good = isinstance(
            got, (int, float, np.number) if want is float else (want, np.integer) if want is int else want
        )
        check(
            good or name == "internal_resolution" or (want is bool and isinstance(got, np.bool_)),
            f"{name} is {got!r}",
        )
    again = settings.changed(values)
    check(again.values() == values, "values do not give themselves")


def _file(case: Case, files: list[bytes]) -> str:
    """A parameter file as ROS would hand it over: its values, whatever their types."""
    text = damaged(case.rng, case.rng.choice(files))
    (case.folder / "parameters.yaml").write_bytes(text)
    try:
        data = yaml.safe_load(text)
        changes = {
            k: v for node in data.values() for k, v in node["ros__parameters"].items() if isinstance(k, str)
        }
    except Exception:  # noqa: BLE001 - ROS refuses it before us, in its own words
        return "is none"
    outcome, settings = case.attempt(lambda: Settings().changed(changes), (ValueError,), tuple(changes))
    if settings is not None:
        _consistent(settings)
    return outcome


def _launch(case: Case) -> str:
    from types import SimpleNamespace

    from bodypix_ros.ros.shared import launching

    names = [argument.name for argument in launching.arguments("segmenter.yaml")]
    values = {name: some_text(case.rng) for name in names}
    case.note(values)
    outcome, node = case.attempt(
        lambda: launching.segmenter(
            SimpleNamespace(launch_configurations=values), launching.image_remaps("image", values["model"])
        ),
        (ValueError,),
    )
    return outcome if node is None else "node"
