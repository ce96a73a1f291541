"""Rerun's viewer as a program of its own: on this computer only, and telling nobody of it.

Rerun listens on all interfaces unless it is told an address, sends its makers what it is used for unless a
file in the user's folder of settings says otherwise, and asks for newer versions. Here it is bound to
127.0.0.1, looks for settings in a folder of its own, whose file says so, and is given a proxy that is not
there; the user's own settings stay as they are.
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
_NOWHERE: Final = f"http://{LOOPBACK}:9"
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")
_ELSEWHERE: Final = "--web shows it in a browser, and --out writes a file for another computer"
_RERUN: Final = (sys.executable, "-m", "rerun")


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
        self._web, self._port = web, port or _free()
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
        return [*_RERUN, "--bind", LOOPBACK, "--port", str(self._port), *shown]

    def __enter__(self) -> "Program":
        if not self._web and not any(os.environ.get(name) for name in _DISPLAYS):
            raise StartError(f"there is no display for the viewer's window: {_ELSEWHERE}")
        for port in (self._port, *([self._web_port] if self._web else [])):
            if _answers(port):
                raise StartError(
                    f"port {port} is taken by another program; choose another with --port or --web-port"
                )
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodypix-view-")))
            environment = _alone(folder)
            _silence(environment)
            self._log = folder / "log"
            log = stack.enter_context(self._log.open("wb"))
            # A session of its own: Ctrl-C is for whoever started it, who ends it afterwards.
            self._process = subprocess.Popen(  # noqa: S603
                self.command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(self._end)
            self._wait()
            if self._web:
                stack.enter_context(Page(self._web_port, self._inner, self._port))
            self._stack = stack.pop_all()
        return self

    def _wait(self) -> None:
        """Wait until it listens.

        Raises:
            StartError: It does not.
        """
        until = time.monotonic() + _START_S
        while not (_answers(self._port) and (not self._web or _answers(self._inner))):
            if not self.running or time.monotonic() > until:
                raise StartError(f"Rerun's viewer does not start: {self._why()}: {_ELSEWHERE}")
            time.sleep(_STEP_S)

    @property
    def running(self) -> bool:
        """Whether its window was not closed yet."""
        return self._process.poll() is None

    def check(self) -> None:
        """See whether it is as it should be: open, or closed by somebody.

        Raises:
            StartError: It broke off, as where there are no graphics that it can use.
        """
        if self._process.poll():
            raise StartError(f"Rerun's viewer broke off: {self._why()}: {_ELSEWHERE}")

    def _why(self) -> str:
        """The last that it said."""
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{said[-1]:.300}" if said else "it says nothing"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)  # Python starts the viewer as another process
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                break


def _alone(folder: Path) -> dict[str, str]:
    """An environment in which the viewer has its own settings, and nobody to talk to."""
    proxies = {name: _NOWHERE for upper in _PROXIES for name in (upper, upper.lower())}
    none = dict.fromkeys(("NO_PROXY", "no_proxy"), f"{LOOPBACK},localhost")
    settings = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(folder))
    return {**os.environ, **proxies, **none, **settings}


def _silence(environment: dict[str, str]) -> None:
    """Turn the reports of usage off in the folder of settings that an environment names.

    Raises:
        StartError: They are still on.
    """
    for words in (("analytics", "disable"), ("analytics", "config")):
        done = subprocess.run(  # noqa: S603
            [*_RERUN, *words], env=environment, capture_output=True, text=True, timeout=_START_S, check=False
        )
    try:
        sends = json.loads(done.stdout)["analytics_enabled"]
    except (ValueError, KeyError, TypeError):
        sends = True
    if sends is not False:
        raise StartError("Rerun's reports of usage cannot be turned off here, so its viewer is not started")


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
