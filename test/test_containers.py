"""Files for containers and conda, which cannot be run here, name what package.xml and setup.py do."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from support.paths import ROOT
from support.tables import tables

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NAMES = {distribution.name for distribution in tables.DISTRIBUTIONS}


def exec_depends() -> set[str]:
    package = ET.parse(ROOT / "package.xml")
    return {str(element.text) for element in package.findall("exec_depend")}


def compose() -> dict[str, Any]:
    (service,) = YAML(typ="safe").load(ROOT / "compose.yaml")["services"].values()
    return service


def default(text: str) -> str:
    """Of a variable as compose spells it: ${NAME:-default}."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_the_image_installs_what_the_package_asks_for() -> None:
    (command,) = re.findall(r"^RUN python3 -m venv(?:.*\\\n)+.*$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"'([^']+)'", command) == tables.requirements()
    assert "rosdep install --from-paths src" in DOCKERFILE  # all of package.xml that has a key
    assert "--system-site-packages" in command
    assert ".venv/bin/python -m colcon build" in DOCKERFILE


def test_the_image_is_of_a_distribution_that_the_documents_name() -> None:
    (named,) = {*re.findall(r"^ARG ROS_DISTRO=(\w+)$", DOCKERFILE, re.MULTILINE)}
    assert named in NAMES
    assert default(compose()["build"]["args"]["ROS_DISTRO"]) == named
    (chosen,) = [distribution for distribution in tables.DISTRIBUTIONS if distribution.name == named]
    assert re.findall(r"^ARG NUMPY=(.*)$", DOCKERFILE, re.MULTILINE) == [chosen.numpy]
    assert re.findall(r"`none`, where .*\((\w+)\)", DOCKERFILE) == [
        distribution.name.capitalize() for distribution in tables.DISTRIBUTIONS if not distribution.numpy
    ]


def test_what_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied == ["package.xml", "."]
    assert all((ROOT / name).exists() for name in copied)


def test_the_gpu_and_the_npu_are_handed_in() -> None:
    service = compose()
    assert {device.split(":")[0] for device in service["devices"]} == {"/dev/dri", "/dev/accel"}
    assert default(service["group_add"][0]) == "render"
    weights = re.findall(r"^ENV BODYPIX_ROS_MODELS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert [volume.split(":")[1] for volume in service["volumes"]] == weights


def test_conda_installs_the_same() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python before 3.11 reads no TOML")
    text = tomllib.loads((ROOT / "pixi.toml").read_text(encoding="utf-8"))
    (channel,) = [name for name in text["workspace"]["channels"] if name.startswith("robostack-")]
    name = channel.removeprefix("robostack-")
    (chosen,) = [distribution for distribution in tables.DISTRIBUTIONS if distribution.name == name]
    wanted = {key: bounds for key, bounds in text["dependencies"].items() if not key.startswith("ros-")}
    assert wanted["python"] == f"{chosen.python}.*"
    of_ros = {key.removeprefix(f"ros-{name}-") for key in text["dependencies"] if key.startswith("ros-")}
    others = {key.replace("_", "-") for key in exec_depends() if not key.startswith("python3-")}
    assert of_ros == others | {"ros-base"}
    assert [f"{key}{bounds}" for key, bounds in text["pypi-dependencies"].items()] == tables.requirements()


def test_what_has_a_key_of_rosdep_is_also_asked_of_pip() -> None:
    """Ubuntu's may be too old: pip then brings a newer one, and else leaves it alone."""
    keys = {key.removeprefix("python3-") for key in exec_depends() if key.startswith("python3-")}
    asked = {re.split(r"[<>=]", text)[0] for text in tables.requirements()}
    renamed = {"opencv": "opencv-python-headless"}
    assert {renamed.get(key, key) for key in keys - {"yaml"}} == asked - {"av", "openvino", "pycocotools"}
    comment = re.search(
        r"<!-- Without rosdep keys: pip install (.*) -->", Path(ROOT / "package.xml").read_text()
    )
    assert comment is not None
    without = [text for text in tables.requirements() if re.split(r"[<>=]", text)[0] in comment[1]]
    assert sorted(re.findall(r"'([^']+)'", comment[1])) == sorted(without)
    assert len(without) == 3
