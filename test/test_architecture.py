"""The house: which room may know which, what comes from outside, and that the pictures show what is there.

The checks are in support/house.py. The last tests try each of them on a small made-up package that breaks its
rule.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from support.house import (
    PUBLIC,
    circles,
    circles_in,
    forbidden_arrows,
    forbidden_outside,
    long_files,
    picture_in,
    wrong_picture,
    wrong_tree,
)
from support.paths import ROOT

PACKAGE = ROOT / "bodypix_ros"

_GROUND = {PUBLIC, "anatomy", "errors", "folders", "kernels", "options", "scene"}

ARROWS: Mapping[str, set[str]] = {
    # What everybody may know, and what knows nobody.
    PUBLIC: set(),
    "errors": set(),
    "anatomy": set(),
    "kernels": set(),
    "folders": {PUBLIC},
    "targets": {"errors"},
    "doors": set(),  # what they lead to is imported by its name
    "options": {"errors"},
    "rle": set(),
    "scene": {"anatomy", "errors", "rle"},
    "heads": set(),
    "report": {"scene"},
    # Pixels, devices and files.
    "imaging": {"errors", "kernels"},
    "media": {"errors", "imaging"},
    "runtime": {"errors", "folders", "options"},
    "models": {"errors", "folders"},
    # An image becomes a Scene, and one Scene after another the same people's.
    "tracking": {"anatomy", "imaging", "kernels", "options", "scene"},
    "details": {"anatomy", "imaging", "kernels", "models", "options", "runtime", "scene", "tracking"},
    "segmenters": _GROUND - {PUBLIC} | {"details", "imaging", "models", "runtime", "tracking"},
    "perception": _GROUND | {"details", "imaging", "models", "runtime", "segmenters", "tracking"},
    # A Scene becomes something else.
    "space": {"errors", "kernels", "scene", "tracking"},
    "rendering": {"anatomy", "errors", "heads", "options", "scene"},
    "coco": {"anatomy", "errors", "heads", "imaging", "media", "perception", "rle", "scene", "targets"},
    "ros.messages": {"anatomy", "errors", "imaging", "scene", "space"},
    # Nodes, without ROS.
    "ros.shared": {"errors", "options", "ros.messages"},
    "ros.segmenter": _GROUND
    | {"models", "perception", "ros.messages", "ros.shared", "runtime", "segmenters", "space"},
    "ros.renderer": _GROUND | {"rendering", "ros.messages", "ros.shared"},
    "ros.people": _GROUND | {"ros.messages", "ros.shared", "space"},
    "ros.source": _GROUND | {"media", "ros.messages", "ros.shared", "space"},
    # Doors.
    "ros.segmenter_node": {"errors", "options", "ros.messages", "ros.segmenter", "ros.shared"},
    "ros.renderer_node": {"errors", "options", "ros.messages", "ros.renderer", "ros.shared"},
    "ros.people_node": {"errors", "options", "ros.messages", "ros.people", "ros.shared", "space"},
    "ros.source_node": {
        "errors", "media", "options", "ros.messages", "ros.shared", "ros.source", "space",
    },
    "bags": {
        "errors", "imaging", "options", "perception", "rendering", "report", "ros.messages", "ros.segmenter",
        "scene", "space", "targets",
    },
    "results": {
        PUBLIC, "coco", "errors", "media", "options", "perception", "rendering", "report", "scene", "targets",
    },
    "viewing": {
        "anatomy", "bags", "errors", "media", "perception", "report", "ros.messages", "scene", "space",
        "targets",
    },
    "batch": _GROUND
    | {
        "bags", "coco", "media", "models", "perception", "rendering", "report", "results", "ros.messages",
        "segmenters", "space", "targets",
    },
    "benchmarks": _GROUND
    | {
        "bags", "media", "models", "perception", "ros.messages", "ros.segmenter", "runtime", "segmenters",
        "tracking",
    },
    "cli": _GROUND
    | {
        "bags", "batch", "benchmarks", "coco", "doors", "media", "models", "perception", "rendering",
        "report", "results", "ros.messages", "runtime", "segmenters", "targets",
        "viewing",
    },
}  # fmt: skip
"""By room: the rooms that it may import, anywhere in its files. A new room is a new line."""

OUTSIDE: Mapping[str, tuple[str, ...]] = {
    # ROS: message classes come by name elsewhere, through import_module in ros/messages/types.py.
    "rclpy": ("ros/*_node.py", "ros/shared/node.py"),
    "*_msgs": ("ros/*_node.py", "ros/shared/node.py"),
    "*_srvs": ("ros/*_node.py", "ros/shared/node.py"),
    "rcl_interfaces": ("ros/*_node.py", "ros/shared/node.py"),
    "diagnostic_updater": ("ros/*_node.py",),
    "ros.shared.node": ("ros/*_node.py",),  # it brings rclpy
    "ament_index_python": ("ros/*_node.py",),
    "tf2_*": ("ros/*_node.py", "ros/shared/node.py"),
    "cv_bridge": ("ros/messages/images.py",),  # by name, where it is; the encodings that only it reads
    "launch": ("ros/shared/launching.py", "ros/shared/places.py"),
    "launch_ros": ("ros/shared/launching.py", "ros/shared/places.py"),
    "openvino": (
        "runtime/*.py",
        "models/*.py",
        "benchmarks/ceiling.py",  # measures what OpenVINO makes of the bare network
        "benchmarks/machine.py",  # says its version
    ),
    "av": ("media/*.py",),  # FFmpeg
    "rosbags": ("bags/*.py",),
    "pyarrow": ("batch/table.py",),  # of the extra `fleet`
    "ray": ("batch/cluster.py",),  # the same
    "rerun": ("viewing/*.py",),  # of the extra `view`
    "click": ("cli/*.py",),
}
"""By package, pattern of such, or module of ours: the files that may import it. Patterns cross folders."""


# The package


def test_a_file_is_one_room() -> None:
    assert long_files(PACKAGE) == []


def test_no_circles() -> None:
    assert circles(PACKAGE) == []


def test_arrows_point_one_way() -> None:
    assert circles_in(ARROWS) == []
    assert forbidden_arrows(PACKAGE, ARROWS) == []


def test_what_comes_from_outside_stays_in_its_rooms() -> None:
    assert forbidden_outside(PACKAGE, OUTSIDE) == []


def test_the_picture_in_the_documentation_is_the_house() -> None:
    assert (
        wrong_picture(PACKAGE, picture_in((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))) == []
    )


def test_the_tree_in_the_documentation_is_the_house() -> None:
    assert wrong_tree(PACKAGE, (ROOT / "docs/architecture.md").read_text(encoding="utf-8")) == []


# The checks themselves, on a package called house


@pytest.fixture
def build(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Write a package's files, and give its folder."""

    def make(files: Mapping[str, str]) -> Path:
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "house"

    return make


GOOD = {
    "scene.py": "import numpy\n",
    "ros/__init__.py": "",
    "ros/messages/__init__.py": "from house.scene import Scene\n",
    "ros/messages/images.py": "import house.scene\n",
    "ros/one_node.py": "import rclpy\nfrom house.ros.messages import images\n",
}
TABLE = {PUBLIC: set(), "scene": set(), "ros.messages": {"scene"}, "ros.one_node": {"ros.messages"}}
FLOW = 'flowchart LR\n    scene --> messages[ros/messages] --> nodes["ros/one_node"]\n'
TREE = """\
```text
bodypix_ros/
    __init__.py     names
    scene.py        what was seen
    ros/            ROS 2
        messages/       pure
        one_node.py     a door
```
"""


def complaints(package: Path) -> list[str]:
    """What all checks say of a made-up package."""
    return [
        *long_files(package),
        *circles(package),
        *forbidden_arrows(package, TABLE),
        *forbidden_outside(package, OUTSIDE_OF_HOUSE),
        *wrong_picture(package, FLOW),
        *wrong_tree(package, TREE),
    ]


OUTSIDE_OF_HOUSE = {"rclpy": ("ros/*_node.py",), "*_msgs": ("ros/*_node.py",), "openvino": ("run/*.py",)}


def test_a_good_house_passes(build: Callable[[Mapping[str, str]], Path]) -> None:
    assert complaints(build(GOOD)) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("scene.py", "x = 1\n" * 401, "scene.py:401: a file over 400 lines is two rooms"),
        ("scene.py", "import house.ros.messages\n", "ros.messages -> scene -> ros.messages"),
        (
            "scene.py",
            "def f():\n    from house.ros import messages\n",
            "ros.messages -> scene -> ros.messages",
        ),
        (
            "scene.py",
            "if TYPE_CHECKING:\n    from house.ros.messages.images import x\n",
            "ros.messages.images -> scene -> ros.messages.images",
        ),
        ("scene.py", "import house.ros.messages\n", "scene.py:1: scene imports ros.messages"),
        ("scene.py", "from .ros import messages\n", "scene.py:1: scene imports ros.messages"),
        (
            "ros/messages/images.py",
            "\nfrom ..one_node import x\n",
            "ros/messages/images.py:2: ros.messages.images imports ros.one_node",
        ),
        (
            "ros/messages/images.py",
            'import_module("house.ros.one_node")\n',
            "ros/messages/images.py:1: ros.messages.images imports ros.one_node",
        ),
        ("ros/one_node.py", "from house import scene\n", "ros/one_node.py:1: ros.one_node imports scene"),
        ("cellar.py", "", "cellar: a room that has no line in the table"),
        ("cellar.py", "", "cellar: not in the picture"),
        ("cellar.py", "", "cellar.py: not in the tree"),
        ("ros/messages/deep/__init__.py", "", "ros/messages/deep/: not in the tree"),
        (
            "ros/messages/images.py",
            "import rclpy.qos\n",
            "ros/messages/images.py:1: ros.messages.images imports rclpy.qos",
        ),
        (
            "ros/messages/images.py",
            "def f():\n    from sensor_msgs.msg import Image\n",
            "ros/messages/images.py:2: ros.messages.images imports sensor_msgs.msg.Image",
        ),
        ("scene.py", "import openvino as ov\n", "scene.py:1: scene imports openvino"),
        (
            "scene.py",
            "from house.ros.one_node import x\n",
            "scene.py:1: scene imports ros.one_node, against the picture's arrows",
        ),
    ],
)
def test_what_is_wrong_in_a_house_is_said(
    build: Callable[[Mapping[str, str]], Path], path: str, text: str, expected: str
) -> None:
    assert expected in complaints(build(GOOD | {path: text}))


def test_tables_and_pictures_must_not_say_more_than_there_is(
    build: Callable[[Mapping[str, str]], Path],
) -> None:
    house = build(GOOD)
    assert forbidden_arrows(house, TABLE | {"attic": set()}) == ["attic: in the table, but no room"]
    assert forbidden_outside(house, {"rclpy": ("ros/*_node.py", "scene.py")}) == [
        "scene.py: may import rclpy, but does not"
    ]
    assert wrong_picture(house, FLOW + "    scene --> attic\n") == ["attic: in the picture, but no room"]
    assert wrong_picture(house, FLOW + "    scene --> more[scene]\n") == ["scene: twice in the picture"]
    assert wrong_picture(house, FLOW + "    nodes --> scene\n") == [
        "a circle in the picture: messages -> nodes -> scene -> messages"
    ]
    assert wrong_tree(house, TREE.replace("scene.py ", "scene.py\n    attic/")) == [
        "attic/: in the tree, but not there"
    ]


def test_public_names_are_no_arrows(build: Callable[[Mapping[str, str]], Path]) -> None:
    text = "if TYPE_CHECKING:\n    from house.scene import Scene\n"
    assert complaints(build(GOOD | {"__init__.py": text, "scene.py": "from house import NAME\n"})) == [
        "scene.py:1: scene imports __init__"
    ]
    assert "__init__ -> scene -> __init__" in circles(build({"__init__.py": "import house.scene\n"}))
