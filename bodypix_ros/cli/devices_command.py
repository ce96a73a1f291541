"""`bodypix devices`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bodypix_ros.cli.options import debug_option, json_option, table

if TYPE_CHECKING:
    from bodypix_ros.runtime.devices import Device


@click.command("devices")
@json_option
@debug_option
def command(as_json: bool) -> None:
    """List the devices that OpenVINO sees.

    Any of these names goes into --device, alone or in an order of preference such as GPU,CPU. AUTO takes the
    first of GPU, NPU and CPU that runs the model. Behind int8 stands what makes it fast on CPUs.
    """
    from bodypix_ros.runtime.devices import devices

    found = devices()
    if as_json:
        click.echo(json.dumps([asdict(device) for device in found], indent=2))
        return
    rows = [[device.name, _precisions(device), device.full_name] for device in found]
    click.echo(table([["device", "precisions", "what it is"], *rows]))


def _precisions(device: "Device") -> str:
    by = f" ({device.int8_by})" if device.int8_by else ""
    return ", ".join(name + (by if name == "int8" else "") for name in device.precisions)
