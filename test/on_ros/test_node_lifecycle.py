"""Up and down, starting without what is needed, and ending at any moment."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from on_ros.harness import MODEL, Image, NodeProcess, image, wait_until

SLOW = (str(Path(__file__).with_name("slow_load.py")),)


def picture():
    return np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)


def test_up_and_down_twenty_times_without_growing(peer, model_dir):
    camera, masks = peer.camera("image"), peer.subscribe("instance_mask", Image)
    with NodeProcess(model=MODEL, model_dir=model_dir, device="CPU", autostart=False) as node:
        assert peer.state(node.name) == "unconfigured"
        sizes = []
        for _ in range(20):
            assert peer.transition(node.name, "configure")
            assert peer.transition(node.name, "activate")
            assert peer.state(node.name) == "active"
            peer.exchange(camera, image(picture(), "bgr8", peer.stamp()), [masks])
            assert peer.transition(node.name, "deactivate")
            assert peer.transition(node.name, "cleanup")
            sizes.append(node.resident_mb())
        # The first rounds fill caches and the allocator's arenas.
        assert sizes[-1] - sizes[7] < 12, f"resident MB after each round: {sizes}"
        assert peer.transition(node.name, "shutdown")
        assert peer.state(node.name) == "finalized"
        assert node.interrupt()[0] == 0
    peer.unsubscribe(masks)


def test_wrong_transitions_and_fixed_parameters(peer, model_dir):
    with NodeProcess(model=MODEL, model_dir="/nowhere", device="CPU", autostart=False) as node:
        assert not peer.transition(node.name, "activate")
        assert peer.state(node.name) == "unconfigured"

        assert not peer.transition(node.name, "configure")
        assert f"Run `bodypix models fetch {MODEL}`" in node.output
        assert peer.state(node.name) == "unconfigured"
        assert peer.diagnostics[f"{node.title}: model"]

        assert peer.set(node.name, "model_dir", str(model_dir)).successful
        refused = peer.set(node.name, "model", "bodypix-tiny")
        assert not refused.successful
        assert "bodypix-tiny" in refused.reason
        assert not peer.set(node.name, "performance_hint", "FAST").successful
        assert peer.transition(node.name, "configure")
        assert not peer.transition(node.name, "configure")
        assert peer.transition(node.name, "activate")
        assert not peer.set(node.name, "model_dir", "/elsewhere").successful
        assert node.interrupt()[0] == 0


def test_requests_are_answered_while_a_model_compiles(peer, model_dir):
    with NodeProcess(program=SLOW, model=MODEL, model_dir=model_dir, device="CPU") as node:
        node.wait_for("compiling")
        started = time.monotonic()
        assert peer.state(node.name) == "unconfigured"
        assert peer.set(node.name, "segmentation_threshold", 0.6).successful
        refused = peer.set(node.name, "device", "GPU")
        assert not refused.successful
        assert "unconfigured" in refused.reason
        assert time.monotonic() - started < 5
        entry = f"{node.title}: model"
        wait_until(lambda: peer.values(entry) and peer.diagnostics[entry].message == "loading", "diagnostics")

        code, seconds = node.interrupt()

        assert (code, seconds < 2) == (0, True), f"{seconds:.1f} s\n{node.output}"


def test_an_interrupt_ends_it_while_configure_is_asked_for(peer, model_dir):
    with NodeProcess(program=SLOW, model=MODEL, model_dir=model_dir, device="CPU", autostart=False) as node:
        wait_until(lambda: peer.state(node.name) == "unconfigured", "the node is there")
        peer.transition(node.name, "configure", wait=False)
        node.wait_for("compiling")

        code, seconds = node.interrupt()

        assert (code, seconds < 2) == (0, True), f"{seconds:.1f} s\n{node.output}"


def test_an_interrupt_ends_it_at_work(peer, model_dir):
    camera, masks = peer.camera("image"), peer.subscribe("instance_mask", Image)
    with NodeProcess(model=MODEL, model_dir=model_dir, device="CPU") as node:
        for _ in range(5):
            peer.exchange(camera, image(picture(), "bgr8", peer.stamp()), [masks])

        code, seconds = node.interrupt()

        assert (code, seconds < 2) == (0, True), f"{seconds:.1f} s\n{node.output}"
        assert "Traceback" not in node.output
    peer.unsubscribe(masks)


def test_without_weights_it_says_what_to_get_and_fails(tmp_path):
    with NodeProcess(model=MODEL, model_dir=tmp_path, device="CPU") as node:
        assert node.process.wait(30) == 1
        assert f"model {MODEL} is in none of {tmp_path}" in node.output
        assert "Traceback" not in node.output


def test_a_wrong_value_at_start_is_named(model_dir):
    for name, value, reason in (
        ("segmentation_threshold", 2.0, "segmentation_threshold"),
        ("nms_radius", 20, "20.0, is a double"),
        ("input_transport", "theora", "input_transport is 'theora', but must be one of raw, compressed"),
        ("device", "TOASTER", "TOASTER"),
    ):
        with NodeProcess(**{"model": MODEL, "model_dir": model_dir, "device": "CPU", name: value}) as node:
            assert node.process.wait(30) == 1
            assert reason in node.output
            assert "Traceback" not in node.output


def test_a_parameter_that_the_node_does_not_have_is_said(model_dir):
    with NodeProcess(model=MODEL, model_dir=model_dir, device="CPU", flip_horizontal=True) as node:
        node.wait_for("flip_horizontal was given, but is no parameter of this node")
        node.wait_for("loaded in")
        assert "model_dir was given" not in node.output
        assert "use_sim_time" not in node.output


def test_a_misspelt_parameter_and_folder_are_said_with_the_likely_ones(model_dir, tmp_path):
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    max_ratte: 5.0\n")
    wrong = model_dir.with_name(model_dir.name.replace("models", "modles"))
    with NodeProcess(
        "--params-file", str(parameters), model=MODEL, model_dir=wrong, device="CPU", score_treshold=0.2,
        environment={"BODYPIX_ROS_MODELS": str(model_dir)},
    ) as node:  # fmt: skip
        node.wait_for("loaded in")
        for name, meant in (("score_treshold", "score_threshold"), ("max_ratte", "max_rate")):
            said = (
                f"{name} was given, but is no parameter of this node: it does nothing; did you mean {meant}"
            )
            assert said in node.output
        assert f"model_dir {wrong} is no folder" in node.output
        assert f"did you mean {model_dir.name}" in node.output


def test_it_says_when_it_becomes_active_and_inactive(peer, model_dir):
    with NodeProcess("-r", "__ns:=/talks", model=MODEL, model_dir=model_dir, device="CPU") as node:
        node.wait_for("active: reading /talks/image")
        assert peer.transition(f"talks/{node.name}", "deactivate")
        node.wait_for("not active any more")
        assert peer.transition(f"talks/{node.name}", "activate")
        wait_until(lambda: node.output.count("active: reading /talks/image") == 2, "it is active again")


def test_two_robots_have_entries_of_their_own_in_diagnostics(peer, model_dir):
    with (
        NodeProcess("-r", "__ns:=/robot1", name="eyes", model=MODEL, model_dir=model_dir, device="CPU"),
        NodeProcess("-r", "__ns:=/robot2/head", name="eyes", model=MODEL, model_dir=model_dir, device="CPU"),
    ):
        for name in ("robot1/eyes: model", "robot1/eyes: camera", "robot2/head/eyes: camera"):
            wait_until(lambda entry=name: entry in peer.diagnostics, name)


def test_heartbeats_while_it_is_active(peer, model_dir):
    """As nav2_lifecycle_manager wants them, which is not needed for this."""
    status = pytest.importorskip("bond.msg", reason="the package bond is not here").Status
    heard = peer.subscribe("/bonded/bond", status)
    with NodeProcess(
        "-r", "__ns:=/bonded", model=MODEL, model_dir=model_dir, device="CPU", bond_heartbeat_period=0.1
    ) as node:
        wait_until(lambda: len(heard.messages) > 10, "heartbeats")
        assert {(m.id, m.active, m.heartbeat_timeout) for m in heard.messages} == {(node.name, True, 4.0)}
        times = [m.header.stamp.sec + m.header.stamp.nanosec / 1e9 for m in heard.messages]
        assert np.median(np.diff(times)) == pytest.approx(0.1, abs=0.05)
        assert len({m.instance_id for m in heard.messages}) == 1
        assert peer.transition(f"bonded/{node.name}", "deactivate")
        wait_until(lambda: not heard.messages[-1].active, "the last one says that it ends")
        count = len(heard.messages)
        assert peer.transition(f"bonded/{node.name}", "activate")
        wait_until(lambda: len(heard.messages) > count + 3, "heartbeats again")
        assert heard.messages[-1].active
        assert len({m.instance_id for m in heard.messages}) == 2
    peer.unsubscribe(heard)


def test_nav2s_lifecycle_manager_brings_it_up_and_notices_its_end(peer, model_dir, tmp_path):
    try:
        prefix = get_package_prefix("nav2_lifecycle_manager")
    except PackageNotFoundError:
        pytest.skip("nav2_lifecycle_manager is not here")
    with NodeProcess(
        name="seeing",
        model=MODEL,
        model_dir=model_dir,
        device="CPU",
        autostart=False,
        bond_heartbeat_period=0.1,
    ) as node:
        wait_until(lambda: peer.state("seeing") == "unconfigured", "the node is there")
        said = tmp_path / "manager"
        words = ["-p", "autostart:=true", "-p", "node_names:=[seeing]", "-p", "bond_timeout:=4.0"]
        with said.open("w") as log:
            manager = subprocess.Popen(
                [f"{prefix}/lib/nav2_lifecycle_manager/lifecycle_manager", "--ros-args", *words],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until(lambda: "seeing connected with bond" in said.read_text(), "a bond", 60)
            assert peer.state("seeing") == "active"
            node.kill()
            wait_until(lambda: "CRITICAL FAILURE: SERVER seeing IS DOWN" in said.read_text(), "its end", 30)
        finally:
            manager.kill()
            manager.wait()
