"""Rerun's viewer as a program of its own: on this computer only, and telling nobody of it.

Rerun listens on all interfaces unless it is told an address, and sends its makers what it is used for unless
a file in the user's folder of settings says otherwise. Here it is bound to 127.0.0.1, and looks for settings
in a folder of its own, whose file says so; the user's own stay as they are.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

from bodypix_ros.errors import StartError
from bodypix_ros.viewing.page import LOOPBACK, Page

_START_S: Final = 60.0
_STEP_S: Final = 0.05
_QUIET: Final = {"analytics_enabled": False, "analytics_id": "", "metadata": {}}


class Program:
    """The viewer, running; a context manager that ends it.

    Attributes:
        url: Where it takes what is logged.
        page: What to open in a browser; empty of a window.
    """

    def __init__(self, *, web: bool, port: int, web_port: int) -> None:
        """Start nothing yet.

        Args:
            web: Serve it to a browser, in place of a window.
            port: That it listens on for what is logged; 0: any.
            web_port: That the browser finds it on; 0: any.
        """
        self._web, self._port, self._stack = web, port or _free(), ExitStack()
        self._web_port, self._inner = web_port or _free(), _free()
        self.url = f"rerun+http://{LOOPBACK}:{self._port}/proxy"
        self.page = f"http://{LOOPBACK}:{self._web_port}/?url={quote(self.url, safe='')}" if web else ""

    @property
    def command(self) -> list[str]:
        """What is typed to start it."""
        shown = (
            ["--serve-web", "--web-viewer-port", str(self._inner)]
            if self._web
            else ["--hide-welcome-screen", "--expect-data-soon"]
        )
        return [sys.executable, "-m", "rerun", "--bind", LOOPBACK, "--port", str(self._port), *shown]

    def __enter__(self) -> "Program":
        for port in (self._port, *([self._web_port] if self._web else [])):
            if _answers(port):
                raise StartError(
                    f"port {port} is taken by another program; choose another with --port or --web-port"
                )
        self._settings = tempfile.TemporaryDirectory(prefix="bodypix-view-")
        folder = Path(self._settings.name) / "rerun"
        folder.mkdir()
        (folder / "analytics.json").write_text(json.dumps(_QUIET), encoding="utf-8")
        environment = {
            **os.environ,
            "XDG_CONFIG_HOME": self._settings.name,
            "XDG_DATA_HOME": self._settings.name,
        }
        self._log = (folder / "log").open("w+b")
        # A session of its own: Ctrl-C is for whoever started it, who ends it afterwards.
        self._process = subprocess.Popen(  # noqa: S603
            self.command, env=environment, stdout=self._log, stderr=self._log, start_new_session=True
        )
        until = time.monotonic() + _START_S
        while not (_answers(self._port) and (not self._web or _answers(self._inner))):
            if not self.running or time.monotonic() > until:
                last = self._said().strip().splitlines()[-1:] or ["it says nothing"]
                self.__exit__(None, None, None)
                raise StartError(
                    f"Rerun's viewer does not start: {last[0]:.300}; without a display --web shows it in a "
                    "browser, and --out writes a file"
                )
            time.sleep(_STEP_S)
        if self._web:
            self._stack.enter_context(Page(self._web_port, self._inner, self._port))
        return self

    @property
    def running(self) -> bool:
        """Whether its window was not closed yet."""
        return self._process.poll() is None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)  # Python starts the viewer as another process
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                break
        self._log.close()
        self._settings.cleanup()

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")


def _answers(port: int) -> bool:
    """Whether somebody listens on a port of this computer."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
