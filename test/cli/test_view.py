"""`bodypix view`: recordings read back by Rerun itself, and a viewer that is for this computer alone."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import pytest

import bodypix_ros
from bodypix_ros import media
from bodypix_ros.errors import StartError
from bodypix_ros.viewing import extra
from bodypix_ros.viewing.page import policy
from bodypix_ros.viewing.program import Program, _free
from support.bags import IMAGE, camera_info, write_bag
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture


@pytest.fixture
def rerun():
    return pytest.importorskip("rerun", reason="no rerun: the viewer (pip install 'bodypix_ros[view]')")


@pytest.fixture
def model(tmp_path, monkeypatch):
    """An empty folder to work in, and the model that is loaded there."""
    monkeypatch.chdir(tmp_path)
    used = FakeSegmenter()
    monkeypatch.setattr(bodypix_ros, "load", lambda _, **__: used, raising=False)
    return used


def film(name="film.mp4", frames=5):
    with media.VideoWriter(Path(name), 10) as writer:
        for _ in range(frames):
            writer.write(people_picture())


def read(path):
    """Rows by entity path, and the names of all timelines, as Rerun reads them."""
    from rerun.chunk import RrdReader

    rows, timelines = Counter(), set()
    for chunk in RrdReader(path).stream():
        if chunk.entity_path.startswith(("/camera", "/people", "/timings", "/counts", "/log")):
            rows[chunk.entity_path] += 0 if chunk.is_static else chunk.num_rows
            timelines.update(chunk.timeline_names)
    return rows, timelines


def column(path, entity, component):
    """All values of a component of an entity, in their order."""
    from rerun.chunk import RrdReader

    found = []
    for chunk in RrdReader(path).stream():
        batch = chunk.to_record_batch()
        for name in batch.schema.names:
            if chunk.entity_path == entity and name.endswith(component):
                found += [value for value in batch.column(name).to_pylist() if value is not None]
    return found


def test_a_recording_holds_every_frame(rerun, model):
    film()
    assert "5 images, people found: 10" in invoke("view", "film.mp4", "--out", "film.rrd", "-q").stdout
    rows, timelines = read("film.rrd")
    every = (
        "/camera/image", "/camera/image/parts", "/camera/image/boxes", "/camera/image/keypoints",
        "/camera/image/bones", "/people/positions", "/people/bones", "/timings/infer_ms", "/counts/persons",
        "/log",
    )  # fmt: skip
    assert {path: rows[path] for path in every} == dict.fromkeys(every, 5)
    assert rows["/camera/image/instances"] == 10, "names, then masks"
    assert {"frame", "time"} <= timelines
    labels = column("film.rrd", "/camera/image/boxes", ":labels")
    assert labels[0] == ["person 1 0.90", "person 2 0.90"]
    assert labels[-1] == ["id 1 0.90", "id 2 0.90"]
    assert {value for row in column("film.rrd", "/counts/persons", ":scalars") for value in row} == {2.0}
    assert not list(Path().glob(".*part*"))


def test_a_bag_is_seen_in_metres_where_it_has_depth(rerun, model):
    from bags.test_places import depth

    topics = {
        "/camera/camera_info": camera_info, "/camera/image": IMAGE, "/camera/depth": depth(metres=2.0),
    }  # fmt: skip
    write_bag(Path("in"), topics, pictures=[people_picture(40, 60, people=k) for k in (2, 1, 0)])
    invoke("view", "in", "-i", "/camera/image", "--depth-topic", "/camera/depth", "--out", "in.rrd", "-q")
    rows, timelines = read("in.rrd")
    assert rows["/camera"] == rows["/camera/depth"] == rows["/camera/image"] == rows["/people/positions"] == 3
    assert "time" in timelines
    places = column("in.rrd", "/people/positions", ":positions")
    assert sorted(map(len, places)) == [0, 1, 2]
    assert all(abs(z - 2) < 0.01 for row in places for _, _, z in row)


def test_a_bag_without_depth_is_seen_and_why_nobody_is_placed_is_said(rerun, model):
    from bags.test_places import depth

    write_bag(
        Path("in"), {"/camera/image": IMAGE, "/camera/depth": depth()}, pictures=[people_picture(40, 60)]
    )
    invoke("view", "in", "-i", "/camera/image", "--out", "plain.rrd", "-q")
    assert read("plain.rrd")[0]["/camera/image"] == 1
    said = invoke(
        "view", "in", "-i", "/camera/image", "--depth-topic", "/camera/depth", "--out", "d.rrd", "-q"
    ).stderr
    assert "/camera/image: people are not in metres: there is no camera_info before it" in said
    assert len(column("d.rrd", "/people/positions", ":positions")[0]) == 0


def test_metres_of_a_model_are_placed_by_the_angle_of_view(rerun, model):
    from bags.test_bag import metric_scene

    model.seer.function = metric_scene  # two metres before a lens of 61.93 degrees
    media.write_picture(Path("a.png"), people_picture(40, 60, people=1))
    far = {}
    for fov in (45, 61.93, 75):
        invoke("view", "a.png", "--fov", fov, "--out", f"{fov}.rrd", "-q")
        far[fov] = column(f"{fov}.rrd", "/people/positions", ":positions")[0][0][2]
    assert far[61.93] == pytest.approx(2, abs=0.5)
    assert far[45] > far[61.93] > far[75] > 0


def test_pictures_that_fail_are_named_and_the_others_shown(rerun, model):
    media.write_picture(Path("a.png"), people_picture())
    Path("broken.png").write_bytes(Path("a.png").read_bytes()[:99])
    result = invoke("view", "broken.png", "a.png", "--out", "both.rrd", "-q", code=1)
    assert "broken.png" in result.stderr
    assert read("both.rrd")[0]["/camera/image"] == 1


def test_after_an_error_there_is_no_recording(rerun, model):
    def see(_):
        raise RuntimeError("the model broke")

    model.seer.function = see
    media.write_picture(Path("a.png"), people_picture())
    invoke("view", "a.png", "--out", "a.rrd", "-q", code=1)
    assert sorted(path.name for path in Path().iterdir()) == ["a.png"]


def test_one_camera_is_looked_at_at_a_time(rerun, model):
    write_bag(Path("in"), {"/a/image": IMAGE, "/b/image": IMAGE}, pictures=[people_picture(40, 60)])
    said = invoke("view", "in", "-i", "/a/image", "-i", "/b/image", "--out", "a.rrd", code=2).stderr
    assert "one camera is looked at at a time" in said
    assert "topics of images are /a/image, /b/image" in invoke("view", "in", "--out", "a.rrd", code=2).stderr
    invoke("view", "in", "-i", "/b/image", "--out", "b.rrd", "-q")
    assert column("b.rrd", "/log", ":text") == [["/b/image"]]


def test_what_is_wrong_is_said_before_the_model_is_loaded(rerun, model, monkeypatch):
    monkeypatch.setattr(bodypix_ros, "load", None, raising=False)
    film()
    Path("there.rrd").write_text("mine")
    Path("in").mkdir()
    Path("in/metadata.yaml").write_text("")
    for arguments, said in (
        (("film.mp4", "--out", "there.rrd"), "there.rrd is there already: --overwrite replaces it"),
        (("film.mp4", "--out", "a.mp4"), "a.mp4 must end in .rrd"),
        (("film.mp4", "--out", "a.rrd", "--web"), "--out and --web exclude each other"),
        (("film.mp4", "-i", "/image"), "are for a recorded bag"),
        (("in", "film.mp4"), "in is a bag, which is looked at alone"),
        (("gone.mp4", "--out", "a.rrd"), "gone.mp4: no such file"),
    ):
        result = invoke("view", *arguments, code=1 if "gone" in said else 2)
        assert said in result.stderr
    assert Path("there.rrd").read_text() == "mine"


def test_without_the_extra_one_sentence_says_how_to_get_it(model, monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    film()
    result = invoke("view", "film.mp4", code=2)
    assert result.stderr.strip() == f"bodypix: {extra.MISSING}"
    assert "pip install 'bodypix_ros[view]'" in result.stderr


def listening(process):
    """The addresses that a process group listens on, by what Linux says of its sockets."""
    owned = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and os.path.exists(folder / "fd"):  # noqa: PTH110
            try:
                if os.getpgid(int(folder.name)) == process:
                    owned |= {os.readlink(link) for link in (folder / "fd").iterdir()}  # noqa: PTH115
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in owned:
                found.add(words[1].split(":")[0])
    return found


def test_the_viewer_listens_to_this_computer_alone_and_reports_nothing(rerun, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with Program(web=True, port=0, web_port=0) as viewer:
        group = viewer._process.pid
        assert listening(group) == {"0100007F"}, "127.0.0.1, as Linux writes it"
        environment = Path(f"/proc/{group}/environ").read_bytes().split(b"\0")
        settings = dict(entry.split(b"=", 1) for entry in environment if b"=" in entry)[b"XDG_CONFIG_HOME"]
        told = (Path(os.fsdecode(settings)) / "rerun/analytics.json").read_text()
        assert '"analytics_enabled":false' in told.replace(" ", "")
        answer = urlopen(viewer.page, timeout=30)
        assert answer.headers["Content-Security-Policy"] == policy(viewer._port)
        assert b"<html" in answer.read()
    assert not Path(os.fsdecode(settings)).exists()
    assert not list(tmp_path.rglob("*rerun*")), "nothing in the user's own folders"
    assert not viewer.running


def test_a_port_that_is_taken_is_said(rerun):
    with (
        Program(web=True, port=0, web_port=0) as viewer,
        pytest.raises(StartError, match="is taken by another program; choose another with --port"),
        Program(web=True, port=viewer._port, web_port=0),
    ):
        pass


def test_without_a_display_it_is_said_what_to_do(rerun, model, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    film()
    said = invoke("view", "film.mp4", "-q", code=1).stderr
    assert (
        "there is no display for the viewer's window: --web shows it in a browser, and --out writes" in said
    )
    assert not model.images


def test_a_window_that_breaks_off_is_an_error_and_none_that_was_closed(rerun, model, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")  # where nobody is
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    film()
    said = invoke("view", "film.mp4", "--port", "0", "-q", code=1).stderr
    assert "Rerun's viewer" in said
    assert "--web shows it in a browser" in said


LIVE = """
import sys
import bodypix_ros
from bodypix_ros.cli import main
from support.fake import FakeSegmenter
bodypix_ros.load = lambda _, **__: FakeSegmenter()
main(sys.argv[1:])
"""


def test_a_live_view_stays_until_ctrl_c(rerun, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film()
    port, web = _free(), _free()
    command = [
        sys.executable,
        "-c",
        LIVE,
        "view",
        "film.mp4",
        "--web",
        "-q",
        "--port",
        str(port),
        "--web-port",
        str(web),
    ]
    tests = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": tests}
    process = subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True)
    try:
        said = ""
        while "that was all" not in said:
            said += (line := process.stderr.readline())
            assert line, said
        assert f"open http://127.0.0.1:{web}/?url=" in said
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "5 images, people found: 10" in out


def test_where_nothing_could_be_shown_there_is_no_new_recording_and_the_old_one_stays(model, rerun):
    Path("broken.png").write_bytes(b"no picture")
    invoke("view", "broken.png", "--out", "there.rrd", code=1)
    assert not Path("there.rrd").exists()
    Path("there.rrd").write_bytes(b"of before")
    invoke("view", "broken.png", "--out", "there.rrd", "--overwrite", code=1)
    assert Path("there.rrd").read_bytes() == b"of before"
    assert not list(Path().glob("*.part*"))
