"""The pages say what the code does: generated tables and parameter files are fresh, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from bodypix_ros.cli import COMMANDS
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS
from bodypix_ros.segmenters.families import FAMILIES
from support.paths import ROOT
from support.tables import tables

README = (ROOT / "README.md").read_text(encoding="utf-8")
NODES = (ROOT / "docs/nodes.md").read_text(encoding="utf-8")
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_everything_generated_is_fresh() -> None:
    assert tables.stale() == [], "run: python docs/tables.py"


def test_the_script_names_what_is_stale_and_puts_it_right(tmp_path: Path) -> None:
    for name in (*tables.PAGES, *tables.files(), "docs/tables.py", "setup.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(tmp_path / "docs/tables.py"), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    page, file = tmp_path / "docs/nodes.md", tmp_path / "config/renderer.yaml"
    page.write_text(page.read_text(encoding="utf-8").replace("| `opacity` | 0.5 |", "| `opacity` | 0.9 |"))
    file.write_text(file.read_text(encoding="utf-8").replace("opacity: 0.5", "opacity: 0.9"))
    stale = "stale: docs/nodes.md: renderer parameters\nstale: config/renderer.yaml\n"
    assert run("--check") == (1, stale)
    assert run() == (0, stale.replace("stale", "written"))
    assert run("--check") == (0, "")
    assert page.read_bytes() == (ROOT / "docs/nodes.md").read_bytes()
    page.write_text(page.read_text(encoding="utf-8").replace("generated: renderer", "generated: painter"))
    code, text = run("--check")
    assert code == 1
    assert "no table is called 'painter parameters'" in text


@pytest.mark.parametrize("name", tables.files())
def test_a_parameter_file_holds_the_defaults(name: str) -> None:
    others = {
        "config/renderer.yaml": tables.renderer_parameters,
        "config/people.yaml": lambda: tables.options_of(tables.PlacesOptions),
    }
    values = YAML(typ="safe").load(ROOT / name)["/**"]["ros__parameters"]
    known = others.get(name, tables.segmenter_parameters)()
    assert values.keys() <= known.keys()
    of_presets = {name for family in FAMILIES.values() for given in family.presets.values() for name in given}
    for option in known.values():
        if option.name not in values:
            # Left to the model, or to a preset.
            assert "by default for" in option.text or option.name in of_presets, option.name
            continue
        default = list(option.default) if option.kind is tuple else option.default
        if (name, option.name) == ("config/multi_camera.yaml", "cameras"):
            default = ["front", "rear"]
        assert (values[option.name], type(values[option.name])) == (default, type(default))


def test_every_topic_and_command_is_named() -> None:
    for topic in (*OUTPUTS, *PLACED_OUTPUTS, "camera_info", "skeletons", "persons_3d/markers"):
        assert f"`{topic}`" in NODES, topic
    for command in COMMANDS:
        assert f"| `bodypix {command}" in README, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_package_depends_on_what_its_commands_need() -> None:
    """`ros2 launch`, `rviz:=true` and the like, in the README and in the launch files."""
    package = ET.parse(ROOT / "package.xml")
    there = {str(element.text) for element in package.findall("exec_depend")}
    launches = [path.read_text(encoding="utf-8") for path in (ROOT / "launch").glob("*.py")]
    commands = set(re.findall(r"^ros2 (\w+)", README, re.MULTILINE))
    executables = set(re.findall(r'package="(\w+)"', " ".join(launches))) - {"bodypix_ros"}
    view = (ROOT / "config/bodypix.rviz").read_text(encoding="utf-8")
    plugins = set(re.findall(r"Class: (\w+)/", view)) - {"rviz_common"}
    assert {"launch", "run"} <= commands
    assert executables == {"rviz2"}
    assert {f"ros2{command}" for command in commands} | executables | plugins <= there
