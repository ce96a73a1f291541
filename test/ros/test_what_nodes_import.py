"""What nodes import: rclpy in few places, neither networks nor compiled kernels where nobody computes."""

import ast
import subprocess
import sys

import pytest

from support.paths import ROOT

PACKAGE = ROOT / "bodypix_ros"
DOORS = {
    *(f"ros/{name}_node.py" for name in ("people", "renderer", "segmenter", "source")),
    "ros/shared/node.py",
}
"""The files that may import rclpy."""


def imported(path):
    """The modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(module):
    """The file of a module of this package; None of anything else."""
    path = ROOT / module.replace(".", "/")
    if module.split(".")[0] != "bodypix_ros":
        return None
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def test_only_doors_import_rclpy():
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == "rclpy" for name in imported(path))
    }
    assert importing == DOORS


def test_the_rest_of_a_node_imports_no_messages():
    """Types come by name, so that it runs without ROS."""
    packages = {"sensor_msgs", "vision_msgs", "visualization_msgs", "geometry_msgs", "std_msgs"}
    for folder in ("messages", "renderer", "source", "shared"):
        for path in (PACKAGE / "ros" / folder).glob("*.py"):
            assert not packages & {name.split(".")[0] for name in imported(path)}, path


@pytest.mark.parametrize("node", ["renderer_node", "source_node"])
def test_a_node_that_computes_nothing_starts_without_networks_and_kernels(node):
    wanted = set()
    for door in (f"ros/{node}.py", "ros/shared/node.py"):
        assert door in DOORS
        wanted |= {name for name in imported(PACKAGE / door) if ours(name)}
    wanted -= {"bodypix_ros.ros.shared.node"}
    assert len(wanted) > 5
    program = (
        f"import sys, {', '.join(sorted(wanted))}\n"
        "print(*sorted({'openvino', 'numba', 'rclpy', 'bodypix_ros.kernels'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "launch").glob("*.launch.py")), ids=lambda path: path.name)
def test_a_launch_file_brings_no_pictures_into_the_process_that_launches(path):
    program = f"""
import runpy, sys
from unittest.mock import MagicMock

for name in ("", ".actions", ".conditions", ".events", ".event_handlers", ".substitutions"):
    sys.modules["launch" + name] = MagicMock()
for name in ("", ".actions", ".descriptions", ".parameter_descriptions", ".substitutions"):
    sys.modules["launch_ros" + name] = MagicMock()
runpy.run_path({str(path)!r})["generate_launch_description"]()
print(*sorted({{"cv2", "numba", "openvino"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr
