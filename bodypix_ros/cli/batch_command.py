"""`bodypix batch`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from bodypix_ros.cli.generated import Command, add
from bodypix_ros.cli.options import (
    debug_option,
    export_option,
    given_options,
    model_option,
    model_options,
    out_option,
    quiet_option,
    table,
)
from bodypix_ros.cli.reporting import count
from bodypix_ros.doors import INTERRUPTED
from bodypix_ros.errors import OptionError

_OF_BAG = (
    "image_topics", "namespaces", "copy", "copy_all", "storage", "mono16_max", "anonymize", "depth_topics",
    "camera_infos", "slop", "depth_unit",
)  # fmt: skip
"""Options of `bodypix bag`; its --mode is that of `bodypix run`."""
_OF_RUN = ("masks", "overlay_format", "results")


def _shared() -> Iterator[click.Parameter]:
    """The options of `bodypix bag` and `bodypix run` that say what is made of a source."""
    from bodypix_ros.cli import bag_command, run_command

    for command, names in ((bag_command.command, _OF_BAG), (run_command.command, _OF_RUN)):
        yield from (option for option in command.params if option.name in names)
    yield from run_command.drawing_options()


@click.command("status")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@debug_option
def status(folder: Path, as_json: bool) -> None:
    """Say what a folder of `bodypix batch` holds: what is done, what failed and why, what waits.

    It may be asked while a batch is at work.

    \b
    Examples:
      bodypix batch status people/
      bodypix batch status people/ --json | jq .failed
    """  # noqa: D301 - click's mark
    import json

    from bodypix_ros import batch

    state = batch.read(folder)
    if not state.runs:
        raise OptionError("DIR", f"{folder}: no `bodypix batch` wrote into this folder: it has no manifest")
    found = batch.figures(state)
    if as_json:
        click.echo(json.dumps(found))
        return
    counts = ("sources", "done", "waiting", "images", "people", "recorded_hours", "worker_hours")
    rows = [(name.replace("_", " "), str(found[name])) for name in counts]
    click.echo(table([("", ""), *rows]).lstrip())
    for title, why in (("failed", found["failed"]), ("with flaws", _first(found["flawed"]))):
        for text in why.values():
            click.echo(f"{title}: {text}")


def _first(flawed: dict[str, list[str]]) -> dict[str, str]:
    """The first flaw of each source, and how many more there are."""
    return {
        source: f"{source}: {problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else "")
        for source, problems in flawed.items()
    }


class BatchCommand(Command):
    """`bodypix batch`, of which `bodypix batch status` is a part."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand on to `status` what is its; a source of that name is ./status."""
        if args[:1] == [status.name]:
            return status.make_context(f"{info_name} {status.name}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exports, then the options."""
        from bodypix_ros.batch import EXPORTS

        with formatter.section("Written besides, with --export"):
            formatter.write_dl(list(EXPORTS.items()))
        super().format_options(ctx, formatter)


@click.command("batch", cls=BatchCommand)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@out_option("bodypix_batch")
@click.option("-w", "--workers", type=click.IntRange(1), help="Sources at once.  [default: one a core]")
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on a Ray cluster: its address, auto for the one this computer is in, or local.",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=2,
    show_default=True,
    help="How often a source is tried again after a worker died or a disk was full.",
)
@export_option
@add(_shared)
@model_option
@model_options("bag")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON.")
@quiet_option
@debug_option
def command(
    sources: tuple[str, ...],
    out: Path,
    workers: int | None,
    ray: str | None,
    retries: int,
    exports: tuple[str, ...],
    model: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find people in many recordings, on one computer or a cluster.

    SOURCE is a bag, a video, a picture, a folder, which is looked through for these with its folders, a
    pattern such as 'drives/*.mcap', or a file ending in .txt that lists sources, one a line. Each bag, each
    video and each folder's pictures are one task.

    \b
    Written into the folder of --out:
      NAME/           of a bag what `bodypix bag` writes, of a video or pictures what `bodypix run` does
      manifest.jsonl  what was done, of what, with what, and what failed; only appended to
      report.json     figures: images, people, hours, speed; report.png draws them (extra `plot`)

    Outputs appear when they are whole. Run it again to go on: what is done is left out, what was broken off
    or failed is done, and what was done of other contents or with other options is done anew. Of a worker
    that dies the source is tried again. Each worker has one thread (--threads).

    With --anonymize bags become copies with faces hidden, as `bodypix bag --anonymize` writes them, and
    videos and pictures are drawn so.

    \b
    Examples:
      bodypix batch drives/ --out people
      bodypix batch 'drives/*.mcap' --out shareable --anonymize
      bodypix batch films/ drives.txt --out people --export parquet --workers 8
      bodypix batch /shared/drives --out /shared/people --ray auto
      bodypix batch status people
    """  # noqa: D301 - click's mark
    from bodypix_ros import batch
    from bodypix_ros.cli.batch_text import watching
    from bodypix_ros.cli.run_command import drawing
    from bodypix_ros.results.process import stop_on_interrupt

    drawn = drawing(options, hides=options["anonymize"])
    of_bag = {name: options.pop(name) for name in _OF_BAG}
    of_run = {name: options.pop(name) for name in _OF_RUN}
    bag = batch.BagRecipe(**of_bag, mode=drawn["mode"], verify=drawn["verify"] and of_bag["anonymize"])
    drawn["mode"] = bag.preset_mode
    files = batch.FileRecipe(
        **drawn, masks=of_run["masks"], overlay_suffix=f".{of_run['overlay_format']}"
    )  # fmt: skip
    exports += ("results",) if of_run["results"] else ()
    _check_bags(sources, exports)
    loaded = batch.Model(model, given_options(model, options, drawn["mode"]))
    recipe = batch.Recipe(loaded, bag, files, exports)
    with stop_on_interrupt() as stopped, watching(as_json, quiet) as listen:
        summary = batch.run(
            sources, out, recipe, workers=workers, ray=ray, retries=retries, listen=listen, stopped=stopped
        )
    if not as_json:
        _close(summary, out)
    raise SystemExit(INTERRUPTED if summary.stopped else 0 if summary.well else 1)


def _check_bags(sources: Sequence[str], exports: Sequence[str]) -> None:
    """See whether rosbags is there where it will be needed for certain.

    Raises:
        ImportError: It is not.
    """
    from importlib.util import find_spec

    bags = any(source.endswith((".mcap", ".db3")) for source in sources) or "mcap" in exports
    if bags and find_spec("rosbags") is None:
        raise ImportError("bags are read and written with rosbags: pip install 'bodypix_ros[bag]'")


def _close(summary: Any, out: Path) -> None:
    """Say what was done, and name what failed."""
    images, people = sum(m.images for m in summary.made), sum(m.people for m in summary.made)
    counts = [f"{len(summary.made)} made ({count(images, 'image')}, people found: {people})"]
    counts += [f"{summary.skipped} done before"] if summary.skipped else []
    counts += [f"{len(summary.flawed)} with flaws"] if summary.flawed else []
    counts += [f"{len(summary.failed)} failed"] if summary.failed else []
    counts += [f"{summary.tries} tries again"] if summary.tries else []
    counts += ["stopped early"] if summary.stopped else []
    click.echo(f"{'; '.join(counts)}; in {out}")
    for why in summary.failed.values():
        click.echo(f"failed: {why}")
    for why in _first({source: list(problems) for source, problems in summary.flawed.items()}).values():
        click.echo(f"with flaws: {why}")
