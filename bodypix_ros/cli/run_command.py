"""`bodypix run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli import generated
from bodypix_ros.cli.options import (
    debug_option,
    load_segmenter,
    model_option,
    model_options,
    parse_mode,
    progress_bar,
    quiet_option,
)
from bodypix_ros.errors import MediaError

if TYPE_CHECKING:
    from bodypix_ros.cli.process import Report
    from bodypix_ros.media import Source
    from bodypix_ros.perception.segmenter import Segmenter


def _layers(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    from bodypix_ros.cli.process import LAYERS

    wanted = tuple(name.strip() for name in value.split(",") if name.strip() not in ("", "none"))
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"'{name}' is none of {', '.join(LAYERS)}, none")
    return wanted


def _hidden(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    from bodypix_ros.rendering import part_ids_of

    try:
        return part_ids_of(name.strip() for name in value.split(",") if name.strip())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def drawing_options(command: Any) -> Any:
    """Add the options that say what is drawn; `drawing` turns their values into arguments of `Output`."""
    for option in (
        click.option(
            "--pixel-size",
            type=click.FloatRange(min=1),
            default=10,
            show_default=True,
            help="Width of the cells of pixelated and pixelate_parts.",
        ),
        click.option(
            "--edge-blur",
            type=click.FloatRange(0, 20),
            default=3,
            show_default=True,
            help="Softness of edges, in pixels; privacy modes hide three times as much around parts.",
        ),
        click.option(
            "--blur",
            type=click.FloatRange(0, 20),
            default=10,
            show_default=True,
            help="Of the background in bokeh and of parts in blur_parts, in pixels.",
        ),
        click.option(
            "--hide",
            "part_ids",
            default="face",
            show_default=True,
            callback=_hidden,
            metavar="PARTS",
            help="What blur_parts and pixelate_parts hide: part ids, names, words of names such as "
            "face,hand,left_upper_arm; all for whole people.",
        ),
        click.option(
            "--opacity",
            type=click.FloatRange(0, 1),
            default=0.5,
            show_default=True,
            help="Of tints and masks.",
        ),
        click.option(
            "--draw",
            "layers",
            default="instances,boxes,poses",
            show_default=True,
            callback=_layers,
            help="What overlays show: instances, boxes, poses, parts, legend; none for no overlays.",
        ),
        click.option(
            "--mode",
            callback=parse_mode,
            metavar="MODE",
            help="Draw so instead: parts, instances, skeleton, mask, bokeh, pixelated, blur_parts, "
            "pixelate_parts.",
        ),
    ):
        command = option(command)
    return command


_DRAWING = ("layers", "mode", "opacity", "blur", "edge_blur", "pixel_size", "part_ids")


def drawing(options: dict[str, Any]) -> dict[str, Any]:
    """Take the values of `drawing_options` out of a command's options, as arguments of `Output`.

    Raises:
        click.UsageError: Some of them do not go together, or with --no-parts.
    """
    found = {name: options.pop(name) for name in _DRAWING}
    given = click.get_current_context().get_parameter_source("layers")
    if found["mode"] is not None and given is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--mode and --draw exclude each other")
    if options["parts"] is False:
        from bodypix_ros.rendering import PRIVACY_MODES

        if found["mode"] in {"parts", *PRIVACY_MODES}:
            raise click.UsageError(f"--mode {found['mode']} needs parts; leave out --no-parts")
        for layer in ("parts", "legend"):
            if found["mode"] is None and layer in found["layers"]:
                raise click.UsageError(f"--draw {layer} needs parts; leave out --no-parts")
    score = options["min_keypoint_score"]
    return {**found, "min_keypoint_score": 0.3 if score is None else score}


@click.command("run", cls=generated.Command)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="bodypix_out",
    show_default=True,
    help="Folder for the results; made if it is not there.",
)
@drawing_options
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

    \b
    Modes, instead of the layers of --draw:
      parts           body parts in their colours
      instances       each person in a colour, with box and number
      skeleton        keypoints, bones and scores
      mask            people alone; the rest is dark
      bokeh           people sharp; the rest is blurred
      pixelated       body parts as a mosaic of coloured cells
      blur_parts      privacy: faces, or what --hide says, blurred
      pixelate_parts  privacy: faces, or what --hide says, as a mosaic
    The privacy modes reduce what can be recognised and guarantee nothing: a face that is not found stays.
    They draw nothing where the model gives no parts.

    \b
    Examples:
      bodypix run holiday.jpg
      bodypix run photos/ film.mp4 --out found --draw parts,poses
      bodypix run film.mp4 --mode blur_parts --hide face,hand
      bodypix run 0 --device GPU,CPU --internal-resolution low
      bodypix run photos/ --draw none --no-masks        # people.json only
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.cli.process import Output

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


def execute(segmenter: "Segmenter", sources: "list[Source]", output: Any, quiet: bool) -> "Report":
    """Process the sources with a progress bar; close with a line on what was done."""
    from bodypix_ros.cli.process import process, stop_on_interrupt
    from bodypix_ros.media import Picture

    pictures = sum(isinstance(source, Picture) for source in sources)
    with stop_on_interrupt() as stopped, progress_bar(pictures, " images", quiet) as bar:
        report = process(segmenter, sources, output, bar, stopped)
        early = stopped()
    average = f", {report.segment_ms / report.images:.1f} ms each" if report.images else ""
    click.echo(
        f"{_count(report.images, 'image')}, {_count(report.people, 'person', 'people')}{average} "
        f"({segmenter.model} on {segmenter.device}, {segmenter.precision}), in {output.folder}"
        + (f"; {_count(len(report.failures), 'source')} failed" if report.failures else "")
        + ("; stopped early" if early else "")
    )
    return report


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
