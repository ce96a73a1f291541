"""One camera at its rate in a process of its own, the segmenter, somebody who listens: age, loss, processor.

With ROS 2 sourced, from the root of the repository:

    PYTHONPATH=.:test:$PYTHONPATH python -m on_ros.drive --size 640x480 --tuned

Just before it the library's own `segment` is measured on the same picture. Needs the test data.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import time
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
SETTLE_S = 5.0


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


def library_ms(pixels: Any, seconds: float, **options: Any) -> list[float]:
    """What `segment` takes by itself, without pauses."""
    with bodypix_ros.load(device="CPU", model_dir=real_data() / "models", **options) as segmenter:
        stream = segmenter.stream()
        stream.segment(pixels)
        found, end_s = [], time.monotonic() + seconds
        while time.monotonic() < end_s:
            found.append(stream.segment(pixels).timings.total_ms)
    return found


def drive(size: str, seconds: float, rate_hz: float, **parameters: Any) -> dict[str, Any]:
    """Run it, and return what was measured."""
    options = {k: v for k, v in parameters.items() if k in ("threads", "performance_hint")}
    alone_ms = library_ms(picture(size), 5.0, **options)
    camera = [sys.executable, "-m", "on_ros.drive", "--camera", "--size", size, "--rate", str(rate_hz)]
    with (
        Peer() as peer,
        NodeProcess(model_dir=real_data() / "models", device="CPU", **parameters) as node,
    ):
        process = subprocess.Popen(camera)
        try:
            listener = Listener("instance_mask")
            peer.node.create_subscription(Image, listener.topic, listener.take, QoSProfile(depth=5), raw=True)
            wait_until(lambda: listener.count > 10, f"masks:\n{node.output}", 120)
            time.sleep(SETTLE_S)
            before, sent_s = sample("segmenter", node.process.pid, 0.0), time.monotonic()
            listener.bucket(0.0, 0)
            time.sleep(seconds)
            after, took_s = sample("segmenter", node.process.pid, 0.0), time.monotonic() - sent_s
            bucket = listener.bucket(0.0, 0)
            peer.diagnostics.clear()
            values = peer.values(f"{node.title}: camera")
        finally:
            process.kill()
            process.wait()
    return {
        "size": size,
        "age p50 (ms)": round(bucket.p50_ms or 0, 1),
        "age p95 (ms)": round(bucket.p95_ms or 0, 1),
        "masks (Hz)": round(bucket.received / took_s, 1),
        "lost": values["lost on the way (by stamps)"],
        "segment p50 (ms)": float(values["segment p50 (ms)"]),
        "library p50 (ms)": round(float(np.percentile(alone_ms, 50)), 2),
        "processor (%)": round((after.cpu_s - before.cpu_s) / took_s * 100),
        "memory (MB)": round(after.rss_mb),
    }


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m on_ros.drive", description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="640x480", help="of the images (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second (default: %(default)g)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long (default: %(default)g)")
    parser.add_argument("--tuned", action="store_true", help="with the file of config/ for this DDS")
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
    print(json.dumps(drive(arguments.size, arguments.seconds, arguments.rate, **given)))


if __name__ == "__main__":
    main()
