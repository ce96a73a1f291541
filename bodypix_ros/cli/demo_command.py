"""`bodypix demo`."""

from pathlib import Path
from typing import Any

import click

from bodypix_ros.cli.options import (
    bodypix_options,
    debug_option,
    device_options,
    load_segmenter,
    model_option,
    quiet_option,
)
from bodypix_ros.cli.run_command import drawing_options, execute


def astronaut() -> Any:
    """Give scikit-image's picture of Eileen Collins, by NASA, public domain: uint8 (512, 512, 3), BGR."""
    try:
        from skimage import data
    except ImportError as error:
        raise click.UsageError(
            "the picture of the demo comes with scikit-image, which is not installed: "
            "pip install 'bodypix_ros[demo]', or name a picture of your own"
        ) from error
    return data.astronaut()[..., ::-1].copy()


@click.command("demo")
@click.argument("source", required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo",
    show_default=True,
    help="Folder for the results; made if it is not there.",
)
@drawing_options
@model_option
@device_options
@bodypix_options
@quiet_option
@debug_option
def command(
    source: str | None,
    out: Path,
    layers: tuple[str, ...],
    opacity: float,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find the people in one picture and show what comes out.

    Without SOURCE, those in a picture of an astronaut that comes with scikit-image. Writes what `bodypix run`
    writes and names every file.

    \b
    Examples:
      bodypix demo
      bodypix demo holiday.jpg --out found
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.cli.process import Output

    # The model comes first: without one there is nothing to write.
    with load_segmenter(model, options) as segmenter:
        if source is None:
            picture = astronaut()
            out.mkdir(parents=True, exist_ok=True)
            source = str(out / "astronaut.png")
            media.write_picture(Path(source), picture)
        try:
            sources = media.find_sources([source])
        except media.MediaError as error:
            raise click.UsageError(str(error)) from error
        score = options["min_keypoint_score"]
        output = Output(out, layers, opacity=opacity, min_keypoint_score=0.3 if score is None else score)
        report = execute(segmenter, sources, output, quiet)
    for path in report.files:
        click.echo(f"  {path}")
    if report.failures:
        raise SystemExit(1)
