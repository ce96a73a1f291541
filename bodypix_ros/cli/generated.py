"""Options of commands, made of their declarations."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import click

from bodypix_ros.errors import OptionError
from bodypix_ros.options import Option

_Command = TypeVar("_Command", bound=Callable[..., object])


class _WordOrNumber(click.ParamType):  # type: ignore[type-arg]
    """What may be either, such as an internal resolution; the declaring class checks it."""

    name = "word or number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float | str:  # noqa: ARG002
        """A number where it is one."""
        try:
            return float(value)
        except ValueError:
            return value


class Range(click.FloatRange):
    """A number within bounds. NaN is within none, though no comparison says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def flag(name: str) -> str:
    """How a command spells an option."""
    return f"--{name.replace('_', '-')}"


def _type(option: Option) -> Any:  # click's own types differ from version to version
    if option.dynamic:
        return _WordOrNumber()
    if option.folder:
        return click.Path(file_okay=False)
    if option.choices:
        return click.Choice([choice for choice in option.choices if choice])
    if option.kind in (int, float):
        numbers: Any = click.IntRange if option.kind is int else Range
        return numbers(option.low, option.high)
    return str


def shown(default: object) -> str:
    """A default as help shows it."""
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def parameter(option: Option, note: str = "", *, repeated: bool = False) -> click.Option:
    """One option of a command. Not given it is None, so that whoever takes it has its own default.

    Args:
        option: Its declaration.
        note: Said after its meaning; empty: its default.
        repeated: Whether it may be given several times, and is a tuple, empty where it is not given.
    """
    text = option.text
    if not re.match(r"[a-z]\d", text):  # f32 stays
        text = text[0].upper() + text[1:]
    names = [f"-{option.short}"] if option.short else []
    if option.kind is bool:
        both = f"{flag(option.name)}/{flag('no_' + option.name)}"
        default = note or (option.name if option.default else f"no-{option.name}").replace("_", "-")
        return click.Option([*names, both], default=None, help=f"{text}.  [default: {default}]")
    several = option.kind is tuple
    note = note or shown(option.default)
    end = f"  [default: {note}]" if note else ""
    end += "  May be repeated: side by side." if repeated else ""
    return click.Option(
        [*names, flag(option.name)],
        type=str if several else _type(option),
        default=None,
        multiple=repeated,
        callback=_listed if several else None,
        metavar="NAME,..." if several else None,
        help=f"{text}.{end}",
    )


def older(option: Option) -> Iterator[click.Option]:
    """An option under its older names: they are accepted, and not shown."""
    for name in option.formerly:
        known = parameter(replace(option, name=name, short=""))
        known.hidden = True
        yield known


def _listed(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


def add(make: Callable[[], Iterable[click.Parameter]]) -> Callable[[_Command], _Command]:
    """Add options to a command, made when the command is looked at: tables may have grown until then."""

    def decorate(command: _Command) -> _Command:
        makers = *getattr(command, "__option_makers__", ()), make
        command.__option_makers__ = makers  # type: ignore[attr-defined]
        return command

    return decorate


def spelled(error: OptionError) -> str:
    """The message of an error, with the option as it is typed."""
    return re.sub(rf"^{re.escape(error.option)}\b", flag(error.option), str(error))


class Command(click.Command):
    """A command that also has the options which `add` was told of."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All options, the generated ones before --help."""
        makers = getattr(self.callback, "__option_makers__", ())
        made = [option for make in reversed(makers) for option in make()]
        *own, last = super().get_params(ctx)
        return [*own, *made, last]
