"""The viewer's page for a browser, which is kept from talking to anybody but this computer.

The page that Rerun serves tells its makers that it was opened, asks for a newer version and fetches fonts and
examples; in a browser none of its settings turns that off. So the browser is told to refuse it, by a header
that Rerun's own server does not send (Content Security Policy, https://www.w3.org/TR/CSP3/).
"""

import threading
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_TIMEOUT_S: Final = 60.0
_KEPT: Final = ("Content-Type", "Content-Encoding", "Cache-Control")


def policy(port: int) -> str:
    """What a page may load: its own files, and what is logged at a port of this computer."""
    own = "'self' 'unsafe-inline' 'wasm-unsafe-eval' blob: data:"
    return f"default-src {own}; connect-src 'self' blob: data: http://{LOOPBACK}:{port}; form-action 'none'"


class Page:
    """A server of the viewer's page; a context manager."""

    def __init__(self, port: int, inner: int, data: int) -> None:
        """Serve nothing yet.

        Args:
            port: That browsers find it on.
            inner: That Rerun serves its page on.
            data: That Rerun takes and gives on what is logged.

        Raises:
            OSError: The port is taken.
        """

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Hand on a file."""
                with closing(HTTPConnection(LOOPBACK, inner, timeout=_TIMEOUT_S)) as rerun:
                    try:
                        rerun.request("GET", self.path)
                        answer = rerun.getresponse()
                        body = answer.read()
                    except (OSError, HTTPException) as error:
                        self.send_error(502, f"the viewer does not answer: {error}")
                        return
                self.send_response(answer.status)
                for name in _KEPT:
                    if value := answer.getheader(name):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", policy(data))
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="page")

    def __enter__(self) -> "Page":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
