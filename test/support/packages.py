"""The package, built and installed as users do; nothing is fetched."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

from support.paths import ROOT

_NOT_SOURCES = shutil.ignore_patterns(
    ".git",
    ".venv*",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "*.egg-info",
    "build",
    "install",
    "log",
    "site",
    "demo",
)


def call(*command: object, cwd: Path) -> str:
    """Run a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sdist(folder: Path) -> Path:
    """Make the sdist of a copy of the checkout, and unpack it below a folder."""
    sources = folder / "sources"
    shutil.copytree(ROOT, sources, ignore=_NOT_SOURCES)
    call(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", folder, cwd=sources)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "unpacked")  # our own
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


def wheel(sources: Path, folder: Path) -> Path:
    """Make the wheel of sources in a folder."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    call(sys.executable, "-m", "pip", "wheel", *options, sources, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


def modules_and_shares(names: set[str]) -> set[str]:
    """Of installed files the package's own and its share folder's, each from bodypix_ros/ or share/ on."""
    found = set()
    for name in names:
        for mark in ("share/", "bodypix_ros/"):
            at = f"/{name}".find(f"/{mark}")
            if at >= 0:
                found.add(name[at:])
                break
    # What Python, numba and colcon add.
    return {
        name
        for name in found
        if "__pycache__" not in name
        and "/colcon-core/" not in name
        and not name.startswith("share/bodypix_ros/hook/")
        and not name.startswith("share/bodypix_ros/package.")
    } | {name for name in found if name == "share/bodypix_ros/package.xml"}


def files_of(made: Path) -> set[str]:
    """The files that a wheel installs, as `modules_and_shares` names them."""
    with ZipFile(made) as packed:
        return modules_and_shares({name for name in packed.namelist() if not name.endswith("/")})
