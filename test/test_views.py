"""The views for rviz2 and Foxglove name topics that there are, with their types."""

import json
import re

import pytest
from ruamel.yaml import YAML

from bodypix_ros.options import options_of
from bodypix_ros.ros.messages import markers as skeletons
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.people.topics import output_kinds
from bodypix_ros.ros.renderer import drawing
from bodypix_ros.ros.source.options import SourceOptions
from support.paths import ROOT

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
TOPICS = {
    **{topic: output.kind for topic, output in OUTPUTS.items()},
    drawing.RAW: IMAGE,
    drawing.COMPRESSED: COMPRESSED,
    drawing.COLOURED: IMAGE,
    "image": IMAGE,
    skeletons.TOPIC: "visualization_msgs/msg/MarkerArray",
    "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
}
RELIABLE = {drawing.RAW, drawing.COMPRESSED, drawing.COLOURED, skeletons.TOPIC, *OUTPUTS}


@pytest.fixture(scope="module")
def rviz():
    return YAML(typ="safe").load(ROOT / "config/bodypix.rviz")


def test_the_displays_of_rviz_show_topics_of_their_types(rviz):
    shown = {}
    for display in rviz["Visualization Manager"]["Displays"]:
        assert display["Enabled"] is True
        if "Topic" in display:
            shown[display["Topic"]["Value"]] = display["Class"]
    assert set(shown) == {"debug_image", "label_image", "skeletons"}
    shows = {"rviz_default_plugins/Image": IMAGE, "rviz_default_plugins/MarkerArray": TOPICS["skeletons"]}
    assert {topic: shows[kind] for topic, kind in shown.items()} == {topic: TOPICS[topic] for topic in shown}


def test_the_view_of_people_shows_topics_of_their_types():
    view = YAML(typ="safe").load(ROOT / "config/people.rviz")
    shows = {
        "rviz_default_plugins/Image": IMAGE,
        "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
        "rviz_default_plugins/PointCloud2": "sensor_msgs/msg/PointCloud2",
        "rviz_default_plugins/Pose": "geometry_msgs/msg/PoseStamped",
    }
    displays = [one for one in view["Visualization Manager"]["Displays"] if "Topic" in one]
    shown = {one["Topic"]["Value"]: shows[one["Class"]] for one in displays}
    there = {**TOPICS, **output_kinds()}
    assert shown == {topic: there[topic] for topic in shown}
    assert shown.keys() >= {"persons_3d/points", "persons_3d/markers", "persons_3d/tracks", "followed"}
    assert all(one["Topic"]["Reliability Policy"] == "Reliable" for one in displays)


def test_the_displays_of_rviz_hear_the_publishers(rviz):
    choices = {
        "History Policy": {"Keep Last"},
        "Durability Policy": {"Volatile"},
        "Reliability Policy": {"Reliable", "Best Effort"},
    }
    for display in rviz["Visualization Manager"]["Displays"]:
        topic = display.get("Topic")
        if topic is None:
            continue
        assert topic.keys() == {"Value", "Depth", *choices}
        assert all(topic[name] in allowed for name, allowed in choices.items())
        assert topic["Reliability Policy"] == "Best Effort" or topic["Value"] in RELIABLE


def test_rviz_finds_every_plugin_among_its_own(rviz):
    known = re.compile(r"rviz_(common|default_plugins)/[A-Z]\w+")
    manager = rviz["Visualization Manager"]
    things = [*rviz["Panels"], *manager["Displays"], *manager["Tools"]]
    things += [manager["Transformation"]["Current"], manager["Views"]["Current"]]
    assert all(known.fullmatch(thing["Class"]) for thing in things)
    names = [thing["Name"] for thing in (*rviz["Panels"], *manager["Displays"])]
    assert len(set(names)) == len(names)


def test_rviz_looks_from_the_frame_of_the_source_node(rviz):
    fixed = rviz["Visualization Manager"]["Global Options"]["Fixed Frame"]
    assert fixed == options_of(SourceOptions)["frame_id"].default


def panels(node):
    """The panels of a layout's tree."""
    if isinstance(node, str):
        return [node]
    assert node["direction"] in ("row", "column")
    assert 0 < node["splitPercentage"] < 100
    return panels(node["first"]) + panels(node["second"])


def test_the_panels_of_foxglove_show_topics_of_their_types():
    layout = json.loads((ROOT / "config/foxglove_layout.json").read_text())
    configurations = layout["configById"]
    assert sorted(panels(layout["layout"])) == sorted(configurations)
    shown = {}
    for panel, settings in configurations.items():
        kind = panel.partition("!")[0]
        if kind == "Image":
            shown[settings["imageMode"]["imageTopic"]] = (IMAGE, COMPRESSED)
        elif kind == "3D":
            shown.update(dict.fromkeys(settings["topics"], (TOPICS["skeletons"],)))
        elif kind == "RawMessages":
            shown[settings["topicPath"].partition(".")[0]] = ("vision_msgs/msg/Detection2DArray",)
        else:
            assert kind == "DiagnosticSummary"
            shown[settings["topicToRender"]] = (TOPICS["/diagnostics"],)
    topics = {name if name.startswith("/") else f"/{name}": kind for name, kind in TOPICS.items()}
    assert {"/debug_image/compressed", "/label_image", "/skeletons", "/persons"} <= set(shown)
    for topic, kinds in shown.items():
        assert topics[topic] in kinds
