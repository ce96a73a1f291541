"""Writes what the documentation and the parameter files say of options, parameters, modes and families.

    python docs/tables.py            # writes them
    python docs/tables.py --check    # names those that are stale, and fails if any is

Everything comes of the declarations in the code. In pages it stands between two marks:

    <!-- generated: drawing modes -->
    ...
    <!-- end -->

A table that nobody shows, and a mark that no table is called after, are errors.
"""

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bodypix_ros.options import Option, options_of
from bodypix_ros.perception.options import LoadOptions
from bodypix_ros.rendering import MODES, Style
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.renderer import options as renderer
from bodypix_ros.ros.segmenter import parameters as segmenter
from bodypix_ros.ros.source.options import SourceOptions
from bodypix_ros.segmenters.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/distributions.md", "docs/install.md", "docs/nodes.md", "docs/python.md")
MARKS = re.compile(r"(<!-- generated: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
WIDTH = 110


class Distribution(NamedTuple):
    """A ROS 2 distribution that the package is for.

    Attributes:
        name: As its folder in /opt/ros and the tag of its image are called.
        ubuntu: The release that its packages are for.
        python: That release's.
        numpy: What pip may bring beside that release's cv_bridge; empty: whatever setup.py allows.
        run: What was run on it.
    """

    name: str
    ubuntu: str
    python: str
    numpy: str
    run: str


DISTRIBUTIONS = (
    Distribution(
        "humble",
        "22.04",
        "3.10",
        "numpy<2",
        "the tests of nodes, built from source on Python 3.11; the demo on Python 3.10",
    ),
    Distribution("jazzy", "24.04", "3.12", "numpy<2", "the tests of nodes, built from source on Python 3.11"),
    Distribution("kilted", "24.04", "3.12", "numpy<2", "nothing"),
    Distribution("lyrical", "26.04", "3.14", "", "nothing; the dependencies have wheels for its Python"),
)


def tables() -> dict[str, str]:
    """The tables of the pages by name."""
    load = {name: known for name, known in options_of(LoadOptions).items() if name != "model"}
    return {
        "distributions": _distributions(),
        "pip beside ROS": _pip_beside_ros(),
        "segmenter topics": _table(
            ("topic", "type", "contract"), ((f"`{o.topic}`", o.kind, o.text) for o in OUTPUTS.values())
        ),
        "segmenter parameters": _parameters(segmenter_parameters(), "unconfigured"),
        "renderer parameters": _parameters(renderer_parameters()),
        "people topics": _table(
            ("topic", "type", "contract"), ((f"`{o.topic}`", o.kind, o.text) for o in PLACED_OUTPUTS.values())
        ),
        "people parameters": _parameters(options_of(PlacesOptions), "unconfigured"),
        "source parameters": _parameters(options_of(SourceOptions)),
        "drawing modes": _table(
            ("mode", "shows", "needs"),
            ((f"`{name}`", mode.text, ", ".join(mode.needs)) for name, mode in MODES.items()),
        ),
        "drawing options": _options(options_of(Style)),
        "options of all families": _options(load),
        "families": _families(),
        "options of one family": "\n".join(
            f"### {name}{f', algorithm {algorithm}' if algorithm else ''}\n\n{_options(options_of(options))}"
            for name, known in FAMILIES.items()
            for algorithm, options in known.algorithms.items()
        ),
    }


def files() -> dict[str, str]:
    """The parameter files by path."""
    return {
        "config/segmenter.yaml": _segmenter_yaml(
            "# The parameters of segmenter_node with their defaults, for one camera.\n"
            "# ros2 launch bodypix_ros segmenter.launch.py params_file:=my_copy.yaml\n",
            {},
        ),
        "config/multi_camera.yaml": _segmenter_yaml(
            "# The parameters of segmenter_node for several cameras on one model.\n"
            "# ros2 launch bodypix_ros multi_camera.launch.py cameras:=front,rear\n",
            {"cameras": ("front", "rear")},
        ),
        "config/renderer.yaml": _renderer_yaml(),
        "config/people.yaml": _people_yaml(),
    }


def segmenter_parameters() -> dict[str, Option]:
    """Those of segmenter_node, in the order of the documentation."""
    known = segmenter.parameters()
    return {"model": known["model"], **known, segmenter.AUTOSTART.name: segmenter.AUTOSTART}


def renderer_parameters() -> dict[str, Option]:
    """Those of renderer_node: its own, then those that say how it draws."""
    known = renderer.parameters()
    return dict(sorted(known.items(), key=lambda item: item[0] in options_of(Style)))


# Tables of pages


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    cells = [tuple(head), *(tuple(row) for row in rows)]
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "|---" * len(cells[0]) + "|", *lines[1:]]) + "\n"


def requirements() -> list[str]:
    """What setup.py asks pip for, without what builds the package."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    keywords = (node for node in ast.walk(tree) if isinstance(node, ast.keyword))
    (wanted,) = (keyword.value for keyword in keywords if keyword.arg == "install_requires")
    return [text for text in ast.literal_eval(wanted) if not text.startswith("setuptools")]


def _distributions() -> str:
    return _table(
        ("distribution", "Ubuntu", "Python", "from pip", "what was run"),
        (
            (d.name.capitalize(), d.ubuntu, d.python, f"`{d.numpy}`" if d.numpy else "numpy as it is", d.run)
            for d in DISTRIBUTIONS
        ),
    )


def _pip_beside_ros() -> str:
    """One command. What apt's packages satisfy already pip leaves alone."""
    without = " and ".join(d.name.capitalize() for d in DISTRIBUTIONS if not d.numpy)
    command = " ".join([".venv/bin/pip install 'numpy<2'", *(f"'{text}'" for text in requirements())])
    lines = textwrap.wrap(
        command, WIDTH, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
    return f"```sh\n# On {without} without 'numpy<2'.\n" + " \\\n".join(lines) + "\n```\n"


def _parameters(options: Mapping[str, Option], fixed: str = "at the start") -> str:
    """A table of a node's parameters; `fixed` says when those that are not live are set."""
    return _table(
        ("parameter", "default", "range", "may change", "meaning"),
        (
            (f"`{name}`", _default(known), _range(known), "any time" if known.live else fixed, known.text)
            for name, known in options.items()
        ),
    )


def _options(options: Mapping[str, Option]) -> str:
    return _table(
        ("option", "default", "range", "while running", "meaning"),
        (
            (f"`{name}`", f"`{known.default!r}`", _range(known), "yes" if known.live else "no", known.text)
            for name, known in options.items()
        ),
    )


def _families() -> str:
    rows = []
    for name, known in FAMILIES.items():
        gives = [
            f"{len(known.keypoints)} keypoints" if known.keypoints else "",
            "24 body parts" if known.parts else "",
            "points in metres" if known.metres else "",
        ]
        rows.append((f"`{name}`", ", ".join(["person mask, instance mask", *filter(None, gives)])))
    return _table(("family", "gives"), rows)


def _default(known: Option) -> str:
    """A default as ROS writes it."""
    if known.kind is tuple:
        return f"[{', '.join(known.default)}]"
    if known.kind is bool:
        return str(known.default).lower()
    return "empty" if known.default == "" else str(known.default)


def _range(known: Option) -> str:
    if known.low is not None and known.high is not None:
        return f"{known.low:g}..{known.high:g}"
    told = all((choice or "empty") in known.text for choice in known.choices)
    return "" if told else ", ".join(f"`{choice}`" if choice else "empty" for choice in known.choices)


# Parameter files


def _segmenter_yaml(head: str, values: Mapping[str, Any]) -> str:
    known = segmenter_parameters()
    own = {*segmenter.node_parameters(), segmenter.AUTOSTART.name}
    differing = {name for name in known if name not in own and len(_defaults_of(name)) > 1}
    for family in FAMILIES.values():
        differing.update(*family.presets.values())
    live = {name: option for name, option in known.items() if option.live}
    return head + _yaml(
        (
            "Set while the node is unconfigured only. What a preset sets stands behind a #.",
            {name: option for name, option in known.items() if not option.live},
        ),
        (
            "May change at any time: ros2 param set /segmenter ...",
            {name: option for name, option in live.items() if name in own},
        ),
        (
            "Where a default depends on the model, or a preset sets it, the value stands behind a #.",
            {name: option for name, option in live.items() if name not in own},
        ),
        values=values,
        hidden=differing,
    )


def _renderer_yaml() -> str:
    known = renderer_parameters()
    return (
        "# The parameters of renderer_node with their defaults.\n"
        "# ros2 run bodypix_ros renderer_node --ros-args --params-file my_copy.yaml\n"
    ) + _yaml(
        ("Set at the start only.", {name: option for name, option in known.items() if not option.live}),
        (
            "May change at any time: ros2 param set /renderer ...",
            {name: option for name, option in known.items() if option.live},
        ),
    )


def _people_yaml() -> str:
    known = options_of(PlacesOptions)
    return (
        "# The parameters of people_node with their defaults.\n"
        "# ros2 launch bodypix_ros people.launch.py people_params_file:=my_copy.yaml\n"
    ) + _yaml(
        (
            "Set while the node is unconfigured only.",
            {name: option for name, option in known.items() if not option.live},
        ),
        (
            "May change at any time: ros2 param set /people ...",
            {name: option for name, option in known.items() if option.live},
        ),
    )


def _defaults_of(name: str) -> set[Any]:
    """The defaults of a model's option in all families, and their algorithms, that have it."""
    declared = [options_of(options) for known in FAMILIES.values() for options in known.algorithms.values()]
    return {options[name].default for options in declared if name in options}


def _yaml(
    *sections: tuple[str, Mapping[str, Option]],
    values: Mapping[str, Any] | None = None,
    hidden: Iterable[str] = (),
) -> str:
    """A parameter file for any node.

    Args:
        sections: What is said over some parameters, and these.
        values: Other values than the defaults.
        hidden: Names of those that stand behind a #.
    """
    values, hidden = values or {}, set(hidden)
    parts = []
    for title, options in sections:
        lines = [f"    # {title}"]
        for name, known in options.items():
            lines += _comment(known)
            mark = "# " if name in hidden else ""
            lines.append(f"    {mark}{name}: {_value(values.get(name, known.default))}")
        parts.append("\n".join(lines) + "\n")
    return "/**:\n  ros__parameters:\n" + "\n".join(parts)


def _comment(known: Option) -> Iterator[str]:
    first = known.text.split(maxsplit=1)[0].rstrip(",:;")
    text = known.text if first in known.choices else known.text[0].upper() + known.text[1:]
    if known.low is not None:
        text += f"; {known.low} to {known.high}"
    yield from textwrap.wrap(f"{text}.", WIDTH, initial_indent="    # ", subsequent_indent="    # ")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return '""' if value == "" else str(value)


# Files


def stale(*, write: bool = False) -> list[str]:
    """What does not say what the code says: files, and tables as "page: table".

    Args:
        write: Put it right.

    Raises:
        ValueError: A page has a mark that no table is called after, or nobody shows a table.
    """
    made, wrong, shown = tables(), [], set()
    texts = {}
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8") if path.is_file() else ""

        def put(match: re.Match[str], page: str = page) -> str:
            begin, name, text, end = match.groups()
            if name not in made:
                raise ValueError(f"{page}: no table is called {name!r}; there are {', '.join(made)}")
            shown.add(name)
            wanted = f"\n{made[name]}\n"
            if text != wanted:
                wrong.append(f"{page}: {name}")
            return begin + wanted + end

        texts[path] = before, MARKS.sub(put, before)
    if missing := made.keys() - shown:
        raise ValueError(f"no page shows these tables: {', '.join(sorted(missing))}")
    for name, text in files().items():
        path = ROOT / name
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        texts[path] = before, text
        if before != text:
            wrong.append(name)
    for path, (before, after) in texts.items():
        if write and before != after:
            path.write_text(after, encoding="utf-8")
    return wrong


def main() -> int:
    """Write or check everything, and return the exit code."""
    parser = argparse.ArgumentParser(description="Tables of the documentation, made of the declarations.")
    parser.add_argument("--check", action="store_true", help="change nothing; name what is stale")
    check = parser.parse_args().check
    wrong = stale(write=not check)
    for name in wrong:
        print(f"{'stale' if check else 'written'}: {name}")
    return int(check and bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
