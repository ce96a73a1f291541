"""The README's tables of parameters and modes say what the code does."""

from typing import Any

import pytest

from bodypix_ros.options import Option
from bodypix_ros.rendering import MODES
from bodypix_ros.ros.renderer import options as renderer
from bodypix_ros.ros.segmenter.outputs import OUTPUTS
from bodypix_ros.ros.segmenter.parameters import parameters
from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def row(option: Option) -> str:
    """A parameter's line: name, default, range, when it may change, meaning."""
    default: Any = option.default
    if option.kind is tuple:
        default = f"[{', '.join(default)}]"
    elif option.kind is bool:
        default = str(default).lower()
    span = "" if option.low is None else f"{option.low:g}..{option.high:g}"
    live = "any time" if option.live else "unconfigured"
    cells = (f"`{option.name}`", "empty" if default == "" else default, span, live, option.text)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


@pytest.mark.parametrize(
    "options", [[*parameters().values()], [*renderer.parameters().values()]], ids=["segmenter", "renderer"]
)
def test_every_parameter_has_its_line(options: list[Option]) -> None:
    missing = [row(option) for option in options if row(option) not in README]
    assert not missing, "lines for README.md:\n" + "\n".join(missing)


def test_every_topic_and_mode_is_named() -> None:
    for topic in (*OUTPUTS, "camera_info", "skeletons"):
        assert f"`{topic}`" in README, topic
    for name, mode in MODES.items():
        assert f"| `{name}` | {mode.text} |" in README, f"| `{name}` | {mode.text} |"
