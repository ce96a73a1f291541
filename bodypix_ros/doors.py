"""Where the installed programs begin: Ctrl-C ends them in silence from their first moment on.

Nothing heavy is imported in here. An interruption has no good place in an import: Python prints where it was,
a library makes another error of it, or a callback swallows it. So while a program imports it ends at once.
"""

import os
import signal
import sys
import threading
from importlib import import_module
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a command that Ctrl-C ended."""


def bodypix() -> NoReturn:
    """The command. It imports what a sub-command needs when it knows which."""
    _enter("bodypix_ros.cli", INTERRUPTED, goes_on=True)


def segmenter_node() -> NoReturn:
    """The node of that name. To be told to stop is a node's proper end."""
    _enter("bodypix_ros.ros.segmenter_node", 0)


def renderer_node() -> NoReturn:
    """The node of that name."""
    _enter("bodypix_ros.ros.renderer_node", 0)


def people_node() -> NoReturn:
    """The node of that name."""
    _enter("bodypix_ros.ros.people_node", 0)


def source_node() -> NoReturn:
    """The node of that name."""
    _enter("bodypix_ros.ros.source_node", 0)


def _enter(module: str, interrupted: int, *, goes_on: bool = False) -> NoReturn:
    """Import a module and run its `main`.

    Args:
        module: Which.
        interrupted: The exit code after SIGINT.
        goes_on: Whether it imports more later.
    """
    listens = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    listens = listens and before is signal.default_int_handler  # not where it is ignored

    def interrupt(_: int, frame: FrameType | None) -> None:
        if _is_importing(frame):
            os._exit(interrupted)
        raise KeyboardInterrupt

    try:
        if listens:
            signal.signal(signal.SIGINT, interrupt)
        main = import_module(module).main
        if listens and not goes_on:
            signal.signal(signal.SIGINT, before)
        code = main()
    except KeyboardInterrupt:
        code = interrupted
    sys.exit(code)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether an import is among what called this frame."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
