"""Options: each is declared once, as a field of a frozen dataclass, and everything else reads it from there.

ROS parameters, the options of commands, checks and the tables of the documentation all come of `options_of`.
"""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, TypeVar

from bodypix_ros.errors import OptionError

_KEY = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of one option.

    Attributes:
        name: In Python and ROS; commands spell it with dashes.
        default: Its type is the option's; a tuple is a list of texts.
        text: What it means, as part of a sentence.
        low: The least value; None for what is no number.
        high: The largest value.
        choices: The texts that are allowed; empty: any.
        live: Whether it may change while a model is loaded.
        dynamic: Whether it may be of another type than its default, such as a word or a number; its class
            checks it.
        hidden_from: Doors that do not offer it: "node", "run", "bag", "eval".
        short: One letter for commands.
        folder: Whether it is a folder's name.
        words: Words for some of its values, and these, where it is a word or a number.
        formerly: Older names, which are accepted and said to be old.
    """

    name: str
    default: Any
    text: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = True
    dynamic: bool = False
    hidden_from: tuple[str, ...] = ()
    short: str = ""
    folder: bool = False
    words: tuple[tuple[str, float], ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def kind(self) -> type:
        """The type of its values: bool, int, float, str or tuple."""
        return type(self.default)

    def plain(self, values: Any) -> Any:
        """The value that an object of its class has, words as the numbers that they stand for."""
        value = getattr(values, self.name)
        return dict(self.words).get(value, value) if isinstance(value, str) else value

    def check(self, value: Any) -> None:
        """Check a value.

        Raises:
            OptionError: It is of another type, out of range, or none of the choices.
        """
        if self.dynamic:
            return
        if self.kind is bool:
            good = _is_bool(value)
            wanted = "True or False"
        elif self.kind is str:
            good = isinstance(value, str) and (not self.choices or value in self.choices)
            wanted = f"one of {', '.join(c or 'empty' for c in self.choices)}" if self.choices else "text"
        elif self.kind is tuple:
            good = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
            wanted = "a list of names"
        else:
            whole = self.kind is int
            good = isinstance(value, Integral if whole else Real) and not _is_bool(value)
            good = good and self.low is not None and self.high is not None and self.low <= value <= self.high
            wanted = f"{'a whole number' if whole else 'a number'} from {self.low} to {self.high}"
        if not good:
            raise OptionError(self.name, f"{self.name} is {value!r:.80}, but must be {wanted}")


def _is_bool(value: Any) -> bool:
    """Whether it is Python's bool or numpy's, which is not imported for that."""
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def option(
    default: Any,
    text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    live: bool = True,
    dynamic: bool = False,
    hidden_from: Sequence[str] = (),
    short: str = "",
    folder: bool = False,
    words: Mapping[str, float] | None = None,
    formerly: Sequence[str] = (),
) -> Any:
    """Declare an option: a field of a frozen dataclass. The arguments are those of `Option`."""
    known = Option(
        "",
        default,
        text,
        low,
        high,
        tuple(choices),
        live,
        dynamic,
        tuple(hidden_from),
        short,
        folder,
        tuple((words or {}).items()),
        tuple(formerly),
    )  # its name is the field's
    return dataclasses.field(default=default, metadata={_KEY: known})


def like(declared: Any, name: str, **changes: Any) -> Any:
    """Declare an option that another class has declared, but for some changes.

    Args:
        declared: That class.
        name: The option's name there.
        changes: Attributes of `Option`.
    """
    known = dataclasses.replace(options_of(declared)[name], **changes)
    return dataclasses.field(default=known.default, metadata={_KEY: known})


def options_of(declared: Any) -> Mapping[str, Option]:
    """The options that a dataclass declares, by name.

    Args:
        declared: The class, or an object of it.
    """
    return _declared_by(declared if isinstance(declared, type) else type(declared))


@cache
def _declared_by(declared: Any) -> Mapping[str, Option]:
    return MappingProxyType(
        {
            field.name: dataclasses.replace(field.metadata[_KEY], name=field.name)
            for field in dataclasses.fields(declared)
            if _KEY in field.metadata
        }
    )


def check_all(values: Any) -> None:
    """Check the values of an object whose class declares options; for `__post_init__`.

    Raises:
        OptionError: The first that may not be so.
    """
    for name, known in options_of(values).items():
        known.check(getattr(values, name))


def values_of(values: Any) -> dict[str, Any]:
    """The values of an object whose class declares options, by name."""
    return {name: getattr(values, name) for name in options_of(values)}


def older_names(known: Mapping[str, Option]) -> dict[str, str]:
    """What options were called before -> what they are called now.

    Args:
        known: The options by name.
    """
    return {older: name for name, one in known.items() for older in one.formerly}


D = TypeVar("D")


def replace(values: D, changes: Mapping[str, Any]) -> D:
    """A checked copy with other values. An option's older names are accepted, with a FutureWarning.

    Raises:
        OptionError: An unknown option, or a value that may not be.
    """
    known = options_of(values)
    now = older_names(known)
    for name in now.keys() & changes:
        warnings.warn(f"{name} is now called {now[name]}", FutureWarning, stacklevel=3)
    changes = {now.get(name, name): value for name, value in changes.items()}
    for name in changes:
        if name not in known:
            raise OptionError(name, f"there is no option '{name}'; there are: {', '.join(sorted(known))}")
    changed: D = dataclasses.replace(values, **changes)  # type: ignore[type-var]
    return changed
