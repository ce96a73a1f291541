"""Model files on this computer: found, verified, and fetched from a server that may misbehave."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest

from bodypix_ros.errors import DigestError, DownloadError, MissingModelError, UnverifiedError
from bodypix_ros.models import catalogue, store
from bodypix_ros.models.catalogue import Model, ModelFile
from bodypix_ros.models.tfjs.checkpoint import MAX_GRAPH_BYTES
from support.model_files import (
    CANONICAL,
    GRAPH,
    GRAPH_FILE,
    MODEL,
    SHARD,
    SHARD_FILE,
    UNKNOWN,
    UNKNOWN_FILE,
    Server,
    file,
    files_in,
    git_blob,
    put,
)
from support.paths import ROOT, TESTS

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


@pytest.mark.parametrize("rest", ["", "deeper"])
def test_a_model_dir_that_is_not_there_is_said_with_the_likely_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rest: str
) -> None:
    put(tmp_path / "models", GRAPH_FILE, SHARD_FILE)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path / "models"))
    store.find(MODEL, tmp_path / "models")
    assert caplog.text == ""
    wrong = tmp_path / "modles" / rest
    assert store.find(MODEL, wrong)[GRAPH_FILE.path] == tmp_path / "models" / GRAPH_FILE.path
    said = f"model_dir {wrong} is no folder, so it is passed over; in {tmp_path}, did you mean models?"
    assert [record.message for record in caplog.records] == [said]


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
