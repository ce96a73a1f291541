"""Where the installed programs begin: Ctrl-C ends them in silence from their first moment on.

Nothing heavy is imported in here. Until what a program is made of has been imported nobody else listens to
signals, and Python would print where in some import it was.
"""

import os
import signal
import sys
import threading
from importlib import import_module
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a command that Ctrl-C ended."""


def bodypix() -> NoReturn:
    """The command."""
    _enter("bodypix_ros.cli", INTERRUPTED)


def segmenter_node() -> NoReturn:
    """The node of that name. To be told to stop is a node's proper end."""
    _enter("bodypix_ros.ros.segmenter_node", 0)


def renderer_node() -> NoReturn:
    """The node of that name."""
    _enter("bodypix_ros.ros.renderer_node", 0)


def source_node() -> NoReturn:
    """The node of that name."""
    _enter("bodypix_ros.ros.source_node", 0)


def _enter(module: str, interrupted: int) -> NoReturn:
    """Import a module and run its `main`.

    Args:
        module: Which.
        interrupted: The exit code after SIGINT.
    """
    listens = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    listens = listens and before is signal.default_int_handler  # not where it is ignored
    if listens:
        # Nothing is open yet. An exception would run into whatever import it is that it meets, and some of
        # them make another error of it.
        signal.signal(signal.SIGINT, lambda *_: os._exit(interrupted))
    main = import_module(module).main
    if listens:
        signal.signal(signal.SIGINT, before)
    try:
        code = main()
    except KeyboardInterrupt:
        code = interrupted
    sys.exit(code)
