"""One camera at its rate in a process of its own, the segmenter, somebody who listens: age, loss, processor.

With ROS 2 sourced, from the root of the repository:

    PYTHONPATH=.:test:$PYTHONPATH python -m on_ros.drive --size 640x480 --tuned

Just before it the library's own `segment` is measured on the same picture, at the rate of the camera. With
`--wake 10` it is measured instead how many frames pass until the first mask, where nobody had subscribed
before. Needs the test data.
"""

import argparse
import contextlib
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

import bodypix_ros
from on_ros.harness import NodeProcess, Peer, image, wait_until
from on_ros.soak import Listener, sample
from support.paths import ROOT, real_data

PHOTO = "images/coco_open/images/000000252219.jpg"
"""One with three people."""
TUNED = {
    "rmw_cyclonedds_cpp": ("CYCLONEDDS_URI", f"file://{ROOT}/config/cyclonedds.xml"),
    "rmw_fastrtps_cpp": ("FASTRTPS_DEFAULT_PROFILES_FILE", f"{ROOT}/config/fastdds.xml"),
}
SETTLE_S = 3.0
RENDERER = ("-m", "bodypix_ros.ros.renderer_node")


def picture(size: str) -> Any:
    width, height = map(int, size.split("x"))
    return cv2.resize(cv2.imread(str(real_data() / PHOTO)), (width, height))


def play(size: str, rate_hz: float) -> None:
    """Be the camera, until killed."""
    rclpy.init()
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(
        Image, "image", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    frame = serialize_message(image(picture(size), "bgr8", (0, 0)))
    due_s = time.monotonic()
    while True:
        time.sleep(max(0.0, due_s - time.monotonic()))
        stamp = struct.pack("<iI", *divmod(time.time_ns(), 1_000_000_000))
        publisher.publish(frame[:4] + stamp + frame[12:])
        due_s = max(due_s + 1 / rate_hz, time.monotonic() - 1 / rate_hz)


def library_ms(pixels: Any, seconds: float, rate_hz: float, **options: Any) -> list[float]:
    """What `segment` takes by itself, so often a second."""
    with bodypix_ros.load(device="CPU", model_dir=real_data() / "models", **options) as segmenter:
        stream = segmenter.stream()
        stream.segment(pixels)
        found, end_s = [], time.monotonic() + seconds
        while time.monotonic() < end_s:
            due_s = time.monotonic() + 1 / rate_hz
            found.append(stream.segment(pixels).timings.total_ms)
            time.sleep(max(0.0, due_s - time.monotonic()))
    return found


def receive_errors() -> int:
    """Packets that Linux has dropped so far since a receiver's buffer was full."""
    names, values = (
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")
    )
    return int(dict(zip(names, values, strict=True))["RcvbufErrors"])


@contextlib.contextmanager
def camera(size: str, rate_hz: float) -> Any:
    """A camera in a process of its own."""
    command = [sys.executable, "-m", "on_ros.drive", "--camera", "--size", size, "--rate", str(rate_hz)]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def listen(peer: Peer) -> tuple[Listener, Any]:
    listener = Listener("instance_mask")
    return listener, peer.node.create_subscription(
        Image, listener.topic, listener.take, QoSProfile(depth=5), raw=True
    )


def drive(size: str, seconds: float, rate_hz: float, *, renderer: bool, **parameters: Any) -> dict[str, Any]:
    """Run it, and return what was measured."""
    options = {k: v for k, v in parameters.items() if k in ("threads", "performance_hint")}
    alone_ms = library_ms(picture(size), seconds / 2, rate_hz, **options)
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(Peer())
        node = stack.enter_context(NodeProcess(model_dir=real_data() / "models", device="CPU", **parameters))
        if renderer:
            stack.enter_context(NodeProcess(program=RENDERER))
            peer.subscribe("debug_image", Image)
        stack.enter_context(camera(size, rate_hz))
        listener, _ = listen(peer)
        wait_until(lambda: listener.count > 10, f"masks:\n{node.output}", 120)
        time.sleep(SETTLE_S)
        before, sent_s, errors = (
            sample("segmenter", node.process.pid, 0.0),
            time.monotonic(),
            receive_errors(),
        )
        listener.bucket(0.0, 0)
        time.sleep(seconds)
        after, took_s = sample("segmenter", node.process.pid, 0.0), time.monotonic() - sent_s
        bucket, errors = listener.bucket(0.0, 0), receive_errors() - errors
        peer.diagnostics.clear()
        values = peer.values(f"{node.title}: camera")
    return {
        "size": size,
        "age p50 (ms)": round(bucket.p50_ms or 0, 1),
        "age p95 (ms)": round(bucket.p95_ms or 0, 1),
        "masks (Hz)": round(bucket.received / took_s, 1),
        "lost": values["lost on the way (by stamps)"],
        "packets dropped": errors,
        "segment p50 (ms)": float(values["segment p50 (ms)"]),
        "library p50 (ms)": round(float(np.percentile(alone_ms, 50)), 2),
        "processor (%)": round((after.cpu_s - before.cpu_s) / took_s * 100),
        "memory (MB)": round(after.rss_mb),
        "load of the machine": round(os.getloadavg()[0], 1),
    }


def wake(size: str, rate_hz: float, times: int, **parameters: Any) -> dict[str, Any]:
    """Subscribe again and again to a node that rests: frames until the first mask is here."""
    frames = []
    with (
        Peer() as peer,
        NodeProcess(model_dir=real_data() / "models", device="CPU", idle_timeout=0.2, **parameters) as node,
        camera(size, rate_hz),
    ):
        entry = f"{node.title}: camera"
        rests = lambda: peer.values(entry).get("publishers, while idle") == "1"  # noqa: E731
        for _ in range(times + 1):  # the first compiles
            peer.diagnostics.clear()
            wait_until(rests, "it rests", 60, also=peer.diagnostics.clear)
            began_s = time.monotonic()
            listener, subscription = listen(peer)
            while not listener.count:
                time.sleep(0.001)
            frames.append((time.monotonic() - began_s) * rate_hz)
            peer.node.destroy_subscription(subscription)
        peer.diagnostics.clear()
        wait_until(rests, "it rests", 60, also=peer.diagnostics.clear)
        before, began_s = sample("segmenter", node.process.pid, 0.0), time.monotonic()
        time.sleep(SETTLE_S)
        after, took_s = sample("segmenter", node.process.pid, 0.0), time.monotonic() - began_s
    return {
        "size": size,
        "frames until the first mask": [round(count, 1) for count in frames[1:]],
        "processor at rest (%)": round((after.cpu_s - before.cpu_s) / took_s * 100, 1),
    }


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m on_ros.drive", description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="640x480", help="of the images (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second (default: %(default)g)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long (default: %(default)g)")
    parser.add_argument("--tuned", action="store_true", help="with the file of config/ for this DDS")
    parser.add_argument("--renderer", action="store_true", help="with a renderer, and somebody who looks")
    parser.add_argument(
        "--wake", type=int, default=0, help="measure so often how fast a node that rests wakes up"
    )
    parser.add_argument("-p", "--parameter", action="append", default=[], help="of the node, as threads:=1")
    parser.add_argument("--camera", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.camera:
        play(arguments.size, arguments.rate)
    if arguments.tuned:
        name, value = TUNED[rclpy.get_rmw_implementation_identifier()]
        os.environ[name] = ",".join(filter(None, [os.environ.get(name, ""), value]))
    given = dict(text.split(":=", 1) for text in arguments.parameter)
    given = {name: int(value) if value.isdigit() else value for name, value in given.items()}
    size, rate_hz = arguments.size, arguments.rate
    if arguments.wake:
        print(json.dumps(wake(size, rate_hz, arguments.wake, **given)))
    else:
        print(json.dumps(drive(size, arguments.seconds, rate_hz, renderer=arguments.renderer, **given)))


if __name__ == "__main__":
    main()
