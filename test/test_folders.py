"""Users without a home, as containers have them: what can be done without one is done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.checkpoints import write_tiny_bodypix
from support.paths import ROOT, TESTS

# Nobody has an entry among the users, and HOME is not set.
NOBODY = """
import os, pwd
def absent(*_):
    raise KeyError("uid not found")
pwd.getpwuid = pwd.getpwnam = absent
for name in ("HOME", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
"""

LOADS = """
import numpy as np, sys
import bodypix_ros
with bodypix_ros.load("bodypix-mobilenet-050-s16-q4", device="CPU", precision="f32") as segmenter:
    print(segmenter.segment(np.zeros((64, 96, 3), np.uint8)).person_mask.shape)
"""

# Another user, after everything is imported: that user may not even read the interpreter.
OTHER_USER = """
import os, sys
import platformdirs.unix
from bodypix_ros.folders import expanded, user_cache
from bodypix_ros.models import catalogue, store
catalogue.share_folder()
catalogue.share_folder = store.share_folder = lambda: expanded("/share")
for name in ("HOME", "XDG_CACHE_HOME", "BODYPIX_ROS_MODELS"):
    os.environ.pop(name, None)
os.setuid(12345)
print(user_cache(), *store.search_path("~/x"))
"""


def run(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([*map(str, (ROOT, TESTS)), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    command = [sys.executable, "-c", text]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_model_loads_for_a_user_without_a_home(tmp_path: Path) -> None:
    write_tiny_bodypix(tmp_path / "models", seed=9)
    done = run(NOBODY + LOADS, tmp_path, BODYPIX_ROS_MODELS="models")
    assert (done.returncode, done.stdout, done.stderr) == (0, "(64, 96)\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["models"]  # no folder called ~


def test_without_a_home_the_missing_model_says_where_it_was_looked_for(tmp_path: Path) -> None:
    done = run(NOBODY + LOADS, tmp_path, BODYPIX_ROS_MODELS="~/models")
    assert "MissingModelError: model bodypix-mobilenet-050-s16-q4 is in none of ~/models" in done.stderr


def test_without_a_home_fetching_asks_where_to(tmp_path: Path) -> None:
    command = "from bodypix_ros.cli import main; main(['models', 'fetch', 'blazepose-lite'])"
    done = run(NOBODY + command, tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "bodypix: --into: this user has no home to keep models in; say which folder to fill\n",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_without_an_entry_has_no_cache(tmp_path: Path) -> None:
    done = run(OTHER_USER, tmp_path)
    assert (done.stdout, done.stderr) == ("None ~/x /share/models\n", "")
