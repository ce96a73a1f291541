"""`bodypix demo`."""

from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.generated import Command, add
from bodypix_ros.cli.options import (
    debug_option,
    load_segmenter,
    model_option,
    model_options,
    out_option,
    quiet_option,
)
from bodypix_ros.cli.reporting import tell
from bodypix_ros.cli.run_command import drawing, drawing_options, execute, exit_code
from bodypix_ros.errors import DigestError, DownloadError, MediaError, MissingModelError
from bodypix_ros.targets import check_writable

if TYPE_CHECKING:
    from bodypix_ros.media import Image
    from bodypix_ros.perception.segmenter import Segmenter


def astronaut() -> "Image":
    """Give scikit-image's picture of Eileen Collins, by NASA, public domain: uint8 (512, 512, 3), BGR."""
    from bodypix_ros import media

    found = find_spec("skimage")  # its file only: skimage itself takes seconds, and packages that it needs
    if found is None or not found.submodule_search_locations:
        raise click.UsageError(
            "the picture of the demo comes with scikit-image, which is not installed: "
            "pip install 'bodypix_ros[demo]', or name a picture of your own"
        )
    return media.read_picture(Path(found.submodule_search_locations[0]) / "data/astronaut.png")


def write_sheet(path: Path, sheet: "Image") -> None:
    """Write a JPEG small enough for a web page: uint8 (H, W, 3), BGR."""
    import cv2

    from bodypix_ros import media

    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])
    with media.replacing(path) as part:
        part.write_bytes(data.tobytes())


STAND_INS = ("blazepose-full", "selfie-general")
"""What the demo shows where BodyPix's weights cannot be had: these come out of registry packages."""


def obtain(model: str, options: dict[str, Any], mode: str | None) -> "list[Segmenter]":
    """Load the demo's model; fetch it if it is not here; load the stand-ins if it cannot be had.

    Raises:
        MissingModelError: Nothing can be had, or the user named a model that is not here.
    """
    from bodypix_ros.options import options_of
    from bodypix_ros.perception.options import LoadOptions
    from bodypix_ros.rendering import MODES

    if mode is not None and MODES[mode].privacy:
        _fetch_detail("faces", options)
    try:
        return [load_segmenter(model, options, mode)]
    except MissingModelError as error:
        source = click.get_current_context().get_parameter_source("model")
        if source is not click.core.ParameterSource.DEFAULT:
            raise
        missing = error
    if (fetched := _load_or_fetch(model, options, mode)) is not None:
        return [fetched]
    common = {name: options[name] for name in options_of(LoadOptions) if name in options}
    common.pop("preset", None)  # they have none
    loaded = [
        segmenter for name in STAND_INS if (segmenter := _load_or_fetch(name, common, mode)) is not None
    ]
    if not loaded:
        raise missing
    names = " and ".join(segmenter.model for segmenter in loaded)
    click.echo(f"{model} cannot be had here: running {names} instead, which find no body parts", err=True)
    return loaded


def _fetch_detail(name: str, options: Mapping[str, Any]) -> None:
    """Fetch the model of a detail if it is not here; where it cannot be had, say so and go on without."""
    from bodypix_ros.models import catalogue, store

    detail = catalogue.details()[name]
    try:
        store.find(detail, options["model_dir"])
    except MissingModelError:
        click.echo(f"{name} is not here: fetching it", err=True)
        try:
            store.fetch(detail, options["model_dir"])
        except (DownloadError, DigestError) as error:
            click.echo(f"bodypix: {error}", err=True)


def _load_or_fetch(name: str, options: dict[str, Any], mode: str | None) -> "Segmenter | None":
    """Load a model, fetched if it is not here; None, having said why, if it cannot be had."""
    from bodypix_ros.models import catalogue, store

    try:
        try:
            return load_segmenter(name, options, mode)
        except MissingModelError:
            click.echo(f"{name} is not here: fetching it", err=True)
            folder = store.fetch(catalogue.model(name), options["model_dir"])
            return load_segmenter(name, options | {"model_dir": folder}, mode)
    except (DownloadError, DigestError) as error:
        click.echo(f"bodypix: {error}", err=True)
        return None


@click.command("demo", cls=Command)
@click.argument("source", required=False)
@out_option("demo")
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a JPEG that shows every mode side by side.",
)
@add(drawing_options)
@model_option
@model_options()
@quiet_option
@debug_option
def command(
    source: str | None,
    out: Path,
    sheet: Path | None,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find the people in one picture and show what comes out.

    Without SOURCE, those in a picture of an astronaut that comes with scikit-image. Writes what `bodypix run`
    writes, in the place of earlier results, and names every file. Weights that are not here are fetched,
    unless -m names a model; where those of BodyPix cannot be had, BlazePose and Selfie Segmentation are shown
    instead. For the modes see `bodypix run --help`.

    \b
    Examples:
      bodypix demo
      bodypix demo holiday.jpg --out found
      bodypix demo --mode blur_parts
      bodypix demo --sheet modes.jpg            # every mode side by side
    """  # noqa: D301 - click's mark
    from bodypix_ros import media, rendering
    from bodypix_ros.results.output import Output
    from bodypix_ros.results.plan import Existing, planned

    arguments = drawing(options)
    if sheet is not None and sheet.suffix.lower() not in (".jpg", ".jpeg"):
        raise click.UsageError(f"--sheet writes a JPEG: call it {sheet.with_suffix('.jpg')}")
    if sheet is not None and options["parts"] is False:
        raise click.UsageError("--sheet needs parts; leave out --no-parts")
    check_writable(out)
    # The model comes first: without one there is nothing to write.
    with ExitStack() as stack:
        segmenters = [
            stack.enter_context(segmenter) for segmenter in obtain(model, options, arguments["mode"])
        ]
        if sheet is not None and len(segmenters) > 1:
            raise click.UsageError(f"--sheet needs body parts, and {model} cannot be had here")
        if source is None:
            picture = astronaut()
            out.mkdir(parents=True, exist_ok=True)
            source = str(out / "astronaut.png")
            media.write_picture(Path(source), picture)
        try:
            sources = media.find_sources([source], note=tell)
        except MediaError as error:
            raise click.UsageError(str(error)) from error
        if sheet is not None and not isinstance(sources[0], media.Picture):
            raise click.UsageError("--sheet needs a picture, not a video or a camera")
        codes = []
        for segmenter in segmenters:
            output = Output(out if len(segmenters) == 1 else out / segmenter.model, **arguments)
            with planned(sources, output, Existing.OVERWRITE, [sheet] if sheet else []) as plan:
                report = execute(segmenter, plan, output, quiet)
            codes.append(exit_code(report))
            if sheet is not None and not report.failures:
                picture = media.read_picture(source)
                scene = segmenter.segment(picture)
                write_sheet(sheet, rendering.contact_sheet(picture, scene, bgr=True))
                report.files.append(sheet)
            for path in report.files:
                click.echo(f"  {media.readable(path)}")
            if report.stopped_early:
                break
    raise SystemExit(max(codes))
