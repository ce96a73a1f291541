"""The devices that OpenVINO sees: which to try in which order, and what they say of themselves."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from llvmlite import binding

from bodypix_ros.errors import OptionError
from bodypix_ros.runtime.placement import AUTO

try:
    import openvino as ov
except ImportError as error:  # pragma: no cover
    raise ImportError("OpenVINO is not installed; type: pip install 'openvino>=2025.0'") from error

_log = logging.getLogger(__name__)

_WITHOUT_VNNI: Final = ("SSE41", "AVX", "AVX2", "AVX512_CORE")
"""What ONEDNN_MAX_CPU_ISA may hold OpenVINO's kernels to, of instructions that have no VNNI."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that OpenVINO sees: "GPU.0", its name in full, the precisions that it offers.

    `int8_by` are the instructions that make 8 bits fast on a CPU, "AMX" or "VNNI"; empty where it has none,
    and for other devices.
    """

    name: str
    full_name: str
    precisions: tuple[str, ...]
    int8_by: str = ""


def devices(core: ov.Core | None = None) -> list[Device]:
    """The devices that OpenVINO sees here.

    Args:
        core: For tests: stands in for ov.Core().
    """
    core = core if core is not None else shared_core()
    return [
        Device(
            name,
            str(core.get_property(name, "FULL_DEVICE_NAME")).strip(),
            tuple(offers(core, name)),
            int8_instructions() if name.startswith("CPU") else "",
        )
        for name in core.available_devices
    ]


@cache
def shared_core() -> ov.Core:
    """The ov.Core of this process, never let go of.

    Its CPU plugin gives the main thread a stack for signal handlers. The second of two brings back that of
    the first when it ends, which may be gone by then: Ctrl-C would be a segmentation fault.
    """
    return ov.Core()


def order(wanted: str, available: Sequence[str]) -> list[str]:
    """The devices to try, in order. Absent ones in a list are left out, and that is logged.

    Args:
        wanted: "AUTO", a device, or several with commas between.
        available: Those that are here, as OpenVINO lists them: "CPU", "GPU" where there is one, else "GPU.0",
            "GPU.1". Networks say that they execute on "GPU.0" in both cases, and OpenVINO takes both names.

    Raises:
        OptionError: None of those that are named is here.
    """
    if wanted.strip().upper() == "AUTO":
        return [name for kind in AUTO for name in available if kind_of(name) == kind]
    names = [name.strip().upper() for name in wanted.split(",") if name.strip()]
    if "AUTO" in names:
        raise OptionError(
            "device", f"device is {wanted!r:.80}, but AUTO stands alone: it tries {', '.join(AUTO)}"
        )
    known = {
        *available,
        *(kind_of(name) for name in available),
        *(f"{name}.0" for name in available if "." not in name),
    }
    here = [name for name in names if name in known]
    absent = ", ".join(name for name in names if name not in here)
    there = ", ".join(available) or "none"
    if not here:
        raise OptionError("device", f"device '{absent or wanted}' is not here; there is: {there}, or AUTO")
    if absent:
        _log.warning("%s: not here, left out of %s; there is: %s", absent, wanted, there)
    return here


def candidates(wanted: str, core: ov.Core) -> list[str]:
    """The devices to try, in order.

    Raises:
        OptionError: None of those that are named is here.
    """
    if wanted.strip().upper() == "CPU":
        return ["CPU"]  # always here; asking what there is would load the plugins of all others, 40 MB
    return order(wanted, core.available_devices)


def kind_of(device: str) -> str:
    """What kind a device is of: "GPU" of "GPU.0"."""
    return device.split(".")[0]


def last_line(error: Exception) -> str:
    """The line of OpenVINO's messages that says what was wrong; the others say where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def precision_of(value: Any) -> str:
    """OpenVINO's type in our spelling: f32, f16, bf16."""
    text = value.to_string() if hasattr(value, "to_string") else str(value)
    return {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}.get(text, text)


def executes_on(compiled: ov.CompiledModel) -> str:
    """The device that a compiled network runs on: "CPU", "GPU.0", "NPU"."""
    names = compiled.get_property("EXECUTION_DEVICES")
    # A list of names, but an NPU's plugin says one, as text.
    return names if isinstance(names, str) else ", ".join(names)


def offers(core: ov.Core, device: str) -> list[str]:
    """The precisions that a device says it computes in."""
    capabilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    known = {"FP32": "f32", "FP16": "f16", "BF16": "bf16", "INT8": "int8"}
    return [known[capability] for capability in capabilities if capability in known]


@cache
def int8_instructions() -> str:
    """What this CPU adds products of bytes up with, in 32 bits: "AMX", "VNNI", or empty.

    Without them OpenVINO adds pairs of products in 16 bits, which saturates, and gains less. OpenVINO itself
    does not tell: its CPU offers INT8 in any case.
    """
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _WITHOUT_VNNI:
        return ""
    there = binding.get_host_cpu_features()
    if there.get("amx-int8"):
        return "AMX"
    return "VNNI" if there.get("avx512vnni") or there.get("avxvnni") else ""
