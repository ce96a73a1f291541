"""`bodypix warm-up`."""

import time
from importlib import import_module

import click

from bodypix_ros.cli.options import debug_option, quiet_option, showing_kernels

MORE = {
    "people": "bodypix_ros.segmenters.bodypix.people.seeing",
    "original": "bodypix_ros.segmenters.bodypix.original.seeing",
    "streams": "bodypix_ros.perception.following",
    "edges": "bodypix_ros.details.edges",
    "places": "bodypix_ros.space.placing",
    "velocities": "bodypix_ros.space.world",
}
"""What brings kernels besides the families, whose own come with them."""


def modules() -> dict[str, str]:
    """All that bring kernels, by what they are for."""
    from bodypix_ros.segmenters.families import FAMILIES

    return {name: family.seer.partition(":")[0] for name, family in FAMILIES.items()} | MORE


@click.command("warm-up")
@quiet_option
@debug_option
def command(quiet: bool) -> None:  # noqa: ARG001 - the bar asks click for it
    """Compile what the first start after an installation would wait for.

    The compiled kernels of all models are kept beside the package, or in the user's cache where that cannot
    be written, for this Python and this processor. No weights are needed. Run it as the user that runs the
    nodes.

    \b
    Examples:
      bodypix warm-up
      ros2 run bodypix_ros bodypix warm-up
    """  # noqa: D301 - click's mark
    from bodypix_ros.kernels import watched

    for name, module in modules().items():
        compiled: list[None] = []
        started_s = time.monotonic()
        with showing_kernels(), watched(lambda done=compiled: done.append(None)):  # type: ignore[misc]
            import_module(module)
        if compiled:
            click.echo(f"{name}: kernels compiled: {len(compiled)}, in {time.monotonic() - started_s:.1f} s")
        else:
            click.echo(f"{name}: ready")
