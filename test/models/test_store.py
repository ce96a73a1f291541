"""Model files on this computer: found, verified, and fetched from a server that may misbehave."""

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from threading import Event, Thread

import pytest

from bodypix_ros.errors import DigestError, DownloadError, MissingModelError, UnverifiedError
from bodypix_ros.models import catalogue, packages, store
from bodypix_ros.models.catalogue import Model, ModelFile, Package
from bodypix_ros.models.tfjs.checkpoint import MAX_GRAPH_BYTES
from support.paths import ROOT, TESTS
from support.servers import serving

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


@pytest.fixture
def server() -> Generator[Server, None, None]:
    with serving(Server()) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BODYPIX_ROS_MODELS", raising=False)


def put(root: Path, *files: ModelFile) -> Path:
    for each in files:
        (root / each.path).parent.mkdir(parents=True, exist_ok=True)
        (root / each.path).write_bytes(CANONICAL if each.is_graph else SHARD)
    return root


# Found


def test_the_order_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = catalogue.share_folder() / "models"
    cache = tmp_path / "cache/bodypix_ros/models"
    assert store.search_path() == [share, cache]
    monkeypatch.setenv("BODYPIX_ROS_MODELS", os.pathsep.join(["/a", "", "~/b"]))
    assert store.search_path("/x") == [Path("/x"), Path("/a"), Path.home() / "b", share, cache]


@pytest.mark.parametrize("value", ["", "relative"])
def test_the_cache_without_a_usable_setting(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert store.cache_folder() == Path.home() / ".cache/bodypix_ros/models"


def test_the_first_folder_that_holds_all_files_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    put(first, GRAPH_FILE)
    put(second, GRAPH_FILE, SHARD_FILE)
    put(third, GRAPH_FILE, SHARD_FILE)
    monkeypatch.setenv("BODYPIX_ROS_MODELS", os.pathsep.join(map(str, (first, second))))
    expected = {each.path: second / each.path for each in MODEL.files}
    assert store.find(MODEL) == expected
    assert store.find(MODEL, tmp_path / "nowhere") == expected
    assert store.find(MODEL, third)["net/a.bin"] == third / "net/a.bin"


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError) as caught:
        store.find(MODEL)
    message = str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    assert "bodypix models fetch net" in message
    for each in MODEL.files:
        assert each.url in message
        assert str(tmp_path / "cache/bodypix_ros/models" / each.path) in message
    put(tmp_path / "mine", GRAPH_FILE)
    with pytest.raises(MissingModelError) as caught:
        store.find(MODEL, tmp_path / "mine")
    assert GRAPH_FILE.url not in str(caught.value), "only what is missing"
    assert str(tmp_path / "mine/net/a.bin") in str(caught.value)


# Verified


@pytest.mark.parametrize(
    "known",
    [{"sha256": hashlib.sha256(SHARD).hexdigest()}, {"git": git_blob(SHARD)}, {}],
    ids=["sha256", "git", "size only"],
)
def test_digests(tmp_path: Path, known: dict[str, str]) -> None:
    expected, path = file("a.bin", SHARD, **known), tmp_path / "copy"
    path.write_bytes(SHARD)
    store.verify(expected, path)
    path.write_bytes(SHARD[:-1])
    with pytest.raises(DigestError, match="256000 bytes expected, not 255999"):
        store.verify(expected, path)
    path.write_bytes(SHARD[:-1] + b"?")
    if known:
        with pytest.raises(DigestError, match=f"{next(iter(known.values()))} expected, not [0-9a-f]+"):
            store.verify(expected, path)
    else:
        store.verify(expected, path)


def test_white_space_in_a_graph_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(GRAPH, indent=4, ensure_ascii=False), encoding="utf-8")
    store.verify(GRAPH_FILE, path)
    path.write_text(json.dumps({**GRAPH, "weights": [1.25, "ä"]}))
    with pytest.raises(DigestError, match="is not the published"):
        store.verify(GRAPH_FILE, path)
    path.write_text("[" * 100_000)
    with pytest.raises(DigestError, match="is not the JSON of a checkpoint"):
        store.verify(GRAPH_FILE, path)
    path.write_text("<html>")
    with pytest.raises(DigestError, match="is not the JSON of a checkpoint"):
        store.verify(UNKNOWN_FILE, path)
    path.write_text(" " * (MAX_GRAPH_BYTES + 1))
    with pytest.raises(DigestError, match="more than the 1048576"):
        store.verify(UNKNOWN_FILE, path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.verify(SHARD_FILE, tmp_path / "a.bin")


# Fetched


def test_a_model_is_fetched_once(tmp_path: Path, server: Server) -> None:
    seen: list[tuple[str, int, int | None]] = []
    root = store.fetch(MODEL, progress=lambda *step: seen.append(step), base_url=server.url)
    assert root == tmp_path / "cache/bodypix_ros/models"
    assert (root / "net/a.bin").read_bytes() == SHARD
    assert sorted(path.name for path in (root / "net").iterdir()) == ["a.bin", "model.json"]
    assert seen[0] == ("net/model.json", len(CANONICAL), len(CANONICAL))
    assert seen[-1] == ("net/a.bin", len(SHARD), len(SHARD))
    assert store.find(MODEL)["net/a.bin"] == root / "net/a.bin"
    assert len(server.asked) == 2
    store.fetch(MODEL, base_url=server.url)
    assert len(server.asked) == 2


def test_a_damaged_file_is_replaced(tmp_path: Path, server: Server) -> None:
    put(tmp_path, GRAPH_FILE, SHARD_FILE)
    (tmp_path / "net/a.bin").write_bytes(b"damaged")
    store.fetch(MODEL, tmp_path, base_url=server.url)
    assert (tmp_path / "net/a.bin").read_bytes() == SHARD
    assert server.asked == [("/net/a.bin", None)]


def test_a_broken_download_goes_on(tmp_path: Path, server: Server) -> None:
    put(tmp_path, GRAPH_FILE)
    server.break_after = 100_000
    with pytest.raises(DownloadError, match=r"broke after 100000 of 256000 bytes.* by hand") as caught:
        store.fetch(MODEL, tmp_path, base_url=server.url)
    assert f"{server.url}/net/a.bin" in str(caught.value)
    assert not (tmp_path / "net/a.bin").exists()
    assert (tmp_path / "net/a.bin.part").stat().st_size == 100_000
    server.break_after = None
    store.fetch(MODEL, tmp_path, base_url=server.url)
    assert server.asked[-1] == ("/net/a.bin", "bytes=100000-")
    assert (tmp_path / "net/a.bin").read_bytes() == SHARD
    assert not (tmp_path / "net/a.bin.part").exists()


def test_a_server_without_ranges_sends_everything_again(tmp_path: Path, server: Server) -> None:
    put(tmp_path, GRAPH_FILE)
    (tmp_path / "net/a.bin.part").write_bytes(b"other" * 100)
    server.ranges = False
    store.fetch(MODEL, tmp_path, base_url=server.url)
    assert server.asked == [("/net/a.bin", "bytes=500-")]
    assert (tmp_path / "net/a.bin").read_bytes() == SHARD


@pytest.mark.parametrize(("part", "asked"), [(SHARD, []), (SHARD + b"?", [("/net/a.bin", None)])])
def test_what_an_earlier_attempt_left(
    tmp_path: Path, server: Server, part: bytes, asked: list[tuple[str, None]]
) -> None:
    put(tmp_path, GRAPH_FILE)
    (tmp_path / "net/a.bin.part").write_bytes(part)
    store.fetch(MODEL, tmp_path, base_url=server.url)
    assert server.asked == asked
    assert (tmp_path / "net/a.bin").read_bytes() == SHARD


@pytest.mark.parametrize("wrong", [SHARD[::-1], SHARD + b"?"], ids=["other bytes", "too long"])
def test_wrong_bytes_are_deleted(tmp_path: Path, server: Server, wrong: bytes) -> None:
    server.files["/net/a.bin"] = wrong
    with pytest.raises(DigestError, match=r"Deleted; http.*a\.bin does not give"):
        store.fetch(MODEL, tmp_path, base_url=server.url)
    assert [path.name for path in (tmp_path / "net").iterdir()] == ["model.json"]


def test_a_page_in_place_of_a_graph_is_deleted(tmp_path: Path, server: Server) -> None:
    server.files["/net/unseen.json"] = b"<html>log in</html>"
    with pytest.raises(DigestError, match="is not the JSON of a checkpoint"):
        store.fetch(UNKNOWN, tmp_path, accept_unverified=True, base_url=server.url)
    assert not list((tmp_path / "net").iterdir())


def test_a_shorter_file_on_the_server(tmp_path: Path, server: Server) -> None:
    put(tmp_path, GRAPH_FILE)
    (tmp_path / "net/a.bin.part").write_bytes(SHARD[:1000])
    server.files["/net/a.bin"] = SHARD[:500]
    with pytest.raises(DownloadError, match="416"):
        store.fetch(MODEL, tmp_path, base_url=server.url)
    assert not (tmp_path / "net/a.bin.part").exists()


def test_a_file_that_is_not_on_the_server(tmp_path: Path, server: Server) -> None:
    server.files.clear()
    with pytest.raises(DownloadError, match="HTTP Error 404") as caught:
        store.fetch(MODEL, tmp_path, base_url=server.url)
    assert isinstance(caught.value, OSError)
    assert f"{server.url}/net/model.json" in str(caught.value)
    assert str(tmp_path / "net/model.json") in str(caught.value)


def test_a_server_that_is_not_there(tmp_path: Path, server: Server) -> None:
    nobody = server.url
    server.server_close()
    with pytest.raises(DownloadError, match="cannot download"):
        store.fetch(MODEL, tmp_path, base_url=nobody)


def test_a_file_without_digest_needs_a_yes(tmp_path: Path, server: Server) -> None:
    with pytest.raises(UnverifiedError, match=r"unseen\.json: nothing downloaded.*--accept-unverified"):
        store.fetch(UNKNOWN, tmp_path, base_url=server.url)
    assert not server.asked
    store.fetch(UNKNOWN, tmp_path, accept_unverified=True, base_url=server.url)
    assert (tmp_path / "net/unseen.json").read_bytes() == CANONICAL
    store.fetch(UNKNOWN, tmp_path, base_url=server.url)


def test_an_endless_file_of_unknown_size_is_cut(tmp_path: Path, server: Server) -> None:
    server.files["/net/unseen.json"] = b" " * (MAX_GRAPH_BYTES + 100)
    with pytest.raises(DigestError, match="gives more than 1048576 bytes"):
        store.fetch(UNKNOWN, tmp_path, accept_unverified=True, base_url=server.url)
    assert not list((tmp_path / "net").iterdir())


def test_published_files_come_over_https_only(tmp_path: Path, server: Server) -> None:
    plain = ModelFile("net/a.bin", f"{server.url}/net/a.bin", len(SHARD), SHARD_FILE.sha256)
    with pytest.raises(DownloadError, match="not https"):
        store.fetch(Model("net", "test", "MIT", (plain,)), tmp_path)
    assert not server.asked


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", "Invalid IPv6 URL"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n", "cannot download"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", "cannot download"),
        (b"nonsense\r\n\r\n", "cannot download"),
        (
            # The body of a redirection is nobody's business: this one claims an endless chunk.
            b"HTTP/1.1 302 Found\r\nLocation: //[\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30,
            "cannot download",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"f" * 30 + b"\r\n",
            "refused",
        ),
    ],
)  # fmt: skip
def test_answers_that_make_no_sense(tmp_path: Path, answer: bytes, message: str) -> None:
    put(tmp_path, GRAPH_FILE)
    with create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(DownloadError, match=message) as caught:
            store.fetch(MODEL, tmp_path, base_url=url)
        thread.join()
    assert url in str(caught.value)
    assert not (tmp_path / "net/a.bin").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_killed_download_leaves_a_part_and_the_next_run_is_clean(
    tmp_path: Path, server: Server, how: signal.Signals
) -> None:
    server.stall_after = 100_000
    script = "import sys, test_store as t; t.store.fetch(t.MODEL, sys.argv[1], base_url=sys.argv[2])"
    command = [sys.executable, "-c", script, str(tmp_path), server.url]
    tests = Path(__file__).resolve().parent
    paths = os.pathsep.join([*map(str, (tests, TESTS, ROOT)), os.environ.get("PYTHONPATH", "")])
    part = tmp_path / "net/a.bin.part"
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL
    ) as child:
        until = time.monotonic() + 120
        while not (part.exists() and part.stat().st_size) and child.poll() is None:
            assert time.monotonic() < until, "the download does not start"
            time.sleep(0.02)
        child.send_signal(how)
        assert child.wait(60) != 0
    server.stalled.set()
    assert files_in(tmp_path) == ["net/a.bin.part", "net/model.json"]
    assert SHARD.startswith(part.read_bytes())
    server.stall_after = None
    store.fetch(MODEL, tmp_path, base_url=server.url)
    assert files_in(tmp_path) == ["net/a.bin", "net/model.json"]
    assert (tmp_path / "net/a.bin").read_bytes() == SHARD


def test_files_have_the_users_own_permissions(tmp_path: Path, server: Server) -> None:
    before = os.umask(0o027)
    try:
        store.fetch(MODEL, tmp_path, base_url=server.url)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "net/a.bin").stat().st_mode) == 0o640


# Taken out of packages

WHEEL = Package("pypi", "things", "1.2.3")
TARBALL = Package("npm", "@some/things", "4.5.6")
OTHER = bytes(reversed(SHARD))


def packed(package: Package, name: str, data: bytes, member: str) -> ModelFile:
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(
        f"net/{name}", f"https://example.invalid/{name}", len(data), digest, package=package, member=member
    )


IN_WHEEL = packed(WHEEL, "a.tflite", SHARD, "things/data/a.tflite")
ALSO_IN_WHEEL = packed(WHEEL, "b.tflite", OTHER, "things/b.tflite")
IN_TARBALL = packed(TARBALL, "c.tflite", OTHER, "package/c.tflite")
PACKED = Model("packed", "test", "MIT", (IN_WHEEL, ALSO_IN_WHEEL, IN_TARBALL))


class Clients:
    """Stands in for pip and npm; `wheel` and `tarball` are what the packages hold."""

    def __init__(self) -> None:
        self.wheel = {"things/data/a.tflite": SHARD, "things/b.tflite": OTHER, "../../escaped": b"!"}
        self.tarball = {"package/c.tflite": OTHER, "../escaped": b"!"}
        self.commands: list[list[str]] = []
        self.folders: list[Path] = []
        self.failure = ""
        self.has_pip = True

    def run(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if "--version" in command:
            return subprocess.CompletedProcess(command, 0 if self.has_pip else 1)
        self.commands.append(command)
        folder = Path(str(options["cwd"]))
        self.folders.append(folder)
        if self.failure:
            raise subprocess.CalledProcessError(1, command, stderr=self.failure)
        if "download" in command:
            with zipfile.ZipFile(folder / "things-1.2.3-cp312-none-any.whl", "w") as wheel:
                for name, data in self.wheel.items():
                    wheel.writestr(name, data)
        else:
            with tarfile.open(folder / "some-things-4.5.6.tgz", "w:gz") as tarball:
                for name, data in self.tarball.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(data)
                    tarball.addfile(entry, io.BytesIO(data))
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    made = Clients()
    monkeypatch.setattr(packages.subprocess, "run", made.run)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "npm" else None)
    return made


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_are_taken_out_of_packages_and_nothing_else(tmp_path: Path, clients: Clients) -> None:
    seen: list[tuple[str, int, int | None]] = []
    store.fetch(PACKED, tmp_path / "models", progress=lambda *step: seen.append(step))
    assert files_in(tmp_path) == [f"models/{each.path}" for each in PACKED.files]
    assert (tmp_path / "models/net/a.tflite").read_bytes() == SHARD
    assert (tmp_path / "models/net/c.tflite").read_bytes() == OTHER
    assert seen == [(each.path, each.size, each.size) for each in PACKED.files]
    assert not any(folder.exists() for folder in clients.folders)
    pip, npm = clients.commands
    assert pip[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "things==1.2.3"} <= set(pip)
    assert npm[:2] == ["npm", "pack"]
    assert {"--ignore-scripts", "@some/things@4.5.6"} <= set(npm)
    store.fetch(PACKED, tmp_path / "models")
    assert len(clients.commands) == 2


def test_only_packages_with_missing_files_are_fetched(tmp_path: Path, clients: Clients) -> None:
    store.fetch(PACKED, tmp_path)
    (tmp_path / IN_TARBALL.path).write_bytes(b"damaged")
    store.fetch(PACKED, tmp_path)
    assert [command[1] for command in clients.commands] == ["-m", "pack", "pack"]
    assert (tmp_path / IN_TARBALL.path).read_bytes() == OTHER


def test_a_mirror_stands_in_for_packages(tmp_path: Path, server: Server, clients: Clients) -> None:
    server.files = {"/net/a.tflite": SHARD, "/net/b.tflite": OTHER, "/net/c.tflite": OTHER}
    store.fetch(PACKED, tmp_path, base_url=server.url)
    assert not clients.commands
    assert len(files_in(tmp_path)) == 3


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (SHARD[::-1][:-1] + b"?", "is not the published net/a.tflite"),
        (SHARD + b"?", "has more than 256000 bytes"),
    ],
)
def test_wrong_members_are_deleted(tmp_path: Path, clients: Clients, member: bytes, message: str) -> None:
    clients.wheel["things/data/a.tflite"] = member
    with pytest.raises(DigestError, match=f"{message}.*Deleted; the Python package things 1.2.3"):
        store.fetch(PACKED, tmp_path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("package", ["wheel", "tarball"])
def test_a_package_without_the_file(tmp_path: Path, clients: Clients, package: str) -> None:
    getattr(clients, package).clear()
    model = Model("packed", "test", "MIT", (IN_WHEEL if package == "wheel" else IN_TARBALL,))
    with pytest.raises(DownloadError, match=r"does not hold .*tflite.*by hand: https://example\.invalid"):
        store.fetch(model, tmp_path)
    assert files_in(tmp_path) == []


def test_a_link_in_a_tarball_is_not_followed(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: object) -> None:
        with tarfile.open(Path(str(options["cwd"])) / "x.tgz", "w:gz") as tarball:
            entry = tarfile.TarInfo("package/c.tflite")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tarball.addfile(entry)

    monkeypatch.setattr(packages.subprocess, "run", run)
    with pytest.raises(DownloadError, match=r"does not hold package/c\.tflite"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)


@pytest.mark.parametrize(("file", "suffix"), [(IN_WHEEL, "whl"), (IN_TARBALL, "tgz")])
def test_a_damaged_package(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch, file: ModelFile, suffix: str
) -> None:
    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        (Path(str(options.get("cwd", tmp_path))) / f"x.{suffix}").write_bytes(b"PK or not")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.subprocess, "run", run)
    with pytest.raises(DownloadError, match="came damaged"):
        store.fetch(Model("packed", "test", "MIT", (file,)), tmp_path / "models")


def archived(clients: Clients, monkeypatch: pytest.MonkeyPatch, suffix: str, data: bytes) -> None:
    """Let pip and npm give this archive."""

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if "cwd" in options:
            (Path(str(options["cwd"])) / f"x.{suffix}").write_bytes(data)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.subprocess, "run", run)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_wheel_is_unpacked_only_where_that_is_bounded(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    archived(clients, monkeypatch, "whl", out.getvalue())
    with pytest.raises(DownloadError, match=rf"came damaged: {IN_WHEEL.member} is compressed by the method"):
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)
    assert files_in(tmp_path) == []


def test_a_wheel_whose_entries_lie_outside_of_it(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    data = bytearray(out.getvalue())
    data[data.index(b"PK\x05\x06") + 16] += 200  # where the list of members begins: it then begins before 0
    archived(clients, monkeypatch, "whl", bytes(data))
    with pytest.raises(DownloadError, match=r"came damaged: .{3,300}\. Try again"):
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)


def test_a_wheel_with_two_names_for_a_member_is_told_shortly(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    data = bytearray(out.getvalue())
    data[26:28] = b"\xff\xff"  # the length of the name before the content
    archived(clients, monkeypatch, "whl", bytes(data))
    with pytest.raises(DownloadError, match="came damaged") as caught:
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)
    assert len(str(caught.value)) < 1000


def test_a_tarball_that_unpacks_without_end_is_cut(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tarball:
        long_name = tarfile.TarInfo("x")  # a name of 4 MB, all zeros, that a reader would hold in memory
        long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 4 << 20
        tarball.addfile(long_name, io.BytesIO(bytes(4 << 20)))
    monkeypatch.setattr(packages, "MAX_UNPACKED_BYTES", 1 << 20)
    archived(clients, monkeypatch, "tgz", out.getvalue())
    with pytest.raises(DigestError, match="unpacks to more than 1048576 bytes"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)
    assert files_in(tmp_path) == []


def test_a_member_that_claims_to_go_on_forever_is_not_waited_for(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = tarfile.TarInfo("package/other")
    entry.size = 1 << 62
    archived(clients, monkeypatch, "tgz", gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)))
    begun = time.process_time()
    with pytest.raises(DigestError, match="unpacks to more than"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)
    assert time.process_time() - begun < 5
    assert files_in(tmp_path) == []


def test_what_pip_or_npm_complain_of_is_told(tmp_path: Path, clients: Clients) -> None:
    clients.failure = "WARNING: old\nERROR: No matching distribution found for things==1.2.3\n\n"
    with pytest.raises(DownloadError) as caught:
        store.fetch(PACKED, tmp_path)
    message = str(caught.value)
    assert "cannot fetch the Python package things 1.2.3: ERROR: No matching distribution" in message
    for each in (IN_WHEEL, ALSO_IN_WHEEL):
        assert f"{each.url} -> {tmp_path / each.path}" in message


def test_without_pip_or_npm_the_message_says_what_to_do(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.has_pip = False
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for each, hint in ((IN_WHEEL, "pip is not installed"), (IN_TARBALL, "npm is not installed")):
        with pytest.raises(DownloadError, match=hint) as caught:
            store.fetch(Model("packed", "test", "MIT", (each,)), tmp_path)
        assert f"{each.url} -> {tmp_path / each.path}" in str(caught.value)


def test_the_catalogue_knows_the_packages() -> None:
    detector, landmarks = catalogue.model("blazepose-heavy").files
    assert detector.package == Package("pypi", "mediapipe", "0.10.21")
    assert detector.member == "mediapipe/modules/pose_detection/pose_detection.tflite"
    assert landmarks.package == Package("npm", "@mediapipe/pose", "0.5.1675469404")
    assert landmarks.member == "package/pose_landmark_heavy.tflite"
    assert catalogue.model("bodypix-mobilenet-075-s16-q2").files[0].package is None
