"""OpenVINO: which device, which precision, one compiled network per input size, requests, timings."""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PrecisionError

try:
    import openvino as ov
except ImportError as error:  # pragma: no cover
    raise ImportError("OpenVINO is not installed; type: pip install 'openvino>=2025.0'") from error

_log = logging.getLogger(__name__)

AUTO = ("GPU", "NPU", "CPU")
"""What "AUTO" tries, in this order. OpenVINO's own AUTO has hidden failing devices, so it is not used."""
PRECISIONS = ("f32", "f16")
MAX_NETWORKS = 16
"""Compiled networks that are kept, one per input size; the one not used for longest goes first."""

Hint = Literal["LATENCY", "THROUGHPUT"]
HINTS: tuple[Hint, ...] = get_args(Hint)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that OpenVINO sees: "GPU.0", its name in full, the precisions that it offers."""

    name: str
    full_name: str
    precisions: tuple[str, ...]


@dataclass(slots=True)
class Timings:
    """Milliseconds of one call of `segment`: before, in and after the network."""

    pre_ms: float = 0.0
    infer_ms: float = 0.0
    post_ms: float = 0.0


class Request:
    """One inference at a time on one compiled network, with buffers of its own.

    Attributes:
        input: float32 (h, w, 3), to be filled before `infer`.
        outputs: By tensor name, float32 (points_y, points_x, channels), overwritten by `infer`.
    """

    def __init__(self, compiled: Any) -> None:
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
        """Run the network; other Python threads go on meanwhile."""
        self._request.infer()


class Network:
    """A model compiled for one input size, with its idle requests.

    Attributes:
        compiled: The ov.CompiledModel.
    """

    def __init__(self, compiled: Any, requests: int) -> None:
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


class Runtime:
    """A model on a device, compiled when an input size is first seen."""

    def __init__(
        self,
        model: Any,
        outputs: Sequence[str],
        *,
        device: str = "AUTO",
        precision: str | None = None,
        cache_dir: str | Path | None = None,
        performance_hint: Hint = "LATENCY",
        first_size: tuple[int, int],
        core: Any = None,
    ) -> None:
        """Choose the device by compiling the model on it for `first_size`.

        Args:
            model: ov.Model with one float32 NHWC input of free height and width.
            outputs: Names of the outputs wanted; the others are not computed.
            device: "AUTO", a device, or several in order of preference: "GPU,CPU".
            precision: "f32", "f16" or None: f32 on a CPU, f16 elsewhere.
            cache_dir: Where compiled networks are kept between runs; None: the user's cache.
            performance_hint: LATENCY for one camera, THROUGHPUT for several.
            first_size: Height and width of the first network.
            core: For tests: stands in for ov.Core().

        Raises:
            ValueError: Unknown device, or a precision that the device does not run in.
            RuntimeError: No device compiles the model.
        """
        started = time.perf_counter()
        if precision is not None and precision not in PRECISIONS:
            raise PrecisionError(
                "precision", f"precision is '{precision}', but must be one of {', '.join(PRECISIONS)} or None"
            )
        if performance_hint not in HINTS:
            raise ValueError(f"performance_hint is '{performance_hint}', but must be {' or '.join(HINTS)}")
        self._core = core if core is not None else _shared_core()
        self._model = ov.Model(
            [model.output(name) for name in outputs], model.get_parameters(), model.get_friendly_name()
        )
        self._wanted_precision = precision
        self._cache_dir = _cache_dir(cache_dir)
        self._hint = performance_hint
        self._lock = threading.Lock()
        self._slots: OrderedDict[tuple[int, int], _Slot] = OrderedDict()
        self._latest: tuple[tuple[int, int], Network] | None = None
        self._chosen = ""
        self.networks_compiled = 0
        self.requests = 0
        self.precision = ""
        self.device = ""
        self.threads: int | None = None
        self._choose(_candidates(device, self._core), first_size)
        self.load_s = time.perf_counter() - started

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

    def _choose(self, candidates: list[str], size: tuple[int, int]) -> None:
        failures: list[RuntimeError | PrecisionError] = []
        for device in candidates:
            try:
                network = self._compile(device, *size)
            except (RuntimeError, PrecisionError) as error:
                _log.warning("%s does not run the model: %s", device, _last_line(error))
                failures.append(error)
                continue
            self._chosen = device
            self._slots[size] = _Slot(network)
            _log.info("running on %s in %s", self.device, self.precision)
            if not device.startswith("CPU"):
                self._compare_with_cpu(network, size)
            return
        reasons = "; ".join(f"{d}: {_last_line(e)}" for d, e in zip(candidates, failures, strict=True))
        message = f"no device runs the model: {reasons or 'there is none'}"
        if any(isinstance(error, PrecisionError) for error in failures):
            raise PrecisionError("precision", message)
        raise RuntimeError(message)

    def _compile(self, device: str, height: int, width: int) -> Network:
        wanted = self._wanted_precision or ("f32" if device.startswith("CPU") else "f16")
        config = {"PERFORMANCE_HINT": self._hint, "INFERENCE_PRECISION_HINT": wanted}
        if self._cache_dir is not None and not device.startswith("CPU"):
            config["CACHE_DIR"] = str(self._cache_dir)
        compiled = self._core.compile_model(self._static(height, width), device, config)
        given = _precision(compiled.get_property("INFERENCE_PRECISION_HINT"))
        if given != wanted:
            offers = ", ".join(_offers(self._core, device)) or "nothing known"
            raise PrecisionError(
                "precision",
                f"precision {wanted} was asked of {device}, which would run in {given} instead; "
                f"it offers: {offers}",
            )
        self.precision = given
        self.device = ", ".join(compiled.get_property("EXECUTION_DEVICES"))
        if device.startswith("CPU"):
            self.threads = int(compiled.get_property("INFERENCE_NUM_THREADS"))
        with self._lock:
            self.networks_compiled += 1
        self.requests = 1
        if self._hint == "THROUGHPUT":
            # One more than the device works on, for whoever prepares or decodes meanwhile.
            self.requests = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) + 1
        return Network(compiled, self.requests)

    def _static(self, height: int, width: int) -> Any:
        model = self._model.clone()
        model.reshape([1, height, width, 3])
        return model

    def _compare_with_cpu(self, network: Network, size: tuple[int, int]) -> None:
        """Warn if the device's first result differs from the CPU's: NPUs have been silently wrong."""
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        try:
            cpu = Request(self._core.compile_model(self._static(*size), "CPU", config))
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


def devices(core: Any = None) -> list[Device]:
    """The devices that OpenVINO sees here."""
    core = core if core is not None else _shared_core()
    return [
        Device(name, str(core.get_property(name, "FULL_DEVICE_NAME")).strip(), tuple(_offers(core, name)))
        for name in core.available_devices
    ]


@cache
def _shared_core() -> Any:
    """The one of this process, never let go of.

    Its CPU plugin gives the main thread a stack for signal handlers. The second of two brings back that of
    the first when it ends, which may be gone by then: Ctrl-C would be a segmentation fault.
    """
    return ov.Core()


def _candidates(wanted: str, core: Any) -> list[str]:
    """Devices to try, in order. Raises ValueError for one that is not here."""
    if wanted.strip().upper() == "CPU":
        return ["CPU"]  # always here; asking what there is would load the plugins of all others, 40 MB
    available: list[str] = core.available_devices
    if wanted.upper() == "AUTO":
        return [name for kind in AUTO for name in available if name.split(".")[0] == kind]
    names = [name.strip().upper() for name in wanted.split(",")]
    for name in names:
        if name not in available and name not in {there.split(".")[0] for there in available}:
            raise ValueError(
                f"device '{name}' is not here; there is: {', '.join(available) or 'none'}, or AUTO"
            )
    return names


def _last_line(error: Exception) -> str:
    """The line of OpenVINO's messages that says what was wrong; the others say where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _precision(value: Any) -> str:
    """OpenVINO's type in our spelling: f32, f16, bf16."""
    text = value.to_string() if hasattr(value, "to_string") else str(value)
    return {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}.get(text, text)


def _offers(core: Any, device: str) -> list[str]:
    capabilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    return [
        {"FP32": "f32", "FP16": "f16", "BF16": "bf16"}[c]
        for c in capabilities
        if c in ("FP32", "FP16", "BF16")
    ]


def _cache_dir(wanted: str | Path | None) -> Path | None:
    """The folder for compiled networks, made if need be; None, with a warning, where it cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(wanted) if wanted is not None else base / "bodypix_ros" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled networks are not kept, since %s cannot be made: %s", folder, error)
        return None
    return folder
