"""`bodypix warm-up`."""

import os
import time

import click

from bodypix_ros.cli.options import debug_option, progress_bar, quiet_option

MORE = {
    "people": "bodypix_ros.segmenters.bodypix.people.seeing",
    "original": "bodypix_ros.segmenters.bodypix.original.seeing",
    "streams": "bodypix_ros.perception.following",
    "edges": "bodypix_ros.details.edges",
    "hands": "bodypix_ros.details.hands.reading",
    "faces": "bodypix_ros.imaging.warp",
    "places": "bodypix_ros.space.placing",
    "velocities": "bodypix_ros.space.world",
}
"""What brings kernels besides the families, by what it is for."""


def modules() -> dict[str, str]:
    """All that bring kernels, by what they are for."""
    from bodypix_ros.segmenters.families import FAMILIES

    return MORE | {name: family.seer.partition(":")[0] for name, family in FAMILIES.items()}


@click.command("warm-up")
@click.argument("names", nargs=-1, metavar="[WHAT...]")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes at once.  [default: one per core]",
)
@quiet_option
@debug_option
def command(names: tuple[str, ...], jobs: int | None, quiet: bool) -> None:
    """Compile what the first start after an installation would wait for.

    The compiled kernels of all models are kept beside the package, or in the user's cache where that cannot
    be written, for this Python and this processor. No weights are needed. Run it as the user that runs the
    nodes. WHAT names a part: people (the default model, pictures), streams, edges, original, bodypix (both of
    its algorithms), selfie, blazepose, places or velocities.

    \b
    Examples:
      bodypix warm-up
      bodypix warm-up people
      ros2 run bodypix_ros bodypix warm-up
    """  # noqa: D301 - click's mark
    from bodypix_ros.cli.warming import compile_apart, compile_here

    there, jobs = modules(), jobs or os.cpu_count() or 1
    for name in names:
        if name not in there:
            raise click.UsageError(f"{name!r:.80} brings no kernels; there are {', '.join(there)}")
    wanted = [there[name] for name in names or there]
    started_s = time.monotonic()
    text = "compiling kernels, once: {n_fmt}, {elapsed}"
    with progress_bar(None, "", quiet, bar_format=text) as bar:

        def done() -> None:
            bar.update()

        compiled = compile_here(wanted, done) if jobs == 1 else compile_apart(wanted, jobs, done)
    took_s = time.monotonic() - started_s
    click.echo(f"kernels compiled: {compiled}, in {took_s:.1f} s" if compiled else "all kernels are there")
