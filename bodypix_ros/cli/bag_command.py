"""`bodypix bag`."""

from pathlib import Path
from typing import Any

import click

from bodypix_ros.cli import generated
from bodypix_ros.cli.options import (
    debug_option,
    load_segmenter,
    model_option,
    model_options,
    parse_mode,
    quiet_option,
)
from bodypix_ros.cli.reporting import reporting, summary

_path = click.Path(path_type=Path)


class BagCommand(generated.Command):
    """`bodypix bag`, whose help lists what is written."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the outputs, then the options."""
        from bodypix_ros.ros.messages.outputs import OUTPUTS
        from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS

        rows = [(f"/{o.topic}", f"{o.kind}: {o.text.replace('`', '')}") for o in OUTPUTS.values()]
        rows += [
            (f"/{o.topic}", f"{o.kind}: {o.text.replace('`', '')}; with --depth-topic")
            for o in PLACED_OUTPUTS.values()
        ]
        rows.append(("/debug_image/compressed", "sensor_msgs/msg/CompressedImage: JPEG; with --mode"))
        title = "Written, as the node publishes it; with --namespace front as /front/persons, ..."
        with formatter.section(title):
            formatter.write_dl(rows)
        super().format_options(ctx, formatter)


@click.command("bag", cls=BagCommand)
@click.argument("source", metavar="IN", type=_path)
@click.argument("target", metavar="OUT", type=_path)
@click.option(
    "-i",
    "--image-topic",
    "image_topics",
    multiple=True,
    required=True,
    help="Raw or compressed images; may be repeated.",
)
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    help="Of the outputs; as many as there are image topics, in their order.  [default: /]",
)
@click.option("-t", "--topic", "copy", multiple=True, help="Copy this topic; may be repeated.")
@click.option("--copy-all", is_flag=True, help="Copy every topic.")
@click.option("--storage", type=click.Choice(["mcap", "sqlite3"]), help="Of OUT.  [default: that of IN]")
@click.option(
    "--mono16-max",
    type=click.IntRange(1, 65535),
    help="The value of white in 16-bit images.  [default: 65535; 16UC1 is then taken for depth]",
)
@click.option(
    "--depth-topic",
    "depth_topics",
    multiple=True,
    help="Depth, registered to the images: people in metres, too; as many as there are image topics.",
)
@click.option(
    "--camera-info",
    "camera_infos",
    multiple=True,
    help="How the cameras see; as many as there are image topics.  [default: camera_info beside the images]",
)
@click.option(
    "--slop",
    type=click.FloatRange(0, 10),
    default=0.05,
    show_default=True,
    help="Seconds that an image and its depth may differ.",
)
@click.option(
    "--depth-unit",
    type=click.FloatRange(0, 100, min_open=True),
    help="Metres per unit of depth.  [default: 0.001 of 16UC1, 1 of 32FC1]",
)
@click.option("--mode", callback=parse_mode, help="Write pictures drawn in this mode too; see `bodypix run`.")
@model_option
@model_options("bag")
@quiet_option
@debug_option
def command(
    source: Path,
    target: Path,
    image_topics: tuple[str, ...],
    namespaces: tuple[str, ...],
    copy: tuple[str, ...],
    copy_all: bool,
    storage: str | None,
    mono16_max: int | None,
    depth_topics: tuple[str, ...],
    camera_infos: tuple[str, ...],
    slop: float,
    depth_unit: float | None,
    mode: str | None,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find people in the images of a recorded ROS 2 bag.

    IN is a bag's folder, or its one .mcap or .db3 file; OUT a folder that must not exist. ROS need not be
    installed. OUT appears when it is complete, and not at all after an error.

    Every output carries the header and the record timestamp of its image; topics asked for are copied.

    \b
    Examples:
      bodypix bag drive/ people/ --image-topic /front/image --copy-all
      bodypix bag drive/ people/ -i /front/image --namespace front --mode instances
      bodypix bag drive/ people/ -i /camera/image --depth-topic /camera/depth --camera-info /camera/info
      bodypix bag drive.mcap people/ -i /front/image -i /rear/image/compressed -n front -n rear -t /tf
      ros2 bag play people/
    """  # noqa: D301 - click's mark
    try:
        from bodypix_ros.bags import plan as planning
        from bodypix_ros.bags.process import process
        from bodypix_ros.bags.reading import InputBag
        from bodypix_ros.bags.writing import check_target
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error}; bags are read and written with rosbags: pip install 'bodypix_ros[bag]'"
        ) from error

    check_target(target)
    with InputBag(source) as recorded:
        what = planning.plan(recorded, image_topics, copy, copy_all, namespaces, depth_topics, camera_infos)
        with load_segmenter(model, options, mode) as segmenter, reporting(what.images, quiet) as report:
            process(
                segmenter,
                recorded,
                what,
                target,
                report,
                storage=storage,
                mono16_max=mono16_max,
                mode=mode,
                slop_s=slop,
                depth_unit=depth_unit,
            )
            counted = f"{report.images} images, people found: {report.people}"
            done = summary(counted, report, segmenter, target)
    failed = len(report.failures)
    click.echo(done + (f"; {failed} could not be used" if failed else ""))
    if failed:
        raise SystemExit(1)
