"""`bodypix bag`."""

from contextlib import ExitStack
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
    showing_kernels,
)
from bodypix_ros.cli.reporting import count, reporting, summary

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
    help="Raw or compressed images; may be repeated.  [default: the one there is; with --anonymize all]",
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
    type=generated.Range(0, 10),
    default=0.05,
    show_default=True,
    help="Seconds that an image and its depth may differ.",
)
@click.option(
    "--depth-unit",
    type=generated.Range(0, 100, min_open=True),
    help="Metres per unit of depth.  [default: 0.001 of 16UC1, 1 of 32FC1]",
)
@click.option(
    "--anonymize",
    is_flag=True,
    help="Write a copy of IN instead, with faces blurred in its images and everything else as it is.",
)
@click.option(
    "--verify", is_flag=True, help="With --anonymize: look for faces in the copy, and say how many are left."
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
    anonymize: bool,
    verify: bool,
    mode: str | None,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find people in the images of a recorded ROS 2 bag.

    IN is a bag's folder, or its one .mcap or .db3 file; OUT a folder that must not exist. ROS need not be
    installed. OUT appears when it is complete, and not at all after an error.

    Every output carries the header and the record timestamp of its image; topics asked for are copied.

    With --anonymize OUT is a copy of IN: images keep topic, type, encoding, header and time, and where nobody
    was found their bytes; all other messages keep theirs. An image that cannot be read is left out and named,
    and so are topics of video. It reduces what can be recognised and guarantees nothing: a face that is not
    found stays.

    \b
    Examples:
      bodypix bag drive/ people/ --image-topic /front/image --copy-all
      bodypix bag drive/ people/ -i /front/image --namespace front --mode instances
      bodypix bag drive/ people/ -i /camera/image --depth-topic /camera/depth --camera-info /camera/info
      bodypix bag drive.mcap people/ -i /front/image -i /rear/image/compressed -n front -n rear -t /tf
      bodypix bag drive/ shareable/ --anonymize
      ros2 bag play people/
    """  # noqa: D301 - click's mark
    try:
        from bodypix_ros.bags.making import BagRecipe
        from bodypix_ros.bags.reading import InputBag
        from bodypix_ros.bags.writing import check_target
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error}; bags are read and written with rosbags: pip install 'bodypix_ros[bag]'"
        ) from error

    recipe = BagRecipe(
        image_topics, namespaces, copy, copy_all, storage, mono16_max, mode, anonymize,
        depth_topics, camera_infos, slop, depth_unit, verify,
    )  # fmt: skip
    check_target(target)
    with InputBag(source) as recorded:
        planned = recipe.plan(recorded)
        with ExitStack() as stack:
            segmenter = stack.enter_context(load_segmenter(model, options, recipe.preset_mode))
            with showing_kernels():
                segmenter.stream()  # it brings kernels, which the bar of images should not wait for
            report = stack.enter_context(reporting(planned.images, quiet))
            planned.write(segmenter, target, report)
            counted = f"{count(report.images, 'image')}, people found: {report.people}"
            done = summary(counted, report, segmenter, target)
    failed = len(report.failures)
    click.echo(done + (f"; {failed} could not be used" if failed else ""))
    if failed:
        raise SystemExit(1)
