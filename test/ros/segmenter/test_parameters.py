"""Parameters of any type, as a file or a service call may hold them: refused by name, never kept."""

from typing import Any

import numpy as np
import pytest

from bodypix_ros.ros.segmenter.parameters import Settings, parameters

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
