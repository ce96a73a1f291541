"""Parameters of any type, as a file or a service call may hold them: refused by name, never kept."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bodypix_ros.errors import OptionError
from bodypix_ros.options import Option
from bodypix_ros.ros.segmenter.parameters import Settings, parameters
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE, OriginalOptions, PeopleOptions
from bodypix_ros.segmenters.bodypix.presets import PRESETS
from bodypix_ros.segmenters.selfie.options import SelfieOptions

PARAMETERS = parameters()

OTHERS: tuple[Any, ...] = (
    None,
    True,
    -1,
    1 << 70,
    float("nan"),
    "",
    "x" * 70_000,
    b"x",
    (),
    (None,),
    {},
    {"a": [1]},
    [[1]],
)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("value", OTHERS, ids=lambda value: f"{value!r:.10}")
def test_a_value_of_any_type_is_taken_or_refused_by_name(name: str, value: Any) -> None:
    settings = Settings()
    before = settings.values()
    refused, after = "", settings
    try:
        after = settings.changed({name: value})
    except ValueError as error:
        refused = str(error)
    if refused:
        assert name in refused or (name == "model" and "no model is named" in refused)
        assert len(refused) < 2000
    else:
        default = PARAMETERS[name].default
        kept = after.values()[name]
        if name != "internal_resolution":
            assert isinstance(
                kept, (type(default), np.generic, int if isinstance(default, float) else type(default))
            )
        assert after.changed({}).values() == after.values()
    assert settings.values() == before


def test_a_preset_sets_what_nobody_else_has_set() -> None:
    settings = Settings().changed({"preset": "far", "crops": 1, "max_rate": 5.0})
    assert settings.model == replace(PeopleOptions(), **{**PRESETS["far"], "crops": 1})
    assert settings.values()["base_size"] == PRESETS["far"]["base_size"]
    assert settings.changed({"preset": ""}).model == replace(PeopleOptions(), crops=1)
    assert settings.load_arguments()["base_size"] == PRESETS["far"]["base_size"]


def test_a_preset_may_be_of_an_algorithm() -> None:
    settings = Settings().changed({"preset": "original"}).changed({"max_rate": 5.0})
    assert settings.model == OriginalOptions()
    assert settings.values()["algorithm"] == ORIGINAL
    settings = Settings().changed({"preset": "original", "algorithm": PEOPLE}).changed({"max_rate": 5.0})
    assert settings.model == PeopleOptions()
    settings = Settings().changed({"preset": "faces", "algorithm": ORIGINAL})
    assert settings.model.internal_resolution == PRESETS["faces"]["internal_resolution"]
    assert settings.without_effect() == {}


@pytest.mark.parametrize(
    ("set_by_a_file", "expected"),
    [
        ({}, PeopleOptions()),
        ({"preset": "original"}, OriginalOptions()),
        ({"preset": "far", "crops": 3}, replace(PeopleOptions(), base_size=641, crops=3)),
        ({"algorithm": ORIGINAL, "refine_steps": 4}, OriginalOptions(refine_steps=4)),
        ({"model": "selfie-general", "preset": "far"}, SelfieOptions()),
    ],
)
def test_defaults_follow_from_what_is_declared_before(set_by_a_file: dict[str, Any], expected: Any) -> None:
    defaults: dict[str, Any] = {}

    def declare(options: Iterable[Option]) -> dict[str, Any]:
        new = {option.name: option.default for option in options}
        assert not new.keys() & defaults.keys()
        defaults.update(new)
        return {name: set_by_a_file.get(name, default) for name, default in new.items()}

    settings = Settings.declared(declare)
    assert settings.model == expected
    assert defaults.keys() == PARAMETERS.keys()
    assert settings.values() == {**defaults, **set_by_a_file}


def test_models_without_presets_say_so() -> None:
    settings = Settings().changed({"preset": "far", "model": "selfie-general"})
    assert settings.model == SelfieOptions()
    assert settings.without_effect() == {"preset": "preset has no effect: selfie-general has none"}
    with pytest.raises(OptionError, match="preset is 'fra', but must be one of empty, near, far"):
        Settings().changed({"preset": "fra"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("device", ["GPU", "CPU"], "device is .* must be text"),
        ("model", 3, "model is 3, but must be text"),
        ("model_dir", None, "model_dir is None, but must be text"),
        ("cameras", "front", "cameras is 'front', but must be a list of names"),
        ("cameras", [1, 2], "cameras is .1, 2., but must be a list of names"),
        ("internal_resolution", {"a": 1}, "internal_resolution is .* but must be"),
        ("internal_resolution", float("nan"), "internal_resolution is nan"),
        ("internal_resolution", [0.5], "internal_resolution is"),
    ],
)
def test_values_of_the_wrong_type(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings().changed({name: value})
