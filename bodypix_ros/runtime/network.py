"""A model's networks on one device: compiled for each input size, with requests to run them."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import openvino as ov

from bodypix_ros.errors import DeviceError, PrecisionError, RangesError
from bodypix_ros.folders import user_cache
from bodypix_ros.runtime.devices import (
    candidates,
    int8_instructions,
    last_line,
    offers,
    precision_of,
    shared_core,
)
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.runtime.quantize import Rounding, computes_in_8_bits, quantized

Graph: TypeAlias = ov.Model
"""A model as it was read, not compiled yet."""

_log = logging.getLogger(__name__)

MAX_NETWORKS = 16
"""Compiled networks that are kept, one per input size; the one not used for longest goes first."""


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
            self._request.infer()
        except RuntimeError as error:
            raise DeviceError(last_line(error)) from error


class Network:
    """A model compiled for one input size, with its idle requests.

    Attributes:
        compiled: The ov.CompiledModel.
    """

    def __init__(self, compiled: ov.CompiledModel, requests: int) -> None:
        self.compiled = compiled
        self._idle: SimpleQueue[Request] = SimpleQueue()
        for _ in range(requests):
            self._idle.put(Request(compiled))

    def request(self) -> "_Loan":
        """Lend a request for the length of a `with`; waits while all are busy."""
        return _Loan(self._idle)


class _Loan:
    """A request, taken from the idle ones and given back."""

    __slots__ = ("_idle", "_request")

    def __init__(self, idle: "SimpleQueue[Request]") -> None:
        self._idle = idle

    def __enter__(self) -> Request:
        self._request = self._idle.get()
        return self._request

    def __exit__(self, *_: object) -> None:
        self._idle.put(self._request)


class _Slot:
    """Place of the network of one input size, empty until it is compiled."""

    def __init__(self, network: Network | None = None) -> None:
        self.lock = threading.Lock()
        self.network = network


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
        int8_by_default: bool = False,
        core: ov.Core | None = None,
    ) -> None:
        """Choose the device by compiling the model on it for `first_size`.

        Args:
            model: ov.Model with one float32 NHWC input of free height and width.
            outputs: Names of the outputs wanted; the others are not computed.
            placement: Where, and how.
            first_size: Height and width of the first network.
            rounding: For int8: how far its values reach.
            int8_by_default: Whether, where no precision is asked for, a CPU that is fast in 8 bits computes
                in them, if that is known.
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
        self._int8_by_default = int8_by_default and bool(self._rounding.ranges)
        self._quantized: Graph | None = None
        self._placement = placement
        self._cache_dir = _cache_folder(placement.cache_dir)
        self._lock = threading.Lock()
        self._slots: OrderedDict[tuple[int, int], _Slot] = OrderedDict()
        self._latest: tuple[tuple[int, int], Network] | None = None
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

    def network(self, height: int, width: int) -> Network:
        """The network for inputs of height x width, compiled at the first call for that size."""
        latest = self._latest
        if latest is not None and latest[0] == (height, width):
            return latest[1]  # most images have the size of the one before
        with self._lock:
            slot = self._slots.setdefault((height, width), _Slot())
            self._slots.move_to_end((height, width))
            if len(self._slots) > MAX_NETWORKS:
                self._slots.popitem(last=False)
        with slot.lock:  # whoever wants this size waits, the others go on
            if slot.network is None:
                slot.network = self._compile(self._chosen, height, width)
            self._latest = (height, width), slot.network
            return slot.network

    def is_compiled(self, height: int, width: int) -> bool:
        """Whether inputs of height x width need no compilation."""
        slot = self._slots.get((height, width))
        return slot is not None and slot.network is not None

    def _choose(self, devices: list[str], size: tuple[int, int]) -> None:
        failures: list[DeviceError | PrecisionError] = []
        for device in devices:
            try:
                network = self._compile(device, *size)
            except (DeviceError, PrecisionError) as error:
                _log.warning("%s does not run the model: %s", device, error)
                failures.append(error)
                continue
            self._chosen = device
            self._slots[size] = _Slot(network)
            _log.info("running on %s in %s", self.device, self.precision)
            if not device.startswith("CPU"):
                self._compare_with_cpu(network, size)
            return
        reasons = "; ".join(f"{d}: {e}" for d, e in zip(devices, failures, strict=True))
        message = f"no device runs the model: {reasons or 'there is none'}"
        if any(isinstance(error, PrecisionError) for error in failures):
            raise PrecisionError("precision", message)
        raise DeviceError(message)

    def _compile(self, device: str, height: int, width: int) -> Network:
        on_cpu = device.startswith("CPU")
        finest = "f32" if on_cpu else "f16"
        in_8_bits = self._int8_by_default and on_cpu and int8_instructions() and self._fits_8_bits()
        wanted = self._placement.precision or ("int8" if in_8_bits else finest)
        if wanted == "int8" and "int8" not in offers(self._core, device):
            raise self._refused(device, wanted, "does not compute in 8 bits")
        # What a graph for 8 bits leaves finer; the hint says nothing of what it does not.
        rest = finest if wanted == "int8" else wanted
        hint = self._placement.performance_hint
        config = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": rest}
        if self._placement.threads and device.startswith("CPU"):
            config["INFERENCE_NUM_THREADS"] = str(self._placement.threads)
        if self._cache_dir is not None and not device.startswith("CPU"):
            config["CACHE_DIR"] = str(self._cache_dir)
        try:
            compiled = self._core.compile_model(self._static(wanted, height, width), device, config)
        except RuntimeError as error:
            raise DeviceError(last_line(error)) from error
        given = precision_of(compiled.get_property("INFERENCE_PRECISION_HINT"))
        if given != rest or (wanted == "int8" and not computes_in_8_bits(compiled)):
            raise self._refused(device, wanted, f"would run in {given} instead")
        self.precision = wanted
        self.device = ", ".join(compiled.get_property("EXECUTION_DEVICES"))
        if device.startswith("CPU"):
            self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        with self._lock:
            self.networks_compiled += 1
        self.requests = 1
        if hint == "THROUGHPUT":
            # One more than the device works on, for whoever prepares or decodes meanwhile.
            self.requests = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) + 1
        return Network(compiled, self.requests)

    def _refused(self, device: str, wanted: str, reason: str) -> PrecisionError:
        offered = ", ".join(offers(self._core, device)) or "nothing known"
        return PrecisionError(
            "precision", f"precision {wanted} was asked of {device}, which {reason}; it offers: {offered}"
        )

    def _static(self, precision: str, height: int, width: int) -> Graph:
        model = (self._in_8_bits() if precision == "int8" else self._model).clone()
        model.reshape([1, height, width, 3])
        return model

    def _fits_8_bits(self) -> bool:
        """Whether what is known of the values is of this model; nobody has asked for 8 bits."""
        try:
            self._in_8_bits()
        except RangesError as error:
            _log.warning("not computed in 8 bits, which would be faster: %s", error)
            self._int8_by_default = False
        return self._int8_by_default

    def _in_8_bits(self) -> Graph:
        if self._quantized is None:
            self._quantized = quantized(self._model, self._rounding)
        return self._quantized

    def _compare_with_cpu(self, network: Network, size: tuple[int, int]) -> None:
        """Warn if the device's first result differs from the CPU's: NPUs have been silently wrong."""
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        try:
            graph = self._static(self.precision, *size)
            cpu = Request(self._core.compile_model(graph, "CPU", config))
        except RuntimeError as error:
            _log.warning("the results of %s could not be compared with a CPU's: %s", self.device, error)
            return
        with network.request() as request:
            pattern = np.sin(np.arange(request.input.size, dtype=np.float32) * np.float32(0.37))
            request.input[:] = cpu.input[:] = pattern.reshape(request.input.shape)
            request.infer()
            cpu.infer()
            for name, expected in cpu.outputs.items():
                error_share = np.abs(request.outputs[name] - expected).max() / max(
                    np.abs(expected).max(), 1e-6
                )
                if not error_share < 0.05:  # also catches NaN
                    _log.warning(
                        "%s computes something else than the CPU: output %s differs by %.0f %% of its "
                        "largest value; results may be wrong (try another device or precision)",
                        self.device, name, 100 * error_share,
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
