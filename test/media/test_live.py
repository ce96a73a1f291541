"""Videos from addresses: servers on this computer, as they are, as they fail, and as they say nothing."""

import shutil
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, pairwise

import pytest

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from bodypix_ros.media import containers, live
from bodypix_ros.ros.source.playing import play
from support.films import MS, write_film
from support.lens import Lens, Quiet
from support.servers import serving

TENTHS = [k / 10 for k in range(10)]


def files_of(folder):
    """What answers with the files of a folder."""

    class Files(Quiet, SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

    return Files


@pytest.fixture
def folder(tmp_path):
    """The address of a server that gives the files of `tmp_path`."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), files_of(tmp_path))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_film_on_a_server_is_read_whole_with_its_sound(tmp_path, folder):
    write_film(tmp_path / "a.mp4", TENTHS, sound="aac")
    (source,) = media.find_sources([f"{folder}/a.mp4"])
    packets = []
    with media.VideoReader(source) as reader:
        assert (reader.live, reader.frame_count) == (False, 10)
        reader.hear = packets.append
        stamps = []
        for _ in reader:
            stamps.append(reader.stamp_s)
            time.sleep(0.02)  # slower than it comes
        reader.check_end()
    assert stamps == pytest.approx(TENTHS, abs=1e-4)
    assert len(packets) > 40


def without_length(content, *, chunked):
    """What answers with this, and does not say beforehand how long it is."""

    class Sender(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if chunked else "HTTP/1.0"

        def do_GET(self):
            self.send_response(200)
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(OSError):
                if chunked:
                    self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
                else:
                    self.wfile.write(content)

    return Sender


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4", "avi", "ts"])
def test_a_film_whose_server_says_no_length_ends_with_it(tmp_path, suffix, chunked):
    codec = {"webm": "libvpx", "avi": "mjpeg"}.get(suffix, "libx264")
    options = {"mp4": {"movflags": "faststart"}, "webm": {"live": "1"}}.get(suffix, {})
    base = Fraction(1, 10) if suffix == "avi" else MS
    write_film(tmp_path / f"a.{suffix}", TENTHS, codec=codec, options=options, base=base)
    content = (tmp_path / f"a.{suffix}").read_bytes()
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), without_length(content, chunked=chunked))) as server:
        (source,) = media.find_sources([f"HTTP://127.0.0.1:{server.server_port}/a.{suffix}"])
        complaints = []
        with media.VideoReader(source, complain=complaints.append) as reader:
            count = len(list(reader))
            reader.check_end()
    if suffix == "ts":  # which may be a camera's: its newest frames are given
        assert reader.live
        assert 1 <= count <= 20
        assert len(complaints) <= 1  # FFmpeg 9 tells no end of it from a loss
    else:
        assert (reader.live, count, complaints) == (False, 10, [])


@pytest.mark.parametrize(
    "address",
    [
        "http://bob:s3cr3t@127.0.0.1:abc/x.mp4",
        "http://bob:s3cr3t@[::1/x.mp4",
        "http://bob:s3cr3t#1@127.0.0.1:1/x.mp4",
        "http://bob:s3cr3t/w0rd@127.0.0.1:1/x.mp4",
        "http://bob:w0@rd/s3cr3t@127.0.0.1:1/x.mp4",
        "ftp://bob:s3cr3t@127.0.0.1/x.mp4",
    ],
)
def test_a_password_is_in_no_message(address):
    with pytest.raises(MediaError) as refused:
        media.VideoReader(media.find_sources([address])[0])
    assert "s3cr3t" not in str(refused.value)
    assert "w0" not in str(refused.value)


def test_a_film_on_a_server_that_breaks_off_is_said(tmp_path, folder):
    write_film(tmp_path / "a.mp4", TENTHS, options={"movflags": "faststart"})
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[:-100])
    with media.VideoReader(media.find_sources([f"{folder}/a.mp4"])[0]) as reader:
        count = len(list(reader))
        assert 0 < count < 10
        with pytest.raises(MediaError, match=rf"/a\.mp4: breaks off after {count} of 10 frames"):
            reader.check_end()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("none.mp4", None, "404"), ("a.txt", b"text\n" * 99, "is it a video"), ("a.m3u8", None, "404")],
)
def test_what_is_no_video_on_a_server_is_said(tmp_path, folder, name, content, reason):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=rf"^{folder}/{name}: cannot be opened: .*{reason}"):
        media.VideoReader(media.find_sources([f"{folder}/{name}"])[0])


def test_a_list_on_a_server_names_no_file_of_this_computer(tmp_path, folder):
    write_film(tmp_path / "a.ts", TENTHS)
    (tmp_path / "a.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nfile://{tmp_path}/a.ts\n#EXT-X-ENDLIST\n"
    )
    (source,) = media.find_sources([f"{folder}/a.m3u8"])
    with pytest.raises(MediaError, match=r"a\.m3u8: (cannot be opened|has no video)"):
        media.VideoReader(source)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_certificate_that_nobody_knows_is_refused_and_may_be_named(tmp_path, monkeypatch):
    write_film(tmp_path / "a.mp4", TENTHS)
    command = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        ["openssl", *command.split(), "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), files_of(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        (source,) = media.find_sources([f"https://127.0.0.1:{server.server_port}/a.mp4"])
        with pytest.raises(MediaError, match=r"its certificate known \(else name it in SSL_CERT_FILE\)"):
            media.VideoReader(source)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with media.VideoReader(source) as reader:
            assert len(list(reader)) == 10


@pytest.mark.parametrize("kind", ["rtsp", "http"])
def test_nobody_there_is_said_at_once(kind):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"{kind}://me:secret@127.0.0.1:{nobody.getsockname()[1]}/live"
        start = time.monotonic()
        with pytest.raises(MediaError, match="cannot be opened: Connection refused; is") as failure:
            media.VideoReader(media.find_sources([address])[0])
        assert time.monotonic() - start < 5
        assert "secret" not in str(failure.value)


@pytest.mark.parametrize("kind", ["rtsp", "http"])
def test_a_server_that_says_nothing_is_not_waited_for_for_ever(monkeypatch, kind):
    monkeypatch.setattr(containers, "OPEN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (source,) = media.find_sources([f"{kind}://127.0.0.1:{silent.getsockname()[1]}/live"])
        start = time.monotonic()
        with pytest.raises(MediaError, match="no answer within"):
            media.VideoReader(source)
        assert time.monotonic() - start < 5


def test_waiting_for_a_silent_server_can_be_stopped():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (source,) = media.find_sources([f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"])
        start = time.monotonic()
        with media.VideoReader(source, stopped=lambda: time.monotonic() > start + 0.3) as reader:
            assert list(reader) == []
            assert not reader.live  # nobody knows: what was stopped has not ended
        assert time.monotonic() - start < 2


def test_of_a_live_one_only_the_newest_frame_is_kept():
    with Lens(10_000) as lens, media.VideoReader(lens.source) as reader:
        assert (reader.live, reader.frame_count, reader.sound) == (True, None, None)
        behind, stamps = [], []
        for image in reader:
            behind.append((lens.sent - round(image.mean())) % 250)
            stamps.append(reader.stamp_s)
            time.sleep(0.1)  # ten times slower than it comes
            if len(stamps) == 12:
                break
    assert max(behind[2:]) < 25  # with a queue it would be 100
    gaps = [b - a for a, b in pairwise(stamps)]
    assert min(gaps) > 0
    assert sum(gaps) == pytest.approx(1.1, rel=0.5)  # the time that passed


def test_a_live_one_that_is_lost_is_tried_again_and_its_frames_go_on(monkeypatch):
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.05)
    said, stamps = [], []
    lens = Lens(60, 0, 0, 60, 10_000)
    with lens, media.VideoReader(lens.source, complain=said.append) as reader:
        for _ in reader:
            stamps.append(reader.stamp_s)
            if lens.connections == 5 and lens.sent > 140:
                break
    assert lens.connections == 5
    assert len(said) == 2  # one for each time, not for each try
    assert all("/door.mjpg: lost after" in text and "secret" not in text for text in said)
    assert stamps == sorted(set(stamps))


def test_a_live_one_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(live, "GIVE_UP_S", 0.5)
    with Lens(60) as lens, media.VideoReader(lens.source) as reader:
        assert len(list(reader)) > 0
        with pytest.raises(MediaError, match=r"gave no more frames after \d+, though tried for 0\.5 s"):
            reader.check_end()
    assert lens.connections > 2


def test_a_live_one_plays_as_it_comes():
    with Lens(10_000) as lens:
        shots = play([lens.source], rate=0.0, loop=True, complain=pytest.fail)
        assert [period_s for _, period_s in islice(shots, 5)] == [0.0] * 5
        shots.close()
