import json
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pycocotools.coco import COCO

import bodypix_ros
from bodypix_ros import media, rendering
from bodypix_ros.cli import COMMANDS, main
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.errors import DeviceError, DigestError, DownloadError, MissingModelError, UnverifiedError
from bodypix_ros.models import catalogue, store
from bodypix_ros.results.plan import output_names
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from support.checkpoints import write_tiny_bodypix
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture, scene_of
from support.films import film_facts, write_as_browsers_do, write_film
from support.lens import Lens
from support.paths import ROOT


@pytest.fixture
def loaded(monkeypatch):
    """Replace `load`; gives the calls and lets a test choose what is seen."""

    loaded = SimpleNamespace(calls=[], segmenter=FakeSegmenter())

    def load(model, **options):
        loaded.calls.append((model, options))
        return loaded.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load, raising=False)
    return loaded


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run the command in an empty folder, which it gives as `call.folder`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        return invoke(*arguments, code=code)

    run.folder = tmp_path
    return run


def write_pictures(folder, *names, people=2):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        media.write_picture(folder / name, people_picture(people=people))


def write_video(path, frames=10):
    with media.VideoWriter(path, 10) as writer:
        for _ in range(frames):
            writer.write(people_picture())


def document(folder):
    with redirect_stdout(StringIO()):
        return COCO(str(folder / "people.json"))


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


class TestRun:
    def test_picture(self, call, loaded):
        write_pictures(call.folder, "a.png")
        result = call("run", "a.png", "--out", "found")
        names = ["a.instances.png", "a.mask.png", "a.overlay.png", "a.parts.png", "people.json"]
        assert files(call.folder / "found") == names
        image = people_picture()
        scene = scene_of(image)

        def read(kind):
            return cv2.imread(f"found/a.{kind}.png", cv2.IMREAD_UNCHANGED)

        assert np.array_equal(read("mask"), np.where(scene.person_mask, 255, 0))
        assert np.array_equal(read("instances"), scene.instance_mask)
        assert np.array_equal(read("parts"), scene.part_mask)
        overlay = read("overlay")
        assert overlay.shape == image.shape
        assert (overlay != image).any(axis=2)[scene.person_mask].mean() > 0.95
        assert result.stdout == "1 image, 2 people, 6.0 ms each (fake on CPU, f32), in found\n"
        truth = document(call.folder / "found")
        assert truth.imgs[1]["file_name"] == "../a.png"
        assert np.array_equal(truth.annToMask(truth.anns[2]), scene.instance_mask == 2)
        assert truth.dataset["info"]["model"] == "fake"

    def test_overlay_has_the_colours_of_people_in_bgr(self, call, loaded):
        write_pictures(call.folder, "a.png")
        call("run", "a.png", "--draw", "instances", "--opacity", 1, "--no-masks")
        x0, y0, _, _ = scene_of(people_picture()).persons[0].box
        assert tuple(media.read_picture("bodypix_out/a.overlay.png")[y0, x0]) == (53, 75, 230)

    @pytest.mark.parametrize("mode", rendering.MODES)
    def test_every_mode_of_the_library(self, call, loaded, mode):
        write_pictures(call.folder, "a.png")
        call(
            "run", "a.png", "--mode", mode, "--no-masks", "--opacity", 0.8, "--blur", 7, "--edge-blur", 2,
            "--pixel-size", 5, "--hide", "hand,0", "--min-keypoint-score", 0.1,
        )  # fmt: skip
        image = people_picture()
        expected = rendering.draw(
            image,
            scene_of(image),
            mode,
            rendering.Style(
                opacity=0.8, blur=7, edge_blur=2, pixel_size=5, hide=("hand", "0"), min_keypoint_score=0.1
            ),
            bgr=True,
        )
        assert (expected != image).any()
        assert np.array_equal(media.read_picture("bodypix_out/a.overlay.png"), expected)

    def test_help_names_every_mode_with_what_it_shows(self, call):
        text = call("run", "--help").stdout
        for name, mode in rendering.MODES.items():
            assert f"  {name} {mode.text}" in re.sub(r"(?<=\S) +", " ", text)

    def test_a_mode_that_is_added_to_the_table_is_a_mode_of_the_command(self, call, loaded, monkeypatch):
        def dark(image, scene, style, bgr):
            return image // 2

        monkeypatch.setitem(rendering.MODES, "dark", rendering.Mode("all of it, darker", (), dark))
        text = " ".join(call("run", "--help").stdout.split())
        assert "dark all of it, darker" in text
        assert "pixelate_parts, dark." in text
        write_pictures(call.folder, "a.png")
        call("run", "a.png", "--mode", "dark", "--no-masks")
        assert np.array_equal(media.read_picture("bodypix_out/a.overlay.png"), people_picture() // 2)
        monkeypatch.delitem(rendering.MODES, "dark")
        assert "'dark' is none of parts" in call("run", "a.png", "--mode", "dark", code=2).stderr

    def test_privacy_modes_draw_nothing_without_parts(self, call, loaded):
        def see(image):
            return replace(scene_of(image), part_mask=None)

        loaded.segmenter = FakeSegmenter(see)
        write_pictures(call.folder, "a.png")
        write_video(call.folder / "film.mp4")
        result = call("run", "a.png", "film.mp4", "--mode", "blur_parts", "--no-masks", code=1)
        assert result.stderr.count("blur_parts hides body parts, which fake does not find; not drawn") == 2
        assert files(call.folder / "bodypix_out") == ["people.json"]

    def test_mode_of_a_video(self, call, loaded):
        write_video(call.folder / "film.mp4", 3)
        call("run", "film.mp4", "--mode", "mask", "--opacity", 1)
        with media.VideoReader(media.Video("bodypix_out/film.overlay.mp4")) as reader:
            frames = list(reader)
        assert len(frames) == 3
        assert frames[0][:10].max() < 20

    def test_legend(self, call, loaded):
        write_pictures(call.folder, "a.png")
        call("run", "a.png", "--no-masks", "--draw", "legend")
        image = people_picture()
        expected = rendering.draw_legend(image, scene_of(image), bgr=True)
        assert np.array_equal(media.read_picture("bodypix_out/a.overlay.png"), expected)

    def test_folder_with_a_bad_picture_goes_on_and_exits_1(self, call, loaded):
        write_pictures(call.folder, "in/a.png", "in/c.png")
        (call.folder / "in/b.png").write_bytes(b"broken")
        result = call("run", "in", "--out", "found", code=1)
        assert "b.png: is not a whole picture" in result.stderr
        assert "2 images, 4 people" in result.stdout
        assert "1 source failed" in result.stdout
        assert len(document(call.folder / "found").imgs) == 2
        assert (call.folder / "found/c.mask.png").exists()

    def test_sources_of_one_name_stay_apart(self, call, loaded):
        write_pictures(call.folder, "a/x.png", people=1)
        write_pictures(call.folder, "b/x.png", people=2)
        write_pictures(call.folder, "X.jpg", people=0)
        call("run", "a", "b", "X.jpg", "--no-masks")
        overlays = {"x.overlay.png", "x_2.overlay.png", "X_3.overlay.png"}
        assert set(files(call.folder / "bodypix_out")) == {*overlays, "people.json"}
        images = document(call.folder / "bodypix_out").dataset["images"]
        assert [image["file_name"] for image in images] == ["../a/x.png", "../b/x.png", "../X.jpg"]
        assert [image["source"] for image in images] == ["a/x.png", "b/x.png", "X.jpg"]

    def test_names_never_repeat(self):
        sources = [media.Picture(Path(p)) for p in ("x.png", "x_2.png", "a/x.png", "a/x_2.png", "b/X.png")]
        names = output_names(sources)
        assert len({name.casefold() for name in names}) == 5
        assert names[:2] == ["x", "x_2"]

    def test_video(self, call, loaded):
        write_video(call.folder / "film.mp4")
        result = call("run", "film.mp4")
        assert files(call.folder / "bodypix_out") == ["film.overlay.mp4", "people.json"]
        assert "10 images, 20 people" in result.stdout
        with media.VideoReader(media.Video("bodypix_out/film.overlay.mp4")) as reader:
            frames = list(reader)
        assert (len(frames), reader.fps) == (10, 10)
        assert np.abs(frames[0].astype(int) - people_picture()).mean() > 5
        truth = document(call.folder / "bodypix_out")
        assert truth.imgs[10]["file_name"] == "../film.mp4#10"
        assert truth.imgs[10]["time_s"] == 0.9
        assert len(truth.anns) == 20

    def test_video_without_drawing(self, call, loaded):
        write_video(call.folder / "film.mp4")
        call("run", "film.mp4", "--draw", "none")
        assert files(call.folder / "bodypix_out") == ["people.json"]

    def test_broken_video_keeps_its_good_frames(self, call, loaded):
        write_film(
            call.folder / "film.mp4",
            [k / 10 for k in range(30)],
            images=[people_picture()] * 30,
            codec="mjpeg",
            options={"movflags": "faststart"},
        )
        data = (call.folder / "film.mp4").read_bytes()
        (call.folder / "film.mp4").write_bytes(data[: len(data) * 2 // 3])
        write_pictures(call.folder, "z.png")
        result = call("run", "film.mp4", "z.png", "--no-masks", code=1)
        count = int(re.search(r"film.mp4: breaks off after (\d+) of 30 frames", result.stderr)[1])
        assert 10 < count < 25
        assert f"{count + 1} images" in result.stdout
        assert files(call.folder / "bodypix_out") == ["film.overlay.mp4", "people.json", "z.overlay.png"]
        assert len(film_facts("bodypix_out/film.overlay.mp4")["stamps"]) == count

    def test_a_film_as_browsers_record_it(self, call, loaded):
        stamps = write_as_browsers_do(call.folder / "film.webm", [people_picture()] * 90, length=True)
        result = call("run", "film.webm")
        assert "90 images, 180 people" in result.stdout
        facts = film_facts("bodypix_out/film.overlay.mp4")
        assert facts["duration"] == pytest.approx(3, abs=0.05)
        assert facts["stamps"] == pytest.approx(stamps, abs=1e-3)

    def test_frames_are_seen_with_their_own_times(self, call, loaded, monkeypatch):
        write_film(call.folder / "film.mkv", [0, 0.1, 1.5], images=[people_picture()] * 3)
        stamps, see = [], loaded.segmenter.seer.see

        def note(pixels, options, stamp, memory):
            stamps.append(stamp)
            return see(pixels, options, stamp, memory)

        monkeypatch.setattr(loaded.segmenter.seer, "see", note)
        call("run", "film.mkv")
        assert stamps == pytest.approx([0, 0.1, 1.5])

    def test_sound_is_kept(self, call, loaded):
        write_film(call.folder / "film.mp4", [0, 0.5, 1], images=[people_picture()] * 3, sound="aac")
        call("run", "film.mp4")
        assert film_facts("bodypix_out/film.overlay.mp4")["sound"] == "aac"

    def test_names_that_are_no_text(self, call, loaded):
        write_video(call.folder / "film.mp4", 3)
        (call.folder / "film.mp4").rename(os.fsdecode(b"caf\xe9.mp4"))
        call("run", os.fsdecode(b"caf\xe9.mp4"))
        assert files(call.folder / "bodypix_out") == [os.fsdecode(b"caf\xe9.overlay.mp4"), "people.json"]
        assert len(document(call.folder / "bodypix_out").imgs) == 3

    @pytest.mark.parametrize("name", ["README.txt", "tone.m4a"])
    def test_what_is_no_film_is_said_and_the_others_go_on(self, call, loaded, name):
        (call.folder / "README.txt").write_text("A line of text.\n" * 200)
        write_film(call.folder / "tone.m4a", [1.0], codec=None, sound="aac")
        write_pictures(call.folder, "z.png")
        result = call("run", name, "z.png", "--no-masks", code=1)
        assert re.search(rf"{name}: (neither a picture nor a video|has no video, only audio)", result.stderr)
        assert files(call.folder / "bodypix_out") == ["people.json", "z.overlay.png"]

    def test_pipes_are_refused_before_anything_is_computed(self, call, loaded):
        os.mkfifo("pipe.mp4")
        assert "pipe.mp4: is a pipe; give a picture" in call("run", "pipe.mp4", code=2).stderr
        assert loaded.calls == []

    def test_a_full_disk_leaves_no_video(self, call, loaded):
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 150, (240, 320, 3), np.uint8) for _ in range(12)]
        write_film(call.folder / "film.avi", [k / 10 for k in range(12)], images=images, codec="mjpeg")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            result = call("run", "film.avi", code=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (
            f"film.overlay.mp4: cannot be written into {call.folder}/bodypix_out: File too" in result.stderr
        )
        assert files(call.folder / "bodypix_out") == ["people.json"]

    def test_no_video_leaves_nothing_half_written(self, call, loaded):
        (call.folder / "film.mp4").write_bytes(b"no video" * 99)
        result = call("run", "film.mp4", code=1)
        assert "film.mp4: neither a picture nor a video" in result.stderr
        assert files(call.folder / "bodypix_out") == ["people.json"]

    def test_ctrl_c_ends_with_complete_files(self, call, loaded):
        write_video(call.folder / "film.mp4")
        seen = []

        def see(image):
            seen.append(image)
            if len(seen) == 4:
                os.kill(os.getpid(), signal.SIGINT)
            return scene_of(image)

        loaded.segmenter = FakeSegmenter(see)
        result = call("run", "film.mp4", "film.mp4", code=130)
        assert "4 images, 8 people" in result.stdout
        assert "stopped early" in result.stdout
        assert files(call.folder / "bodypix_out") == ["film.overlay.mp4", "people.json"]
        with media.VideoReader(media.Video("bodypix_out/film.overlay.mp4")) as reader:
            assert len(list(reader)) == 4
        assert len(document(call.folder / "bodypix_out").imgs) == 4
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    @pytest.mark.parametrize("source", ["film.mp4", "a.png"])
    def test_sigterm_leaves_nothing_half_written(self, call, loaded, source):
        write_video(call.folder / "film.mp4")
        write_pictures(call.folder, "a.png")
        before = signal.getsignal(signal.SIGTERM)

        def see(image):
            os.kill(os.getpid(), signal.SIGTERM)
            return scene_of(image)

        loaded.segmenter = FakeSegmenter(see)
        call("run", source, code=128 + signal.SIGTERM)
        assert files(call.folder / "bodypix_out") == []
        assert signal.getsignal(signal.SIGTERM) is before

    def test_camera_runs_until_ctrl_c(self, call, loaded, monkeypatch):
        class Camera:
            def __init__(self, index):
                assert index == 3
                self.frames = 0

            def isOpened(self):
                return True

            def get(self, _):
                return -1.0

            def read(self):
                self.frames += 1
                if self.frames == 6:
                    os.kill(os.getpid(), signal.SIGINT)
                return True, people_picture()

            def release(self):
                pass

        monkeypatch.setattr(cv2, "VideoCapture", Camera)
        result = call("run", "3")
        assert "6 images" in result.stdout
        assert files(call.folder / "bodypix_out") == ["camera3.overlay.mp4", "people.json"]
        assert document(call.folder / "bodypix_out").imgs[6]["file_name"] == "3#6"

    def test_a_network_camera_runs_until_ctrl_c(self, call, loaded):
        def see(image):
            if len(loaded.segmenter.images) == 6:
                os.kill(os.getpid(), signal.SIGINT)
            return scene_of(image)

        loaded.segmenter = FakeSegmenter(see)
        with Lens(10_000) as lens:
            result = call("run", lens.source.url)
        assert "stopped early" not in result.stdout
        assert "6 images" in result.stdout
        name = lens.source.stem
        assert files(call.folder / "bodypix_out") == [f"{name}.overlay.mp4", "people.json"]
        assert document(call.folder / "bodypix_out").imgs[6]["file_name"] == f"{lens.source.name}#6"
        assert "secret" not in (call.folder / "bodypix_out/people.json").read_text()

    def test_mirrored_results_are_drawn_on_the_mirrored_picture(self, call, loaded):
        def see(image):
            return scene_of(np.ascontiguousarray(image[:, ::-1]))

        loaded.segmenter = FakeSegmenter(see, PeopleOptions(flip_horizontal=True))
        image = people_picture()
        image[:40, :40] = 255  # tells left from right
        media.write_picture(call.folder / "a.png", image)
        call("run", "a.png", "--draw", "instances")
        overlay = media.read_picture("bodypix_out/a.overlay.png")
        assert (overlay[:30, -40:] == 255).all()
        assert (overlay[:30, :40] != 255).all()

    def test_options_reach_the_model_and_others_stay_out(self, call, loaded):
        write_pictures(call.folder, "a.png")
        call(
            "run", "a.png", "-m", "some", "--device", "GPU,CPU", "--internal-resolution", 0.3, "--no-parts",
            "--max-detections", 3, "--model-dir", "here", "--flip-horizontal", "--min-keypoint-score", 0.5,
        )  # fmt: skip
        assert loaded.calls == [
            (
                "some",
                {
                    "device": "GPU,CPU",
                    "internal_resolution": 0.3,
                    "parts": False,
                    "max_detections": 3,
                    "model_dir": "here",
                    "flip_horizontal": True,
                    "min_keypoint_score": 0.5,
                },
            )
        ]

    @pytest.mark.parametrize(
        ("arguments", "preset"),
        [
            ([], None),
            (["--mode", "instances"], None),
            (["--mode", "blur_parts"], "faces"),
            (["--mode", "pixelate_parts"], "faces"),
            (["--mode", "blur_parts", "--preset", "near"], "near"),
            (["--preset", "far"], "far"),
            (["--mode", "mask", "-m", "selfie-general"], None),
            (["--mode", "blur_parts", "-m", "selfie-general"], None),  # has no presets
        ],
    )
    def test_a_mode_is_drawn_of_the_preset_that_is_best_for_it(self, call, loaded, arguments, preset):
        write_pictures(call.folder, "a.png")
        call("run", "a.png", *arguments)
        assert loaded.calls[0][1].get("preset") == preset
        call("demo", "a.png", *arguments)
        assert loaded.calls[1][1].get("preset") == preset

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["none.png"], "none.png: no such file or folder"),
            ([], "Missing argument 'SOURCE...'"),
            (["a.png", "--draw", "boxes,hats"], "'hats' is none of"),
            (["a.png", "--draw", "parts", "--no-parts"], "--draw parts needs parts"),
            (["a.png", "--draw", "legend", "--no-parts"], "--draw legend needs parts"),
            (["a.png", "--mode", "hats"], "'hats' is none of parts, instances"),
            (["a.png", "--mode", "mask", "--draw", "poses"], "--mode and --draw exclude each other"),
            (["a.png", "--mode", "pixelate_parts", "--no-parts"], "--mode pixelate_parts needs parts"),
            (["a.png", "--mode", "blur_parts", "--hide", "nose"], "no part is called 'nose'"),
            (["a.png", "--blur", "21"], "--blur"),
            (["a.png", "--blur", "nan"], "Invalid value for '--blur': 'nan' is not a number"),
            (["a.png", "--pixel-size", "0"], "Invalid value for '--pixel-size': 0.0 is not in the range 1.0"),
            (
                ["a.png", "--min-keypoint-score", "2"],
                "Invalid value for '--min-keypoint-score'",
            ),
            (["a.png", "--hide", ","], "Invalid value for '--hide': hide is empty"),
            (["a.png", "--flip"], "'--flip'"),
            (["a.png", "--opacity", "2"], "--opacity"),
        ],
    )
    def test_wrong_usage_exits_2_and_writes_nothing(self, call, loaded, arguments, message):
        write_pictures(call.folder, "a.png")
        assert message in call("run", *arguments, code=2).stderr
        assert files(call.folder) == ["a.png"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ["--internal-resolution", "high"],
                "--internal-resolution: --algorithm original has it; add that",
            ),
            (["--algorithm", "original", "--crops", 1], "--crops: --algorithm people has it; add that"),
            (["-m", "selfie-general", "--crops", 1], "--crops: selfie-general has no such option; it has --"),
        ],
    )
    def test_options_of_another_algorithm_or_family_are_refused_saying_who_has_them(
        self, call, arguments, message
    ):
        write_pictures(call.folder, "a.png")
        assert message in call("run", "a.png", *arguments, code=2).stderr
        assert files(call.folder) == ["a.png"]

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ValueError("max_detections is 0, but must be 1..254"), 2),
            (MissingModelError("model x is nowhere"), 2),
            (PermissionError("no rights"), 1),
            (DeviceError("no device runs the model"), 1),
        ],
    )
    def test_a_model_that_does_not_load_is_one_paragraph(self, call, monkeypatch, error, code):
        def load(*_, **__):
            raise error

        write_pictures(call.folder, "a.png")
        monkeypatch.setattr(bodypix_ros, "load", load, raising=False)
        result = call("run", "a.png", code=code)
        assert str(error) in result.stderr
        assert result.stdout == ""

    def test_debug_shows_the_traceback(self, call, monkeypatch):
        def load(*_, **__):
            raise ValueError("bad")

        write_pictures(call.folder, "a.png")
        monkeypatch.setattr(bodypix_ros, "load", load, raising=False)
        for arguments in (["--debug", "run", "a.png"], ["run", "a.png", "--debug"]):
            with pytest.raises(ValueError, match="bad"):
                CliRunner().invoke(main, arguments, catch_exceptions=False)

    def test_out_that_is_a_file(self, call, loaded):
        write_pictures(call.folder, "a.png")
        assert "is a file" in call("run", "a.png", "--out", "a.png", code=2).stderr


class TestDemo:
    def test_own_picture(self, call, loaded):
        write_pictures(call.folder, "a.png")
        lines = call("demo", "a.png").stdout.splitlines()
        assert lines[0].startswith("1 image, 2 people")
        assert [line.strip() for line in lines[1:]] == [
            "demo/a.overlay.png",
            "demo/a.mask.png",
            "demo/a.instances.png",
            "demo/a.parts.png",
            "demo/people.json",
        ]
        assert all(Path(line.strip()).is_file() for line in lines[1:])

    def test_astronaut(self, call, loaded):
        data = pytest.importorskip("skimage.data")
        call("demo", "--out", "here")
        assert np.array_equal(media.read_picture("here/astronaut.png"), data.astronaut()[..., ::-1])
        assert (call.folder / "here/astronaut.overlay.png").is_file()

    def test_sheet_of_every_mode(self, call, loaded):
        write_pictures(call.folder, "a.png")
        assert call("demo", "a.png", "--sheet", "new/modes.jpg").stdout.endswith("  new/modes.jpg\n")
        image = people_picture()
        expected = rendering.contact_sheet(image, scene_of(image), bgr=True)
        sheet = media.read_picture("new/modes.jpg")
        assert sheet.shape == expected.shape
        assert np.abs(sheet.astype(int) - expected).mean() < 4

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--sheet", "a.png"], "--sheet writes a JPEG: call it a.jpg"),
            (["--sheet", "a.jpg", "--no-parts"], "--sheet needs parts"),
            (["film.mp4", "--sheet", "a.jpg"], "--sheet needs a picture"),
            (["--mode", "parts", "--no-parts"], "--mode parts needs parts"),
        ],
    )
    def test_wrong_usage_exits_2(self, call, loaded, arguments, message):
        if "film.mp4" in arguments:
            write_video(call.folder / "film.mp4", 2)
        assert message in call("demo", *arguments, code=2).stderr
        assert not (call.folder / "a.jpg").exists()

    def test_mode(self, call, loaded):
        write_pictures(call.folder, "a.png")
        call("demo", "a.png", "--mode", "bokeh")
        image = people_picture()
        expected = rendering.draw(image, scene_of(image), "bokeh", bgr=True)
        assert np.array_equal(media.read_picture("demo/a.overlay.png"), expected)

    def test_without_scikit_image_it_says_what_to_install(self, call, loaded, monkeypatch):
        monkeypatch.setitem(sys.modules, "skimage", None)
        assert "pip install 'bodypix_ros[demo]'" in call("demo", code=2).stderr

    def test_without_weights_and_network_it_says_what_to_get_and_where_to_put_it(self, call, monkeypatch):
        def fetch(model, into):
            raise DownloadError(f"cannot fetch {model.name}")

        monkeypatch.setattr(store, "fetch", fetch)
        monkeypatch.setenv("BODYPIX_ROS_MODELS", str(call.folder / "empty"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(call.folder / "cache"))
        error = call("demo", "--model-dir", call.folder / "mine", code=2).stderr
        for file in catalogue.model(bodypix_ros.DEFAULT_MODEL).files:
            assert file.url in error
            assert str(call.folder / "mine" / file.path) in error
        assert "cannot fetch blazepose-full" in error
        assert files(call.folder) == []

    @pytest.mark.parametrize("had", [(bodypix_ros.DEFAULT_MODEL,), ("blazepose-full", "selfie-general")])
    def test_weights_that_are_not_here_are_fetched_or_stood_in_for(self, call, monkeypatch, had):
        here = set()

        def load(model, **options):
            if model not in here:
                raise MissingModelError(model)
            segmenter = FakeSegmenter()
            segmenter.model = model
            return segmenter

        def fetch(model, into):
            if model.name not in had:
                raise DownloadError(f"cannot fetch {model.name}")
            here.add(model.name)
            return call.folder

        monkeypatch.setattr(bodypix_ros, "load", load, raising=False)
        monkeypatch.setattr(store, "fetch", fetch)
        write_pictures(call.folder, "a.png")
        result = call("demo", "a.png")
        assert f"{bodypix_ros.DEFAULT_MODEL} is not here: fetching it" in result.stderr
        stands_in = len(had) > 1
        assert ("running blazepose-full and selfie-general instead" in result.stderr) == stands_in
        for folder in [f"demo/{name}" for name in had] if stands_in else ["demo"]:
            assert (call.folder / folder / "a.overlay.png").is_file()

    def test_a_model_that_was_asked_for_is_not_fetched_unasked(self, call, monkeypatch):
        monkeypatch.setenv("BODYPIX_ROS_MODELS", str(call.folder / "empty"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(call.folder / "cache"))
        monkeypatch.setattr(store, "fetch", lambda *_: pytest.fail("fetched"))
        assert "blazepose-lite" in call("demo", "-m", "blazepose-lite", code=2).stderr


class TestModels:
    def test_list_tells_size_licence_digest_and_place(self, call, tmp_path, monkeypatch):
        monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        model = catalogue.model(bodypix_ros.DEFAULT_MODEL)
        for file in model.files:
            (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file.path).touch()
        lines = call("models").stdout.splitlines()
        assert lines == call("models", "list").stdout.splitlines()
        assert [line.split()[0] for line in lines[1:]] == [*catalogue.models(), *catalogue.details()]
        line = next(line for line in lines if line.startswith(model.name))
        assert line.split()[1:] == [f"{model.size / 1e6:.1f}", "MB", model.licence, "sha256", str(tmp_path)]
        entries = {entry["name"]: entry for entry in json.loads(call("models", "list", "--json").stdout)}
        assert entries[model.name]["size"] == model.size
        assert {entry["digest"] for entry in entries.values()} <= {"sha256", "git", "none"}

    def test_fetch(self, call, monkeypatch):
        calls = []

        def fetch(model, into=None, accept_unverified=False, progress=None, **_):
            calls.append((model.name, into, accept_unverified))
            progress("a/b.bin", 0, None)
            progress("a/b.bin", 10, 10)
            return Path("there")

        monkeypatch.setattr(store, "fetch", fetch)
        name = bodypix_ros.DEFAULT_MODEL
        assert call("models", "fetch", name, "--into", "x").stdout == f"{name} is in there\n"
        assert calls == [(name, Path("x"), False)]

    @pytest.mark.parametrize(
        ("error", "code"),
        [(UnverifiedError("u"), 2), (DownloadError("d"), 1), (DigestError("g"), 1)],
    )
    def test_fetch_that_fails(self, call, monkeypatch, error, code):
        def fetch(*_, **__):
            raise error

        monkeypatch.setattr(store, "fetch", fetch)
        assert f"bodypix: {error}" in call("models", "fetch", bodypix_ros.DEFAULT_MODEL, code=code).stderr

    def test_unknown_name_offers_others(self, call):
        assert (
            "bodypix-mobilenet-075" in call("models", "fetch", "bodypix-mobilenet-75-s16-q2", code=2).stderr
        )

    def test_verify(self, call, data_dir, tmp_path, monkeypatch):
        monkeypatch.delenv("BODYPIX_ROS_MODELS", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        name = bodypix_ros.DEFAULT_MODEL
        assert f"{name} is in none of" in call("models", "verify", name, code=2).stderr
        good = call("models", "verify", name, "--model-dir", data_dir / "models")
        assert good.stdout == f"{name}: intact (sha256)\n"
        for file in catalogue.model(name).files:
            (tmp_path / "m" / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "m" / file.path).write_bytes(
                (data_dir / "models" / file.path).read_bytes()[:-1] + b" "
            )
        bad = call("models", "verify", "--model-dir", tmp_path / "m", code=1)
        assert name in bad.stderr


class TestBench:
    def test_json_has_every_stage_and_the_ratio(self, call, loaded):
        write_pictures(call.folder, "a.png")
        result = json.loads(call("bench", "a.png", "--repetitions", 7, "--json").stdout)
        (one,) = result["pictures"]
        assert (one["width"], one["height"], one["people"]) == (160, 120, 2)
        assert (one["network_width"], one["network_height"]) == (80, 60)
        assert one["ms"]["infer"] == {"median": 2.0, "p95": 2.0}
        assert set(one["ms"]) == {"bare", "pre", "infer", "post", "segment"}
        assert one["ms"]["segment"]["median"] > one["ms"]["bare"]["median"]
        assert one["ratio"] > 1
        assert one["overhead_ms"] > 0
        assert {"cpu", "cores_usable", "openvino"} <= set(result["machine"])
        assert result["options"] == asdict(loaded.segmenter.options)

    def test_text(self, call, loaded):
        write_pictures(call.folder, "a.png")
        text = call("bench", "a.png", "--repetitions", 3).stdout
        assert "fake on CPU, f32" in text
        assert "segment / bare" in text

    def test_bare_and_whole_calls_alternate(self, call, loaded):
        order = []

        class Noting(FakeSegmenter):
            def bare_network(self, height, width):
                return lambda: order.append("bare")

            def _see(self, *arguments):
                order.append("segment")
                return super()._see(*arguments)

        loaded.segmenter = Noting()
        write_pictures(call.folder, "a.png")
        call("bench", "a.png", "-n", 5)
        assert order[:2] * (len(order) // 2) == order
        assert order[:2] == ["bare", "segment"]

    def test_unreadable_picture(self, call, loaded):
        (call.folder / "a.png").write_bytes(b"x")
        assert "a.png: is not a whole picture" in call("bench", "a.png", code=1).stderr


class TestEval:
    @pytest.fixture
    def truth(self, call):
        write_pictures(call.folder, "images/a.png")
        with DocumentWriter(call.folder / "truth.json") as writer:
            writer.add(scene_of(people_picture()), "a.png")

    def test_one_row_per_model(self, call, loaded, truth):
        lines = call("eval", "truth.json", "images", "-m", "x", "-m", "y").stdout.splitlines()
        assert lines[0] == "1 image, 2 people; CPU"
        assert lines[1].split()[0] == "model"
        assert [line.split()[1:10] for line in lines[2:]] == [["f32", *["1.000"] * 6, "2", "0"]] * 2
        assert [model for model, _ in loaded.calls] == ["x", "y"]

    def test_json(self, call, loaded, truth):
        loaded.segmenter = FakeSegmenter(options=PeopleOptions(reference_dilation=True))
        (row,) = json.loads(call("eval", "truth.json", "images", "--reference-dilation", "--json").stdout)
        assert row["segm_ap"] == pytest.approx(1)
        assert row["reference_dilation"] is True
        assert loaded.calls[0][1]["reference_dilation"] is True

    @pytest.mark.parametrize(("given", "expected"), [((), 0.05), (("--score-threshold", 0.4), 0.4)])
    def test_everybody_is_measured_unless_a_score_is_given(self, call, loaded, truth, given, expected):
        loaded.segmenter = FakeSegmenter(options=PeopleOptions(**{"score_threshold": 0.4} if given else {}))
        (row,) = json.loads(call("eval", "truth.json", "images", *given, "--json").stdout)
        assert row["options"]["score_threshold"] == expected
        assert loaded.calls[0][1].get("score_threshold") == (expected if given else None)

    def test_presets_side_by_side(self, call, loaded, truth):
        lines = call(
            "eval", "truth.json", "images", "--preset", "near", "--preset", "far"
        ).stdout.splitlines()
        assert [line.split()[:2] for line in lines[2:]] == [["fake", "near"], ["fake", "far"]]
        assert [options["preset"] for _, options in loaded.calls] == ["near", "far"]

    def test_faces_and_tracks_exclude_each_other(self, call, loaded, truth):
        assert (
            "exclude each other" in call("eval", "truth.json", "images", "--faces", "--tracks", code=2).stderr
        )

    def test_faces(self, call, loaded, truth):
        lines = call("eval", "truth.json", "images", "--faces").stdout.splitlines()
        assert lines[0] == "1 image; CPU"
        assert lines[2].startswith("fake")
        assert "2 of 2" in lines[2]
        assert loaded.calls[0][1]["preset"] == "faces"
        (row,) = json.loads(call("eval", "truth.json", "images", "--faces", "--json").stdout)
        assert (row["noses"], row["noses_hidden"]) == (2, 2)
        assert 0 < row["changed_outside_people"] < 1

    def test_absent_annotations(self, call, loaded, truth):
        assert "none.json" in call("eval", "none.json", "images", code=2).stderr

    def test_absent_image(self, call, loaded, truth):
        (call.folder / "images/a.png").unlink()
        error = call("eval", "truth.json", "images", code=1).stderr
        assert "1 of 1 images cannot be used: a.png: cannot be read: No such file" in error
        assert loaded.calls == []


def test_devices(call):
    pytest.importorskip("openvino")
    assert "CPU" in call("devices").stdout
    assert json.loads(call("devices", "--json").stdout)[0]["name"]


def test_warm_up_knows_every_file_with_kernels():
    kernels = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in (ROOT / "bodypix_ros").rglob("*.py")
        if re.search(r'^@kernel\(\s*f?"', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    program = (
        "import sys\nfrom importlib import import_module\n"
        "from bodypix_ros.cli.warm_up_command import modules\n"
        "for module in modules().values():\n    import_module(module)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(kernels) > 20
    assert kernels <= {*done.stdout.split()}


def test_a_picture_needs_no_kernels_of_what_it_does_not_use(tmp_path):
    """They take longer to compile than all the rest of a demo."""
    write_tiny_bodypix(tmp_path, seed=9)
    program = (
        "import sys\nimport bodypix_ros\nimport numpy as np\n"
        f"options = {{'device': 'CPU', 'model_dir': {str(tmp_path)!r}}}\n"
        "with bodypix_ros.load('bodypix-mobilenet-050-s16-q4', **options) as seer:\n"
        "    seer.segment(np.zeros((64, 96, 3), np.uint8))\n"
        "    print(*sys.modules)\n"
        "    seer.update(edges=True)\n"
        "    print('bodypix_ros.details.edges' in sys.modules)\n"
        "    seer.stream()\n"
        "    print('bodypix_ros.tracking.tracks' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, *later = done.stdout.splitlines()
    there = {*first.split()}
    package = "bodypix_ros"
    assert f"{package}.segmenters.bodypix.people.filling" in there
    others = ("segmenters.bodypix.original.filling", "details.edges", "tracking.tracks")
    assert not there & {f"{package}.{name}" for name in others}
    assert later == ["True", "True"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_warm_up_compiles_what_is_not_kept_yet(tmp_path, jobs):
    functions = "".join(
        f'@kernel("int64(int64)")\ndef more_{k}(x):\n    return x + helper({k})\n' for k in range(5)
    )
    (tmp_path / "made_up.py").write_text(
        "from bodypix_ros.kernels import kernel\n@kernel()\ndef helper(x):\n    return x + 1\n" + functions
    )
    (tmp_path / "sitecustomize.py").write_text(
        "from bodypix_ros.cli import warm_up_command\nwarm_up_command.MORE['made up'] = 'made_up'\n"
    )
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment = {**os.environ, **cache, "PYTHONPATH": f"{tmp_path}:{ROOT}"}

    def run(program):
        command = [sys.executable, "-c", program]
        options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "check": True}
        return subprocess.run(command, **options).stdout

    program = f"from bodypix_ros.cli import main; main(['warm-up', 'made up', '--jobs', '{jobs}'])"
    assert re.fullmatch(r"kernels compiled: 5, in [\d.]+ s\n", run(program))
    assert run(program) == "all kernels are there\n"
    # Whoever imports it in the usual way finds them, and they are the right ones.
    used = (
        "from bodypix_ros.kernels import watched\ndef never(): raise SystemExit('compiled anew')\n"
        "with watched(never):\n    import made_up\nprint(made_up.more_3(4))"
    )
    assert run(used) == "8\n"


def test_warm_up_names_what_there_is(call):
    error = call("warm-up", "nothing", code=2).stderr
    assert "'nothing' brings no kernels; there are people, original, streams, edges" in error


def test_every_command_is_listed_with_its_first_line(call):
    text = call("--help").stdout
    for name, line in COMMANDS.items():
        assert line in text
        command = main.get_command(click.Context(main), name)
        assert (command.name, command.help.splitlines()[0]) == (name, line)
        assert line in call(name, "--help").stdout


def test_unknown_command(call):
    assert "No such command 'walk'" in call("walk", code=2).stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from bodypix_ros.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'av', 'cv2', 'numpy', 'numba', 'openvino', 'pycocotools', 'tqdm'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_real_people_from_real_weights(call, data_dir, monkeypatch):
    """The whole way: picture, network, files."""
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(data_dir / "models"))
    picture = data_dir / "images/coco_open/images/000000000785.jpg"
    result = call("run", picture, "--device", "CPU", "--draw", "parts,boxes,poses")
    assert "1 image, 1 person" in result.stdout
    truth = json.loads((data_dir / "images/coco_open/person_keypoints.json").read_text())
    (person,) = (a for a in truth["annotations"] if a["image_id"] == 785)
    with redirect_stdout(StringIO()):
        annotated = COCO(str(data_dir / "images/coco_open/person_keypoints.json")).annToMask(person) > 0
    mask = cv2.imread("bodypix_out/000000000785.mask.png", cv2.IMREAD_UNCHANGED) > 0
    assert (mask & annotated).sum() / (mask | annotated).sum() > 0.7
    keypoints = np.reshape(document(call.folder / "bodypix_out").anns[1]["keypoints"], (17, 3))
    expected = np.reshape(person["keypoints"], (17, 3))
    both = (keypoints[:, 2] > 0) & (expected[:, 2] > 0)
    assert both.sum() >= 10
    assert np.median(np.hypot(*(keypoints - expected)[both, :2].T)) < 12
