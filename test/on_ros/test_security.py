"""SROS 2: the policy names what the nodes have; with it in force they work, and all else is denied."""

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 is sourced: test/on_ros/test_security.py is left out")

from sensor_msgs.msg import Image

from bodypix_ros.media import write_picture
from on_ros.harness import MODEL, NodeProcess, wait_until
from support import policy
from support.fake import people_picture
from support.paths import ROOT

PROGRAMS = {
    name: ("-m", f"bodypix_ros.ros.{name}_node") for name in ("segmenter", "people", "renderer", "source")
} | {"listener": (str(Path(__file__).with_name("secured.py")),)}
SPACE = "/policy"


# What the nodes have, without any security


def graph(peer, node):
    """What a node has, spelled as in the policy."""

    def plain(name):
        for prefix, short in ((f"{SPACE}/{node.name}/", "~/"), (f"{SPACE}/", "")):
            if name.startswith(prefix):
                return short + name.removeprefix(prefix)
        return name

    ask = {
        "publish": peer.node.get_publisher_names_and_types_by_node,
        "subscribe": peer.node.get_subscriber_names_and_types_by_node,
        "reply": peer.node.get_service_names_and_types_by_node,
        "request": peer.node.get_client_names_and_types_by_node,
    }
    try:
        return {(verb, plain(name)) for verb, of in ask.items() for name, _ in of(node.name, SPACE)}
    except Exception:  # noqa: BLE001 - not seen yet; rclpy's own has another name in each distribution
        return set()


def same(peer, node, expected):
    """Wait until a node has what is expected; say what is too much or missing if it never does."""
    if not find_spec("rclpy.type_description_service"):
        expected = expected - {policy.TYPE_DESCRIPTION}
    end = time.monotonic() + 20
    while (there := graph(peer, node)) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert there - expected == set(), "not in the policy"
    assert expected - there == set(), "in the policy, but the node has it not"


EVERYTHING = {"use_sim_time": True, "lazy": False, "bond_heartbeat_period": 0.1}
"""With these a segmenter has every topic that it may have: images also while nobody listens, and the bond."""


def profile(name, *absent, path=policy.POLICY):
    left_out = {(verb, topic) for topic in absent for verb in ("publish", "subscribe")}
    allowed = policy.read(path)[f"/bodypix_ros/{name}"].allowed
    assert {topic for _, topic in left_out & allowed} == set(absent)
    return allowed - left_out


@pytest.mark.parametrize(("transport", "other"), [("raw", "image/compressed"), ("compressed", "image")])
def test_a_segmenter_of_bodypix_has_what_the_policy_says(peer, model_dir, transport, other):
    parameters = {"model": MODEL, "model_dir": model_dir, "device": "CPU", **EVERYTHING}
    with NodeProcess("-r", f"__ns:={SPACE}", input_transport=transport, **parameters) as node:
        same(peer, node, profile("segmenter", other, "camera_info", "keypoints_3d"))


def test_a_segmenter_that_knows_metres_has_what_the_policy_says(peer, data_dir):
    if not (data_dir / "models/mediapipe").is_dir():
        pytest.skip("no weights of blazepose-lite among the test data")
    parameters = {"model": "blazepose-lite", "model_dir": data_dir / "models", "device": "CPU", **EVERYTHING}
    with NodeProcess("-r", f"__ns:={SPACE}", **parameters) as node:
        same(peer, node, profile("segmenter", "image/compressed", "part_mask", "part_mask/label_info"))


def test_a_segmenter_of_two_cameras_has_what_the_adapted_policy_says(peer, model_dir, tmp_path):
    shutil.copy(policy.POLICY, tmp_path / "policy.xml")
    script = policy.block("Other namespaces, topics and cameras")
    cameras = next(line for line in script.splitlines() if "rear/" in line)
    subprocess.run(["bash", "-c", cameras], cwd=tmp_path, check=True)
    absent = [f"{camera}/{topic}" for camera in ("front", "rear")
              for topic in ("image/compressed", "camera_info", "keypoints_3d")]  # fmt: skip
    parameters = {"model": MODEL, "model_dir": model_dir, "device": "CPU", **EVERYTHING}
    with NodeProcess("-r", f"__ns:={SPACE}", cameras="[front, rear]", **parameters) as node:
        same(peer, node, profile("segmenter", *absent, path=tmp_path / "policy.xml"))


@pytest.mark.parametrize(("transport", "other"), [("raw", "image/compressed"), ("compressed", "image")])
def test_a_renderer_has_what_the_policy_says(peer, transport, other):
    program = PROGRAMS["renderer"]
    topics = [
        f"{SPACE}/{name}" for name in ("debug_image", "debug_image/compressed", "label_image", "skeletons")
    ]
    with NodeProcess(
        "-r", f"__ns:={SPACE}", program=program, input_transport=transport, use_sim_time=True
    ) as node:
        inputs = (
            "persons",
            "instance_mask",
            "part_mask",
            "keypoints",
            "keypoints_3d",
            "persons_3d",
            "faces",
            "hands",
        )
        same(peer, node, profile("renderer", "image", "image/compressed", *inputs))
        from sensor_msgs.msg import CompressedImage
        from visualization_msgs.msg import MarkerArray

        viewers = [
            peer.subscribe(topic, kind)
            for topic, kind in zip(topics, (Image, CompressedImage, Image, MarkerArray), strict=True)
        ]
        same(peer, node, profile("renderer", other, "part_mask", "keypoints", "faces", "hands"))
        for mode, absent in (("skeleton", ("part_mask",)), ("parts", ("keypoints",))):
            peer.set(f"{SPACE[1:]}/{node.name}", "mode", mode)
            same(peer, node, profile("renderer", other, "persons_3d", "faces", *absent))
        peer.unsubscribe(*viewers)


def test_people_node_has_what_the_policy_says(peer):
    from vision_msgs.msg import Detection3DArray

    with NodeProcess(
        "-r", f"__ns:={SPACE}", program=PROGRAMS["people"], publish_tf=True, use_sim_time=True
    ) as node:
        viewer = peer.subscribe(f"{SPACE}/persons_3d/points", Detection3DArray)
        same(peer, node, profile("people", "part_mask", "image", "/humans/bodies/*"))
        peer.unsubscribe(viewer)


def test_a_source_has_what_the_policy_says(peer, tmp_path):
    write_picture(tmp_path / "one.png", people_picture())
    with NodeProcess(
        "-r",
        f"__ns:={SPACE}",
        program=PROGRAMS["source"],
        source=tmp_path / "one.png",
        parent_frame="map",
        use_sim_time=True,
    ) as node:
        same(peer, node, profile("source"))


def test_launch_files_hand_the_enclave_on():
    from bodypix_ros.ros.shared import launching

    def arguments(enclaves):
        values = {"log_level": "warn", "enclaves": enclaves}
        return launching.ros_arguments(SimpleNamespace(launch_configurations=values), "segmenter")

    assert arguments("") == ["--ros-args", "--log-level", "warn"]
    for enclaves in ("/robot1", "/robot1/"):
        assert arguments(enclaves)[3:] == ["--enclave", "/robot1/segmenter"]


# In force


@pytest.fixture(scope="module")
def keystore(tmp_path_factory):
    """A keystore made by the very commands of SECURITY.md."""
    if not find_spec("sros2") or not shutil.which("ros2"):
        pytest.skip("sros2 is not installed (apt: ros-$ROS_DISTRO-sros2): SROS 2 was not tried")
    home = tmp_path_factory.mktemp("keys")
    found = "$(ros2 pkg prefix --share bodypix_ros)"
    script = policy.block("Keys and permissions")
    assert found in script
    script = script.replace(found, str(policy.ROOT))
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(
        ["bash", "-ec", script], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    if "namespace}base' does not resolve" in done.stderr:
        pytest.skip("sros2 wants W3C's xml.xsd from the network, or by an XML catalog: SROS 2 was not tried")
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "keystore"


@pytest.fixture
def secured(keystore, peer, monkeypatch):
    """Processes that are started from here on are under SROS 2; `peer`, which runs already, is not."""
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(keystore))
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("ROS_SECURITY_STRATEGY", "Enforce")
    script = "import sys, rclpy; rclpy.init(args=sys.argv); rclpy.create_node('listener')"
    done = subprocess.run(
        [sys.executable, "-c", script, "--ros-args", "--enclave", "/bodypix_ros/listener"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lacking = ("does not have security", "not compiled with security")
    if done.returncode and any(text in done.stderr for text in lacking):
        pytest.skip(
            f"the DDS of {os.environ.get('RMW_IMPLEMENTATION', 'this ROS 2')} was built without security"
        )
    assert done.returncode == 0, done.stderr
    return keystore


def start(name, *arguments, enclave=None, **parameters):
    enclave = f"/bodypix_ros/{enclave or name}"
    program = PROGRAMS[name]
    return NodeProcess("--enclave", enclave, *arguments, program=program, name=name, **parameters)


def attempt(tries, *arguments, name):
    """What a node may do of what it tries: lines such as `may publish /cmd_vel`."""
    with NodeProcess(*arguments, program=(*PROGRAMS["listener"], *tries), name=name) as node:

        def said():
            return [line.split(":")[0] for line in node.output.splitlines() if line.startswith("may ")]

        wait_until(lambda: len(said()) == len(tries) or node.process.poll() is not None, "tries")
        assert node.process.poll() is None, node.output
        return said()


def test_keys_are_their_users_alone(keystore):
    private = [path for path in keystore.rglob("*key.pem") if not path.is_symlink()]
    assert len(private) == 1 + len(policy.read(policy.POLICY))  # the authority's, and one of each enclave
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_masks_and_pictures_arrive_at_those_who_may(secured, peer, model_dir, tmp_path):
    write_picture(tmp_path / "one.png", people_picture(96, 128))
    eavesdroppers = [peer.subscribe(f"/{name}", Image) for name in ("image", "instance_mask", "debug_image")]
    hears = ("subscribe:instance_mask", "subscribe:debug_image", "request:segmenter/enable")
    with (
        start("source", source=tmp_path / "one.png", rate=10.0),
        start("segmenter", model=MODEL, model_dir=model_dir, device="CPU") as segmenter,
        start("renderer"),
        NodeProcess(
            "--enclave", "/bodypix_ros/listener", program=(*PROGRAMS["listener"], *hears), name="listener"
        ) as listener,
    ):
        listener.wait_for("answer of segmenter/enable: True", 60)
        wait_until(lambda: listener.output.count("heard instance_mask: 128x96 mono8") > 10, "masks")
        wait_until(lambda: listener.output.count("heard debug_image: 128x96 bgr8") > 10, "pictures")
        # Who is not in the keystore neither hears nor sees any of it.
        assert not any(one.messages for one in eavesdroppers)
        seen = {name for name, _ in peer.node.get_topic_names_and_types()}
        assert not seen & {"/persons", "/segmenter/transition_event"}
        assert "may not" not in listener.output
        tool = {**os.environ, "ROS_SECURITY_ENCLAVE_OVERRIDE": "/bodypix_ros/tools"}
        for command, answer in (
            ("lifecycle get --no-daemon /segmenter", "active [3]"),
            ("param set --no-daemon /renderer mode skeleton", "Set parameter successful"),
        ):
            done = subprocess.run(["ros2", *command.split()], env=tool, capture_output=True, text=True)
            assert answer in done.stdout, done.stdout + done.stderr
        assert segmenter.interrupt()[0] == 0, segmenter.output
    peer.unsubscribe(*eavesdroppers)


RIGHTS = {
    "segmenter": (
        ["publish:instance_mask", "subscribe:image"],
        ["publish:/cmd_vel", "subscribe:/other", "publish:image"],
    ),
    "renderer": (["subscribe:image", "publish:debug_image"], ["publish:instance_mask"]),
    "source": (["publish:image"], ["publish:instance_mask", "subscribe:/cmd_vel"]),
    "listener": (
        ["subscribe:instance_mask"],
        ["subscribe:image", "publish:instance_mask", "request:segmenter/change_state"],
    ),
}


@pytest.mark.parametrize("enclave", RIGHTS)
def test_an_enclave_may_do_what_is_in_the_policy_and_no_more(secured, enclave):
    allowed, denied = RIGHTS[enclave]
    may = attempt([*allowed, *denied], "--enclave", f"/bodypix_ros/{enclave}", name=enclave)
    assert may == [
        *(f"may {one.replace(':', ' ')}" for one in allowed),
        *(f"may not {one.replace(':', ' ')}" for one in denied),
    ]


def test_without_security_the_same_is_allowed(peer):
    denied = [one for _, tries in RIGHTS.values() for one in tries if not one.startswith("request")]
    assert attempt(denied, name="anybody") == [f"may {one.replace(':', ' ')}" for one in denied]


def test_a_segmenter_on_a_topic_outside_the_policy_says_so(secured, model_dir):
    with start(
        "segmenter", "-r", "instance_mask:=/cmd_vel", model=MODEL, model_dir=model_dir, device="CPU"
    ) as node:
        assert node.process.wait(60) == 1
    assert "cannot start: cannot configure: " in node.output
    assert "publisher" in node.output
    assert "Traceback" not in node.output


@pytest.mark.parametrize(
    ("name", "topic", "parameters"),
    [("source", "image", {"source": str(ROOT / "docs/cameras.png")}), ("renderer", "debug_image", {})],
)
def test_a_node_that_may_not_publish_says_so(secured, name, topic, parameters):
    with start(name, "-r", f"{topic}:=/cmd_vel", **parameters) as node:
        assert node.process.wait(60) == 1
    assert f"cannot start: ROS 2 does not let this node publish {topic}: " in node.output
    assert "SROS 2 policy" in node.output
    assert "Traceback" not in node.output


@pytest.mark.parametrize("program", ["segmenter", "renderer", "source"])
def test_a_node_of_a_name_outside_the_policy_says_so(secured, program):
    """Its services are denied, which rclpy makes for every node."""
    given = {"source": str(ROOT / "docs/cameras.png")} if program == "source" else {}
    enclave = f"/bodypix_ros/{program}"
    with NodeProcess("--enclave", enclave, program=PROGRAMS[program], name="somebody", **given) as node:
        assert node.process.wait(60) == 1
    assert "cannot start: ROS 2 does not let this node be: " in node.output
    assert "Traceback" not in node.output


def test_a_renderer_that_may_not_hear_says_so(secured):
    """It subscribes when somebody looks."""
    looks = (*PROGRAMS["listener"], "subscribe:debug_image")
    enclave = "/bodypix_ros/listener"
    with (
        start("renderer", "-r", "persons:=/other") as node,
        NodeProcess("--enclave", enclave, program=looks, name="listener"),
    ):
        assert node.process.wait(60) == 1
    assert "cannot start: ROS 2 does not let this node subscribe to persons: " in node.output
    assert "Traceback" not in node.output


def test_a_node_without_an_enclave_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(tmp_path))
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("ROS_SECURITY_STRATEGY", "Enforce")
    with start("segmenter", enclave="nobody") as node:
        assert node.process.wait(60) == 1, node.output
    assert "cannot start: ROS 2 does not start: " in node.output
    assert "nobody' does not exist" in node.output
