"""What a server answers to a download: status, headers, redirections, lengths, contents."""

import hashlib
import json
import socket
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

from bodypix_ros.errors import DigestError, DownloadError
from bodypix_ros.models import store
from bodypix_ros.models.catalogue import Model, ModelFile
from fuzz.cases import Case, Execute, check
from fuzz.mutate import SIZES, damaged, some_text

_CONTENT = bytes(range(256)) * 100
_GRAPH = json.dumps({"format": "graph-model", "weights": [1.5, "ä"]}).encode()
_DATA = {"net/a.bin": _CONTENT, "net/a.json": _GRAPH}
_FILES = {
    path: ModelFile(path, f"https://example.invalid/{path}", len(data), hashlib.sha256(data).hexdigest())
    for path, data in _DATA.items()
}
_LENGTHS = ("", "-1", "x", "1" * 5000, "٣", "0x10", "1e9", "+5", str(1 << 70), *map(str, SIZES))


class _Server(ThreadingTCPServer):
    daemon_threads = True
    answer = b""
    asked = 0


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        request = b""
        while b"\r\n\r\n" not in request and (more := self.request.recv(65536)):
            request += more
        self.server.asked += 1
        try:
            self.request.sendall(self.server.answer)
        except OSError:  # it has heard enough
            return


def start(shared: Path) -> Execute:
    """Start a server on this computer."""
    server = _Server(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    connect = socket.create_connection

    def only_here(address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
        if address != ("127.0.0.1", port):
            raise OSError(f"{address} is not our server")
        return connect(address, *more, **named)

    setattr(socket, "create_connection", only_here)  # noqa: B010

    def execute(case: Case) -> str:
        file, root = case.rng.choice(list(_FILES.values())), case.folder / "models"
        model, part = Model("net", "test", "MIT", (file,)), root / f"{file.path}.part"
        data, left = _DATA[file.path], case.rng.choice((None, None, 10, len(_DATA[file.path]), 30_000))
        if left is not None:
            part.parent.mkdir(parents=True)
            part.write_bytes((data if case.rng.random() < 0.7 else data[::-1])[:left])
        server.answer, server.asked = _answer(case, data, left or 0, port), 0
        (case.folder / "answer").write_bytes(server.answer)
        url = f"http://127.0.0.1:{port}"
        outcome, made = case.attempt(
            lambda: store.fetch(model, root, base_url=url),
            (DownloadError, DigestError),
            (url, str(part)),
        )
        check(server.asked <= 20, f"{server.asked} requests")
        there = {path for path in root.rglob("*") if path.is_file()}
        if made is not None:
            check(there == {root / file.path}, f"made {there}")
            check(_same(there.pop().read_bytes(), data), "made something else")
            return outcome
        check(there <= ({part} if outcome == "DownloadError" else set()), f"left behind: {there}")
        server.answer = b"HTTP/1.0 200 OK\r\n\r\n" + data
        try:
            store.fetch(model, root, base_url=url)
        except DigestError:  # what was there before was wrong, and is gone now
            store.fetch(model, root, base_url=url)
        check((root / file.path).read_bytes() == data, "the next attempt gave something else")
        check(not part.exists(), "the part is still there")
        return outcome

    return execute


def _same(made: bytes, data: bytes) -> bool:
    """A graph may be written otherwise, with other white space or escapes."""
    return made == data or (data == _GRAPH and json.loads(made) == json.loads(data))


def _answer(case: Case, data: bytes, left: int, port: int) -> bytes:
    rng = case.rng
    body = rng.choice(
        (
            data,
            data,
            data,
            data[left:],
            data[: rng.randrange(len(data))],
            data + b"x" * rng.choice((1, 100_000)),
            damaged(rng, data),
            b"",
            b"<html>log in</html>",
        )
    )
    lines = [
        rng.choice(
            (
                "HTTP/1.1 200 OK",
                "HTTP/1.1 200 OK",
                "HTTP/1.0 200",
                "HTTP/1.1 206 Partial Content",
                "HTTP/1.1 302 Found",
                "HTTP/1.1 404 Not Found",
                "HTTP/1.1 416 Range",
                "HTTP/1.1 100 Continue",
                "HTTP/1.1 999 x",
                "HTTP/9 200",
                "x",
            )
        )
    ]
    if rng.random() < 0.6:
        lines.append(f"Content-Length: {rng.choice((len(body), len(body), len(data), rng.choice(_LENGTHS)))}")
    if "206" in lines[0] or rng.random() < 0.1:
        begin = rng.choice((left, left, 0, rng.choice(_LENGTHS)))
        lines.append(f"Content-Range: bytes {begin}-{len(data) - 1}/{len(data)}")
    if "302" in lines[0]:
        to = rng.choice(
            (
                f"http://127.0.0.1:{port}/x",
                "file:///etc/passwd",
                "ftp://127.0.0.1/x",
                "http://[::1",
                "//",
                some_text(rng),
                f"http://127.0.0.1:{port}/ä",
                "http://127.0.0.1:99999/",
                "data:,x",
                f"http://x@127.0.0.1:{port}/",
            )
        )
        lines.append(f"Location: {to}")
    if rng.random() < 0.15:
        lines.append("Transfer-Encoding: chunked")
        size = rng.choice((f"{len(body):x}", f"{len(body):x}", "", "-1", "f" * 20, "z", "0"))
        body = size.encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    if rng.random() < 0.05:
        lines += [f"X-{index}: {some_text(rng)}" for index in range(rng.choice((1, 200)))]
    head = "\r\n".join(lines).encode("utf-8", "replace")
    head = damaged(rng, head) if rng.random() < 0.3 else head
    return head + b"\r\n\r\n" + body
