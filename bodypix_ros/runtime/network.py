"""A model's networks on one device: compiled for each input size, with requests to run them."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import openvino as ov

from bodypix_ros.errors import DeviceError, PrecisionError, RangesError
from bodypix_ros.folders import user_cache
from bodypix_ros.runtime.comparison import Example, complaints
from bodypix_ros.runtime.devices import (
    candidates,
    executes_on,
    int8_instructions,
    kind_of,
    last_line,
    offers,
    precision_of,
    shared_core,
)
from bodypix_ros.runtime.placement import USUAL, Placement
from bodypix_ros.runtime.quantize import Rounding, computes_in_8_bits, quantized

Graph: TypeAlias = ov.Model
"""A model as it was read, not compiled yet."""

_log = logging.getLogger(__name__)

MAX_NETWORKS = 16
"""Input sizes whose compiled networks are kept; the one not used for longest goes first."""

_QUICK_FOR_NPU: Final = 481 * 481
"""Pixels of input that NPU compilers need a minute and a half for at most; see docs/devices.md."""


class Request:
    """One inference at a time on one compiled network, with buffers of its own.

    Attributes:
        input: float32 (h, w, 3), to be filled before `infer`.
        outputs: By tensor name, float32 (points_y, points_x, channels), overwritten by `infer`.
    """

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._request = compiled.create_infer_request()
        shape = tuple(compiled.input(0).shape)
        self.input: npt.NDArray[np.float32] = np.zeros(shape[1:], np.float32)
        self._request.set_input_tensor(ov.Tensor(self.input.reshape(shape), shared_memory=True))
        self.outputs: dict[str, npt.NDArray[np.float32]] = {}
        for index, port in enumerate(compiled.outputs):
            shape = tuple(port.shape)
            data = np.zeros(shape, np.float32)
            self._request.set_output_tensor(index, ov.Tensor(data, shared_memory=True))
            self.outputs[port.get_any_name()] = data[0]

    def infer(self) -> None:
        """Run the network; other Python threads go on meanwhile.

        Raises:
            DeviceError: It failed.
        """
        try:
            self._request.infer(share_outputs=True)  # else all of them are copied for the caller
        except RuntimeError as error:
            raise DeviceError(last_line(error)) from error


class Network:
    """A model compiled for one input size, with its requests.

    Attributes:
        compiled: The ov.CompiledModel.
    """

    def __init__(self, compiled: ov.CompiledModel, requests: int) -> None:
        """Make the first request. The others are made when all are busy: each has buffers on its device.

        Args:
            compiled: The compiled model.
            requests: The most that there may be.
        """
        self.compiled = compiled
        self._idle: SimpleQueue[Request] = SimpleQueue()
        self._idle.put(Request(compiled))
        self._unmade = threading.Semaphore(requests - 1)

    def request(self) -> "_Loan":
        """Lend a request for the length of a `with`; waits while all are busy.

        Raises:
            DeviceError: From the `with`: the device has no room for another one.
        """
        return _Loan(self)

    def take(self) -> Request:
        """An idle request, else another one while there may be more, else the next that comes back."""
        try:
            return self._idle.get_nowait()
        except Empty:
            if not self._unmade.acquire(blocking=False):
                return self._idle.get()
        try:
            return Request(self.compiled)
        except RuntimeError as error:
            self._unmade.release()
            raise DeviceError(last_line(error)) from error

    def give_back(self, request: Request) -> None:
        """Make a request idle."""
        self._idle.put(request)


class _Loan:
    """A request, taken from a network and given back."""

    __slots__ = ("_network", "_request")

    def __init__(self, network: Network) -> None:
        self._network = network

    def __enter__(self) -> Request:
        self._request = self._network.take()
        return self._request

    def __exit__(self, *_: object) -> None:
        self._network.give_back(self._request)


class _Slot:
    """Place of the networks of one input size, by how many inferences they do at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.networks: dict[int, Network] = {}


class Networks:
    """A model on a device, compiled when an input size is first seen.

    Attributes:
        device: What executes, as OpenVINO says: "GPU.0".
        precision: What it computes in: f32, f16 or int8.
        threads: Threads that it computes with; None where it has none to count.
        requests: How many inferences it works on at once.
        networks_compiled: How many networks were compiled so far.
        load_s: Seconds until the first of them was there.
    """

    def __init__(
        self,
        model: Graph,
        outputs: Sequence[str],
        placement: Placement,
        *,
        first_size: tuple[int, int],
        rounding: Rounding | None = None,
        preferred: Mapping[str, tuple[str, ...]] = USUAL,
        example: Example | None = None,
        core: ov.Core | None = None,
    ) -> None:
        """Choose the device by compiling the model on it for `first_size`.

        Args:
            model: ov.Model with one float32 NHWC input of free height and width.
            outputs: Names of the outputs wanted; the others are not computed.
            placement: Where, and how.
            first_size: Height and width of the first network.
            rounding: For int8: how far its values reach.
            preferred: By kind of device the precisions to run in where none is asked for: the first that the
                device offers; int8 only where `rounding` is of this model, and on a CPU that is fast in it.
            example: What a device's results are compared with a CPU's on; None: they are not.
            core: For tests: stands in for ov.Core().

        Raises:
            OptionError: Unknown device, or a precision that the device does not run in.
            RangesError: `rounding` is of another model, and int8 was asked for.
            DeviceError: No device compiles the model.
        """
        started = time.perf_counter()
        self._core = core if core is not None else shared_core()
        self._model = ov.Model(
            [model.output(name) for name in outputs], model.get_parameters(), model.get_friendly_name()
        )
        self._rounding = rounding or Rounding({})
        self._preferred, self._example = preferred, example
        self._quantized: Graph | None = None
        self._placement = placement
        self._cache_dir = _cache_folder(placement.cache_dir)
        self._lock = threading.Lock()
        self._slots: OrderedDict[tuple[int, int], _Slot] = OrderedDict()
        self._latest: tuple[tuple[int, int, int], Network] | None = None
        self._chosen = ""
        self.networks_compiled = 0
        self.requests = 0
        self.precision = ""
        self.device = ""
        self.threads: int | None = None
        self._choose(candidates(placement.device, self._core), first_size)
        self.load_s = time.perf_counter() - started

    @property
    def graph(self) -> Graph:
        """The model in f32, with the outputs wanted."""
        return self._model

    @property
    def chosen(self) -> str:
        """The device as OpenVINO takes it, so that another network can be put beside this one."""
        return self._chosen

    @property
    def at_once(self) -> int:
        """How many inferences are sooner done at once than in turn: two, where threads wait for one another.

        Layers are that short in 8 bits: docs/performance.md has the times.
        """
        shares = kind_of(self.device) == "CPU" and self.precision == "int8" and (self.threads or 1) > 1
        return 2 if shares and self._placement.performance_hint == "LATENCY" else 1

    def network(self, height: int, width: int, at_once: int = 1) -> Network:
        """The network for inputs of height x width, compiled at the first call for that size.

        Args:
            height: Of the input.
            width: Of the input.
            at_once: As many requests share a CPU's threads; 1: as the placement asks.
        """
        key, latest = (height, width, at_once), self._latest
        if latest is not None and latest[0] == key:
            return latest[1]  # most images have the size of the one before
        with self._lock:
            slot = self._slots.setdefault((height, width), _Slot())
            self._slots.move_to_end((height, width))
            if len(self._slots) > MAX_NETWORKS:
                self._slots.popitem(last=False)
        with slot.lock:  # whoever wants this size waits, the others go on
            if at_once not in slot.networks:
                slot.networks[at_once] = self._compile(self._chosen, *key)
            self._latest = key, slot.networks[at_once]
            return slot.networks[at_once]

    def is_compiled(self, height: int, width: int, at_once: int = 1) -> bool:
        """Whether inputs of height x width need no compilation."""
        slot = self._slots.get((height, width))
        return slot is not None and at_once in slot.networks

    def _choose(self, devices: list[str], size: tuple[int, int]) -> None:
        failures: list[DeviceError | PrecisionError] = []
        for device in devices:
            try:
                network = self._compile(device, *size)
                if kind_of(device) != "CPU" and self._example is not None:
                    self._compare_with_cpu(self._example, network, size)
            except (DeviceError, PrecisionError) as error:
                _log.warning("%s does not run the model: %s", device, error)
                failures.append(error)
                continue
            self._chosen = device
            self._slots[size] = _Slot()
            self._slots[size].networks[1] = network
            name = self._model.get_friendly_name()
            _log.info("%s runs on %s in %s", name, self.device, self.precision)
            return
        reasons = "; ".join(f"{d}: {e}" for d, e in zip(devices, failures, strict=True))
        message = f"no device runs the model: {reasons or 'there is none'}"
        if any(isinstance(error, PrecisionError) for error in failures):
            raise PrecisionError("precision", message)
        raise DeviceError(message)

    def _compile(self, device: str, height: int, width: int, at_once: int = 1) -> Network:
        kind, usual = kind_of(device), self._usual(device)
        wanted = self._placement.precision or usual[0]
        if wanted not in offers(self._core, device):
            raise self._refused(device, wanted, f"does not compute in {wanted.replace('int8', '8 bits')}")
        # What a graph for 8 bits leaves finer; the hint says nothing of what it does not.
        rest = wanted if wanted != "int8" else next(one for one in usual if one != "int8")
        hint = self._placement.performance_hint
        config = {"INFERENCE_PRECISION_HINT": rest}
        config |= {"NUM_STREAMS": str(at_once)} if at_once > 1 else {"PERFORMANCE_HINT": hint}
        if kind == "CPU":
            # Else every process binds its threads, and those that call it, to the same first cores.
            config["ENABLE_CPU_PINNING"] = "NO"
            if threads := self.threads or self._placement.threads:
                config["INFERENCE_NUM_THREADS"] = str(threads)
        if self._cache_dir is not None and kind != "CPU":
            config["CACHE_DIR"] = str(self._cache_dir)
        if kind == "GPU":
            # Else THROUGHPUT collects images for a batch of up to 256, a second long.
            config["ALLOW_AUTO_BATCHING"] = "NO"
        if kind == "NPU" and height * width > _QUICK_FOR_NPU:
            _log.warning(
                "compiling for inputs of %d x %d may take minutes: an NPU's compiler needed half a minute to "
                "more than eight for 1280 x 720; ask for smaller ones (base_size, internal_resolution)",
                width, height,
            )  # fmt: skip
        try:
            compiled = self._core.compile_model(self._static(wanted, height, width), device, config)
        except RuntimeError as error:
            raise DeviceError(last_line(error)) from error
        given = precision_of(compiled.get_property("INFERENCE_PRECISION_HINT"))
        if given != rest or (wanted == "int8" and not computes_in_8_bits(compiled)):
            raise self._refused(device, wanted, f"would run in {given} instead")
        with self._lock:
            self.networks_compiled += 1
        if at_once > 1:
            return Network(compiled, at_once)
        self.precision = wanted
        self.device = executes_on(compiled)
        if kind == "CPU":
            self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        self.requests = 1
        if hint == "THROUGHPUT":
            # One more than the device works on, for whoever prepares or decodes meanwhile.
            self.requests = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) + 1
        return Network(compiled, self.requests)

    def _usual(self, device: str) -> list[str]:
        """The precisions to run in where none is asked for, best first; one at least is not int8."""
        kind, offered = kind_of(device), offers(self._core, device)
        preferred = self._preferred.get(kind, ("f32",))
        usual = [precision for precision in preferred if precision in offered]
        if "int8" in usual and (self._placement.precision or not self._is_fast_in_8_bits(kind)):
            usual.remove("int8")
        return usual or [preferred[-1]]

    def _is_fast_in_8_bits(self, kind: str) -> bool:
        """Whether a device gains by 8 bits, and what is known of the values is of this model."""
        if not self._rounding.ranges or (kind == "CPU" and not int8_instructions()):
            return False
        try:
            self._in_8_bits()
        except RangesError as error:
            _log.warning("not computed in 8 bits, which would be faster: %s", error)
            self._rounding = Rounding({})  # nobody has asked for them, and it is said once
        return bool(self._rounding.ranges)

    def _refused(self, device: str, wanted: str, reason: str) -> PrecisionError:
        offered = ", ".join(offers(self._core, device)) or "nothing known"
        return PrecisionError(
            "precision", f"precision {wanted} was asked of {device}, which {reason}; it offers: {offered}"
        )

    def _static(self, precision: str, height: int, width: int) -> Graph:
        model = (self._in_8_bits() if precision == "int8" else self._model).clone()
        model.reshape([1, height, width, 3])
        return model

    def _in_8_bits(self) -> Graph:
        if self._quantized is None:
            self._quantized = quantized(self._model, self._rounding)
        return self._quantized

    def _compare_with_cpu(self, example: Example, network: Network, size: tuple[int, int]) -> None:
        """Warn if the device's first result differs from the CPU's by more than its precision explains."""
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        try:
            graph = self._static(self.precision, *size)
            cpu = Request(self._core.compile_model(graph, "CPU", config))
        except RuntimeError as error:
            _log.warning("the results of %s could not be compared with a CPU's: %s", self.device, error)
            return
        with network.request() as request:
            request.input[:] = cpu.input[:] = example.picture(*size)
            request.infer()
            cpu.infer()
            for complaint in complaints(request.outputs, cpu.outputs, example, self.precision):
                _log.warning(
                    "%s computes something else than the CPU: %s; results may be wrong (try another device "
                    "or precision)",
                    self.device, complaint,
                )  # fmt: skip


def _cache_folder(wanted: str) -> Path | None:
    """The folder for compiled networks, made if need be; None, with a warning, where it cannot be written."""
    cache = user_cache()
    if wanted:
        folder = Path(wanted)
    elif cache is not None:
        folder = cache / "compiled"
    else:
        _log.info("compiled networks are not kept, since this user has no home and no XDG_CACHE_HOME")
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled networks are not kept, since %s cannot be made: %s", folder, error)
        return None
    return folder
