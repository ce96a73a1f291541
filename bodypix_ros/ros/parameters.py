"""The parameters of the segmenter node: what there is, what it may be, what is refused and why."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.models import catalogue
from bodypix_ros.runtime import PRECISIONS
from bodypix_ros.segmenters.base import check_ranges, option, replace_options
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions

TRANSPORTS = ("raw", "compressed")
HINTS = ("LATENCY", "THROUGHPUT")

_CAMERA = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")


def _fixed(default: Any, text: str, **extra: Any) -> Any:
    """A parameter that is set before the node is configured, and checked by `NodeOptions` itself."""
    return option(default, text, live=False, checked_elsewhere=True, **extra)


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The node's own parameters; out of range: ValueError naming parameter, value and range."""

    model: str = _fixed(DEFAULT_MODEL, "the model's name; `bodypix models` lists them")
    device: str = _fixed(
        "AUTO", "AUTO (first of GPU, NPU, CPU that runs the model), a device, or an order: GPU,CPU"
    )
    precision: str = _fixed("", "f32, f16, or empty: f32 on a CPU, f16 on a GPU or NPU")
    performance_hint: str = _fixed("LATENCY", "LATENCY for one camera, THROUGHPUT for several")
    cameras: tuple[str, ...] = _fixed(
        ("",), "a topic prefix for each camera: [front, rear] reads front/image; empty: one camera, image"
    )
    input_transport: str = _fixed("raw", "raw reads image, compressed reads image/compressed")
    model_dir: str = _fixed("", "folder to look for model files in first; empty: only the usual ones")
    cache_dir: str = _fixed("", "folder for networks compiled for a GPU or NPU; empty: the user's cache")
    max_rate: float = option(0.0, "frames per second and camera at most, 0: no limit", low=0.0, high=1000.0)
    lazy: bool = option(True, "compute only what somebody subscribes to")
    enabled: bool = option(True, "process frames; ~/enable sets it, too")
    mono16_max: int = option(65535, "value of a mono16 image that is white", low=1, high=65535)

    def __post_init__(self) -> None:
        """Check all of them."""
        check_ranges(self)
        catalogue.model(self.model)
        _check_choice("precision", self.precision, ("", *PRECISIONS))
        _check_choice("performance_hint", self.performance_hint, HINTS)
        _check_choice("input_transport", self.input_transport, TRANSPORTS)
        if not self.device.strip():
            raise ValueError("device is empty, but must be AUTO, a device, or an order like GPU,CPU")
        for name in self.camera_names:
            if name and not _CAMERA.fullmatch(name):
                raise ValueError(
                    f"cameras has '{name}', but a camera's name must be a relative topic prefix: letters, "
                    "digits and _ with / between, such as front or robot/front"
                )
        if len(set(self.camera_names)) != len(self.camera_names):
            raise ValueError(f"cameras has a name twice: {', '.join(self.camera_names)}")

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return tuple(name for name in self.cameras if name) or ("",)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        allowed = ", ".join(choice or "empty" for choice in choices)
        raise ValueError(f"{name} is '{value}', but must be one of {allowed}")


PARAMETERS: dict[str, "dataclasses.Field[Any]"] = {
    field.name: field for kind in (NodeOptions, BodyPixOptions) for field in dataclasses.fields(kind)
}
"""All parameters: default and, in the metadata, text, low, high and live."""


def is_live(name: str) -> bool:
    """Whether a parameter may change while the node is configured."""
    return bool(PARAMETERS[name].metadata.get("live", True))


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force, checked."""

    node: NodeOptions = dataclasses.field(default_factory=NodeOptions)
    model: BodyPixOptions = dataclasses.field(default_factory=BodyPixOptions)

    def changed(self, changes: Mapping[str, Any], *, configured: bool = False) -> "Settings":
        """The settings after changes; names that are no parameters of ours are left aside.

        Args:
            changes: New values by parameter name.
            configured: Whether the model is loaded, or being loaded: only live parameters may change then.

        Raises:
            ValueError: The reason to refuse them; nothing has changed.
        """
        ours = {
            name: tuple(value) if isinstance(value, (list, tuple)) else value
            for name, value in changes.items()
            if name in PARAMETERS
        }
        before = {**_values(self.node), **_values(self.model)}
        for name, value in ours.items():
            if configured and not is_live(name) and value != before[name]:
                raise ValueError(
                    f"{name} can only be set while the node is unconfigured; deactivate and clean it up first"
                )
        node = {name: value for name, value in ours.items() if hasattr(self.node, name)}
        model = {name: value for name, value in ours.items() if name not in node}
        return Settings(replace_options(self.node, node), replace_options(self.model, model))

    def load_arguments(self) -> dict[str, Any]:
        """What `bodypix_ros.load` takes, but for the device; `live_options` follow before the first frame."""
        fixed = {name: value for name, value in _values(self.model).items() if not is_live(name)}
        return {
            "model": self.node.model,
            "precision": self.node.precision or None,
            "model_dir": self.node.model_dir or None,
            "cache_dir": self.node.cache_dir or None,
            "performance_hint": self.node.performance_hint,
            **(fixed if catalogue.model(self.node.model).family == "bodypix" else {}),
        }

    def live_options(self) -> dict[str, Any]:
        """The model's options that may change while it runs."""
        return {name: value for name, value in _values(self.model).items() if is_live(name)}


def _values(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
