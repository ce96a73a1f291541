"""What a server answers to a download: status, headers, redirections, lengths, contents."""

import hashlib
import json
import socket
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from bodypix_ros.errors import DigestError, DownloadError
from bodypix_ros.models import store
from bodypix_ros.models.catalogue import Model, ModelFile
from fuzz.answers import Case, attempt, check
from fuzz.values import SIZES, cut, damaged, mostly, texts

_GRAPH = json.dumps({"format": "graph-model", "weights": [1.5, "ä"]}).encode()
_DATA = {"net/a.bin": bytes(range(256)) * 100, "net/a.json": _GRAPH}
_SERVER = ("127.0.0.1", 9)  # whatever its real port
_URL = f"http://{_SERVER[0]}:{_SERVER[1]}"

_lengths = st.sampled_from(
    ("", "-1", "x", "1" * 5000, "٣", "0x10", "1e9", "+5", str(1 << 70), *map(str, SIZES))
)
_statuses = st.sampled_from((
    "1.1 200 OK", "1.1 200 OK", "1.0 200", "1.1 206 Partial Content", "1.1 302 Found", "1.1 404 Not Found",
    "1.1 416 Range", "1.1 100 Continue", "1.1 999 x", "9 200",
))  # fmt: skip
_places = texts | st.sampled_from((
    f"{_URL}/x", f"{_URL}/ä", f"http://x@127.0.0.1:{_SERVER[1]}/", "file:///etc/passwd", "ftp://127.0.0.1/x",
    "http://[::1", "//", "data:,x", "http://127.0.0.1:99999/",
))  # fmt: skip


def download(folder: Path, path: str, sent: bytes, left: bytes | None = None) -> str:
    """Fetch a file of which an earlier attempt left something; then again, from a good server."""
    server, root, data = _server(), folder / "models", _DATA[path]
    digest = hashlib.sha256(data).hexdigest()
    file = ModelFile(path, f"https://example.invalid/{path}", len(data), digest)
    model, part, target = Model("net", "test", "MIT", (file,)), root / f"{path}.part", root / path
    if left is not None:
        part.parent.mkdir(parents=True)
        part.write_bytes(left)
    server.answer, server.asked = sent, 0
    with patch.object(socket, "create_connection", server.connect):
        outcome, made = attempt(
            lambda: store.fetch(model, root, base_url=_URL), (DownloadError, DigestError), (_URL, str(part))
        )
        check(server.asked <= 20, f"{server.asked} requests")
        there = {each for each in root.rglob("*") if each.is_file()}
        if made is not None:
            check(there == {target}, f"made {there}")
            check(_same(target.read_bytes(), data), "made something else")
            return outcome
        check(there <= ({part} if outcome == "DownloadError" else set()), f"left behind: {there}")
        server.answer = b"HTTP/1.0 200 OK\r\n\r\n" + data
        try:
            store.fetch(model, root, base_url=_URL)
        except DigestError:  # what was there before was wrong, and is gone now
            store.fetch(model, root, base_url=_URL)
    check(target.read_bytes() == data, "the next attempt gave something else")
    check(not part.exists(), "the part is still there")
    return outcome


def _same(made: bytes, data: bytes) -> bool:
    """A graph may be written otherwise, with other white space or escapes."""
    return made == data or (data == _GRAPH and json.loads(made) == json.loads(data))


@st.composite
def _answers(draw: st.DrawFn) -> Case:
    path = draw(st.sampled_from(sorted(_DATA)))
    data = _DATA[path]
    left = draw(st.none() | st.sampled_from((data[:10], data, data[:30_000], data[::-1][:10], data[::-1])))
    begun = len(left or b"")
    whole = st.just(data)
    odd = st.sampled_from((data[begun:], data + b"x", data + b"x" * 100_000, b"", b"<html>log in</html>"))
    body = draw(mostly(whole, odd | cut(data) | damaged(data), 1))
    status = draw(_statuses)
    lines = [draw(mostly(st.just(f"HTTP/{status}"), texts, 10))]
    if draw(st.booleans()):
        lines.append(f"Content-Length: {draw(st.sampled_from((len(body), len(body), len(data))) | _lengths)}")
    if "206" in status or not draw(st.integers(0, 9)):
        begin = draw(st.sampled_from((begun, begun, 0)) | _lengths)
        lines.append(f"Content-Range: bytes {begin}-{len(data) - 1}/{len(data)}")
    if "302" in status:
        lines.append(f"Location: {draw(_places)}")
    if not draw(st.integers(0, 6)):
        lines.append("Transfer-Encoding: chunked")
        size = draw(st.sampled_from((f"{len(body):x}", f"{len(body):x}", "", "-1", "f" * 20, "z", "0")))
        body = size.encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    if not draw(st.integers(0, 19)):
        lines += [f"X-{index}: {draw(texts)}" for index in range(3)] * draw(st.sampled_from((1, 70)))
    head = "\r\n".join(lines).encode("utf-8", "replace")
    head = draw(mostly(st.just(head), damaged(head), 2))
    return partial(download, path=path, left=left, sent=head + b"\r\n\r\n" + body)


CASES = _answers()


def hostile() -> list[Case]:
    """Answers with a good body, and a bad head."""
    data = _DATA["net/a.bin"]
    heads = (
        *("HTTP/1.1 200 OK", "", "x", f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 70}"),
        *(f"HTTP/1.1 302 Found\r\nLocation: {to}" for to in (f"{_URL}/again", "file:///etc/passwd")),
        *("HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10", "HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 200),
    )
    whole = partial(download, path="net/a.bin", left=data[:10])
    return [partial(whole, sent=f"{head}\r\n\r\n".encode() + data) for head in heads]


class _Server:
    """Sends its answer to whoever asks; no other server can be reached."""

    def __init__(self) -> None:
        self.answer, self.asked = b"", 0
        self._listener, self._connect = socket.create_server(("127.0.0.1", 0)), socket.create_connection
        Thread(target=self._serve, daemon=True).start()

    def connect(self, address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
        if address != _SERVER:
            raise OSError(f"{address} is not our server")
        return self._connect(self._listener.getsockname(), *more, **named)

    def _serve(self) -> None:
        while True:
            with self._listener.accept()[0] as client, suppress(OSError):  # some have heard enough
                client.recv(65536)  # the request is short
                self.asked += 1
                client.sendall(self.answer)


_server = cache(_Server)
