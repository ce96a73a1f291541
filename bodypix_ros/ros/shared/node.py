"""What every node of this package shares: its log, its QoS, its way to run and to end."""

import dataclasses
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from bodypix_ros.errors import StartError
from bodypix_ros.ros.shared.diagnostics import Status


class Log(logging.Handler):
    """Everything that is said goes to the node's log: the plain parts' words, and the library's."""

    def __init__(self, logger: Any) -> None:
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


def describe(field: "dataclasses.Field[Any]") -> Any:
    """The descriptor that follows from a field made with `segmenters.base.option`: meaning and range."""
    low, high = field.metadata["low"], field.metadata["high"]
    result = ParameterDescriptor(name=field.name, description=field.metadata["text"])
    if low is not None and isinstance(field.default, int):
        result.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    elif low is not None:
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    return result


def declare(
    node: Any, fields: Iterable["dataclasses.Field[Any]"], *, fixed: str | None = None
) -> dict[str, Any]:
    """Declare parameters made with `segmenters.base.option`, and give their values.

    Args:
        node: Whose.
        fields: Of their metadata `live=False` makes a parameter that only the start can set, `dynamic=True`
            one of any type.
        fixed: When those that are not live may be set instead; the node refuses them at other times.

    Raises:
        StartError: A value has a wrong type, or is out of range.
    """
    values = {}
    try:
        for field in fields:
            result = describe(field)
            live = field.metadata.get("live", True)
            result.read_only = not live and fixed is None
            if not live and fixed is not None:
                result.additional_constraints = fixed
            # The internal resolution is a word or a number.
            result.dynamic_typing = field.metadata.get("dynamic", field.name == "internal_resolution")
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            values[field.name] = node.declare_parameter(field.name, default, result).value
    except InvalidParameterTypeException as error:
        raise StartError(f"{error} (a number with a point, as in 20.0, is a double)") from error
    except InvalidParameterValueException as error:
        raise StartError(str(error)) from error
    return values


def newest(reliability: Any = ReliabilityPolicy.RELIABLE, *, latched: bool = False) -> Any:
    """A QoS that keeps the last message only; `latched`: also for who subscribes later."""
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability, durability=durability
    )


def fill(entry: Any, status: Status) -> Any:
    """Write a status into an entry of diagnostic_updater."""
    entry.summary(bytes([status.level]), status.message)
    for key, value in status.values.items():
        entry.add(key, value)
    return entry


def run(make_node: Callable[[], Any], args: list[str] | None = None) -> int:
    """Run a node until it is told to stop.

    Args:
        make_node: Makes it; may raise StartError. Its coroutine `autostart` is called once it spins, the run
            ends when its `failure` is no longer None, and `end` is called last.
        args: The command line, by default the process's.

    Returns:
        The exit code: 0, or 1 where the node could not start.
    """
    node, failure = None, None
    try:
        try:
            rclpy.init(args=args)
        except Exception as error:  # a wrong option, or an enclave of SROS 2 that is not in the keystore
            raise StartError(f"ROS 2 does not start: {error}") from error
        node = make_node()
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
