"""The command `bodypix`. Each sub-command is a module, imported when it is called."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from bodypix_ros import __version__
from bodypix_ros.cli.generated import spelled
from bodypix_ros.cli.options import DEBUG, debug_option
from bodypix_ros.doors import INTERRUPTED
from bodypix_ros.errors import BodypixError, DigestError, OptionError

COMMANDS = {
    "run": "Find people in pictures, folders, videos and cameras.",
    "bag": "Find people in the images of a recorded ROS 2 bag.",
    "demo": "Find the people in one picture and show what comes out.",
    "models": "List, fetch and verify the models.",
    "devices": "List the devices that OpenVINO sees.",
    "bench": "Measure speed, and how it grows with cameras, people and sizes.",
    "eval": "Measure accuracy on annotated images.",
}
"""Every sub-command with the first line of its help, in the order of `bodypix --help`."""


class Commands(click.Group):
    """A group that imports its commands late and turns expected errors into one paragraph."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"bodypix_ros.cli.{cmd_name}_command").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and report what a user can put right without a traceback."""
        try:
            with _unwinding():
                return super().invoke(ctx)
        except KeyboardInterrupt:  # click would say "Aborted!" and exit with 1, as after an error
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except (BodypixError, ValueError, OSError, ImportError) as error:
            if ctx.meta.get(DEBUG):
                raise
            text = spelled(error) if isinstance(error, OptionError) else str(error)
            click.echo(f"bodypix: {text}", err=True)
            ctx.exit(_exit_code(error))


@contextmanager
def _unwinding() -> Generator[None]:
    """Let SIGTERM and SIGHUP end the process as an error does, so that nothing half-written stays.

    Not where they are ignored, as nohup ignores SIGHUP.
    """
    listens = threading.current_thread() is threading.main_thread()
    deadly = (signal.SIGTERM, signal.SIGHUP) if listens else ()
    by_default = [number for number in deadly if signal.getsignal(number) == signal.SIG_DFL]
    for number in by_default:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in by_default:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _exit_code(error: Exception) -> int:
    """2 for what was typed or is missing, 1 for what went wrong."""
    usage = isinstance(error, (ValueError, FileNotFoundError, ImportError))
    return 2 if usage and not isinstance(error, DigestError) else 1


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="bodypix_ros")
@debug_option
def main() -> None:
    """See people: instance masks, body parts and keypoints through OpenVINO.

    \b
    Start with
      bodypix models fetch bodypix-mobilenet-075-s16-q2
      bodypix demo
      bodypix run holiday.jpg --out found

    Exit codes: 0 all is well; 1 some inputs failed; 2 a wrong option, or a model that is not here.
    """  # noqa: D301 - click's mark
    # The libraries below OpenCV chatter on stderr about files that are reported by name anyway.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
