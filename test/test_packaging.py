"""Checkout, sdist, wheel and what is installed: the same files in all of them, and nothing stays behind."""

import re
import subprocess
import sys
import venv
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import bodypix_ros
from support.packages import call, files_of, sdist, wheel
from support.paths import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def built(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the sdist."""
    return wheel(unpacked, tmp_path_factory.mktemp("wheel"))


def test_the_sdist_is_the_checkout(unpacked: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so nobody says which files belong to it")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = {name for name in listed if (ROOT / name).is_file()}
    made = {"PKG-INFO"} | {
        path.relative_to(unpacked).as_posix() for path in unpacked.glob("bodypix_ros.egg-info/*")
    }
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert there - made == wanted


def test_the_wheel_has_the_package_and_what_ros_reads(built: Path) -> None:
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bodypix_ros").rglob("*.py")}
    share = {
        f"share/bodypix_ros/{path.relative_to(ROOT).as_posix()}"
        for folder in ("config", "launch", "models")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = files_of(built)
    assert package <= there
    assert share <= there
    more = {
        "bodypix_ros/py.typed",
        "share/bodypix_ros/package.xml",
        "share/ament_index/resource_index/packages/bodypix_ros",
    }
    scripts = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "bodypix_ros/benchmarks/scripts").iterdir()
    }
    assert there - package - share - scripts == more


def test_uninstalling_leaves_nothing(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    venv.create(place)

    def everything() -> set[str]:
        return {path.relative_to(place).as_posix() for path in place.rglob("*")}

    def pip(*words: object) -> None:
        call(sys.executable, "-m", "pip", "--python", place / "bin/python", *words, cwd=tmp_path)

    before = everything()
    pip("install", "--no-deps", "--no-index", "--quiet", built)
    added = everything() - before
    assert {"bin/bodypix", "bin/segmenter_node", "share/bodypix_ros/package.xml"} <= added
    version = "import bodypix_ros; print(bodypix_ros.__version__)"
    assert call(place / "bin/python", "-c", version, cwd=tmp_path).strip() == bodypix_ros.__version__
    pip("uninstall", "--yes", "--quiet", "bodypix_ros")
    left = everything() - before
    assert {name for name in left if (place / name).is_file()} == set()


def test_the_version_is_one(built: Path) -> None:
    package = ET.parse(ROOT / "package.xml")
    assert package.findtext("version") == bodypix_ros.__version__
    assert built.name.split("-")[1] == bodypix_ros.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", bodypix_ros.__version__)
    released = re.findall(
        r"^(\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert all(version <= bodypix_ros.__version__ for version in released)
