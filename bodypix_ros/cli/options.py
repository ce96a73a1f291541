"""What the commands share: options, loading a model, progress bars and tables."""

import logging
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar

import click

import bodypix_ros
from bodypix_ros.cli import generated
from bodypix_ros.errors import OptionError, hint
from bodypix_ros.options import older_names, options_of

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


class Bar(Protocol):
    """What commands use of a tqdm bar.

    Attributes:
        n: How much is done.
        total: Of how much; None where that is not known.
    """

    n: float
    total: float | None

    def update(self, n: float = 1) -> object:
        """So much more is done."""

    def reset(self) -> None:
        """Begin anew."""

    def set_description(self, desc: str, refresh: bool = True) -> None:
        """Say what is being done."""

    def write(self, s: str, file: TextIO) -> None:
        """Print a line that the bar does not overwrite."""

    def __enter__(self) -> "Bar":
        """Show it."""

    def __exit__(self, *error: object) -> None:
        """Take it away."""


DEBUG = "bodypix_ros.debug"
_Command = TypeVar("_Command", bound=Callable[..., object])


def out_option(default: str) -> Callable[[_Command], _Command]:
    """The folder that results go to."""
    return click.option(
        "-o",
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        help="Folder for the results; made if it is not there.",
    )


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[DEBUG] = ctx.meta.get(DEBUG, False) or value
    level = logging.INFO if ctx.meta[DEBUG] else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s", force=value)


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_set_debug,
    help="Log more; show errors' tracebacks.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
model_option = click.option(
    "-m", "--model", default=bodypix_ros.DEFAULT_MODEL, show_default=True, help="See `bodypix models`."
)


def model_options(
    door: str = "run", repeated: Collection[str] = (), notes: Mapping[str, str] | None = None
) -> Callable[[_Command], _Command]:
    """Add the options that say where a model runs, and those of all families of models.

    Args:
        door: Leave out those that are hidden from it.
        repeated: Those that may be given several times.
        notes: What is said of the defaults of some, where this command has others.
    """

    def make() -> Iterator[click.Parameter]:
        from bodypix_ros.perception.options import LoadOptions
        from bodypix_ros.segmenters.families import options_of_all

        for name, known in options_of(LoadOptions).items():
            if name not in _OTHERWISE:
                yield generated.parameter(known, repeated=name in repeated)
        for name, known in options_of_all(door).items():
            yield generated.parameter(known, (notes or {}).get(name, ""))
            yield from generated.older(known)

    return generated.add(make)


_OTHERWISE = ("model", "performance_hint")
"""Options of `load` that commands spell for themselves."""


def parse_mode(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Check the name of a drawing mode."""
    from bodypix_ros.rendering import MODES

    if value is not None and value not in MODES:
        raise click.BadParameter(f"'{value}' is none of {', '.join(MODES)}{hint(value, MODES)}")
    return value


def _separated(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names that were given with commas between them, or one after another."""
    return tuple(name.strip() for names in value for name in names.split(",") if name.strip())


export_option = click.option(
    "--export",
    "exports",
    multiple=True,
    callback=_separated,
    metavar="NAME,...",
    help="Write these, too, of the list above; may be repeated.",
)


def given_options(model: str, options: Mapping[str, Any], mode: str | None = None) -> dict[str, Any]:
    """The options that were given on the command line, as `load` takes them.

    Args:
        model: Its name.
        options: By name; None is not given.
        mode: That pictures are drawn in: its preset is taken unless another is given.
    """
    from bodypix_ros.rendering import MODES
    from bodypix_ros.segmenters.families import family_of, options_of_all

    given = {name: value for name, value in options.items() if value is not None}
    for older, name in older_names(options_of_all()).items():
        if older in given:
            click.echo(f"{generated.flag(older)} is now called {generated.flag(name)}", err=True)
            given[name] = given.pop(older)
    preset = MODES[mode].preset if mode is not None else ""
    if not preset or preset not in family_of(model).presets:
        return given
    if given.setdefault("preset", preset) != preset and MODES[mode or ""].privacy:
        given.setdefault("faces", True)
    return given


def load_segmenter(model: str, options: Mapping[str, Any], mode: str | None = None) -> "Segmenter":
    """Load a model with the options that were given on the command line.

    Args:
        model: Its name.
        options: By name; None is not given.
        mode: That pictures are drawn in: its preset is taken unless another is given.

    Raises:
        OptionError: One of them is another family's, or is refused.
    """
    from bodypix_ros.segmenters.families import family_of, options_of_all

    given = given_options(model, options, mode)
    try:
        with showing_kernels():
            return bodypix_ros.load(model, **given)
    except OptionError as error:
        name = error.option
        if name == "model":
            raise
        family = family_of(model)
        chosen = family.options_for(given)
        own, elsewhere = options_of(chosen), family.elsewhere(chosen, [name])
        if elsewhere:
            raise OptionError(name, f"{name}: --algorithm {elsewhere[name]} has it; add that") from error
        if name not in options_of_all() or name in own:
            raise
        flags = ", ".join(map(generated.flag, own))
        raise OptionError(name, f"{name}: {model} has no such option; it has {flags}") from error


@contextmanager
def showing_kernels() -> Generator[None]:
    """Show on a terminal that kernels are compiled, which the first start waits for."""
    from bodypix_ros.kernels import watched

    context = click.get_current_context(silent=True)
    quiet = context is not None and bool(context.params.get("quiet"))
    with ExitStack() as stack:
        bars: list[Bar] = []

        def tell() -> None:
            if not bars:
                text = "compiling kernels, once: {n_fmt}, {elapsed}"
                bars.append(stack.enter_context(progress_bar(None, "", quiet, bar_format=text)))
            bars[0].update()

        with watched(tell):
            yield


def progress_bar(total: int | None, unit: str, quiet: bool = False, **more: object) -> "Bar":
    """Give a tqdm bar on stderr; silent where stderr is not a terminal."""
    from tqdm import tqdm

    bar: Bar = tqdm(
        total=total,
        unit=unit,
        disable=True if quiet else None,
        file=sys.stderr,
        dynamic_ncols=True,
        leave=False,
        **more,
    )
    return bar


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align columns: the first to the left, columns of numbers to the right. The first row is the head."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(cell[:1].isdigit() or cell in ("", "-") for cell in column[1:]) for column in columns]
    lines = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
