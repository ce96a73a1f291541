"""Cameras, the segmenter and the renderer for an hour: does memory, age or anything else grow?

With ROS 2 sourced, from the root of the repository:

    PYTHONPATH=.:test:$PYTHONPATH python -m on_ros.soak --seconds 3600 --out soak

This process plays the cameras and listens; messages stay serialised here, so that the nodes have the machine.
"""

import argparse
import contextlib
import itertools
import json
import os
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from tqdm import tqdm

from bodypix_ros import DEFAULT_MODEL
from on_ros.harness import MODEL, NodeProcess, image, wait_until
from on_ros.soak_report import Bucket, Limits, Record, Sample, Verdict, judge, markdown
from support.checkpoints import write_tiny_bodypix

CAMERAS = ("front", "rear")
TOPICS = ("instance_mask", "debug_image")
SETTLE_S = 300.0
"""Until then caches and the allocator's arenas may fill; of short runs their first third."""
STANDSTILL_S = 2.0
"""A fifth of a second that takes this long is one in which the computer did not run this process."""
EVERY_S = 5.0
BUCKET_S = 60.0
_MIB = 1024


class Listener:
    """The messages of one topic, as the times that they took."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._ages_ms: list[float] = []
        self._last_s, self._gap_s = time.monotonic(), 0.0
        self.count = 0

    def take(self, data: bytes) -> None:
        """Take a serialised message that begins with a header."""
        now_s = time.monotonic()
        sec, nanosec = struct.unpack_from("<iI", data, 4)
        self._ages_ms.append((time.time() - sec - nanosec / 1e9) * 1e3)
        self._gap_s, self._last_s = max(self._gap_s, now_s - self._last_s), now_s
        self.count += 1

    def bucket(self, time_s: float, sent: int) -> Bucket:
        """What came since the last call."""
        ages, self._ages_ms = self._ages_ms, []
        gap_s, self._gap_s = max(self._gap_s, time.monotonic() - self._last_s), 0.0
        p50, p95 = np.percentile(ages, (50, 95)).tolist() if ages else (None, None)
        return Bucket(time_s, self.topic, sent, len(ages), gap_s, p50, p95)


class Load:
    """Everything around the nodes: cameras that play pictures, and subscribers."""

    def __init__(self, pictures: list[Any], rate_hz: float) -> None:
        self.sent = 0
        self.errors: dict[str, None] = {}
        self.dropped: dict[str, int] = {}
        self._period_s = 1 / rate_hz
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("soak", context=self._context)
        self._frames = [serialize_message(image(picture, "bgr8", (0, 0))) for picture in pictures]
        best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._cameras = [self._node.create_publisher(Image, f"{n}/image", best_effort) for n in CAMERAS]
        self.listeners = [Listener(f"{name}/{topic}") for name in CAMERAS for topic in TOPICS]
        for listener in self.listeners:
            self._node.create_subscription(
                Image, listener.topic, listener.take, QoSProfile(depth=5), raw=True
            )
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 20)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._spin, self._play)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ending.set()
        self._context.try_shutdown()
        for thread in self._threads:
            thread.join(5)

    def buckets(self, time_s: float, sent: int) -> list[Bucket]:
        return [listener.bucket(time_s, sent) for listener in self.listeners]

    def _spin(self) -> None:
        while self._context.ok():
            with contextlib.suppress(ExternalShutdownException):
                self._executor.spin_once(timeout_sec=0.5)

    def _play(self) -> None:
        # One after the other: several images at once overflow the buffer that Linux gives a socket.
        step_s = self._period_s / len(self._cameras)
        due_s = time.monotonic()
        for turn in itertools.count():
            if self._ending.wait(max(0.0, due_s - time.monotonic())):
                return
            camera = turn % len(self._cameras)
            frame = self._frames[self.sent % len(self._frames)]
            stamp = struct.pack("<iI", *divmod(time.time_ns(), 1_000_000_000))
            with contextlib.suppress(Exception):  # the context may be gone by now
                self._cameras[camera].publish(frame[:4] + stamp + frame[12:])
            self.sent += camera == len(self._cameras) - 1
            # What a machine that stood still has missed is not made up for.
            due_s = max(due_s + step_s, time.monotonic() - step_s)

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.level >= b"\x02":
                self.errors[f"{status.name}: {status.message}"] = None
            for item in status.values:
                if item.key.startswith("dropped"):
                    self.dropped[status.name] = int(item.value)


def sample(process: str, pid: int, time_s: float) -> Sample:
    """Look at a process."""
    folder = Path(f"/proc/{pid}")
    sizes = {}
    for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        sizes[name] = int(value.split()[0]) / _MIB
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Sample(
        time_s=time_s,
        process=process,
        pss_mb=sizes["Pss"],
        rss_mb=sizes["Rss"],
        fds=len(list((folder / "fd").iterdir())),
        threads=int(fields[17]),
        cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
    )


def _material(folder: Path) -> tuple[str, Path, list[Any]]:
    """Model, folder of models and pictures: real ones where the test data is, else small ones of our own."""
    default = Path(__file__).resolve().parents[3] / "shared"
    data = Path(os.environ.get("BODYPIX_ROS_TEST_DATA", default))
    if (data / "models").is_dir() and (
        photos := sorted((data / "images/coco_open/images").glob("*.jpg"))[:4]
    ):
        pictures = [cv2.resize(cv2.imread(str(photo)), (640, 480)) for photo in photos]
        return DEFAULT_MODEL, data / "models", pictures
    write_tiny_bodypix(folder, seed=9)
    coarse = np.random.default_rng(5).integers(0, 256, (4, 60, 80, 3), np.uint8)
    return MODEL, folder, list(np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2)))


def soak(seconds: float, *, rate_hz: float = 30.0, every_s: float = EVERY_S, quiet: bool = False) -> Record:
    """Run it, and return what was measured.

    Args:
        seconds: From the first picture that came through everything.
        rate_hz: Of each camera.
        every_s: Between two looks at the processes.
        quiet: No progress bar.
    """
    model, models, pictures = _material(Path(tempfile.mkdtemp()))
    record = Record(seconds, min(SETTLE_S, seconds / 3), rate_hz, model)
    bucket_s = min(BUCKET_S, seconds / 15)
    cameras = f"[{', '.join(CAMERAS)}]"
    try:
        with (
            NodeProcess(model=model, model_dir=models, device="CPU", cameras=cameras) as segmenter,
            NodeProcess(program=("-m", "bodypix_ros.ros.renderer_node"), cameras=cameras) as renderer,
            Load(pictures, rate_hz) as load,
        ):
            pids = {"segmenter": segmenter.process.pid, "renderer": renderer.process.pid, "load": os.getpid()}
            wait_until(
                lambda: all(listener.count for listener in load.listeners) or not _alive(segmenter, renderer),
                f"pictures through segmenter and renderer:\n{segmenter.output}{renderer.output}",
                timeout_s=120,
            )
            now_s, sent, next_sample_s, next_bucket_s = 0.0, load.sent, 0.0, bucket_s
            load.buckets(0.0, 0)
            before_s = time.monotonic()
            with (
                contextlib.suppress(KeyboardInterrupt),
                tqdm(total=round(seconds), unit="s", disable=quiet) as bar,
            ):
                while now_s < seconds and _alive(segmenter, renderer):
                    if now_s >= next_sample_s:
                        record.samples += [sample(name, pid, now_s) for name, pid in pids.items()]
                        next_sample_s += every_s
                    if now_s >= next_bucket_s:
                        record.buckets += load.buckets(now_s, load.sent - sent)
                        sent, next_bucket_s = load.sent, next_bucket_s + bucket_s
                    bar.update(int(now_s) - bar.n)
                    time.sleep(0.2)
                    step_s, before_s = time.monotonic() - before_s, time.monotonic()
                    if step_s > STANDSTILL_S:
                        # All processes stood still, or had no processor: that says nothing of the nodes.
                        record.standstills += 1
                        load.buckets(now_s, 0)
                        sent, next_bucket_s = load.sent, now_s + bucket_s
                        step_s = 0.0
                    now_s += step_s
            record.errors = list(load.errors)
            for number, name in ((segmenter.name, "segmenter"), (renderer.name, "renderer")):
                record.dropped |= {n.replace(number, name): c for n, c in load.dropped.items() if number in n}
            for name, process in (("segmenter", segmenter), ("renderer", renderer)):
                if process.process.poll() is not None:
                    record.errors.append(f"{name} ended with {process.process.returncode}: {process.output}")
                record.errors += [line for line in process.output.splitlines() if "[ERROR]" in line][:5]
    except AssertionError as error:  # a node that does not end, say: what was measured counts all the same
        record.errors.append(str(error))
    return record


def _alive(*processes: NodeProcess) -> bool:
    return all(process.process.poll() is None for process in processes)


def write(record: Record, verdicts: list[Verdict], folder: Path) -> None:
    """Write soak.json and soak.md."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = record.plain() | {"verdicts": [vars(verdict) for verdict in verdicts]}
    (folder / "soak.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")
    (folder / "soak.md").write_text(markdown(record, verdicts), encoding="utf-8")


def main() -> int:
    """Soak, write the report, and return 0 where everything passes."""
    parser = argparse.ArgumentParser(prog="python -m on_ros.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long (default: %(default)g)")
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second and camera (%(default)g)")
    parser.add_argument("--out", type=Path, default=Path("soak"), help="folder for the report (%(default)s)")
    arguments = parser.parse_args()
    record = soak(arguments.seconds, rate_hz=arguments.rate)
    verdicts = judge(record, Limits())
    write(record, verdicts, arguments.out)
    for verdict in verdicts:
        print(f"{'passed' if verdict.passed else 'FAILED'}  {verdict.what}: {verdict.text}")
    return int(not all(verdict.passed for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
