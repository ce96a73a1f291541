"""The README's tables of parameters and modes say what the code does."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from bodypix_ros.options import Option
from bodypix_ros.rendering import MODES
from bodypix_ros.ros.renderer.options import FIELDS
from bodypix_ros.ros.segmenter.parameters import parameters
from bodypix_ros.ros.segmenter.pipeline import KEYPOINTS_3D, LABEL_INFOS, OUTPUTS
from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def row(field: "dataclasses.Field[Any]") -> str:
    """A parameter's line: name, default, range, when it may change, meaning."""
    default = field.default
    if isinstance(default, tuple):
        default = f"[{', '.join(default)}]"
    elif isinstance(default, bool):
        default = str(default).lower()
    known = field if isinstance(field, Option) else field.metadata
    low, high = (known.low, known.high) if isinstance(known, Option) else (known["low"], known["high"])
    span = "" if low is None else f"{low:g}..{high:g}"
    is_live = known.live if isinstance(known, Option) else known.get("live", True)
    text = known.text if isinstance(known, Option) else known["text"]
    live = "any time" if is_live else "unconfigured"
    cells = (f"`{field.name}`", "empty" if default == "" else default, span, live, text)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


@pytest.mark.parametrize("fields", [parameters(), FIELDS], ids=["segmenter", "renderer"])
def test_every_parameter_has_its_line(fields: Mapping[str, "dataclasses.Field[Any]"]) -> None:
    missing = [row(field) for field in fields.values() if row(field) not in README]
    assert not missing, "lines for README.md:\n" + "\n".join(missing)


def test_every_topic_and_mode_is_named() -> None:
    for topic in (*OUTPUTS, *LABEL_INFOS, KEYPOINTS_3D, "camera_info", "skeletons"):
        assert f"`{topic}`" in README, topic
    for mode, text in MODES.items():
        assert f"| `{mode}` | {text} |" in README, f"| `{mode}` | {text} |"
