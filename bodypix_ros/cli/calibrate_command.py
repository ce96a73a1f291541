"""`bodypix models calibrate`: ranges for INT8 from a user's own pictures."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bodypix_ros.cli import generated
from bodypix_ros.cli.options import debug_option, load_segmenter, progress_bar, quiet_option, table
from bodypix_ros.errors import OptionError
from bodypix_ros.options import options_of
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from bodypix_ros.targets import check_apart, check_writable, unwritable

if TYPE_CHECKING:
    from bodypix_ros.media import Image

_BAG_SUFFIXES = (".mcap", ".db3")


@click.command("calibrate", cls=generated.Command)
@click.argument("name")
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: one of the user's cache, which `--precision int8` takes from then on]",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Of videos and bags take one image of so many.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of --output.")
@click.option("--model-dir", type=click.Path(file_okay=False), help="Look for model files here first.")
@generated.add(lambda: [generated.parameter(options_of(PeopleOptions)["base_size"])])
@quiet_option
@debug_option
def command(
    name: str,
    images: tuple[str, ...],
    output: Path | None,
    every: int,
    overwrite: bool,
    model_dir: str | None,
    base_size: int | None,
    quiet: bool,
) -> None:
    """Measure how far a model's values reach, for INT8.

    IMAGES are pictures, folders, videos or bags like those that the model will see, with people in them; a
    hundred will do. Ranges are made of half of them by several methods and tried on the other half: the one
    whose outputs come closest to those of f32 makes the ranges of all.

    \b
    Examples:
      bodypix models calibrate bodypix-resnet50-s16-q2 pictures/
      bodypix models calibrate bodypix-mobilenet-075-s16-q2 recording/ --output robot.json
      bodypix run pictures/ --precision int8 --ranges robot.json
    """  # noqa: D301 - click's mark
    from bodypix_ros.models import ranges
    from bodypix_ros.perception.calibrate import calibrate

    ranges.check(name)
    path = output or _own(name)
    check_apart("output", [path], map(Path, images))
    if output is not None:
        if output.exists() and not overwrite:
            raise OptionError("output", f"output: {output} is there already: --overwrite replaces it")
        check_writable(path.parent)
    options = {
        "device": "CPU",
        "precision": "f32",
        "model_dir": model_dir,
        "base_size": base_size,
        "crops": 0,
    }
    with (
        load_segmenter(name, {**options, "crops": 0}) as segmenter,
        progress_bar(None, " images", quiet) as bar,
    ):

        def counted() -> "Generator[Image]":
            for image in pictures(images, every):
                yield image
                bar.update()

        made = calibrate(segmenter, counted)
    try:
        ranges.write(path, made.ranges)
    except OSError as error:
        raise unwritable(path, error) from error
    rows = [[method, f"{loss:.4f}"] for method, loss in made.losses.items()]
    click.echo(table([["ranges of one half", "error on the other"], *rows]))
    click.echo(f"{made.method} of {made.pictures} pictures, in {path}")


def _own(name: str) -> Path:
    """The file in the user's cache."""
    from bodypix_ros.models import ranges

    folder = ranges.cache_folder()
    if folder is None:
        raise OptionError("output", "output: this user has no home; say which file to write")
    return folder / f"{name}.json"


def pictures(arguments: Sequence[str], every: int) -> "Generator[Image]":
    """Give the images of pictures, folders, videos and bags.

    Args:
        arguments: Their names.
        every: Of videos and bags, one of so many.
    """
    from bodypix_ros import media

    for argument in arguments:
        if _is_bag(Path(argument)):
            yield from _of_bag(Path(argument), every)
            continue
        for source in media.find_sources([argument]):
            if isinstance(source, media.Picture):
                yield media.read_picture(source.path)
                continue
            if source.camera is not None or source.url is not None:
                raise OptionError("images", f"images: {source.name} is live; give a video of it")
            with media.VideoReader(source) as video:
                for number, frame in enumerate(video):
                    if number % every == 0:
                        yield frame
                video.check_end()


def _is_bag(path: Path) -> bool:
    return path.suffix in _BAG_SUFFIXES or (path / "metadata.yaml").is_file()


def _of_bag(path: Path, every: int) -> "Generator[Image]":
    try:
        from bodypix_ros.bags.pictures import pictures as of_bag
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}; bags are read with rosbags: pip install 'bodypix_ros[bag]'") from error
    return of_bag(path, every)
