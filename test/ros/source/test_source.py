"""What the source node is made of, without ROS: what is played when, and what a camera sees where."""

import math

import numpy as np
import pytest

from bodypix_ros.errors import CalibrationError, MediaError
from bodypix_ros.media import VideoWriter, find_sources, write_picture
from bodypix_ros.ros.source import playing
from bodypix_ros.ros.source.playing import Pace, play
from bodypix_ros.space import calibration
from support.films import write_film

YAML = """
image_width: 640
image_height: 480
camera_name: front
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 319.5, 0, 501, 239.5, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [500, 0, 319.5, 0, 0, 501, 239.5, 0, 0, 0, 1, 0]}
"""


@pytest.fixture
def folder(tmp_path):
    for value in (10, 20, 30):
        write_picture(tmp_path / f"{value}.png", np.full((8, 16, 3), value, np.uint8))
    with VideoWriter(tmp_path / "film.mp4", fps=20) as writer:
        for value in range(0, 250, 50):
            writer.write(np.full((48, 64, 3), value, np.uint8))
    return tmp_path


def played(sources, *, rate=0.0, loop=False, at_most=100):
    said, shots = [], []
    for shot in play(sources, rate=rate, loop=loop, complain=said.append):
        shots.append(shot)
        if len(shots) == at_most:
            break
    return shots, said


def test_pictures_come_in_order_and_again(folder):
    (folder / "film.mp4").unlink()
    shots, said = played(find_sources([str(folder)]), loop=True, at_most=7)
    assert [int(image[0, 0, 0]) for image, _ in shots] == [10, 20, 30, 10, 20, 30, 10]
    assert {period_s for _, period_s in shots} == {1 / playing.PICTURE_RATE}
    assert said == []


def test_a_folder_plays_its_videos_too(folder):
    shots, _ = played(find_sources([str(folder)]))
    assert [image.shape[0] for image, _ in shots] == [8] * 3 + [48] * 5


def test_a_video_has_its_own_rate_and_ends(folder):
    shots, _ = played(find_sources([str(folder / "film.mp4")]))
    assert [round(int(image.mean()), -1) for image, _ in shots] == [0, 50, 100, 150, 200]
    assert [period_s for _, period_s in shots] == pytest.approx([1 / 20] * 5)


def test_a_video_whose_rate_varies_plays_as_it_was_recorded(tmp_path):
    write_film(tmp_path / "film.mkv", [0, 0.1, 0.5, 0.55])
    shots, _ = played(find_sources([str(tmp_path / "film.mkv")]))
    assert [period_s for _, period_s in shots][:3] == pytest.approx([0.1, 0.4, 0.05])


@pytest.mark.parametrize("name", ["10.png", "film.mp4"])
def test_a_rate_goes_before_the_sources_own(folder, name):
    shots, _ = played(find_sources([str(folder / name)]), rate=5.0)
    assert {period_s for _, period_s in shots} == {1 / 5}


def test_a_broken_picture_is_told_once_and_the_others_go_on(folder):
    (folder / "film.mp4").unlink()
    (folder / "20.png").write_bytes(b"no picture")
    shots, said = played(find_sources([str(folder)]), loop=True, at_most=5)
    assert [int(image[0, 0, 0]) for image, _ in shots] == [10, 30, 10, 30, 10]
    assert len(said) == 1
    assert "20.png" in said[0]


def test_nothing_that_can_be_played_is_an_error_even_in_a_loop(folder):
    (folder / "film.mp4").write_bytes(b"no video")
    sources = find_sources([str(folder / "film.mp4")])
    with pytest.raises(MediaError, match="neither a picture nor a video"):
        played(sources, loop=True)


def test_a_reason_is_said_once(folder):
    """By whoever ends, where that is why nothing is played."""
    said, broken = [], folder / "film.mp4"
    broken.write_bytes(b"no video")
    shots = play(find_sources([str(broken)]), rate=0.0, loop=True, complain=said.append)
    with pytest.raises(MediaError, match="neither a picture nor a video"):
        list(shots)
    assert said == []
    (folder / "20.png").write_bytes(b"no picture")
    sources = find_sources([str(broken), str(folder / "20.png")])
    with pytest.raises(MediaError, match="none of 2 sources can be played"):
        list(play(sources, rate=0.0, loop=True, complain=said.append))
    assert len(said) == 2


def test_frames_are_due_a_period_after_another_whatever_publishing_takes():
    pace, now_s, times = Pace(), 100.0, []
    for _ in range(10):
        now_s += pace.left_s(now_s)
        times.append(now_s)
        pace.played(now_s, 0.1)
        now_s += 0.02
    assert np.diff(times) == pytest.approx(0.1)


def test_what_comes_late_is_not_made_up_for():
    pace = Pace()
    pace.played(100.0, 0.1)
    pace.played(105.0, 0.1)
    assert pace.left_s(105.0) == pytest.approx(0.1)


def test_a_clock_that_is_set_back_does_not_stop_the_film():
    pace = Pace()
    pace.played(1000.0, 0.1)
    assert pace.left_s(3.0) == 0
    pace.played(3.0, 0.1)
    assert pace.left_s(3.0) == pytest.approx(0.1)


def test_the_guess_is_a_pinhole_with_that_angle_of_view():
    known = calibration.guess(640, 480, 90.0)
    assert known.k[0] == known.k[4] == pytest.approx(320)
    assert (known.k[2], known.k[5]) == (319.5, 239.5)
    assert np.reshape(known.p, (3, 4))[:, :3].ravel().tolist() == list(known.k)
    assert known.d == (0.0,) * 5
    assert 2 * math.degrees(math.atan(320 / calibration.guess(640, 480, 37.0).k[0])) == pytest.approx(37)


def test_calibrations_are_read_as_camera_calibration_writes_them(tmp_path):
    pytest.importorskip("yaml", reason="PyYAML, which ROS brings, is not installed")
    path = tmp_path / "front.yaml"
    path.write_text(YAML)
    known = calibration.read(path)
    assert (known.width, known.height, known.model) == (640, 480, "plumb_bob")
    assert (known.k[4], known.d[1], known.r[8], known.p[6]) == (501, -0.2, 1, 239.5)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("image_width: 640", "", "image_width is missing"),
        ("image_width: 640", "image_width: wide", "no calibration"),
        ("0, 501, 239.5, 0, 0, 1]", "0, 501]", "camera_matrix has 5 numbers, but must have 9"),
        ("[0.1, -0.2", "[.nan, -0.2", "not finite"),
        ("plumb_bob", "[", "no YAML"),
        (YAML, "3", "no calibration"),
        (YAML, "", "no calibration"),
    ],
)
def test_broken_calibrations_name_what_is_wrong(tmp_path, old, new, reason):
    pytest.importorskip("yaml", reason="PyYAML, which ROS brings, is not installed")
    path = tmp_path / "front.yaml"
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(CalibrationError, match=reason) as failure:
        calibration.read(path)
    assert str(path) in str(failure.value)
    with pytest.raises(CalibrationError, match="cannot be read"):
        calibration.read(tmp_path / "none.yaml")


def test_urls_name_files_and_packages(tmp_path):
    shares = {"robot": "/opt/robot"}
    for url, path in {
        "calib/a.yaml": "calib/a.yaml",
        "/calib/a.yaml": "/calib/a.yaml",
        "file:///calib/my%20a.yaml": "/calib/my a.yaml",
        "package://robot/calib/a.yaml": "/opt/robot/calib/a.yaml",
    }.items():
        assert str(calibration.path_of(url, shares.__getitem__)) == path
    with pytest.raises(CalibrationError, match="no package 'arm'"):
        calibration.path_of("package://arm/a.yaml", shares.__getitem__)
    with pytest.raises(CalibrationError, match="must be file:///"):
        calibration.path_of("http://example.org/a.yaml", shares.__getitem__)
