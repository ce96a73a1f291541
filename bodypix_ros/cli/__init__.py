"""The command `bodypix`. Each sub-command is a module, imported when it is called."""

import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from bodypix_ros import __version__
from bodypix_ros.cli.generated import spelled
from bodypix_ros.cli.options import DEBUG, debug_option
from bodypix_ros.doors import INTERRUPTED
from bodypix_ros.errors import BodypixError, DigestError, OptionError

COMMANDS = {
    "run": "Find people in pictures, folders, videos, cameras and addresses.",
    "bag": "Find people in the images of a recorded ROS 2 bag.",
    "batch": "Find people in many recordings, on one computer or a cluster.",
    "view": "Look at what is seen in a viewer, or record it for one.",
    "demo": "Find the people in one picture and show what comes out.",
    "models": "List, fetch and verify the models, and calibrate them for INT8.",
    "warm-up": "Compile what the first start after an installation would wait for.",
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
        command: click.Command = import_module(
            f"bodypix_ros.cli.{cmd_name.replace('-', '_')}_command"
        ).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and report what a user can put right without a traceback."""
        heard: list[int] = []
        try:
            with _unwinding(heard):
                return super().invoke(ctx)
        except KeyboardInterrupt:  # click would say "Aborted!" and exit with 1, as after an error
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as error:
            if heard:  # some libraries make another error of it
                ctx.exit(INTERRUPTED)
            expected = isinstance(error, (BodypixError, ValueError, OSError, ImportError))
            if ctx.meta.get(DEBUG) or not expected:
                raise
            text = spelled(error) if isinstance(error, OptionError) else str(error)
            click.echo(f"bodypix: {text}", err=True)
            ctx.exit(_exit_code(error))


@contextmanager
def _unwinding(heard: list[int]) -> Generator[None]:
    """Let signals end the process as errors do, so that nothing half-written stays.

    SIGTERM and SIGHUP, but not where they are ignored, as nohup ignores SIGHUP; and Ctrl-C, which does that
    already, also where a library swallows it.

    Args:
        heard: Gets the number of each Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _frame: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    def swallowed(lost: Any) -> None:
        """Say of an error that nobody could be told of, unless it is Ctrl-C: that comes again."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(0.01, interrupt_main).start()  # in here it would be lost again
        else:
            said(lost)

    handlers = {signal.SIGTERM: _exit, signal.SIGHUP: _exit, signal.SIGINT: interrupt}
    by_default = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: handler for number in handlers if (handler := signal.getsignal(number)) in by_default}
    said = sys.unraisablehook
    for number in before:
        signal.signal(number, handlers[number])
    sys.unraisablehook = swallowed
    try:
        yield
    finally:
        sys.unraisablehook = said
        for number, handler in before.items():
            signal.signal(number, handler)


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

    Exit codes: 0 all is well; 1 some inputs failed; 2 a wrong option, or a model that is not here; 130
    Ctrl-C.
    """  # noqa: D301 - click's mark
    # The libraries below OpenCV chatter on stderr about files that are reported by name anyway.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if isinstance(sys.stdout, TextIOWrapper):  # names of files may be no text; stderr escapes them anyway
        sys.stdout.reconfigure(errors="backslashreplace")
