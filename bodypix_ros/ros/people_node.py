"""The people node: persons and masks, depth and tf in; people in metres out.

It wires parameters, topics and tf; what is listened to is decided in `people.topics`, what belongs together
in `joining`, what becomes of it in `placing`.
"""

import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
import tf2_ros
from diagnostic_updater import Updater
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNodeMixin, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.serialization import serialize_message
from rclpy.time import Time

from bodypix_ros.errors import StartError
from bodypix_ros.options import options_of
from bodypix_ros.ros.messages.types import message_class
from bodypix_ros.ros.people.frames import NoFrameError, NoTransformError
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.people.placing import Placer
from bodypix_ros.ros.people.status import status
from bodypix_ros.ros.people.topics import Topics
from bodypix_ros.ros.shared.node import (
    NodeLog,
    NodeWiring,
    declare,
    fill,
    name_entries,
    refuse_wrong_transitions,
    run,
)
from bodypix_ros.space.frames import Frame, rotation_of

LOOK_S: Final = 0.25
"""Seconds between two looks at whether anybody subscribes (Humble does not tell)."""

TF: Final = "tf2_msgs/msg/TFMessage"

_WAIT_S: Final = 0.1
"""Transforms may come so much later than the image,"""
_TICK_S: Final = 0.004
"""and are looked for so often."""
_AGAIN_S: Final = 1.0
"""After one was waited for in vain, none is for so long: all images wait with the one at hand."""


class Tf:
    """`people.frames.Transforms`, of a node."""

    def __init__(self, node: Node) -> None:
        """Listen to nothing yet."""
        self._node, self._buffer = node, tf2_ros.Buffer()
        self._listener: tf2_ros.TransformListener | None = None
        self._absent: set[tuple[str, str]] = set()
        self._in_vain_s: dict[tuple[str, str], float] = {}

    def listen(self, *, wanted: bool) -> None:
        """Listen to tf while somebody wants that."""
        if wanted and self._listener is None:
            self._listener = tf2_ros.TransformListener(self._buffer, self._node, spin_thread=False)
        elif not wanted and self._listener is not None:
            self._listener.unregister()
            self._listener = None
            self.clear()

    def lookup(self, target: str, source: str, stamp_ns: int) -> Frame:
        """See `Transforms.lookup`."""
        key, now_s = (target, source), time.monotonic()
        patient = key not in self._absent and now_s - self._in_vain_s.get(key, -_AGAIN_S) >= _AGAIN_S
        end_s = now_s + _WAIT_S if patient else now_s
        while True:
            try:
                found = self._buffer.lookup_transform_core(target, source, Time(nanoseconds=stamp_ns))
            except tf2_ros.TransformException as error:
                if time.monotonic() < end_s:
                    time.sleep(_TICK_S)
                    continue
                text = f"no transform from {source} to {target} at {stamp_ns / 1e9:.3f} s: {error}"
                if isinstance(error, (tf2_ros.LookupException, tf2_ros.ConnectivityException)):
                    self._absent.add(key)
                    raise NoFrameError(text) from error
                if patient:
                    self._in_vain_s[key] = time.monotonic()
                raise NoTransformError(text) from error
            self._absent.discard(key)
            self._in_vain_s.pop(key, None)
            shift, turn = found.transform.translation, found.transform.rotation
            origin = np.array([shift.x, shift.y, shift.z])
            return Frame(target, rotation_of(turn.x, turn.y, turn.z, turn.w), origin)

    def clear(self) -> None:
        """See `Transforms.clear`."""
        self._absent.clear()
        self._in_vain_s.clear()
        self._buffer.clear()  # static transforms stay


class PeopleNode(LifecycleNodeMixin, Node):  # type: ignore[misc]
    """Its topics and parameters are in docs/nodes.md."""

    def __init__(self, **arguments: Any) -> None:
        """Declare the parameters.

        Args:
            arguments: For `rclpy.node.Node`.

        Raises:
            StartError: A parameter has a wrong type or value.
        """
        Node.__init__(self, "people", **arguments)
        LifecycleNodeMixin.__init__(self)
        self.failure: str | None = None
        self._log = NodeLog(self.get_logger())
        self._state, self._error = "unconfigured", ""
        self._topics: list[Topics] = []
        self._placer: Placer | None = None
        self._tf = Tf(self)
        self._broadcaster: Any = None
        fixed = "only while the node is unconfigured"
        try:
            declared = declare(self, options_of(PlacesOptions).values(), fixed=fixed)
            self._options = PlacesOptions().changed(declared)
        except ValueError as error:
            raise StartError(str(error)) from error
        self.add_on_set_parameters_callback(self._on_set)
        refuse_wrong_transitions(self, self._log)
        self._updater = Updater(self)
        name_entries(self._updater, self)
        self._updater.setHardwareID("none")
        # Not the node's clock: simulated time may stand still, and people look all the same.
        self.create_timer(LOOK_S, self._on_look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    async def autostart(self) -> None:
        """Configure and activate, if the parameter says so; where that fails, `failure` says why."""
        if not self._options.autostart:
            return
        try:
            for trigger, what in (
                (self.trigger_configure, "configured"),
                (self.trigger_activate, "activated"),
            ):
                if trigger() != TransitionCallbackReturn.SUCCESS:
                    self.failure = self._error or f"the node could not be {what}"
                    return
        except RuntimeError as error:
            self._log.warning(f"not started by itself, since somebody else changed the state: {error}")

    def end(self) -> None:
        """The process ends: place nobody more. ROS may be down already."""
        if self._placer is not None:
            self._placer.stop()

    def _on_set(self, changed: list[Any]) -> Any:
        """Check and take over. Nobody can refuse after this, and Humble has no callback that comes later."""
        changes = {parameter.name: parameter.value for parameter in changed}
        try:
            self._options = self._options.changed(changes, configured=self._state != "unconfigured")
        except (ValueError, TypeError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        for topics in self._topics:
            topics.options = self._options
        if self._placer is not None:
            self._placer.options = self._options
        return SetParametersResult(successful=True)

    # Lifecycle

    def on_configure(self, state: Any) -> Any:
        """Make the topics."""
        try:
            wiring, plain = NodeWiring(self, lifecycle=True), NodeWiring(self)
            if self._options.is_always_wanted:
                self._broadcaster = plain.publisher(TF, "/tf", depth=100)
            for name in self._options.camera_names:
                self._topics.append(topics := Topics(wiring, plain, name, self._options, self._log))
                self._updater.add(topics.title, self._report(topics))
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it
            return self._failed("configure", error)
        self._state = "inactive"
        return super().on_configure(state)

    def on_activate(self, state: Any) -> Any:
        """Place people, while somebody wants that."""
        result = super().on_activate(state)
        try:
            cameras = [topics.camera for topics in self._topics]
            for camera in cameras:
                camera.crowd.world.clear()
            give = cache(message_class)
            self._placer = Placer(
                cameras, self._options, give, serialize_message, self._tf, self._broadcast, self._log
            )
            for topics in self._topics:
                topics.start(self._placer)
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it
            return self._failed("activate", error)
        self._state = "active"
        self._on_look()
        self._log.info("active: people are placed while somebody listens")
        return result

    def _failed(self, what: str, error: Exception) -> Any:
        self._error = f"cannot {what}: {error}"
        self._log.error(self._error)
        self._release()
        return TransitionCallbackReturn.FAILURE

    def on_deactivate(self, state: Any) -> Any:
        """Neither listen nor publish."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: Any) -> Any:
        """Let go of the topics."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: Any) -> Any:
        """Let go of everything."""
        self._release()
        self._state = "finalized"
        return super().on_shutdown(state)

    def on_error(self, state: Any) -> Any:
        """Become unconfigured again."""
        del state
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def _stop(self) -> None:
        for topics in self._topics:
            topics.stop_listening()
        if self._placer is not None:
            self._placer.stop()
        self._placer = None
        self._tf.listen(wanted=False)
        if self._state == "active":
            self._state = "inactive"
            self._log.info("not active any more: nothing is read or published")

    def _release(self) -> None:
        self._stop()
        for topics in self._topics:
            self._updater.removeByName(topics.title)
            topics.destroy()
        if self._broadcaster is not None:
            NodeWiring(self).unpublish(self._broadcaster)
        self._topics, self._broadcaster, self._state = [], None, "unconfigured"

    # While it runs

    def _on_look(self) -> None:
        if self._state != "active":
            return
        for topics in self._topics:
            topics.look()
        self._tf.listen(wanted=any(topics.is_listening for topics in self._topics))

    def _broadcast(self, transforms: list[Any]) -> None:
        if transforms and self._broadcaster is not None:
            self._broadcaster.publish(message_class(TF)(transforms=transforms))

    def _report(self, topics: Topics) -> Callable[[Any], Any]:
        return lambda entry: fill(entry, status(topics, active=self._state == "active"))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop, and return the exit code."""
    return run(PeopleNode, args)


if __name__ == "__main__":
    sys.exit(main())
