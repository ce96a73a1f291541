"""The command line, called in this process."""

import pytest
from click.testing import CliRunner, Result

from bodypix_ros.cli import main


def invoke(*arguments: object, code: int = 0) -> Result:
    """Run `bodypix` with these arguments; anything but the exit code, or a traceback, fails the test."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exit_code != code:
        pytest.fail(f"exit code {result.exit_code}, not {code}:\n{result.output}\n{result.exception!r}")
    assert "Traceback" not in result.output
    return result
