"""The package as colcon installs it, plain and symlinked: executables and launch files."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest

from bodypix_ros.media import VideoWriter
from on_ros.harness import MODEL, Image, image, wait_until
from support.packages import files_of, modules_and_shares, sdist, wheel
from support.paths import ROOT

pytest.importorskip(
    "colcon_core", reason="colcon is not installed beside this Python: pip install colcon-common-extensions"
)


@pytest.fixture(scope="module", params=["plain", "symlinked"])
def run(request, tmp_path_factory):
    """Run a command line in a workspace where the package was built."""
    workspace = tmp_path_factory.mktemp(request.param)
    # Neither the sources nor what the user has of this package may stand in for what is installed.
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path and Path(path) != ROOT]
    # The Python that `ros2` was installed with may be another, without what this package needs.
    paths.append(sysconfig.get_path("purelib"))
    environment = {**os.environ, "PYTHONPATH": ":".join(paths), "BODYPIX_ROS_MODELS": ""}
    build = [
        sys.executable,
        "-m",
        "colcon",
        "build",
        "--base-paths",
        str(ROOT),
        "--packages-select",
        "bodypix_ros",
    ]
    build += ["--symlink-install"] if request.param == "symlinked" else []
    done = subprocess.run(build, cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    def start(*command, **options):
        script = f". install/local_setup.bash && exec {shlex.join(map(str, command))}"
        return subprocess.Popen(
            ["bash", "-c", script], cwd=workspace, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **options,
        )  # fmt: skip

    yield start
    subprocess.run(["ros2", "daemon", "stop"], env=environment, capture_output=True, check=False)


def output(process):
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    return text


def test_colcon_installs_the_files_of_the_wheel(run, request, tmp_path):
    wanted = files_of(wheel(sdist(tmp_path / "sdist"), tmp_path))
    assert len(wanted) > 200
    if request.node.callspec.params["run"] == "symlinked":  # the code stays where it is
        wanted = {name for name in wanted if name.startswith("share/")}
    listed = output(run("find", "-L", "install/bodypix_ros", "-type", "f", "-printf", "%P\\n")).split()
    there = {name for name in listed if name.startswith("share/") or "/site-packages/bodypix_ros/" in name}
    assert modules_and_shares(there) == wanted


def test_ros2_run_finds_the_executables(run):
    found = output(run("ros2", "pkg", "executables", "bodypix_ros")).splitlines()
    expected = ("bodypix", "segmenter_node", "renderer_node", "source_node")
    assert {f"bodypix_ros {name}" for name in expected} <= set(found)
    assert "Usage: bodypix" in output(run("ros2", "run", "bodypix_ros", "bodypix", "--help"))


def test_launch_files_list_their_arguments(run):
    one = output(run("ros2", "launch", "bodypix_ros", "segmenter.launch.py", "--show-args"))
    several = output(run("ros2", "launch", "bodypix_ros", "multi_camera.launch.py", "--show-args"))
    demo = output(run("ros2", "launch", "bodypix_ros", "demo.launch.py", "--show-args"))
    for name in (
        "namespace",
        "params_file",
        "model",
        "device",
        "log_level",
        "use_sim_time",
        "input_transport",
    ):
        assert f"'{name}'" in one
        assert f"'{name}'" in several
        assert f"'{name}'" in demo
    assert "'image'" in one
    assert "'cameras'" in several
    assert all(f"'{name}'" in demo for name in ("source", "mode", "rviz", "renderer_params_file"))


def interrupt(process):
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=10)
    assert process.returncode == 0, text
    assert "process has finished cleanly" in text
    assert "Traceback" not in text
    assert time.monotonic() - started < 4  # the node's two seconds and those of ros2 launch itself


def end(process):
    """Kill what is left of a launch after a failure, its nodes too: the next test must not meet them."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def test_a_launch_remaps_and_interrupts(run, peer, model_dir):
    launched = run(
        "ros2", "launch", "bodypix_ros", "segmenter.launch.py", "namespace:=robot1", "image:=/lens/raw",
        f"model:={MODEL}", f"model_dir:={model_dir}", "device:=CPU",
    )  # fmt: skip
    try:
        camera, masks = peer.camera("/lens/raw"), peer.subscribe("/robot1/instance_mask", Image)
        # The first start of what was just installed compiles all kernels.
        wait_until(camera.get_subscription_count, "the node subscribes to /lens/raw", 120)
        peer.exchange(camera, image(np.zeros((96, 128, 3), np.uint8), "bgr8", peer.stamp()), [masks])
        peer.unsubscribe(masks)
        interrupt(launched)
    finally:
        end(launched)


def test_a_launch_of_several_cameras(run, peer, model_dir):
    launched = run(
        "ros2", "launch", "bodypix_ros", "multi_camera.launch.py",
        "cameras:=left,right", "images:=/a/raw,/b/raw",
        f"model:={MODEL}", f"model_dir:={model_dir}", "device:=CPU",
    )  # fmt: skip
    try:
        for topic, name in (("/a/raw", "left"), ("/b/raw", "right")):
            camera, masks = peer.camera(topic), peer.subscribe(f"/{name}/instance_mask", Image)
            peer.exchange(camera, image(np.zeros((96, 128, 3), np.uint8), "bgr8", peer.stamp()), [masks])
            peer.unsubscribe(masks)
        interrupt(launched)
    finally:
        end(launched)


def test_the_demo_plays_a_video_to_debug_image(run, peer, model_dir, tmp_path):
    with VideoWriter(tmp_path / "film.mp4", fps=20) as writer:
        for _ in range(10):
            writer.write(np.full((96, 128, 3), 90, np.uint8))
    launched = run(
        "ros2", "launch", "bodypix_ros", "demo.launch.py", "namespace:=show", "mode:=skeleton",
        f"source:={tmp_path / 'film.mp4'}", f"model:={MODEL}", f"model_dir:={model_dir}", "device:=CPU",
    )  # fmt: skip
    try:
        pictures = peer.subscribe("/show/debug_image", Image)
        wait_until(lambda: len(pictures.messages) > 15, "pictures of more than one round")
        assert (pictures.messages[-1].width, pictures.messages[-1].header.frame_id) == (
            128,
            "camera_optical_frame",
        )
        infos = peer.node.get_subscriptions_info_by_topic("/show/keypoints")
        assert [info.node_name for info in infos] == ["renderer"]
        peer.unsubscribe(pictures)
        interrupt(launched)
    finally:
        end(launched)


def test_the_demo_in_simulated_time(run, peer, model_dir):
    launched = run(
        "ros2", "launch", "bodypix_ros", "demo.launch.py", "namespace:=simulated", "use_sim_time:=true",
        f"source:={ROOT / 'docs/cameras.png'}", f"model:={MODEL}", f"model_dir:={model_dir}", "device:=CPU",
    )  # fmt: skip
    try:
        for node in ("segmenter", "renderer", "source"):
            assert peer.get(f"simulated/{node}", "use_sim_time") is True
        interrupt(launched)
    finally:
        end(launched)


def test_a_demo_whose_segmenter_cannot_start_leaves_nobody_behind(run, tmp_path):
    launched = run(
        "ros2", "launch", "bodypix_ros", "demo.launch.py", f"source:={ROOT / 'docs/cameras.png'}",
        "device:=TOASTER",
    )  # fmt: skip
    try:
        text, _ = launched.communicate(timeout=60)
        assert "segmenter_node" in text
        assert "was required: shutting down launched system" in text
        with pytest.raises(ProcessLookupError):
            os.killpg(launched.pid, 0)
    finally:
        end(launched)
