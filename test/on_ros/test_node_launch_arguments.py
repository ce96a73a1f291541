"""Every argument of every launch file, with every kind of value that it takes.

launch itself runs, on stand-ins of the nodes that write down what they were started with; the real nodes are
launched in `test_package.py`.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import (
    PythonLaunchDescriptionSource,
    get_launch_description_from_python_launch_file,
)
from launch.logging import launch_config
from ruamel.yaml import YAML

from bodypix_ros.ros.shared import launching
from support.paths import ROOT

FILES = ("segmenter", "multi_camera", "demo", "people", "follow_person")

STAND_IN = """#!{python} -S
import json, os, sys, time
found = [open(sys.argv[i + 1]).read() for i, word in enumerate(sys.argv) if word == "--params-file"]
name = os.path.basename(sys.argv[0])
with open(os.path.join(os.environ["STARTED"], name), "a") as file:
    file.write(json.dumps([sys.argv[1:], found]) + "\\n")
if name == os.environ.get("FAILS"):
    sys.exit(1)
time.sleep(float(os.environ.get("STAYS_S", "0")))
"""


class Prefix:
    """A folder that packages are installed in, as ament and launch find them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, folder / "started"
        self.started.mkdir(parents=True)
        self.add("bodypix_ros", "segmenter_node", "renderer_node", "source_node", "people_node")
        for name in ("config", "launch"):
            (folder / "share/bodypix_ros" / name).symlink_to(ROOT / name)

    def command(self, name: str) -> None:
        """Stand in for a program on the path."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        self._stand_in(folder / name)
        os.environ["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])

    def add(self, package: str, *executables: str) -> None:
        index = self.folder / "share/ament_index/resource_index/packages" / package
        for each in (index.parent, self.folder / "share" / package, self.folder / "lib" / package):
            each.mkdir(parents=True, exist_ok=True)
        index.touch()
        for name in executables:
            self._stand_in(self.folder / "lib" / package / name)

    def _stand_in(self, path: Path) -> None:
        path.write_text(STAND_IN.format(python=sys.executable))
        path.chmod(0o755)

    def launch(
        self, file: str, meanwhile: Callable[[LaunchService], None] | None = None, **given: str
    ) -> int:
        """Run a launch file to its end; returns launch's exit code."""
        for path in self.started.iterdir():
            path.unlink()
        source = PythonLaunchDescriptionSource(str(ROOT / f"launch/{file}.launch.py"))
        service = LaunchService(noninteractive=True)
        included = IncludeLaunchDescription(source, launch_arguments=list(given.items()))
        service.include_launch_description(LaunchDescription([included]))
        log = Path(launch_config.log_dir, "launch.log")
        before = log.stat().st_size if log.exists() else 0
        if meanwhile is not None:
            threading.Thread(target=meanwhile, args=(service,), daemon=True).start()
        code = service.run()
        self.said = log.read_bytes()[before:].decode()
        return code

    def nodes(self) -> dict[str, "Started"]:
        """What was started, by executable."""
        return {
            path.name: [Started(*json.loads(line)) for line in path.read_text().splitlines()][-1]
            for path in self.started.iterdir()
        }


class Started:
    """What a node was started with."""

    def __init__(self, words: list[str], files: list[str]) -> None:
        self.words = words
        self.parameters = {}
        for text in files:
            for entry in YAML(typ="safe").load(text).values():
                self.parameters |= entry["ros__parameters"]

    def said(self, *words: str) -> bool:
        """Whether these words follow one another on the command line."""
        return any(tuple(self.words[k : k + len(words)]) == words for k in range(len(self.words)))


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    made = Prefix(tmp_path / "install")
    monkeypatch.setenv(
        "AMENT_PREFIX_PATH", os.pathsep.join([str(made.folder), os.environ["AMENT_PREFIX_PATH"]])
    )
    monkeypatch.setenv("STARTED", str(made.started))
    monkeypatch.setenv("PATH", os.environ["PATH"])  # and as it was afterwards
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    return made


def parameter(executable, name, expected):
    return lambda nodes: (
        nodes[executable].parameters[name] == expected
        and (type(nodes[executable].parameters[name]) is type(expected))
    )


def given(executable, *words):
    return lambda nodes: nodes[executable].said(*words)


def flags(executables, name):
    """What true and false look like, in each of launch's spellings."""
    spellings = {True: ("true", "True", "1", "yes", "on"), False: ("false", "False", "0", "no", "off")}
    return [
        (word, [parameter(executable, name, value) for executable in executables])
        for value, words in spellings.items()
        for word in words
    ]


SEGMENTER = "segmenter_node"
COMMON = {
    "namespace": [
        ("", [given(SEGMENTER, "-r", "__ns:=/")]),
        ("robot1", [given(SEGMENTER, "-r", "__ns:=/robot1")]),
        ("/robot1/head", [given(SEGMENTER, "-r", "__ns:=/robot1/head")]),
    ],
    "name": [("eyes", [given(SEGMENTER, "-r", "__node:=eyes")])],
    "params_file": [(str(ROOT / "config/multi_camera.yaml"), [parameter(SEGMENTER, "lazy", True)])],
    "model": [("selfie-general", [parameter(SEGMENTER, "model", "selfie-general")])],
    "preset": [(word, [parameter(SEGMENTER, "preset", word)]) for word in ("far", "")],
    "device": [
        ("GPU,CPU", [parameter(SEGMENTER, "device", "GPU,CPU")]),
        ("", [parameter(SEGMENTER, "device", "AUTO")]),
    ],
    # A text stays one, also where YAML would make something else of it.
    "model_dir": [
        (word, [parameter(SEGMENTER, "model_dir", word)]) for word in ("/a b", "2024", "on", "1.5")
    ],
    "input_transport": [
        (word, [parameter(SEGMENTER, "input_transport", word)]) for word in ("raw", "compressed")
    ],
    "autostart": flags([SEGMENTER], "autostart"),
    "log_level": [(word, [given(SEGMENTER, "--log-level", word)]) for word in ("debug", "warn")],
    "enclaves": [("/bodypix_ros", [given(SEGMENTER, "--enclave", "/bodypix_ros/segmenter")])],
    "respawn": [("false", []), ("no", [])],  # true: see below
}
PEOPLE = "people_node"
PLACES = COMMON | {
    "use_sim_time": flags([SEGMENTER, PEOPLE], "use_sim_time"),
    "camera": [
        ("", [given(PEOPLE, "-r", "depth/image:=depth/image")]),
        ("realsense", [
            given(PEOPLE, "-r", "depth/image:=/camera/camera/aligned_depth_to_color/image_raw"),
            given(PEOPLE, "-r", "camera_info:=/camera/camera/color/camera_info"),
            given(SEGMENTER, "-r", "image:=/camera/camera/color/image_raw"),
        ]),
        ("oak", [given(SEGMENTER, "-r", "image/compressed:=/oak/rgb/image_raw/compressed")]),
        ("zed", [given(PEOPLE, "-r", "depth/camera_info:=/zed/zed_node/depth/camera_info")]),
    ],
    "image": [("/x/raw", [given(name, "-r", "image:=/x/raw") for name in (SEGMENTER, PEOPLE)])],
    "camera_info": [("/x/info", [given(name, "-r", "camera_info:=/x/info") for name in (SEGMENTER, PEOPLE)])],
    "depth": [("/x/depth", [given(PEOPLE, "-r", "depth/image:=/x/depth")])],
    "depth_info": [("/x/depth_info", [given(PEOPLE, "-r", "depth/camera_info:=/x/depth_info")])],
    "follow": [(word, [parameter(PEOPLE, "follow", word)]) for word in ("largest", "7", "front7")],
    "target_frame": [("base_link", [parameter(PEOPLE, "target_frame", "base_link")])],
    "fixed_frame": [("map", [parameter(PEOPLE, "fixed_frame", "map")])],
    "publish_tf": flags([PEOPLE], "publish_tf"),
    "ros4hri": flags([PEOPLE], "ros4hri"),
    "organized": flags([PEOPLE], "organized"),
    "segmenter": [
        (word, [lambda nodes, shown=shown: (SEGMENTER in nodes) == shown])
        for shown, word in ((True, "true"), (True, ""), (False, "no"))
    ],
    "people_params_file": [(str(ROOT / "config/people.yaml"), [parameter(PEOPLE, "stride", 4)])],
}  # fmt: skip
TRIED = {
    "people": PLACES,
    "follow_person": PLACES | {
        "action": [("/robot1/follow_object", [given("ros2", "/robot1/follow_object")])],
        "action_type": [("x/action/Y", [given("ros2", "x/action/Y", "{pose_topic: /followed}")])],
    },
    "segmenter": COMMON
    | {
        "use_sim_time": flags([SEGMENTER], "use_sim_time"),
        "image": [
            ("/camera/image_raw", [
                given(SEGMENTER, "-r", "image:=/camera/image_raw"),
                given(SEGMENTER, "-r", "image/compressed:=/camera/image_raw/compressed"),
                given(SEGMENTER, "-r", "camera_info:=/camera/camera_info"),
            ]),
        ],
    },
    "multi_camera": COMMON
    | {
        "use_sim_time": flags([SEGMENTER], "use_sim_time"),
        "cameras": [
            ("left", [parameter(SEGMENTER, "cameras", ["left"])]),
            ("on,off", [parameter(SEGMENTER, "cameras", ["on", "off"])]),
            ("a, b/c", [parameter(SEGMENTER, "cameras", ["a", "b/c"])]),
        ],
        "images": [("/x/raw,/y/raw", [given(SEGMENTER, "-r", "front/image:=/x/raw"),
                                      given(SEGMENTER, "-r", "rear/camera_info:=/y/camera_info")])],
    },
    "demo": COMMON
    | {
        "use_sim_time": flags([SEGMENTER, "renderer_node", "source_node"], "use_sim_time"),
        "source": [(word, [parameter("source_node", "source", word)]) for word in ("0", "a film.mp4", "on")],
        "mode": [("parts", [parameter("renderer_node", "mode", "parts"), parameter(SEGMENTER, "preset", "")]),
                 ("blur_parts", [parameter(SEGMENTER, "preset", "faces")]),
                 ("", [parameter("renderer_node", "mode", "instances")])],
        "renderer_params_file": [
            (str(ROOT / "config/renderer.yaml"), [parameter("renderer_node", "jpeg_quality", 80)])
        ],
        "rviz": [
            (word, [lambda nodes, shown=shown: ("rviz2" in nodes) == shown])
            for shown, words in ((True, ("true", "Yes", "1", "on")), (False, ("false", "")))
            for word in words
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_no_argument_is_left_out(file):
    description = get_launch_description_from_python_launch_file(str(ROOT / f"launch/{file}.launch.py"))
    assert {argument.name for argument in description.get_launch_arguments()} == set(TRIED[file])


@pytest.mark.parametrize(("file", "argument"), [(file, name) for file in FILES for name in TRIED[file]])
def test_an_argument_reaches_the_nodes_whatever_it_says(prefix, file, argument):
    prefix.add("rviz2", "rviz2")
    prefix.command("ros2")
    for value, expected in TRIED[file][argument]:
        assert prefix.launch(file, **{argument: value}) == 0, value
        nodes = prefix.nodes()
        started = {"demo": {SEGMENTER, "renderer_node", "source_node"}}
        started |= {name: {SEGMENTER, PEOPLE} for name in ("people", "follow_person")}
        if (argument, value) != ("segmenter", "no"):
            assert set(nodes) - {"rviz2", "ros2"} == started.get(file, {SEGMENTER})
        for check in expected:
            assert check(nodes), (
                value,
                {name: (node.words, node.parameters) for name, node in nodes.items()},
            )


@pytest.mark.parametrize(
    ("file", "arguments", "reason"),
    [
        ("demo", {"use_sim_time": "maybe"}, "use_sim_time is 'maybe', but must be true or false"),
        ("demo", {"rviz": "perhaps"}, "rviz is 'perhaps', but must be true or false"),
        ("segmenter", {"autostart": "later"}, "autostart is 'later'"),
        ("segmenter", {"respawn": "often"}, "respawn is 'often'"),
        ("segmenter", {"params_file": "/none.yaml"}, "params_file: there is no file /none.yaml"),
        ("demo", {"renderer_params_file": "/none.yaml"}, "renderer_params_file: there is no file /none.yaml"),
        ("people", {"camera": "kinect"}, "camera is 'kinect', but must be one of"),
        ("people", {"people_params_file": "/none.yaml"}, "people_params_file: there is no file /none.yaml"),
        ("multi_camera", {"images": "/a"}, "2 cameras and 1 images are given"),
        ("demo", {"rviz": "true"}, "rviz:=true needs rviz2, which is not here: sudo apt install ros-"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_starts(prefix, file, arguments, reason):
    if "rviz" in arguments and _is_here("rviz2"):
        pytest.skip("rviz2 is installed here, so its absence cannot be seen")
    assert prefix.launch(file, **arguments) == 1
    assert reason in prefix.said
    assert prefix.nodes() == {}


def _is_here(package):
    try:
        return bool(get_package_prefix(package))
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize("fails", ["source_node", "segmenter_node", "renderer_node"])
def test_a_node_that_fails_ends_the_others(prefix, monkeypatch, fails):
    monkeypatch.setenv("FAILS", fails)
    monkeypatch.setenv("STAYS_S", "60")
    started = time.monotonic()
    prefix.launch("demo")
    assert time.monotonic() - started < 20
    assert f"{fails}-" in prefix.said
    assert "was required: shutting down launched system" in prefix.said


def test_a_node_that_fails_is_started_again_where_that_is_asked_for(prefix, monkeypatch):
    monkeypatch.setenv("FAILS", "segmenter_node")
    monkeypatch.setattr(launching, "RESPAWN_S", 0.1)
    file = prefix.started / "segmenter_node"

    def starts():
        return len(file.read_text().splitlines()) if file.exists() else 0

    def end_after_three(service):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and starts() < 3:
            time.sleep(0.05)
        service.shutdown()

    prefix.launch("segmenter", end_after_three, respawn="true")
    assert starts() >= 3
