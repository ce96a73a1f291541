"""The parameters of the segmenter node: what there is, what is refused and why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bodypix_ros.errors import OptionError
from bodypix_ros.options import Option, check_all, like, option, options_of, values_of
from bodypix_ros.options import replace as checked
from bodypix_ros.perception.options import LoadOptions
from bodypix_ros.ros.messages.ids import checked_prefix
from bodypix_ros.ros.shared.cameras import CameraOptions, camera_names
from bodypix_ros.runtime.placement import HINTS, Placement
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from bodypix_ros.segmenters.families import ALGORITHM, FAMILIES, family_of, options_of_all


@dataclass(frozen=True, slots=True)
class NodeOptions(LoadOptions):
    """The node's own parameters; a value that may not be is an OptionError that names it."""

    performance_hint: str = like(
        Placement,
        "performance_hint",
        default="AUTO",
        choices=("AUTO", *HINTS),
        text="LATENCY: one frame at a time, THROUGHPUT: several; AUTO: by the number of cameras",
    )
    cameras: tuple[str, ...] = option(
        ("",),
        "a topic prefix for each camera: [front, rear] reads front/image; empty: one camera, image",
        live=False,
    )
    id_prefix: str = option(
        "",
        'text before the ids of people, so that several cameras\' people differ: "front" gives front7; '
        "{camera} in it stands for the camera's name, and has to be quoted in YAML: '{camera}_'",
        live=False,
    )
    input_transport: str = like(CameraOptions, "input_transport")
    max_rate: float = like(CameraOptions, "max_rate")
    lazy: bool = option(True, "compute only what somebody subscribes to")
    idle_timeout: float = option(
        5.0,
        "seconds in which nobody wants anything until images are not even received, 0: never",
        low=0.0,
        high=3600.0,
    )
    enabled: bool = option(True, "process frames; ~/enable sets it, too")
    inference_timeout: float = option(
        10.0,
        "seconds until an inference that does not end is given up and the model loaded again, 0: never",
        low=0.0,
        high=3600.0,
    )
    bond_heartbeat_period: float = option(
        0.0,
        "seconds between heartbeats to nav2_lifecycle_manager, 0.1 for Nav2's own nodes; 0: no bond, which "
        "the manager's bond_timeout must be told, too",
        low=0.0,
        high=4.0,
        live=False,
    )
    mono16_max: int = like(CameraOptions, "mono16_max")

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
        family_of(self.model)
        if not self.device.strip():
            raise OptionError(
                "device", "device is empty, but must be AUTO, a device, or an order like GPU,CPU"
            )
        camera_names(self.cameras)
        _ = self.id_prefixes

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return camera_names(self.cameras)

    @property
    def id_prefixes(self) -> dict[str, str]:
        """What stands before the ids of people, by camera."""
        return {name: checked_prefix(self.id_prefix, name) for name in self.camera_names}

    @property
    def hint(self) -> str:
        """The performance hint that OpenVINO gets: LATENCY or THROUGHPUT."""
        if self.performance_hint != "AUTO":
            return self.performance_hint
        return "THROUGHPUT" if len(self.camera_names) > 1 else "LATENCY"


AUTOSTART = Option(
    "autostart", True, "configure and activate by itself; false: wait for lifecycle transitions", live=False
)
"""The parameter that the node itself reads, at its start only."""


def node_parameters() -> Mapping[str, Option]:
    """The node's own parameters."""
    return options_of(NodeOptions)


def parameters() -> dict[str, Option]:
    """All parameters: the node's own and those of all families; models may have other defaults."""
    return {**node_parameters(), **options_of_all("node")}


def model_parameters(model: str, given: Mapping[str, Any]) -> dict[str, Option]:
    """The options of all families, with the defaults of one model.

    Args:
        model: Its name.
        given: Values by name: of the algorithms of the model's family, they tell which, and the preset.

    Raises:
        OptionError: No model is called so.
    """
    family, name = family_of(model), given.get("preset", "")
    algorithm = {ALGORITHM: given[ALGORITHM]} if ALGORITHM in given else {}
    preset = family.preset(name, algorithm)
    own = options_of(family.options_for({**preset, **algorithm}))
    defaults = {name: preset.get(name, known.default) for name, known in own.items()}
    # The algorithm decides, and its default is not its own: it is the preset's, or that of all.
    defaults.pop(ALGORITHM, None)
    defaults |= {key: value for key, value in family.preset(name, {}).items() if key == ALGORITHM}
    return {
        name: replace(known, default=defaults.get(name, known.default))
        for name, known in options_of_all("node").items()
    }


@dataclass(frozen=True)
class Settings:
    """The values in force, checked. What every frame asks of them is worked out once.

    Attributes:
        node: The node's own.
        model: The options of the model's family.
        given: The models' options that were set, of whatever family; the others have the model's defaults.
    """

    node: NodeOptions = field(default_factory=NodeOptions)
    model: Any = field(default_factory=PeopleOptions)
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def declared(cls, declare: Callable[[Iterable[Option]], dict[str, Any]]) -> "Settings":
        """The settings of a node: those that decide the defaults of others are declared before these.

        Args:
            declare: Declares options as parameters, and gives their values by name.

        Raises:
            OptionError: A value that may not be.
        """
        values = declare(node_parameters().values())
        values |= declare([model_parameters(values["model"], values)[ALGORITHM]])
        others = model_parameters(values["model"], values)
        values |= declare([option for name, option in others.items() if name not in values])
        return cls().changed(values)

    def changed(self, changes: Mapping[str, Any], *, configured: bool = False) -> "Settings":
        """The settings after changes; names that are no parameters of ours are left aside.

        Args:
            changes: New values by parameter name.
            configured: Whether the model is loaded, or being loaded: only live parameters may change then.

        Raises:
            OptionError: The reason to refuse them; nothing has changed.
        """
        known, of_node = parameters(), node_parameters()
        ours = {
            name: tuple(value) if isinstance(value, (list, tuple)) else value
            for name, value in changes.items()
            if name in known
        }
        before = self.values()
        for name, value in ours.items():
            if configured and not known[name].live and value != before[name]:
                raise OptionError(
                    name,
                    f"{name} can only be set while the node is unconfigured; "
                    "deactivate and clean it up first",
                )
        node = checked(self.node, {name: value for name, value in ours.items() if name in of_node})
        given = {**self.given, **{name: value for name, value in ours.items() if name not in of_node}}
        # Those of all families are checked, so that nothing bad is kept.
        models = {
            options: _chosen(options(), {**family.preset(node.preset, given), **given})
            for family in FAMILIES.values()
            for options in family.algorithms.values()
        }
        family = family_of(node.model)
        model = models[family.options_for({**family.preset(node.preset, given), **given})]
        options = model_parameters(node.model, {**values_of(node), **given})
        defaults = {name: known.default for name, known in options.items()}
        return Settings(node, model, {name: v for name, v in given.items() if v != defaults[name]})

    def without_effect(self) -> dict[str, str]:
        """What was set and the model or its algorithm in use does not have: a sentence for each, by name."""
        family, preset = family_of(self.node.model), self.node.preset
        elsewhere = family.elsewhere(type(self.model), self.given)
        idle = {"preset": f"preset has no effect: {self.node.model} has none"}
        return (idle if preset and preset not in family.presets else {}) | {
            name: f"{name} has no effect: it is for algorithm: {algorithm}"
            for name, algorithm in elsewhere.items()
        }

    @cached_property
    def gives(self) -> frozenset[str]:
        """What the model knows, as `Family.gives`."""
        return family_of(self.node.model).gives

    def values(self) -> dict[str, Any]:
        """All parameters by name; those that the model does not have, too."""
        options = model_parameters(self.node.model, {**values_of(self.node), **self.given})
        defaults = {name: known.default for name, known in options.items()}
        return {**values_of(self.node), **defaults, **self.given}

    def load_arguments(self) -> dict[str, Any]:
        """What `bodypix_ros.load` takes, but for the device; `live_options` follow before the first frame."""
        fixed = {name: value for name, value in values_of(self.model).items() if not self._is_live(name)}
        return {
            "model": self.node.model,
            "precision": self.node.precision or None,
            "ranges": self.node.ranges or None,
            "model_dir": self.node.model_dir or None,
            "cache_dir": self.node.cache_dir or None,
            "performance_hint": self.node.hint,
            "threads": self.node.threads or None,
            **fixed,
        }

    @cached_property
    def live_options(self) -> Mapping[str, Any]:
        """The model's options that may change while it runs."""
        return {name: value for name, value in values_of(self.model).items() if self._is_live(name)}

    def _is_live(self, name: str) -> bool:
        return options_of(self.model)[name].live


def _chosen(options: Any, given: Mapping[str, Any]) -> Any:
    """A family's options with those of the given values that it has."""
    known = options_of(options)
    return checked(options, {name: value for name, value in given.items() if name in known})
