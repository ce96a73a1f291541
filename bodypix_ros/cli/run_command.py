"""`bodypix run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.options import (
    bodypix_options,
    debug_option,
    device_options,
    load_segmenter,
    model_option,
    progress_bar,
    quiet_option,
)

if TYPE_CHECKING:
    from bodypix_ros.cli.process import Report
    from bodypix_ros.media import Source
    from bodypix_ros.segmenters import Segmenter


def _layers(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    from bodypix_ros.cli.process import LAYERS

    wanted = tuple(name.strip() for name in value.split(",") if name.strip() not in ("", "none"))
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"'{name}' is none of {', '.join(LAYERS)}, none")
    return wanted


def drawing_options(command: Any) -> Any:
    """Add the options that say what an overlay shows."""
    for option in (
        click.option(
            "--opacity", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Of the tints."
        ),
        click.option(
            "--draw",
            "layers",
            default="instances,boxes,poses",
            show_default=True,
            callback=_layers,
            help="What overlays show: instances, boxes, poses, parts; none for no overlays.",
        ),
    ):
        command = option(command)
    return command


@click.command("run")
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
@click.option("--confidence", is_flag=True, default=None, help="Write the probability of person too.")
@click.option(
    "--overlay-format",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="Of overlay pictures.",
)
@model_option
@device_options
@bodypix_options
@quiet_option
@debug_option
def command(
    sources: tuple[str, ...],
    out: Path,
    layers: tuple[str, ...],
    opacity: float,
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
      NAME.overlay.png    the picture with people drawn in
      NAME.mask.png       255 where people are
      NAME.instances.png  1 for the first person, 2 for the second, ...
      NAME.parts.png      part id + 1
    for a video or camera:
      NAME.overlay.mp4
    and for all of them together:
      people.json         COCO: boxes, keypoints, masks as RLE; a frame is called NAME#NUMBER

    \b
    Examples:
      bodypix run holiday.jpg
      bodypix run photos/ film.mp4 --out found --draw parts,poses
      bodypix run 0 --device GPU,CPU --internal-resolution low
      bodypix run photos/ --draw none --no-masks        # people.json only
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.cli.process import Output

    if "parts" in layers and options["parts"] is False:
        raise click.UsageError("--draw parts needs parts; leave out --no-parts")
    try:
        found = media.find_sources(sources)
    except media.MediaError as error:
        raise click.UsageError(str(error)) from error
    score = options["min_keypoint_score"]
    output = Output(out, layers, masks, f".{overlay_format}", opacity, 0.3 if score is None else score)
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
