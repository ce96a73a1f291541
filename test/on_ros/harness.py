"""A node in a process of its own, and a peer to talk with it. Waits are for conditions, never for a time."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy._rclpy_pybind11 import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from bodypix_ros.ros.messages import outputs
from bodypix_ros.ros.messages.types import message_class

PATIENCE_S = 30.0
MODEL = "bodypix-mobilenet-050-s16-q4"
OUTPUTS = {
    topic: message_class(output.kind)
    for topic, output in outputs.OUTPUTS.items()
    if not output.latched and not output.needs_lens and output.option in ("", "parts", "confidence")
}
"""The types of what every frame may fill, where no other network (of faces, of hands) looks at it, too."""
_numbers = itertools.count(1)


def wait_until(condition: Any, what: str, timeout_s: float = PATIENCE_S, also: Any = None) -> Any:
    """Return what `condition()` gives once it is true; `also()` is called again and again meanwhile."""
    left_s, before_s = timeout_s, time.monotonic()
    while not (result := condition()):
        assert left_s > 0, f"waited {timeout_s:.0f} s in vain: {what}"
        if also is not None:
            also()
        time.sleep(0.05)
        now_s = time.monotonic()
        left_s -= min(now_s - before_s, 1.0)  # a computer that stood still meanwhile is not the node's fault
        before_s = now_s
    return result


class NodeProcess:
    """The segmenter node in a process of its own."""

    def __init__(
        self,
        *arguments: str,
        program: tuple[str, ...] = (),
        name: str = "",
        environment: dict[str, str] | None = None,
        **parameters: Any,
    ) -> None:
        self.name = name or f"segmenter_{next(_numbers)}"
        namespaces = [word.partition(":=")[2].strip("/") for word in arguments if word.startswith("__ns:=")]
        self.title = "/".join([*namespaces, self.name])  # what its diagnostics are named after
        self.log = Path(tempfile.mkdtemp()) / "log"
        program = program or ("-m", "bodypix_ros.ros.segmenter_node")
        command = [sys.executable, *program, "--ros-args", "-r", f"__node:={self.name}", *arguments]
        for name, value in parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command += ["-p", f"{name}:={text}"]
        # Models of the user's own would hide that one is missing.
        everything = {**os.environ, "XDG_CACHE_HOME": str(self.log.parent), "BODYPIX_ROS_MODELS": ""}
        # A program of the tests finds the package that stands beside them, installed or not.
        paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        everything |= {"PYTHONPATH": os.pathsep.join(paths), **(environment or {})}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=everything)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        def said() -> bool:
            assert text in self.output or self.process.poll() is None, f"the node ended:\n{self.output}"
            return text in self.output

        wait_until(said, f"the node says '{text}':\n{self.output}", timeout_s)

    def resident_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def fds(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def interrupt(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Send SIGINT, or another signal; return the exit code and the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        try:
            wait_until(lambda: self.process.poll() is not None, f"{self.name} ends", 10)
            seconds = time.monotonic() - started
        finally:
            self.kill()
        return self.process.returncode, seconds

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            print(self.output)
        self.interrupt() if self.process.poll() is None else None


class Received:
    """What came on a topic, by stamp; the latest first."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def at(self, stamp: tuple[int, int]) -> Any:
        for message in reversed(list(self.messages)):
            if (message.header.stamp.sec, message.header.stamp.nanosec) == stamp:
                return message
        return None


class Peer:
    """A ROS node of the test's own, spinning in a thread."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("peer", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._stamps = itertools.count(1)
        self.diagnostics: dict[str, Any] = {}

    def _spin(self) -> None:
        # What a test takes away meanwhile may be what is about to be waited for: then once more.
        gone = rclpy.executors.ExternalShutdownException, InvalidHandle
        while self.context.ok():
            with contextlib.suppress(*gone):
                self._executor.spin_once(timeout_sec=0.1)

    def __enter__(self) -> "Peer":
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.context.try_shutdown()
        self._thread.join(5)

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            self.diagnostics[status.name] = status

    def values(self, name: str) -> dict[str, str]:
        """The values of an entry of /diagnostics."""
        status = wait_until(lambda: self.diagnostics.get(name), f"diagnostics of {name}")
        return {item.key: item.value for item in status.values}

    def stamp(self) -> tuple[int, int]:
        """A stamp that nobody had before, not far from now."""
        return int(time.time()), next(self._stamps)

    def camera(self, topic: str, *, reliable: bool = False, kind: Any = Image) -> Any:
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        return self.node.create_publisher(kind, topic, QoSProfile(depth=1, reliability=reliability))

    def subscribe(self, topic: str, kind: Any, *, latched: bool = False) -> Received:
        received = Received()
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        received.subscription = self.node.create_subscription(
            kind, topic, received.messages.append, QoSProfile(depth=10, durability=durability)
        )
        return received

    def unsubscribe(self, *everything: Received) -> None:
        for received in everything:
            self.node.destroy_subscription(received.subscription)

    def outputs(self, prefix: str) -> dict[str, Received]:
        return {topic: self.subscribe(prefix + topic, kind) for topic, kind in OUTPUTS.items()}

    def exchange(self, camera: Any, message: Any, received: list[Received]) -> list[Any]:
        """Publish a frame until all of `received` have what the node makes of it, and return that."""
        stamp = message.header.stamp.sec, message.header.stamp.nanosec

        def answers() -> list[Any]:
            found = [one.at(stamp) for one in received]
            return found if all(found) else []

        # A best-effort frame may get lost, and a subscription takes a moment to be seen.
        return wait_until(answers, f"answers to {stamp}", also=lambda: camera.publish(message))

    def call(self, kind: Any, service: str, request: Any, *, wait: bool = True) -> Any:
        client = self.node.create_client(kind, service)
        try:
            wait_until(client.service_is_ready, f"service {service}")
            future = client.call_async(request)
            if not wait:
                return None
            wait_until(future.done, f"an answer of {service}")
            return future.result()
        finally:
            if wait:
                self.node.destroy_client(client)

    def set(self, node: str, name: str, value: Any) -> Any:
        parameter = Parameter(
            name=name, value=rclpy.parameter.Parameter(name, value=value).get_parameter_value()
        )
        request = SetParameters.Request(parameters=[parameter])
        return self.call(SetParameters, f"/{node}/set_parameters", request).results[0]

    def get(self, node: str, name: str) -> Any:
        request = GetParameters.Request(names=[name])
        return parameter_value_to_python(
            self.call(GetParameters, f"/{node}/get_parameters", request).values[0]
        )

    def describe(self, node: str, names: list[str]) -> list[Any]:
        request = DescribeParameters.Request(names=names)
        return self.call(DescribeParameters, f"/{node}/describe_parameters", request).descriptors

    def state(self, node: str) -> str:
        return self.call(GetState, f"/{node}/get_state", GetState.Request()).current_state.label

    def transition(self, node: str, label: str, *, wait: bool = True) -> bool | None:
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[label]))
        response = self.call(ChangeState, f"/{node}/change_state", request, wait=wait)
        return response.success if wait else None


TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "cleanup": Transition.TRANSITION_CLEANUP,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "shutdown": Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
}


def image(
    array: Any, encoding: str, stamp: tuple[int, int], *, padding: int = 0, frame_id: str = "cam"
) -> Any:
    """A sensor_msgs/Image of rows of bytes, each with some bytes more at its end."""
    rows = array.reshape(array.shape[0], -1).view("u1")
    message = Image(width=array.shape[1], height=array.shape[0], encoding=encoding)
    message.step = rows.shape[1] + padding
    for row in rows:  # Humble checks every byte of what is assigned: 0.1 s at 640x480
        message.data.frombytes(row.tobytes() + b"\x7f" * padding)
    message.header.frame_id = frame_id
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    return message


def compressed(data: bytes, stamp: tuple[int, int], kind: str = "png") -> Any:
    message = CompressedImage(format=kind)
    message.data.frombytes(data)  # see above
    message.header.frame_id = "cam"
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    return message
