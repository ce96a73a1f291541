"""The parameters of the segmenter node: what there is, what it may be, what is refused and why."""

import dataclasses
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.models import catalogue
from bodypix_ros.runtime import HINTS, PRECISIONS
from bodypix_ros.segmenters.base import check_ranges, option, replace_options
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions
from bodypix_ros.segmenters.selfie.options import SelfieOptions

TRANSPORTS = ("raw", "compressed")

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
    performance_hint: str = _fixed(
        "AUTO", "LATENCY: one frame at a time, THROUGHPUT: several; AUTO: by the number of cameras"
    )
    cameras: tuple[str, ...] = _fixed(
        ("",), "a topic prefix for each camera: [front, rear] reads front/image; empty: one camera, image"
    )
    input_transport: str = _fixed("raw", "raw reads image, compressed reads image/compressed")
    model_dir: str = _fixed("", "folder to look for model files in first; empty: only the usual ones")
    cache_dir: str = _fixed("", "folder for networks compiled for a GPU or NPU; empty: the user's cache")
    max_rate: float = option(0.0, "frames per second and camera at most, 0: no limit", low=0.0, high=1000.0)
    lazy: bool = option(True, "compute only what somebody subscribes to")
    enabled: bool = option(True, "process frames; ~/enable sets it, too")
    inference_timeout: float = option(
        10.0,
        "seconds until an inference that does not end is given up and the model loaded again, 0: never",
        low=0.0,
        high=3600.0,
    )
    mono16_max: int = option(65535, "value of a mono16 image that is white", low=1, high=65535)

    def __post_init__(self) -> None:
        """Check all of them."""
        check_ranges(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, str) and not isinstance(value, str):
                raise ValueError(f"{field.name} is {value!r:.80}, but must be text")
        names: Any = self.cameras
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"cameras is {names!r:.80}, but must be a list of names, like [front, rear]")
        catalogue.model(self.model)
        _check_choice("precision", self.precision, ("", *PRECISIONS))
        _check_choice("performance_hint", self.performance_hint, ("AUTO", *HINTS))
        _check_choice("input_transport", self.input_transport, TRANSPORTS)
        if not self.device.strip():
            raise ValueError("device is empty, but must be AUTO, a device, or an order like GPU,CPU")
        for name in self.camera_names:
            if name and not _CAMERA.fullmatch(name):
                raise ValueError(
                    f"cameras has {name!r:.80}, but a camera's name must be a relative topic prefix: "
                    "letters, digits and _ with / between, such as front or robot/front"
                )
        if len(set(self.camera_names)) != len(self.camera_names):
            raise ValueError(f"cameras has a name twice: {', '.join(self.camera_names):.80}")

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return tuple(name for name in self.cameras if name) or ("",)

    @property
    def hint(self) -> str:
        """The performance hint that OpenVINO gets: LATENCY or THROUGHPUT."""
        if self.performance_hint != "AUTO":
            return self.performance_hint
        return "THROUGHPUT" if len(self.camera_names) > 1 else "LATENCY"


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        allowed = ", ".join(choice or "empty" for choice in choices)
        raise ValueError(f"{name} is {value!r:.80}, but must be one of {allowed}")


FAMILIES: Final[Mapping[str, Any]] = MappingProxyType(
    {"bodypix": BodyPixOptions, "selfie": SelfieOptions, "blazepose": BlazePoseOptions}
)
"""The options of each family of models."""


def _family(model: str) -> str:
    return catalogue.model(model).family


def _fields_of(family: str) -> "dict[str, dataclasses.Field[Any]]":
    return {field.name: field for field in dataclasses.fields(FAMILIES[family])}


def _described(name: str) -> "dataclasses.Field[Any]":
    """A model's option with what it says about families: where it is, and where its default differs."""
    fields = {family: _fields_of(family).get(name) for family in FAMILIES}
    there = {family: field for family, field in fields.items() if field is not None}
    first = next(iter(there.values()))
    notes = []
    if len(there) < len(FAMILIES):
        notes.append(f"{' and '.join(there)} models only")
    others: dict[Any, list[str]] = {}
    for family, field in there.items():
        if field.default != first.default:
            others.setdefault(field.default, []).append(family)
    notes += [f"{default} by default for {' and '.join(names)} models" for default, names in others.items()]
    result = copy(first)
    text = "; ".join([first.metadata["text"], *notes])
    result.metadata = MappingProxyType({**first.metadata, "text": text})
    return result


NODE_PARAMETERS: Final = {field.name: field for field in dataclasses.fields(NodeOptions)}
"""The node's own parameters."""

PARAMETERS: Final[dict[str, "dataclasses.Field[Any]"]] = NODE_PARAMETERS | {
    name: _described(name) for family in FAMILIES for name in _fields_of(family)
}
"""All parameters: default and, in the metadata, text, low, high and live. Models may have other defaults."""


def model_parameters(model: str) -> "dict[str, dataclasses.Field[Any]]":
    """The options of all models, with the defaults of this one."""
    own, result = _fields_of(_family(model)), {}
    for name, field in PARAMETERS.items():
        if name not in NODE_PARAMETERS:
            result[name] = copy(field)
            result[name].default = own.get(name, field).default
    return result


def is_live(name: str) -> bool:
    """Whether a parameter may change while the node is configured."""
    return bool(PARAMETERS[name].metadata.get("live", True))


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force, checked.

    Attributes:
        node: The node's own.
        model: The options of the model's family.
        given: The models' options that were set, of whatever family; the others have the model's defaults.
    """

    node: NodeOptions = dataclasses.field(default_factory=NodeOptions)
    model: Any = dataclasses.field(default_factory=BodyPixOptions)
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)

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
        before = self.values()
        for name, value in ours.items():
            if configured and not is_live(name) and value != before[name]:
                raise ValueError(
                    f"{name} can only be set while the node is unconfigured; deactivate and clean it up first"
                )
        of_node = {name: value for name, value in ours.items() if name in NODE_PARAMETERS}
        node: NodeOptions = replace_options(self.node, of_node)
        given = {**self.given, **{name: value for name, value in ours.items() if name not in of_node}}
        models = {family: _options(family, given) for family in FAMILIES}  # all, so that nothing bad is kept
        model = models[_family(node.model)]
        defaults = {name: field.default for name, field in model_parameters(node.model).items()}
        return Settings(node, model, {name: v for name, v in given.items() if v != defaults[name]})

    def values(self) -> dict[str, Any]:
        """All parameters by name; those that the model does not have, too."""
        defaults = {name: field.default for name, field in model_parameters(self.node.model).items()}
        return {**_values(self.node), **defaults, **self.given}

    def load_arguments(self) -> dict[str, Any]:
        """What `bodypix_ros.load` takes, but for the device; `live_options` follow before the first frame."""
        return {
            "model": self.node.model,
            "precision": self.node.precision or None,
            "model_dir": self.node.model_dir or None,
            "cache_dir": self.node.cache_dir or None,
            "performance_hint": self.node.hint,
            **{name: value for name, value in _values(self.model).items() if not is_live(name)},
        }

    def live_options(self) -> dict[str, Any]:
        """The model's options that may change while it runs."""
        return {name: value for name, value in _values(self.model).items() if is_live(name)}


def _options(family: str, given: Mapping[str, Any]) -> Any:
    known = _fields_of(family)
    return replace_options(FAMILIES[family](), {name: v for name, v in given.items() if name in known})


def _values(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
