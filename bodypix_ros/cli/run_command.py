"""`bodypix run`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.generated import Command, add, flag, parameter
from bodypix_ros.cli.options import (
    debug_option,
    load_segmenter,
    model_option,
    model_options,
    parse_mode,
    quiet_option,
)
from bodypix_ros.cli.reporting import reporting, summary
from bodypix_ros.errors import MediaError, OptionError

if TYPE_CHECKING:
    from bodypix_ros.cli.output import Output
    from bodypix_ros.media import Source
    from bodypix_ros.perception.segmenter import Segmenter
    from bodypix_ros.report import Report

_SHARED = "min_keypoint_score"
"""The drawing option that is the model's, too: one flag serves both."""


def drawing_options() -> list[click.Parameter]:
    """The options that say what is drawn; `drawing` turns their values into arguments of `Output`."""
    from bodypix_ros.options import options_of
    from bodypix_ros.rendering import LAYERS, MODES, Style

    return [
        click.Option(
            ["--mode"], callback=parse_mode, metavar="MODE", help=f"Draw so instead: {', '.join(MODES)}."
        ),
        click.Option(
            ["--draw", "layers"],
            default="instances,boxes,poses",
            show_default=True,
            callback=_layers,
            help=f"What overlays show: {', '.join(LAYERS)}; none for no overlays.",
        ),
        *(
            parameter(option)
            for name, option in options_of(Style).items()
            if name != _SHARED and "run" not in option.hidden_from
        ),
    ]


def _layers(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    from bodypix_ros.rendering import LAYERS

    wanted = tuple(name.strip() for name in value.split(",") if name.strip() not in ("", "none"))
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"'{name}' is none of {', '.join(LAYERS)}, none")
    return wanted


def drawing(options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of `drawing_options` out of a command's options, as arguments of `Output`.

    Raises:
        click.UsageError: One is not possible, or some of them do not go together, or with --no-parts.
    """
    from bodypix_ros.options import options_of
    from bodypix_ros.rendering import LAYERS, MODES, Style

    mode, layers = options.pop("mode"), options.pop("layers")
    given = {
        name: options[name] if name == _SHARED else options.pop(name)
        for name in options_of(Style)
        if name in options
    }
    try:
        style = Style(**{name: value for name, value in given.items() if value is not None})
    except OptionError as error:
        raise click.BadParameter(str(error), param_hint=f"'{flag(error.option)}'") from error
    source = click.get_current_context().get_parameter_source("layers")
    if mode is not None and source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--mode and --draw exclude each other")
    if options["parts"] is False:
        if mode == "parts" or (mode is not None and MODES[mode].privacy and "part_mask" in MODES[mode].needs):
            raise click.UsageError(f"--mode {mode} needs parts; leave out --no-parts")
        for name in layers if mode is None else ():
            if "part_mask" in LAYERS[name].needs:
                raise click.UsageError(f"--draw {name} needs parts; leave out --no-parts")
    return {"layers": layers, "mode": mode, "style": style}


class RunCommand(Command):
    """`bodypix run`, whose help lists the modes."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the modes, then the options."""
        from bodypix_ros.rendering import MODES

        with formatter.section("Modes, instead of the layers of --draw"):
            formatter.write_dl([(name, mode.text) for name, mode in MODES.items()])
        super().format_options(ctx, formatter)


@click.command("run", cls=RunCommand)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="bodypix_out",
    show_default=True,
    help="Folder for the results; made if it is not there.",
)
@add(drawing_options)
@click.option("--masks/--no-masks", default=True, show_default=True, help="Write mask pictures of pictures.")
@click.option(
    "--overlay-format",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="Of overlay pictures.",
)
@model_option
@model_options()
@quiet_option
@debug_option
def command(
    sources: tuple[str, ...],
    out: Path,
    masks: bool,
    overlay_format: str,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find people in pictures, folders, videos and cameras.

    SOURCE is a picture, a folder of pictures, a video, or the index of a camera such as 0. A camera runs
    until Ctrl-C; so may the others, and whatever is written is complete.

    \b
    Written for a picture NAME:
      NAME.overlay.png    the picture with people drawn in, as --draw or --mode says
      NAME.mask.png       255 where people are
      NAME.instances.png  1 for the first person, 2 for the second, ...
      NAME.parts.png      part id + 1
    for a video or camera:
      NAME.overlay.mp4
    and for all of them together:
      people.json         COCO: boxes, keypoints, masks as RLE; a frame is called NAME#NUMBER

    The privacy modes hide faces, or what --hide says. They reduce what can be recognised and guarantee
    nothing: a face that is not found stays. They draw nothing where the model gives no parts.

    \b
    Examples:
      bodypix run holiday.jpg
      bodypix run photos/ film.mp4 --out found --draw parts,poses
      bodypix run film.mp4 --mode blur_parts --hide face,hand
      bodypix run 0 --device GPU,CPU --internal-resolution low
      bodypix run photos/ --draw none --no-masks        # people.json only
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.cli.output import Output

    arguments = drawing(options)
    try:
        found = media.find_sources(sources)
    except MediaError as error:
        raise click.UsageError(str(error)) from error
    output = Output(out, masks=masks, overlay_suffix=f".{overlay_format}", **arguments)
    with load_segmenter(model, options) as segmenter:
        report = execute(segmenter, found, output, quiet)
    if report.failures:
        raise SystemExit(1)


def execute(segmenter: "Segmenter", sources: "Sequence[Source]", output: "Output", quiet: bool) -> "Report":
    """Process the sources with a progress bar; close with a line on what was done."""
    from bodypix_ros.cli.process import process, stop_on_interrupt
    from bodypix_ros.media import Picture

    pictures = sum(isinstance(source, Picture) for source in sources)
    with stop_on_interrupt() as stopped, reporting(pictures, quiet) as report:
        process(segmenter, sources, output, report, stopped)
        early = stopped()
    counted = f"{_count(report.images, 'image')}, {_count(report.people, 'person', 'people')}"
    click.echo(
        summary(counted, report, segmenter, output.folder)
        + (f"; {_count(len(report.failures), 'source')} failed" if report.failures else "")
        + ("; stopped early" if early else "")
    )
    return report


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
