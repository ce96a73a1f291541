"""`bodypix devices`."""

import json
from dataclasses import asdict

import click

from bodypix_ros.cli.options import debug_option, json_option, table


@click.command("devices")
@json_option
@debug_option
def command(as_json: bool) -> None:
    """List the devices that OpenVINO sees.

    Any of these names goes into --device, alone or in an order of preference such as GPU,CPU. AUTO takes the
    first of GPU, NPU and CPU that runs the model.
    """
    from bodypix_ros.runtime.devices import devices

    found = devices()
    if as_json:
        click.echo(json.dumps([asdict(device) for device in found], indent=2))
        return
    rows = [[device.name, ", ".join(device.precisions), device.full_name] for device in found]
    click.echo(table([["device", "precisions", "what it is"], *rows]))
