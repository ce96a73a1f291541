"""Where a model runs, and how: what is asked for. Imports no OpenVINO."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bodypix_ros.options import check_all, option

AUTO: Final = ("GPU", "NPU", "CPU")
"""What "AUTO" tries, in this order. OpenVINO's own AUTO has hidden failing devices, so it is not used."""
PRECISIONS: Final = ("f32", "f16", "int8")
HINTS: Final = ("LATENCY", "THROUGHPUT")
USUAL: Final[Mapping[str, tuple[str, ...]]] = {"CPU": ("f32",), "GPU": ("f16", "f32"), "NPU": ("f16",)}
"""By kind of device the precisions that a model runs in where none is asked for: the first that can be had.

Families that lose too much by one, or little by a coarser one, say otherwise: docs/devices.md has the losses.
"""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs; a value that may not be is an OptionError that names it."""

    device: str = option(
        "AUTO",
        "AUTO (first of GPU, NPU, CPU that runs the model), a device, or an order such as GPU,CPU, of which "
        "those that are not here are left out and named",
        live=False,
        short="d",
    )
    precision: str = option(
        "",
        "f32, f16, int8 (BodyPix, where there are ranges), or empty: f32 on a CPU (int8 with algorithm people"
        " on one that is fast in it), f16 on a GPU (BlazePose: f32) or NPU",
        choices=("", *PRECISIONS),
        live=False,
    )
    ranges: str = option(
        "",
        "file of ranges for int8, as `bodypix models calibrate` makes them; empty: the model's own",
        live=False,
    )
    performance_hint: str = option(
        "LATENCY", "LATENCY: one frame at a time, THROUGHPUT: several", choices=HINTS, live=False
    )
    threads: int = option(
        0, "threads that a CPU computes with, 0: as OpenVINO chooses", low=0, high=1024, live=False
    )
    cache_dir: str = option(
        "", "folder for networks compiled for a GPU or NPU; empty: the user's cache", live=False, folder=True
    )

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
