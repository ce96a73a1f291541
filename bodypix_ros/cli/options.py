"""What the commands share: options, loading a model, progress bars and tables."""

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import bodypix_ros

if TYPE_CHECKING:
    from bodypix_ros.segmenters import Segmenter

DEBUG = "bodypix_ros.debug"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[DEBUG] = ctx.meta.get(DEBUG, False) or value
    level = logging.INFO if ctx.meta[DEBUG] else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s", force=value)


def _resolution(_: click.Context, __: click.Parameter, value: str | None) -> str | float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


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
_folder = click.Path(file_okay=False, path_type=Path)


def device_options(command: _Command) -> _Command:
    """Add the options that say where a model comes from and what it runs on."""
    for option in (
        click.option(
            "--reference-dilation",
            is_flag=True,
            help="Read dilations as TensorFlow.js does: 2x1, worse than the 2x2 that was trained.",
        ),
        click.option("--cache-dir", type=_folder, help="Where compiled networks are kept."),
        click.option("--model-dir", type=_folder, help="Look for model files here first."),
        click.option(
            "--precision", type=click.Choice(["f32", "f16"]), help="[default: f32 on a CPU, else f16]"
        ),
        click.option(
            "-d", "--device", default="AUTO", show_default=True, help="AUTO, a device, or an order: GPU,CPU."
        ),
    ):
        command = option(command)
    return command


def bodypix_options(command: _Command) -> _Command:
    """Add BodyPix's options; those not given stay out of the call, so that the model's defaults hold."""
    for option in (
        click.option("--parts/--no-parts", default=None, help="Find body parts too.  [default: parts]"),
        click.option(
            "--flip-horizontal/--no-flip-horizontal",
            default=None,
            help="Mirror the results, for mirrored cameras.  [default: no-flip-horizontal]",
        ),
        click.option(
            "--refine-steps", type=int, help="Steps to find whose a pixel is, 1..20.  [default: 10]"
        ),
        click.option(
            "--min-keypoint-score",
            type=float,
            help="Keypoints below do not vote on whose a pixel is and are not drawn, 0..1.  [default: 0.3]",
        ),
        click.option("--nms-radius", type=float, help="Pixels between roots of two people.  [default: 20]"),
        click.option(
            "--score-threshold", type=float, help="People below are left out, 0..1.  [default: 0.4]"
        ),
        click.option("--max-detections", type=int, help="Most people per image, 1..254.  [default: 10]"),
        click.option(
            "--segmentation-threshold",
            type=float,
            help="A person's pixel from here on, 0..1.  [default: 0.7]",
        ),
        click.option(
            "--internal-resolution",
            callback=_resolution,
            help="Network input per image size: low, medium, high, full, or 0.1..2.  [default: medium]",
        ),
    ):
        command = option(command)
    return command


def parse_mode(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Check the name of a drawing mode."""
    from bodypix_ros.rendering import MODES

    if value is not None and value not in MODES:
        raise click.BadParameter(f"'{value}' is none of {', '.join(MODES)}")
    return value


def load_segmenter(model: str, options: dict[str, Any]) -> "Segmenter":
    """Load a model with the options that were given on the command line."""
    try:
        return bodypix_ros.load(model, **{k: v for k, v in options.items() if v is not None})
    except RuntimeError as error:  # what OpenVINO raises when no device can run the model
        raise click.ClickException(str(error)) from error


def progress_bar(total: int | None, unit: str, quiet: bool = False, **more: Any) -> Any:
    """Give a tqdm bar on stderr; silent where stderr is not a terminal."""
    from tqdm import tqdm

    return tqdm(
        total=total,
        unit=unit,
        disable=True if quiet else None,
        file=sys.stderr,
        dynamic_ncols=True,
        leave=False,
        **more,
    )


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
