"""`bodypix warm-up`."""

import time
from importlib import import_module

import click

from bodypix_ros.cli.options import debug_option, quiet_option, showing_kernels


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
    from bodypix_ros.segmenters.families import FAMILIES

    modules = {name: family.seer.partition(":")[0] for name, family in FAMILIES.items()}
    modules |= {
        "details": "bodypix_ros.perception.detailing",
        "places": "bodypix_ros.space.placing",
        "velocities": "bodypix_ros.space.world",
    }
    for name, module in modules.items():
        compiled: list[None] = []
        started_s = time.monotonic()
        with showing_kernels(), watched(lambda done=compiled: done.append(None)):  # type: ignore[misc]
            import_module(module)
        if compiled:
            click.echo(f"{name}: kernels compiled: {len(compiled)}, in {time.monotonic() - started_s:.1f} s")
        else:
            click.echo(f"{name}: ready")
