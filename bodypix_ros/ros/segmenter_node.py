"""The segmenter node: camera images in, masks, part labels and keypoints out.

It wires parameters, topics and mailboxes; whatever decides something is in the modules beside it.
"""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from diagnostic_updater import Updater
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNodeMixin, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from rclpy.task import Future as RosFuture
from std_srvs.srv import SetBool

from bodypix_ros.errors import StartError
from bodypix_ros.ros.messages.types import nanoseconds, ros_types
from bodypix_ros.ros.segmenter import diagnostics
from bodypix_ros.ros.segmenter.inference import Inference
from bodypix_ros.ros.segmenter.loading import Loading
from bodypix_ros.ros.segmenter.parameters import AUTOSTART, Settings, model_parameters
from bodypix_ros.ros.segmenter.pipeline import Pipeline
from bodypix_ros.ros.segmenter.topics import Topics
from bodypix_ros.ros.segmenter.watching import Watch
from bodypix_ros.ros.shared.bond import Heart
from bodypix_ros.ros.shared.node import NodeLog, NodeWiring, declare, fill, name_entries, run


class SegmenterNode(LifecycleNodeMixin, Node):  # type: ignore[misc]
    """Its topics and parameters are in docs/nodes.md."""

    def __init__(self, **arguments: Any) -> None:
        """Declare the parameters; nothing is loaded yet.

        Args:
            arguments: For `rclpy.node.Node`.

        Raises:
            StartError: A parameter has a wrong type or value.
        """
        Node.__init__(self, "segmenter", **arguments)
        # A group of their own, so that other requests are answered while one waits for a model.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self.failure: str | None = None
        self._log = NodeLog(self.get_logger())
        self._state, self._error = "unconfigured", ""
        self._loading: Loading | None = None
        self._waiting: list[Any] = []
        self._wake = self.create_guard_condition(self._on_loaded)
        self._inference: Inference | None = None
        self._pipeline: Pipeline | None = None
        self._topics: list[Topics] = []
        self._heart: Heart | None = None
        self._settings = self._declare()
        self.add_on_set_parameters_callback(self._on_set)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self._updater = Updater(self)
        name_entries(self._updater, self)
        self._updater.setHardwareID("none")
        self._updater.add("model", self._on_model_diagnostics)
        # Not the node's clock: simulated time may stand still, which is when this matters.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0, self._on_check, clock=steady)
        look = self.create_guard_condition(self._on_look)
        self._watch = Watch(look.trigger, lambda: self._state == "active")
        self._intercept_configure()

    # Parameters

    def _declare(self) -> Settings:
        fixed = "only while the node is unconfigured"
        declare(self, [AUTOSTART])
        try:
            return Settings.declared(lambda options: declare(self, options, fixed=fixed))
        except ValueError as error:
            raise StartError(str(error)) from error

    def _on_set(self, changed: list[Any]) -> Any:
        """Check and take over. Nobody can refuse after this, and Humble has no callback that comes later."""
        configured = self._state != "unconfigured" or self._loading is not None
        changes = {parameter.name: parameter.value for parameter in changed}
        try:
            self._settings = self._settings.changed(changes, configured=configured)
        except (ValueError, TypeError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        if configured:
            for name in changes.keys() & (idle := self._settings.without_effect()).keys():
                self._log.warning(idle[name])
        if self._pipeline is not None:
            self._pipeline.settings = self._settings
        return SetParametersResult(successful=True)

    def _show_defaults(self) -> None:
        """Have the parameters say what is in force, where the model was changed after they were declared."""
        values = self._settings.values()
        for name in model_parameters(self._settings.node.model, {}):
            if self.get_parameter(name).value != values[name]:
                self.set_parameters([Parameter(name, value=values[name])])

    def _on_enable(self, request: Any, response: Any) -> Any:
        (result,) = self.set_parameters([Parameter("enabled", value=request.data)])
        response.success, response.message = result.successful, result.reason
        return response

    # Lifecycle

    def _intercept_configure(self) -> None:
        """Load before the transition: rclpy's transitions are synchronous, and would hold up all callbacks.

        Where rclpy keeps the service under another name, `on_configure` waits instead.
        """
        service = getattr(self, "_service_change_state", None)
        if service is None:
            return
        change_state = service.callback

        async def load_first(request: Any, response: Any) -> Any:
            transition = request.transition
            if transition.id == Transition.TRANSITION_CONFIGURE or transition.label == "configure":
                await self._loaded()
            try:
                return change_state(request, response)
            except RuntimeError as error:  # before Kilted a wrong transition would end the process
                self._log.error(f"transition {transition.label or transition.id} is not possible: {error}")
                response.success = False
                return response

        service.callback = load_first

    async def autostart(self) -> None:
        """Configure and activate, if the parameter says so; where that fails, `failure` says why."""
        if not self.get_parameter("autostart").value:
            return
        await self._loaded()
        try:
            if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
                self.failure = self._error or "the node could not be configured"
            elif self.trigger_activate() != TransitionCallbackReturn.SUCCESS:
                self.failure = self._error or "the node could not be activated"
        except RuntimeError as error:
            self._log.warning(f"not started by itself, since somebody else changed the state: {error}")

    def _load(self) -> Loading:
        if self._loading is None:
            self._show_defaults()
            self._error = ""
            self._loading = Loading(self._settings, self._log, self._wake_up)
        return self._loading

    def _wake_up(self) -> None:
        with contextlib.suppress(Exception):  # the node may be gone by now
            self._wake.trigger()

    def _on_loaded(self) -> None:
        waiting_for, self._waiting = self._waiting, []
        for future in waiting_for:
            future.set_result(None)

    async def _loaded(self) -> None:
        """Wait until the model is loaded, or that failed, while other callbacks go on."""
        if self._state != "unconfigured" or self._load().is_over:
            return
        future = RosFuture()
        self._waiting.append(future)
        await future

    def on_configure(self, state: Any) -> Any:
        """Take the loaded model, and make the topics."""
        try:
            try:
                self._inference = self._load().wait(self.context.ok)
            finally:
                self._loading = None
            self._pipeline = Pipeline(
                self._inference,
                self._settings,
                ros_types(),
                serialize_message,
                self._age_ms,
                self._log,
            )
            wiring = NodeWiring(self, lifecycle=True)
            for name in self._settings.node.camera_names:
                self._topics.append(topics := Topics(wiring, name, self._settings, self._log))
                self._updater.add(topics.title, self._camera_diagnostics(topics))
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it
            self._error = f"cannot configure: {error}"
            self._log.error(self._error)
            self._release()
            return TransitionCallbackReturn.FAILURE
        segmenter = self._inference.segmenter
        self._updater.setHardwareID(segmenter.device)
        self._log.info(
            f"{segmenter.model} runs on {segmenter.device} in {segmenter.precision}, "
            f"loaded in {segmenter.load_s:.1f} s"
        )
        self._state = "inactive"
        return super().on_configure(state)

    def on_activate(self, state: Any) -> Any:
        """Publish, and listen to the cameras."""
        pipeline = self._pipeline
        assert pipeline is not None
        if fault := pipeline.inference.fault(time.monotonic()):
            self._log.error(f"cannot activate: {fault}")
            return TransitionCallbackReturn.FAILURE
        result = super().on_activate(state)
        cameras = [topics.camera for topics in self._topics]
        pipeline.start(cameras)
        try:
            for topics in self._topics:
                topics.listen(pipeline)
            self._form_bond()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it
            self._error = f"cannot activate: {error}"
            self._log.error(self._error)
            return TransitionCallbackReturn.ERROR
        self._state = "active"
        self._log.info(f"active: reading {', '.join(topics.topic for topics in self._topics)}")
        return result

    def _form_bond(self) -> None:
        period_s = self._settings.node.bond_heartbeat_period
        if period_s > 0:
            self._heart = heart = Heart(NodeWiring(self), self.get_name(), period_s)
            self._beating = self.create_timer(
                period_s, lambda: heart.beat(self._stamp()), clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
            heart.beat(self._stamp())

    def _break_bond(self) -> None:
        heart, self._heart = self._heart, None
        if heart is not None:
            self.destroy_timer(self._beating)
            heart.stop(self._stamp())

    def _stamp(self) -> Any:
        return self.get_clock().now().to_msg()

    def on_deactivate(self, state: Any) -> Any:
        """Neither listen nor publish."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: Any) -> Any:
        """Let go of topics and model."""
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

    def end(self) -> None:
        """The process ends: take no more frames. ROS may be down already."""
        if self._pipeline is not None:
            self._pipeline.stop()

    def _stop(self) -> None:
        self._break_bond()
        for topics in self._topics:
            topics.stop_listening()
        if self._pipeline is not None:
            self._pipeline.stop()
        if self._state == "active":
            self._state = "inactive"
            self._log.info("not active any more: nothing is read or published")

    def _release(self) -> None:
        self._stop()
        for topics in self._topics:
            self._updater.removeByName(topics.title)
            topics.destroy()
        self._topics, self._pipeline, self._loading = [], None, None
        if self._inference is not None:
            self._inference.close()
        self._inference = None
        self._state = "unconfigured"

    # Diagnostics

    def _age_ms(self, stamp: Any) -> float | None:
        stamp_ns = nanoseconds(stamp)
        return (self.get_clock().now().nanoseconds - stamp_ns) / 1e6 if stamp_ns else None

    def _on_check(self) -> None:
        if self._loading is not None:
            self._loading.say(time.monotonic())
        if self._state != "active" or self._pipeline is None:
            return
        self._pipeline.check(time.monotonic())
        for topics in self._topics:
            topics.check()
        self._on_look()

    def _on_look(self) -> None:
        for topics in self._topics:
            topics.look(time.monotonic())
        self._watch.over(self._topics)

    def _on_model_diagnostics(self, entry: Any) -> Any:
        running, now_s = self._inference, time.monotonic()
        segmenter = running.segmenter if running is not None else None
        status = diagnostics.node_status(
            state="loading" if self._loading is not None else self._state,
            model=self._settings.node.model,
            device=segmenter.device if segmenter is not None else "",
            precision=segmenter.precision if segmenter is not None else "",
            left=running.left if running is not None else (),
            networks=segmenter.networks_compiled if segmenter is not None else 0,
            load_s=segmenter.load_s if segmenter is not None else 0.0,
            loading_s=self._loading.seconds(now_s) if self._loading is not None else 0.0,
            hangs=running.hangs(now_s) if running is not None else 0,
            lacking=running.lacking(self._settings.live_options) if running is not None else (),
            error=self._error or (running.fault(now_s) if running is not None else ""),
        )
        return fill(entry, status)

    def _camera_diagnostics(self, topics: Topics) -> Callable[[Any], Any]:
        def report(entry: Any) -> Any:
            now_s, running, compilation = time.monotonic(), self._inference, topics.camera.compiling
            status = diagnostics.camera_status(
                topics.camera.statistics,
                active=self._state == "active",
                enabled=self._settings.node.enabled,
                waiting=topics.outage_text,
                fault=running.fault(now_s) if running is not None else "",
                compiling=f"compiling for images of {compilation.size}" if compilation is not None else "",
                compiling_s=now_s - compilation.began_s if compilation is not None else 0.0,
                resting=topics.publishers(),
                slow=self._pipeline.slow if self._pipeline is not None else "",
                notes=topics.notes(),
                now_s=now_s,
            )
            return fill(entry, status)

        return report


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop, and return the exit code."""
    return run(SegmenterNode, args)


if __name__ == "__main__":
    sys.exit(main())
