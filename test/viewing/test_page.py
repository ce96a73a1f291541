"""The page that browsers get: Rerun's own, with a header that keeps it from talking to others."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bodypix_ros.viewing.page import Page, policy
from bodypix_ros.viewing.program import _free


@pytest.fixture
def inner():
    """A server in place of Rerun's; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path.startswith("/app") else 404)
            self.send_header("Content-Type", "application/wasm")
            self.send_header("Server-Secret", "kept")
            self.end_headers()
            self.wfile.write(self.path.encode() * 3)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_files_are_handed_on_with_the_policy(inner):
    port = _free()
    with Page(port, inner, 4321):
        answer = urlopen(f"http://127.0.0.1:{port}/app.wasm?url=x", timeout=20)
        assert answer.read() == b"/app.wasm?url=x" * 3
        assert answer.headers["Content-Type"] == "application/wasm"
        assert answer.headers["Content-Security-Policy"] == policy(4321)
        assert answer.headers["Server-Secret"] is None
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/other", timeout=20)
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/app", timeout=20)


def test_the_policy_names_this_computer_alone():
    rules = dict(rule.strip().split(" ", 1) for rule in policy(4321).split(";"))
    for allowed in rules.values():
        addresses = [word for word in allowed.split() if ":" in word and word not in ("blob:", "data:")]
        assert set(addresses) <= {"http://127.0.0.1:4321"}
        assert "*" not in allowed
    assert rules["connect-src"].endswith("http://127.0.0.1:4321")


def test_a_viewer_that_is_gone_is_said(inner):
    port = _free()
    with Page(port, _free(), 4321), pytest.raises(HTTPError, match="the viewer does not answer"):
        urlopen(f"http://127.0.0.1:{port}/app", timeout=20)
