"""What every node of this package shares: log, parameters, topics, its way to run and to end."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from bodypix_ros.errors import StartError, hint
from bodypix_ros.options import Option
from bodypix_ros.ros.messages.types import Message, message_class
from bodypix_ros.ros.shared.diagnostics import Status
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.outage import Publisher
from bodypix_ros.ros.shared.wiring import Input, Output


class NodeLog(logging.Handler):
    """Everything that is said goes to the node's log: the plain parts' words, and the library's."""

    def __init__(self, logger: Log) -> None:
        super().__init__(logging.INFO)
        self._logger = logger
        library = logging.getLogger("bodypix_ros")
        library.setLevel(logging.INFO)
        library.handlers = [self]

    # rclpy remembers the severity by the line that logs, so each has a line of its own.

    def info(self, text: str) -> None:
        """Worth knowing."""
        self._logger.info(text)

    def warning(self, text: str) -> None:
        """Worth doing something about."""
        self._logger.warning(text)

    def error(self, text: str) -> None:
        """Something failed."""
        self._logger.error(text)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on what the library logs."""
        if record.levelno >= logging.ERROR:
            self.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self.warning(record.getMessage())
        else:
            self.info(record.getMessage())


def describe(option: Option) -> ParameterDescriptor:
    """The descriptor of a parameter: meaning and range."""
    result = ParameterDescriptor(name=option.name, description=option.text)
    low, high = option.low, option.high
    if low is None or high is None:
        return result
    if option.kind is int:
        result.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    else:
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    return result


def _older_value(node: Node, option: Option) -> Any:
    """An option's value where it was given under an older name, which is said, and else its default."""
    value = list(option.default) if option.kind is tuple else option.default
    given = getattr(node, "_parameter_overrides", {})
    for older in option.formerly:
        if older in given:
            node.get_logger().warning(f"{older} is now called {option.name}")
            value = given.pop(older).value
    return value


def declare(node: Node, options: Iterable[Option], *, fixed: str | None = None) -> dict[str, Any]:
    """Declare options as parameters, and give their values.

    Args:
        node: An rclpy node, whose parameters they become.
        options: Those that are not live can only be set at the start, dynamic ones may have any type, and
            those that are hidden from "node" are left out.
        fixed: When those that are not live may be set instead; the node refuses them at other times.

    Raises:
        StartError: A value has a wrong type, or is out of range.
    """
    values = {}
    try:
        for option in options:
            if "node" in option.hidden_from:
                continue
            result = describe(option)
            result.read_only = not option.live and fixed is None
            if not option.live and fixed is not None:
                result.additional_constraints = fixed
            result.dynamic_typing = option.dynamic
            default = _older_value(node, option)
            values[option.name] = node.declare_parameter(option.name, default, result).value
    except InvalidParameterTypeException as error:
        raise StartError(f"{error} (a number with a point, as in 20.0, is a double)") from error
    except InvalidParameterValueException as error:
        raise StartError(str(error)) from error
    return values


class NodeWiring:
    """The topics of a node, as `shared.wiring.Wiring` says. Every QoS may be overridden by parameters."""

    def __init__(self, node: Node, *, lifecycle: bool = False) -> None:
        """Make nothing yet.

        Args:
            node: An rclpy node.
            lifecycle: Whether what it publishes rests while it is not active; then it is a lifecycle node.
        """
        self._node, self._lifecycle = node, lifecycle

    def publisher(
        self, kind: str, topic: str, *, depth: int = 1, reliable: bool = True, latched: bool = False
    ) -> Output:
        """Publish on a topic; see `Wiring`."""
        node = self._node
        make = node.create_lifecycle_publisher if self._lifecycle else node.create_publisher
        with _allowed("publish", topic):
            output: Output = make(
                message_class(kind),
                topic,
                _keep_last(depth, reliable=reliable, latched=latched),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        return output

    def subscription(
        self, kind: str, topic: str, on_message: Callable[[Message], None], *, depth: int = 1
    ) -> Input:
        """Hear a topic; see `Wiring`."""
        with _allowed("subscribe to", topic):
            heard: Input = self._node.create_subscription(
                message_class(kind),
                topic,
                on_message,
                _keep_last(depth, reliable=False),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        return heard

    def unpublish(self, output: Output) -> None:
        """Take a publisher away."""
        node = self._node
        (node.destroy_lifecycle_publisher if self._lifecycle else node.destroy_publisher)(output)

    def unsubscribe(self, heard: Input) -> None:
        """Take a subscription away."""
        self._node.destroy_subscription(heard)

    def publishers_of(self, topic: str) -> list[Publisher]:
        """Who publishes a topic, resolved."""
        return [Publisher.of(info) for info in self._node.get_publishers_info_by_topic(topic)]


@contextmanager
def _allowed(what: str, topic: str) -> Generator[None]:
    """Turn ROS's refusal to make something on a topic into a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise StartError(
            f"ROS 2 does not let this node {what} {topic}: {error} (does the SROS 2 policy of its enclave?)"
        ) from error


def _keep_last(depth: int, *, reliable: bool, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


class Entry(Protocol):
    """A diagnostic_updater.DiagnosticStatusWrapper."""

    def summary(self, level: bytes, message: str) -> None:
        """Set level and message."""

    def add(self, key: str, value: str) -> None:
        """Add a value."""


class Entries(Protocol):
    """A diagnostic_updater.Updater.

    Attributes:
        node_name: What the names of its entries begin with.
    """

    node_name: str


def name_entries(updater: Entries, node: Node) -> None:
    """Name a node's entries after its namespace, too, unless a parameter asks for another form of that.

    Without it two robots' segmenters have one name: "segmenter: camera" becomes "robot1/segmenter: camera".
    """
    if not node.get_parameter("diagnostic_updater.use_fqn").value:
        updater.node_name = node.get_fully_qualified_name().lstrip("/")


def fill(entry: Entry, status: Status) -> Entry:
    """Write a status into an entry of diagnostic_updater."""
    entry.summary(bytes([status.level]), status.message)
    for key, value in status.values.items():
        entry.add(key, value)
    return entry


class Program(Protocol):
    """A node as `run` wants it: an rclpy node with these.

    Attributes:
        failure: Why it cannot go on; None while it can.
    """

    failure: str | None

    async def autostart(self) -> None:
        """Is called once the node spins."""

    def end(self) -> None:
        """Is called last; ROS may be down already."""


def refuse_wrong_transitions(node: Node, log: Log) -> None:
    """Have a lifecycle node answer a wrong transition; before Kilted it would end the process.

    Args:
        node: Whose transitions; rclpy keeps their service under a name of its own.
        log: Gets told.
    """
    service = getattr(node, "_service_change_state", None)
    if service is None:
        return
    change_state = service.callback

    def change(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except RuntimeError as error:
            transition = request.transition
            log.error(f"transition {transition.label or transition.id} is not possible: {error}")
            response.success = False
            return response

    service.callback = change


def _say_unknown(node: Node) -> None:
    """Say which parameters were given that the node does not have: rclpy passes over them in silence."""
    for name in getattr(node, "_parameter_overrides", {}):
        # QoS is declared with its topic, which may come later.
        if not name.startswith("qos_overrides.") and not node.has_parameter(name):
            likely = hint(name, node.get_parameters_by_prefix(""))
            node.get_logger().warning(
                f"{name} was given, but is no parameter of this node: it does nothing{likely}"
            )


def _made(make_node: Callable[[], Program]) -> Program:
    """Make a node. A refusal of what rclpy itself gives every node, such as services, is a sentence, too."""
    try:
        return make_node()
    except StartError:
        raise
    except RuntimeError as error:  # rclpy's own has no public name
        if not rclpy.ok():
            raise
        raise StartError(
            f"ROS 2 does not let this node be: {error} (does the SROS 2 policy of its enclave, under this "
            "name and namespace?)"
        ) from error


def run(make_node: Callable[[], Program], args: list[str] | None = None) -> int:
    """Run a node until it is told to stop.

    Args:
        make_node: Makes it; may raise StartError. The run ends when its `failure` is no longer None.
        args: The command line, by default the process's.

    Returns:
        The exit code: 0, or 1 where the node could not start.
    """
    node, executor, failure = None, None, None
    try:
        try:
            rclpy.init(args=args)
        except Exception as error:  # a wrong option, or an enclave of SROS 2 that is not in the keystore
            raise StartError(f"ROS 2 does not start: {error}") from error
        node = _made(make_node)
        _say_unknown(node)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.create_task(node.autostart)
        while rclpy.ok() and node.failure is None:
            executor.spin_once()
        failure = node.failure
    except StartError as error:
        failure = str(error)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        if rclpy.ok():  # what fails while the context goes down is its end, not an error
            raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
        if node is not None:
            node.end()
        if executor is not None:
            # Left to the garbage collector it prints a traceback of what it waited for.
            with suppress(Exception):  # ROS may be down already
                executor.shutdown(0)
        rclpy.get_default_context().try_shutdown()  # rclpy.try_shutdown is not on Humble
    if failure is not None:
        print(f"cannot start: {failure}", file=sys.stderr)
    code = int(failure is not None)
    if any(thread.daemon for thread in threading.enumerate()):
        # A thread is in a native call of OpenVINO that cannot be cancelled and may take a minute. If it
        # returned while the interpreter is being taken down, the process would abort ("terminate called
        # without an active exception"), so that is left out. Nothing is lost: ROS was shut down above.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
