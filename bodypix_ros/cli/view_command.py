"""`bodypix view`."""

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.generated import Command, Range, add
from bodypix_ros.cli.options import (
    debug_option,
    load_segmenter,
    model_option,
    model_options,
    quiet_option,
)
from bodypix_ros.cli.reporting import count, reporting, summary, tell
from bodypix_ros.doors import INTERRUPTED
from bodypix_ros.errors import OptionError

if TYPE_CHECKING:
    from bodypix_ros.bags.plan import Plan
    from bodypix_ros.bags.reading import InputBag
    from bodypix_ros.viewing.program import Program
    from bodypix_ros.viewing.viewer import Show

_OF_BAG = ("image_topics", "depth_topics", "camera_infos", "slop", "depth_unit", "mono16_max")
_ASK_S = 0.2


def _of_bag() -> Iterator[click.Parameter]:
    """The options of `bodypix bag` that say what is read of a bag."""
    from bodypix_ros.cli import bag_command

    yield from (option for option in bag_command.command.params if option.name in _OF_BAG)


@click.command("view", cls=Command)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.rrd",
    help="Write a recording for the viewer, and open none.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE.rrd where it is there already.")
@click.option("--web", is_flag=True, help="Show it to a browser on this computer, in place of a window.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9876, show_default=True, help="Of the viewer; 0: any."
)
@click.option(
    "--web-port", type=click.IntRange(0, 65535), default=9090, show_default=True, help="Of --web; 0: any."
)
@click.option(
    "--fov",
    type=Range(0, 180, min_open=True, max_open=True),
    default=60.0,
    show_default=True,
    help="Horizontal angle of view of pictures and videos, degrees, which places by BlazePose rest on.",
)
@add(_of_bag)
@model_option
@model_options()
@quiet_option
@debug_option
def command(
    sources: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    web: bool,
    port: int,
    web_port: int,
    fov: float,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Look at what is seen in a viewer, or record it for one.

    It shows pictures, masks, skeletons, ids, confidence, people in metres and timings.

    SOURCE is a picture, a folder, a video, a camera's index or an address, as for `bodypix run`; or one
    recorded ROS 2 bag, as for `bodypix bag`: with --depth-topic people stand in its depth.

    The viewer is Rerun's (pip install 'bodypix_ros[view]'). It listens on 127.0.0.1 only, and its reports of
    usage are off. It shows images while they are seen; its timelines are `frame` and `time`. It stays open
    until it is closed, or Ctrl-C.

    \b
    Examples:
      bodypix view film.mp4
      bodypix view 0 --device GPU,CPU              # a camera
      bodypix view drive/ -i /camera/color/image --depth-topic /camera/depth/image
      bodypix view film.mp4 --web                  # in a browser, without a display
      bodypix view film.mp4 --out film.rrd         # for later: rerun film.rrd
      bodypix view film.mp4 -m blazepose-full --fov 75
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.results.process import stop_on_interrupt
    from bodypix_ros.targets import check_apart
    from bodypix_ros.viewing import extra, seeing

    extra.check()
    reads = {name: options.pop(name) for name in _OF_BAG}
    bag = _bag_of(sources)
    if bag is None and any(reads[name] for name in ("image_topics", "depth_topics", "camera_infos")):
        raise click.UsageError("--image-topic, --depth-topic and --camera-info are for a recorded bag")
    if out is not None:
        if web:
            raise click.UsageError("--out and --web exclude each other: open the file with `rerun`")
        if out.suffix != ".rrd":
            raise OptionError("out", f"out: {out} must end in .rrd, by which Rerun knows it")
        check_apart("out", [out], [path for path in map(Path, sources) if path.is_file()])
        if out.exists() and not overwrite:
            raise OptionError("out", f"out: {out} is there already: --overwrite replaces it")
    with ExitStack() as stack:
        recorded, plan = (None, None) if bag is None else _planned(stack.enter_context(_opened(bag)), reads)
        found = [] if recorded is not None else media.find_sources(sources, note=tell)
        pictures = plan.images if plan is not None else sum(isinstance(one, media.Picture) for one in found)
        segmenter = stack.enter_context(load_segmenter(model, options))
        stopped = stack.enter_context(stop_on_interrupt())
        show, viewer = stack.enter_context(_shower(out, web, port, web_port))

        def ended() -> bool:
            return stopped() or (viewer is not None and not viewer.running)

        with reporting(pictures, quiet) as report:
            if recorded is not None and plan is not None:
                kept = {name: reads[name] for name in ("mono16_max", "depth_unit")}
                sights = seeing.of_bag(segmenter, recorded, plan, report, ended, slop_s=reads["slop"], **kept)
            else:
                sights = seeing.of_media(segmenter, found, fov, report, ended)
            for sight in sights:
                show(sight)
        counted = f"{count(report.images, 'image')}, people found: {report.people}"
        where = out or (viewer.page if viewer is not None and viewer.page else "the viewer")
        if out is None or report.images:
            click.echo(summary(counted, report, segmenter, where))
        if viewer is not None and not ended():
            tell("that was all; close the viewer, or press Ctrl-C")
            while not ended():
                time.sleep(_ASK_S)
        if viewer is not None:
            viewer.check()
    closed = viewer is not None and not stopped()
    raise SystemExit(INTERRUPTED if report.stopped_early and not closed else 1 if report.failures else 0)


def _bag_of(sources: tuple[str, ...]) -> Path | None:
    """The bag among what was typed.

    Raises:
        click.UsageError: There is something beside it.
    """
    from bodypix_ros.batch.sources import BAG_SUFFIXES

    bags = [
        path
        for path in map(Path, sources)
        if path.suffix in BAG_SUFFIXES or (path / "metadata.yaml").is_file()
    ]
    if bags and len(sources) > 1:
        raise click.UsageError(f"{bags[0]} is a bag, which is looked at alone")
    return bags[0] if bags else None


@contextmanager
def _opened(path: Path) -> "Generator[InputBag]":
    try:
        from bodypix_ros.bags.reading import InputBag
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}; bags are read with rosbags: pip install 'bodypix_ros[bag]'") from error
    with InputBag(path) as bag:
        yield bag


def _planned(bag: "InputBag", reads: dict[str, Any]) -> "tuple[InputBag, Plan]":
    """What is read of a bag."""
    from bodypix_ros.bags.making import only_image_topic
    from bodypix_ros.bags.plan import plan

    topics = reads["image_topics"] or only_image_topic(bag)
    if len(topics) > 1:
        raise click.UsageError("one camera is looked at at a time: give one --image-topic")
    return bag, plan(bag, topics, depth_topics=reads["depth_topics"], camera_infos=reads["camera_infos"])


@contextmanager
def _shower(
    out: Path | None, web: bool, port: int, web_port: int
) -> "Generator[tuple[Show, Program | None]]":
    """Where sights go: a file, or a viewer."""
    from bodypix_ros.viewing.program import Program
    from bodypix_ros.viewing.viewer import recorded, shown

    if out is not None:
        with recorded(out) as show:
            yield show, None
        return
    with Program(web=web, port=port, web_port=web_port) as viewer:
        if viewer.page:
            tell(f"open {viewer.page}")
        with shown(viewer.url) as show:
            yield show, viewer
