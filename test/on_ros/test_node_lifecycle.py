"""Up and down, starting without what is needed, and ending at any moment."""

import time
from pathlib import Path

import numpy as np

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
        assert peer.diagnostics[f"{node.name}: model"]

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
        entry = f"{node.name}: model"
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
