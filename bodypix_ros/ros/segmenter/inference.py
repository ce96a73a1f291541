"""The model behind the node: loaded in the background, and replaced where its device fails or hangs.

A native call cannot be cancelled. One that takes too long is given up together with its thread: the model is
loaded again, another thread goes on, and whatever the old one may still return is thrown away.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import AbandonedError, DeviceError, OptionError
from bodypix_ros.perception.load import load as load_model
from bodypix_ros.perception.segmenter import Segmenter, Stream, compile_ahead
from bodypix_ros.ros.segmenter.parameters import Settings
from bodypix_ros.ros.shared.log import Log
from bodypix_ros.ros.shared.threads import claim, in_background
from bodypix_ros.runtime.devices import devices, order
from bodypix_ros.scene import Scene

FAILURES = 3
"""After so many failures in a row a device is left; without another one, that is tried and said again after
twice as many, and so on."""
RELOADS = 3
"""So often the model is loaded again on a device that did not answer; after that the device is left."""
FORGIVEN_S = 600.0
"""After so many seconds a hang counts no more, if its call has come back by then: one that never does keeps a
thread and the model's memory, so there may only be a few of them."""
_LONGEST_STEP_S = 2.0
"""Between two checks no more than this is counted: a process that was stopped does not hang."""

T = TypeVar("T")


def devices_after(wanted: str, failed: str, available: Sequence[str]) -> list[str]:
    """The devices still to try, in order.

    Args:
        wanted: The parameter `device`: AUTO, a device, or several in order.
        failed: The device that failed, as OpenVINO calls it: "GPU.0".
        available: The devices that are here.
    """
    try:
        here = order(wanted, available)
    except OptionError:  # not one of them is here any more
        return []
    for name in (failed, failed.split(".")[0]):
        if name in here:
            return here[here.index(name) + 1 :]
    return here


@dataclass(slots=True, eq=False)
class _Loaded:
    """A segmenter with all that is known of it, so that both are replaced at once."""

    segmenter: Segmenter
    failures: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Turn:
    """An inference under way.

    Attributes:
        stream: Whose image it is.
        thread: Where it runs.
        waited_s: Seconds that the checks have counted so far.
    """

    stream: "InferenceStream"
    loaded: _Loaded
    began_s: float
    thread: threading.Thread = field(default_factory=threading.current_thread)
    waited_s: float = 0.0


class Inference:
    """A segmenter that survives its device. May be called from several threads."""

    def __init__(
        self,
        load: Callable[[str], Segmenter],
        device: str,
        available: Callable[[], Sequence[str]],
        log: Log,
    ) -> None:
        """Load the model.

        Args:
            load: Loads it for a device, or an order of devices.
            device: The parameter `device`.
            available: The devices that are here; asked only after failures.
            log: Gets told when a device is left, or the model loaded again.
        """
        self._load, self._wanted, self._available, self._log = load, device, available, log
        self._lock = threading.Lock()
        self._turns: set[Turn] = set()
        self._checked_s = -_LONGEST_STEP_S
        self._hangs: list[tuple[float, threading.Thread]] = []
        self._why, self._replacing, self._replacing_s, self._closed = "", False, 0.0, False
        self._afterwards: list[Callable[[], None]] = []
        self.left: tuple[str, ...] = ()
        self._loaded = _Loaded(load(device))

    @property
    def segmenter(self) -> Segmenter:
        """The one in use."""
        return self._loaded.segmenter

    def update(self, options: Mapping[str, Any]) -> None:
        """Bring the model's options to these values, leaving aside those that it does not have.

        Costs nothing where they are the same as the last time.
        """
        loaded = self._loaded
        if options != loaded.options:
            known = {field.name for field in dataclasses.fields(loaded.segmenter.options)}
            loaded.segmenter.update(**{name: value for name, value in options.items() if name in known})
            loaded.options = dict(options)

    def lacking(self, options: Mapping[str, Any]) -> list[str]:
        """What these options ask for and the model was found not to have: a sentence for each."""
        return [why for name, why in self.segmenter.lacking.items() if options.get(name)]

    def is_ready(self, height: int, width: int) -> bool:
        """Whether images of this size need no compilation any more."""
        return self.segmenter.is_ready(height, width)

    def prepare(self, height: int, width: int) -> None:
        """Compile for images of this size.

        Raises:
            DeviceError: The device failed.
        """
        loaded = self._loaded
        self._guarded(loaded, lambda: loaded.segmenter.prepare(height, width))

    def stream(self) -> "InferenceStream":
        """A stream for the images of one camera: models that follow people remember them in it."""
        return InferenceStream(self)

    def segment(
        self, stream: "InferenceStream", image: npt.NDArray[np.uint8], encoding: str, stamp: object
    ) -> Scene:
        """See people: what `InferenceStream.segment` does.

        Raises:
            DeviceError: The device failed; after FAILURES in a row the next one was loaded meanwhile.
            AbandonedError: It took so long that `give_up` has given it up.
        """
        loaded = self._loaded

        def watched() -> Scene:
            with self._turn(stream, loaded):
                return stream.of(loaded.segmenter).segment(image, encoding, stamp=stamp)

        return self._guarded(loaded, watched)

    def close(self) -> None:
        """Let go of the device."""
        with self._lock:
            self._closed = True
            self._afterwards.clear()
        self.segmenter.close()

    # What hangs

    def give_up(self, limit_s: float, now_s: float) -> list[Turn]:
        """Give up what takes too long, and have the model loaded again in the background.

        To be called once a second or so, so that a frame costs no more than a note of its beginning.

        Args:
            limit_s: Seconds that an inference may take; 0: any time.
            now_s: `time.monotonic()`.

        Returns:
            What was given up. Their threads are lost; see `afterwards` for when to go on.
        """
        given_up = []
        for turn in self._turns.copy():
            turn.waited_s += min(now_s - max(turn.began_s, self._checked_s), _LONGEST_STEP_S)
            if 0 < limit_s < turn.waited_s and claim(self._turns, turn):
                given_up.append(turn)
                self._hung(turn, limit_s, now_s)
        self._checked_s = now_s
        return given_up

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call something once there is a model that may answer: now, later, or never where there is none."""
        with self._lock:
            if self._replacing:
                self._afterwards.append(call)
            if self._why or self._closed:
                return
        call()

    def fault(self, now_s: float) -> str:
        """Why nothing is computed at the moment; empty where something is."""
        why = self._why
        if why and self._replacing:
            return (
                f"{why}; a model is being loaded in its place, for {now_s - self._replacing_s:.0f} s so far"
            )
        return why

    def hangs(self, now_s: float) -> int:
        """How often an inference did not end; those that are over, and long ago, are forgiven."""
        return sum(now_s - when_s < FORGIVEN_S or thread.is_alive() for when_s, thread in self._hangs)

    @contextmanager
    def _turn(self, stream: "InferenceStream", loaded: _Loaded) -> Generator[None]:
        turn = Turn(stream, loaded, time.monotonic())
        self._turns.add(turn)
        try:
            yield
        finally:
            if not claim(self._turns, turn):
                raise AbandonedError

    def _hung(self, turn: Turn, limit_s: float, now_s: float) -> None:
        with self._lock:
            if turn.loaded is not self._loaded or self._why:
                return  # the model was, is being or cannot be replaced already
            self._hangs = [hang for hang in self._hangs if now_s - hang[0] < FORGIVEN_S or hang[1].is_alive()]
            self._hangs.append((now_s, turn.thread))
            device, count = self.segmenter.device, len(self._hangs)
            self._why = (
                f"the model on {device} has not answered for {turn.waited_s:.0f} s (inference_timeout is "
                f"{limit_s:g} s){f', for the {count}th time' if count > 1 else ''}"
            )
            self._replacing, self._replacing_s = True, now_s
        # Even asking which devices there are may hang as well.
        in_background(lambda: self._recover(device, leave=count > RELOADS), "reload")

    def _recover(self, device: str, *, leave: bool) -> None:
        """Load the model again: on the same device, or on those after it."""
        try:
            loaded = self._next(device) if leave else _Loaded(self._load(device))
        except Exception as error:  # noqa: BLE001 - whatever it is, the node stands still, and says so
            with self._lock:
                self._replacing = False
                self._afterwards.clear()
                self._why += (
                    f"; it cannot be replaced, and the node stands still: {error}. See to the device and its "
                    "driver, then clean up, configure and activate the node, or start it again"
                )
            self._log.error(self._why)
            return
        self._log.warning(f"{self._why}; it was replaced, and {loaded.segmenter.device} executes now")
        self._settle(loaded, left=device if leave else "")

    def _next(self, device: str) -> _Loaded:
        """Load the model on the devices after one that is to be left."""
        rest = devices_after(self._wanted, device, self._available())
        if not rest:
            raise RuntimeError("no other device is left")
        try:
            return _Loaded(self._load(",".join(rest)))
        except Exception as error:
            raise RuntimeError(f"{', '.join(rest)} cannot be used: {error}") from error

    def _settle(self, loaded: _Loaded | None = None, *, left: str = "") -> None:
        """Go on: with another model, or with the same."""
        with self._lock:
            if loaded is not None and self._closed:
                loaded.segmenter.close()
            elif loaded is not None:
                self._loaded = loaded
            if left:
                self.left += (left,)
                self._hangs = []
            self._why, self._replacing = "", False
            waiting, self._afterwards = self._afterwards, []
        for call in waiting:
            call()

    # What fails

    def _guarded(self, loaded: _Loaded, call: Callable[[], T]) -> T:
        try:
            result = call()
        except DeviceError:
            self._failed(loaded)
            raise
        loaded.failures = 0
        return result

    def _failed(self, loaded: _Loaded) -> None:
        with self._lock:
            if loaded is not self._loaded or self._why:
                return  # the model was, is being or cannot be replaced already
            loaded.failures += 1
            rounds, rest = divmod(loaded.failures, FAILURES)
            if rest or rounds & (rounds - 1):
                return
            device = loaded.segmenter.device
            self._why = why = f"{device} failed {loaded.failures} times in a row"
            self._replacing, self._replacing_s = True, time.monotonic()
        try:
            following = self._next(device)
        except Exception as error:  # noqa: BLE001 - the device may yet recover, so it is kept
            self._log.error(f"{why}, and {error}")
            self._settle()
            return
        self._log.warning(f"{why} and is left; {following.segmenter.device} executes now")
        self._settle(following, left=device)


class InferenceStream:
    """The images of one camera, in their order, whichever segmenter sees them. For one thread at a time."""

    def __init__(self, inference: Inference) -> None:
        """What `Inference.stream` gives; nothing is asked of the model yet."""
        self._inference = inference
        self._segmenter: Segmenter | None = None
        self._stream: Stream | None = None

    def segment(self, image: npt.NDArray[np.uint8], encoding: str, stamp: object = None) -> Scene:
        """See people, as `perception.segmenter.Stream.segment` does.

        Args:
            image: uint8 (H, W, C), or (H, W) for mono8.
            encoding: rgb8, bgr8, rgba8, bgra8 or mono8.
            stamp: When the image was taken; an object with `sec` and `nanosec`.

        Raises:
            DeviceError: The device failed; after FAILURES in a row the next one was loaded meanwhile.
            AbandonedError: It took so long that it was given up.
        """
        return self._inference.segment(self, image, encoding, stamp)

    def of(self, segmenter: Segmenter) -> Stream:
        """The segmenter's own stream; when the segmenter was replaced a new one, of the same people."""
        if self._stream is None or segmenter is not self._segmenter:
            self._segmenter, self._stream = segmenter, segmenter.stream(self._stream)
        return self._stream


def load(settings: Settings, log: Log) -> Inference:
    """Load the model that the settings name.

    Raises:
        MissingModelError: The model's files are not here; names what to get and where to put it.
        ValueError: Unknown device, or something that the device does not do.
        RuntimeError: No device compiles the model.
    """
    compile_ahead()  # what is switched on later may not hold a camera up

    def load_for(device: str) -> Segmenter:
        return load_model(device=device, **settings.load_arguments())

    return Inference(load_for, settings.node.device, lambda: [d.name for d in devices()], log)
