"""The table of families. Reading it imports neither OpenVINO nor a kernel."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS
from bodypix_ros.models import catalogue
from bodypix_ros.options import Option, options_of
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions
from bodypix_ros.segmenters.selfie.options import SelfieOptions


class ModelOptions(Protocol):
    """What the options of every family have: a frozen dataclass of fields made with `option`."""

    @property
    def segmentation_threshold(self) -> float:
        """A pixel is a person's where the probability is above this."""

    @property
    def confidence(self) -> bool:
        """Whether the probability of person per pixel is wanted."""

    @property
    def most_persons(self) -> int:
        """The most that a Scene may hold."""


@dataclass(frozen=True, slots=True)
class Family:
    """What there is to know of a family without loading a model.

    Attributes:
        seer: Its `segmenters.base.Seer`, as "module:Class".
        options: A frozen dataclass of its options.
        keypoints: The names of a person's keypoints.
        parts: Whether it labels body parts.
        metres: Whether keypoints have metres.
    """

    seer: str
    options: type[ModelOptions]
    keypoints: tuple[str, ...] = ()
    parts: bool = False
    metres: bool = False

    @property
    def gives(self) -> frozenset[str]:
        """Those of "keypoints", "parts" and "metres" that it knows."""
        known = {"keypoints": bool(self.keypoints), "parts": self.parts, "metres": self.metres}
        return frozenset(name for name, there in known.items() if there)


FAMILIES: Final[dict[str, Family]] = {
    "bodypix": Family("bodypix_ros.segmenters.bodypix.seer:BodyPix", BodyPixOptions, KEYPOINTS, parts=True),
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


def options_of_all(door: str = "") -> dict[str, Option]:
    """The options of all families, each saying which have it, and where its default differs.

    Args:
        door: Leave out those that are hidden from it.
    """
    declared = {family: options_of(known.options) for family, known in FAMILIES.items()}
    names = dict.fromkeys(name for options in declared.values() for name in options)
    merged = {name: _merged(name, declared) for name in names}
    return {name: option for name, option in merged.items() if door not in option.hidden_from}


def _merged(name: str, declared: Mapping[str, Mapping[str, Option]]) -> Option:
    there = {family: options[name] for family, options in declared.items() if name in options}
    first = next(iter(there.values()))
    notes = []
    if len(there) < len(declared):
        notes.append(f"{' and '.join(there)} models only")
    others: dict[Any, list[str]] = {}
    for family, option in there.items():
        if option.default != first.default:
            others.setdefault(option.default, []).append(family)
    notes += [f"{default} by default for {' and '.join(names)} models" for default, names in others.items()]
    return replace(first, text="; ".join([first.text, *notes]))
