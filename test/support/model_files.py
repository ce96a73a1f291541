"""Model files on this computer, and a server that may misbehave."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

from bodypix_ros.models.catalogue import Model, ModelFile

GRAPH = {"format": "graph-model", "weights": [1.5, "ä"]}
CANONICAL = json.dumps(GRAPH).encode()
SHARD = bytes(range(256)) * 1000


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def file(path: str, data: bytes, **known: str) -> ModelFile:
    return ModelFile(path, f"https://example.invalid/{path}", len(data), **known)


GRAPH_FILE = file("net/model.json", CANONICAL, sha256=hashlib.sha256(CANONICAL).hexdigest())
SHARD_FILE = file("net/a.bin", SHARD, sha256=hashlib.sha256(SHARD).hexdigest())
UNKNOWN_FILE = ModelFile("net/unseen.json", "https://example.invalid/net/unseen.json")
MODEL = Model("net", "test", "MIT", (GRAPH_FILE, SHARD_FILE))
UNKNOWN = Model("unknown", "test", "MIT", (UNKNOWN_FILE, SHARD_FILE))


class Server(ThreadingHTTPServer):
    """A file server on this computer, with knobs for what may go wrong; `asked` lists path and range."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/net/model.json": CANONICAL, "/net/a.bin": SHARD, "/net/unseen.json": CANONICAL}
        self.asked: list[tuple[str, str | None]] = []
        self.ranges = True
        self.break_after: int | None = None
        self.stall_after: int | None = None
        self.stalled = Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append((self.path, wanted))
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.server.stall_after is not None and start + self.server.stall_after < len(data):
            self.wfile.write(data[start:][: self.server.stall_after])
            self.server.stalled.wait(120)
            return
        self.wfile.write(data[start:][: self.server.break_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def put(root: Path, *files: ModelFile) -> Path:
    for each in files:
        (root / each.path).parent.mkdir(parents=True, exist_ok=True)
        (root / each.path).write_bytes(CANONICAL if each.is_graph else SHARD)
    return root


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
