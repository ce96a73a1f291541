"""The table of families. Reading it imports neither OpenVINO nor a kernel."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from typing import Any, Final, Protocol, TypeVar

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS
from bodypix_ros.errors import OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.options import Option, options_of, replace
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE, OriginalOptions, PeopleOptions
from bodypix_ros.segmenters.bodypix.presets import PRESETS
from bodypix_ros.segmenters.selfie.options import SelfieOptions

ALGORITHM: Final = "algorithm"
"""The option that chooses one of a family's algorithms: which options there are, and their defaults."""


class ModelOptions(Protocol):
    """What the options of every family have: a frozen dataclass of fields made with `option`.

    Those of streams and details come of `DetailOptions`, which all of them inherit from.
    """

    def in_stream(self) -> "ModelOptions":
        """The options that a stream's images are seen with."""

    @property
    def segmentation_threshold(self) -> float:
        """A pixel is a person's where the probability is above this."""

    @property
    def confidence(self) -> bool:
        """Whether the probability of person per pixel is wanted."""

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold."""

    @property
    def besides(self) -> tuple[str, ...]:
        """The models of details that are needed besides, by their names in the catalogue."""


@dataclass(frozen=True, slots=True)
class Family:
    """What there is to know of a family without loading a model.

    Attributes:
        seer: Its `segmenters.base.Seer`, as "module:Class".
        options: A frozen dataclass of its options.
        keypoints: The names of a person's keypoints.
        parts: Whether it labels body parts.
        metres: Whether keypoints have metres.
        algorithm: The value of the option `algorithm` that these options are for; empty: there is one only.
        others: The options of its other algorithms, by that value.
        presets: Named settings: values of options, by name.
    """

    seer: str
    options: type[ModelOptions]
    keypoints: tuple[str, ...] = ()
    parts: bool = False
    metres: bool = False
    algorithm: str = ""
    others: Mapping[str, type[ModelOptions]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def algorithms(self) -> dict[str, type[ModelOptions]]:
        """The options of all its algorithms, by the value of the option `algorithm`, the default's first."""
        return {self.algorithm: self.options, **self.others}

    def options_for(self, given: Mapping[str, Any]) -> type[ModelOptions]:
        """The options of the algorithm that is asked for; an unknown one is left to them to refuse.

        Args:
            given: Options by name.
        """
        algorithm = given.get(ALGORITHM)
        return self.others.get(algorithm, self.options) if isinstance(algorithm, str) else self.options

    def preset(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a preset adds to the options that are given, which win.

        Args:
            name: Of the preset; one that the family does not have adds nothing.
            given: Options by name.
        """
        more = {option: value for option, value in self.presets.get(name, {}).items() if option not in given}
        own = options_of(self.options_for({**more, **given}))
        return {option: value for option, value in more.items() if option in own}

    def elsewhere(self, own: type[ModelOptions], names: Iterable[str]) -> dict[str, str]:
        """Which options one algorithm does not have, but another: their names, and that algorithm.

        Args:
            own: The options of the one.
            names: Of options; what no algorithm has is left out.
        """
        return {
            name: algorithm
            for name in names
            if name not in options_of(own)
            for algorithm, options in self.algorithms.items()
            if name in options_of(options)
        }

    @property
    def gives(self) -> frozenset[str]:
        """Those of "keypoints", "parts" and "metres" that it knows."""
        known = {"keypoints": bool(self.keypoints), "parts": self.parts, "metres": self.metres}
        return frozenset(name for name, there in known.items() if there)


FAMILIES: Final[dict[str, Family]] = {
    "bodypix": Family(
        "bodypix_ros.segmenters.bodypix.seer:BodyPix",
        PeopleOptions,
        KEYPOINTS,
        parts=True,
        algorithm=PEOPLE,
        others={ORIGINAL: OriginalOptions},
        presets=PRESETS,
    ),
    "selfie": Family("bodypix_ros.segmenters.selfie.seer:Selfie", SelfieOptions),
    "blazepose": Family(
        "bodypix_ros.segmenters.blazepose.seer:BlazePose", BlazePoseOptions, BLAZEPOSE_KEYPOINTS, metres=True
    ),
}
"""By the name that the catalogue has for them."""


def family_of(model: str) -> Family:
    """The family of a model.

    Raises:
        OptionError: No model is called so.
    """
    return FAMILIES[catalogue.model(model).family]


def presets() -> tuple[str, ...]:
    """The names of all families' presets."""
    return tuple(dict.fromkeys(name for family in FAMILIES.values() for name in family.presets))


M = TypeVar("M", bound=ModelOptions)


def changed(options: M, given: Mapping[str, Any]) -> M:
    """A checked copy of a model's options with other values.

    Args:
        options: Those of one algorithm of a family.
        given: Options by name.

    Raises:
        OptionError: An unknown option, one of another algorithm, or a value that may not be.
    """
    for family in FAMILIES.values():
        if type(options) in family.algorithms.values():
            for name, algorithm in family.elsewhere(type(options), given).items():
                raise OptionError(name, f'{name} is an option of algorithm="{algorithm}"; load with that')
    return replace(options, given)


def options_of_all(door: str = "") -> dict[str, Option]:
    """The options of all families, each saying which have it, and where its default differs.

    Args:
        door: Leave out those that are hidden from it.
    """
    declared = {
        (family, algorithm): options_of(options)
        for family, known in FAMILIES.items()
        for algorithm, options in known.algorithms.items()
    }
    names = dict.fromkeys(name for options in declared.values() for name in options)
    merged = {name: _merged(name, declared) for name in names}
    return {name: option for name, option in merged.items() if door not in option.hidden_from}


_Variant = tuple[str, str]
"""A family, and one of its algorithms."""


def _merged(name: str, declared: Mapping[_Variant, Mapping[str, Option]]) -> Option:
    there = {variant: options[name] for variant, options in declared.items() if name in options}
    first = next(iter(there.values()))
    notes = []
    if len(there) < len(declared):
        notes.append(f"{_names(there)} models only")
    others: dict[Any, list[_Variant]] = {}
    for variant, option in there.items():
        if option.default != first.default and name != ALGORITHM:
            others.setdefault(option.default, []).append(variant)
    notes += [f"{default} by default for {_names(variants)} models" for default, variants in others.items()]
    return with_fields(first, text="; ".join([first.text, *notes]))


def _names(variants: Collection[_Variant]) -> str:
    """The families, with the algorithms where not all of a family's are meant."""
    names = []
    for family in dict.fromkeys(family for family, _ in variants):
        meant = [algorithm for of, algorithm in variants if of == family]
        all_ = len(meant) == 1 + len(FAMILIES[family].others)
        names.append(family if all_ else f"{family} ({', '.join(meant)})")
    return " and ".join(names)
