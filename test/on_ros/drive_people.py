"""A camera of colour and depth at its rate, a segmenter's results, people_node: its time, processor, memory.

With ROS 2 sourced, from the root of the repository:

    PYTHONPATH=.:test:$PYTHONPATH python -m on_ros.drive_people

Three people, who fill a third of the picture; persons_3d is listened to, and with --all everything.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message

from bodypix_ros.ros.messages.types import message_class
from bodypix_ros.ros.people.topics import output_kinds
from on_ros.harness import NodeProcess, Peer, wait_until
from on_ros.robot import Robot, depth, person, scene
from on_ros.soak import sample

SETTLE_S = 5.0
ORDER = ("camera_info", "depth/image", "image", "instance_mask", "part_mask", "keypoints", "persons")


def play(rate_hz: float) -> None:
    """Be the camera and the segmenter, until killed. Messages are serialised once; stamps are written in."""
    rclpy.init()
    peer = type("Peer", (), {"node": rclpy.create_node("camera")})
    robot = Robot(peer)
    seen = scene(
        person((60, 80, 210, 470), 1), person((270, 60, 390, 420), 2), person((450, 100, 560, 400), 3)
    )
    metres = depth(seen, {1: 1.5, 2: 2.5, 3: 3.5})
    metres += np.random.default_rng(1).normal(0, 0.005, metres.shape).astype(np.float32)
    made: dict[str, bytes] = {}
    for name, publisher in robot.publishers.items():
        publisher.publish = lambda message, name=name: made.update({name: serialize_message(message)})
    robot.publish(seen, metres, 0)
    for publisher in robot.publishers.values():
        del publisher.publish
    due_s = time.monotonic()
    while True:
        time.sleep(max(0.0, due_s - time.monotonic()))
        stamp = np.array(divmod(time.time_ns(), 10**9), np.uint32).tobytes()
        # As they come: the depth with the image, what was seen some milliseconds later.
        for name in (
            "camera_info",
            "depth/image",
            "image",
            "instance_mask",
            "part_mask",
            "keypoints",
            "persons",
        ):
            robot.publishers[name].publish(made[name][:4] + stamp + made[name][12:])
            if name == "image":
                time.sleep(0.008)
        due_s = max(due_s + 1 / rate_hz, time.monotonic() - 1 / rate_hz)


def drive(seconds: float, rate_hz: float, everything: bool) -> dict[str, object]:
    """Run it, and return what was measured."""
    camera = [sys.executable, "-m", "on_ros.drive_people", "--camera", "--rate", str(rate_hz)]
    with Peer() as peer, NodeProcess(program=("-m", "bodypix_ros.ros.people_node"), name="people") as node:
        process = subprocess.Popen(camera)
        try:
            counts = dict.fromkeys(output_kinds() if everything else ("persons_3d",), 0)

            def counting(topic: str):
                def count(_: bytes) -> None:
                    counts[topic] += 1

                return count

            for topic in counts:
                kind = message_class(output_kinds()[topic])
                peer.node.create_subscription(kind, topic, counting(topic), QoSProfile(depth=5), raw=True)
            wait_until(lambda: counts["persons_3d"] > 10, f"places:\n{node.output}", 60)
            time.sleep(SETTLE_S)
            before, begun_s, had = sample("people", node.process.pid, 0.0), time.monotonic(), dict(counts)
            time.sleep(seconds)
            after, took_s = sample("people", node.process.pid, 0.0), time.monotonic() - begun_s
            rates = {topic: round((count - had[topic]) / took_s, 1) for topic, count in counts.items()}
            peer.diagnostics.clear()
            values = peer.values(f"{node.title}: camera")
        finally:
            process.kill()
            process.wait()
    return {
        "last input to persons_3d p50 (ms)": float(values["last input to first output p50 (ms)"]),
        "p95 (ms)": float(values["last input to first output p95 (ms)"]),
        "rates (Hz)": rates,
        "processor (%)": round((after.cpu_s - before.cpu_s) / took_s * 100),
        "memory (MB)": round(after.rss_mb),
    }


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m on_ros.drive_people", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rate", type=float, default=30.0, help="images per second (default: %(default)g)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long (default: %(default)g)")
    parser.add_argument("--all", action="store_true", help="listen to every output")
    parser.add_argument("--camera", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.camera:
        play(arguments.rate)
    print(json.dumps(drive(arguments.seconds, arguments.rate, arguments.all)))


if __name__ == "__main__":
    main()
