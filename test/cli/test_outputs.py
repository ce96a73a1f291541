"""What `bodypix run` and `demo` do around files: nothing is lost, mixed up, or left half-written."""

import json
import os
import resource
import signal
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pycocotools.coco import COCO

import bodypix_ros
from bodypix_ros import media
from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture, scene_of


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An empty folder to work in; `segmenter` is the model, `loads` counts."""
    monkeypatch.chdir(tmp_path)
    work = SimpleNamespace(folder=tmp_path, segmenter=FakeSegmenter(), loads=0)

    def load(model, **options):
        work.loads += 1
        return work.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load, raising=False)
    return work


def write_pictures(*names, people=2):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        media.write_picture(Path(name), people_picture(people=people))


def write_video(name, frames=6):
    with media.VideoWriter(Path(name), 10) as writer:
        for _ in range(frames):
            writer.write(people_picture())


def everything(folder="."):
    """All files with what is in them."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()
    }


def document(folder):
    return json.loads((Path(folder) / "people.json").read_text(encoding="utf-8"))


def names(folder):
    return [image["file_name"] for image in document(folder)["images"]]


class TestInputs:
    @pytest.mark.parametrize("how", ["--overwrite", "--skip-existing", None])
    def test_an_output_that_is_an_input_is_refused_before_anything_is_written(self, work, how):
        write_pictures("ds/me.png", "ds/me.mask.png")
        before = everything()
        result = invoke("run", "ds", "-o", "ds", *([how] if how else []), code=2)
        assert "--out: ds/me.mask.png is an input and would be overwritten" in result.stderr
        assert (everything(), work.loads) == (before, 0)

    @pytest.mark.parametrize("link", [os.symlink, os.link])
    def test_an_input_is_known_by_other_names(self, work, link):
        write_pictures("me.png", "other.png")
        Path("found").mkdir()
        link(Path("other.png").resolve(), "found/me.mask.png")
        result = invoke("run", "me.png", "other.png", "-o", "found", "--overwrite", code=2)
        assert "other.png, the same file as found/me.mask.png, is an input" in result.stderr
        assert work.loads == 0

    def test_an_input_is_known_through_a_linked_folder(self, work):
        write_pictures("ds/me.png", "ds/me.mask.png")
        Path("found").symlink_to("ds")
        assert "is an input" in invoke("run", "ds", "-o", "found", code=2).stderr

    def test_a_temporary_name_may_be_an_input_neither(self, work):
        write_pictures("ds/me.png", "ds/.me.mask.part.png")
        before = everything()
        invoke("run", "ds/me.png", "ds/.me.mask.part.png", "-o", "ds", code=2)
        assert everything() == before

    def test_results_do_not_become_inputs_of_the_next_run(self, work):
        write_pictures("ds/me.png")
        invoke("run", "ds", "-o", "ds")
        before = set(everything())
        for more in ((), ("--draw", "none", "--no-masks")):
            result = invoke("run", "ds", "-o", "ds", "--overwrite", *more)
            assert "4 files in ds left out: results of an earlier run" in result.stderr
            assert "1 image," in result.stdout
        assert set(everything()) == before
        assert "1 image," in invoke("run", "ds/me.overlay.png", "-o", "other").stdout

    def test_a_picture_that_an_earlier_run_has_not_made_stays_an_input(self, work):
        write_pictures("ds/me.png", "ds/me.mask.png")
        invoke("run", "ds/me.png", "-o", "ds", "--no-masks")
        before = everything()
        assert "me.mask.png is an input" in invoke("run", "ds", "-o", "ds", "--overwrite", code=2).stderr
        assert everything() == before

    def test_a_sheet_does_not_overwrite_the_picture(self, work):
        write_pictures("a.jpg")
        before = everything()
        assert "a.jpg is an input" in invoke("demo", "a.jpg", "--sheet", "a.jpg", code=2).stderr
        assert everything() == before

    def test_a_plot_does_not_overwrite_the_picture(self, work):
        pytest.importorskip("matplotlib")
        write_pictures("a.png")
        before = everything()
        assert "--plot: a.png is an input" in invoke("bench", "a.png", "--plot", "a.png", code=2).stderr
        assert everything() == before


class TestEarlierResults:
    def test_they_are_not_replaced_unasked(self, work):
        write_pictures("a.png")
        invoke("run", "a.png")
        before = everything()
        loads = work.loads
        result = invoke("run", "a.png", code=2)
        assert "bodypix_out/people.json (and 4 more) is there already: --overwrite replaces" in result.stderr
        assert (everything(), work.loads) == (before, loads)

    def test_overwrite_replaces_them(self, work):
        write_pictures("a.png")
        invoke("run", "a.png")
        write_pictures("a.png", people=1)
        assert "1 image, 1 person" in invoke("run", "a.png", "--overwrite").stdout
        assert len(document("bodypix_out")["annotations"]) == 1

    def test_what_is_not_written_anew_is_said_to_be_of_before(self, work):
        write_pictures("a.png", "b.png")
        invoke("run", "a.png", "b.png", "--export", "csv,cutout", "--overlay-format", "jpg")
        said = invoke("run", "a.png", "--overwrite", "--draw", "none", "--export", "jsonl").stderr
        assert "bodypix_out/people.csv and 2 more of an earlier run are not replaced" in said
        again = ("run", "a.png", "--overwrite", "--overlay-format", "jpg", "--export", "jsonl,csv,cutout")
        assert "earlier run" not in invoke(*again).stderr

    def test_both_at_once_are_refused(self, work):
        write_pictures("a.png")
        assert "exclude each other" in invoke("run", "a.png", "--overwrite", "--skip-existing", code=2).stderr

    def test_the_demo_replaces_its_own(self, work):
        write_pictures("a.png")
        invoke("demo", "a.png")
        write_pictures("a.png", people=1)
        invoke("demo", "a.png")
        assert len(document("demo")["annotations"]) == 1

    def test_an_interrupted_run_goes_on(self, work):
        write_pictures("in/a.png", "in/b.png", "in/c.png")
        write_video("in/film.mp4")

        def see(image):
            if len(work.segmenter.images) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        arguments = ("run", "in", "--skip-existing", "--results")
        assert "2 images, 4 people" in (stopped := invoke(*arguments, code=130).stdout)
        assert "stopped early" in stopped
        assert names("bodypix_out") == ["../in/a.png", "../in/b.png"]
        kept = everything("bodypix_out")["a.mask.png"]

        work.segmenter = FakeSegmenter()
        write_pictures("in/a.png", people=0)  # it would be seen if it were looked at
        assert "7 images, 14 people" in (done := invoke(*arguments).stdout)
        assert "2 sources skipped, complete already" in done
        assert everything("bodypix_out")["a.mask.png"] == kept
        frames = [f"../in/film.mp4#{k}" for k in range(1, 7)]
        assert names("bodypix_out") == ["../in/a.png", "../in/b.png", "../in/c.png", *frames]
        with redirect_stdout(StringIO()):
            truth = COCO("bodypix_out/people.json")
            found = truth.loadRes("bodypix_out/people.results.json")
        assert sorted(truth.imgs) == list(range(1, 10))
        assert sorted(truth.anns) == sorted(found.anns) == list(range(1, 19))
        assert all(len(truth.getAnnIds(imgIds=[k])) == 2 for k in truth.imgs)

        loads, before = work.loads, everything()
        assert "nothing to do: 4 sources complete already" in invoke(*arguments).stdout
        assert (work.loads, everything()) == (loads, before)

    def test_a_video_that_was_cut_short_begins_anew(self, work):
        write_video("film.mp4")

        def see(image):
            if len(work.segmenter.images) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        invoke("run", "film.mp4", code=130)
        assert len(names("bodypix_out")) == 2
        work.segmenter = FakeSegmenter()
        assert "6 images" in invoke("run", "film.mp4", "--skip-existing").stdout
        assert names("bodypix_out") == [f"../film.mp4#{k}" for k in range(1, 7)]

    @pytest.mark.parametrize("gone", ["a.mask.png", "a.parts.png", "a.overlay.png"])
    def test_what_lacks_a_file_is_not_complete(self, work, gone):
        write_pictures("a.png", "b.png")
        invoke("run", "a.png", "b.png")
        Path("bodypix_out", gone).unlink()
        assert "1 image, 2 people" in invoke("run", "a.png", "b.png", "--skip-existing").stdout
        assert Path("bodypix_out", gone).is_file()
        assert sorted(names("bodypix_out")) == ["../a.png", "../b.png"]

    def test_other_sources_are_added(self, work):
        write_pictures("a.png", "b.png")
        invoke("run", "a.png")
        invoke("run", "b.png", "--skip-existing")
        assert names("bodypix_out") == ["../a.png", "../b.png"]

    def test_results_of_another_source_are_not_replaced(self, work):
        write_pictures("one/x.png")
        write_pictures("two/x.png", people=1)
        invoke("run", "one/x.png")
        before = everything()
        result = invoke("run", "two/x.png", "--skip-existing", code=2)
        assert "bodypix_out/x.overlay.png is a result of ../one/x.png" in result.stderr
        assert everything() == before

    def test_other_options_and_other_files_are_not_gone_on_with(self, work):
        write_pictures("a.png", "b.png")
        invoke("run", "a.png")
        before = everything()
        work.segmenter = FakeSegmenter(options=PeopleOptions(score_threshold=0.1))
        result = invoke("run", "b.png", "--skip-existing", code=2)
        assert "--skip-existing: bodypix_out/people.json was made with options" in result.stderr
        assert everything() == before
        for text in ("", "[]", "{}", '{"sources": 3}', '{"images": [], "annotations": []}', "[" * 99999):
            Path("bodypix_out/people.json").write_text(text)
            result = invoke("run", "b.png", "--skip-existing", code=2)
            assert "people.json: not a list of people as this program writes it" in result.stderr


class TestFolder:
    def test_two_runs_do_not_write_into_one_folder(self, work):
        write_pictures("a.png", "b.png")
        said = []

        def see(image):
            if len(work.segmenter.images) == 1:
                said.append(invoke("run", "b.png", "-o", "found", "--overwrite", code=1).stderr)
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        invoke("run", "a.png", "-o", "found")
        assert said[0].startswith("bodypix: found: another process is writing this")
        assert names("found") == ["../a.png"]
        assert sorted(everything("found")) == [
            "a.instances.png", "a.mask.png", "a.overlay.png", "a.parts.png", "people.json",
        ]  # fmt: skip

    @pytest.mark.parametrize("command", ["run", "demo"])
    def test_a_folder_that_cannot_be_made_is_said_before_the_model_is_loaded(self, work, command):
        write_pictures("a.png")
        result = invoke(command, "a.png", "-o", "a.png/found", code=1)
        assert "a.png/found: cannot be made: a.png is not a folder" in result.stderr
        assert work.loads == 0

    @pytest.mark.parametrize("command", ["run", "demo"])
    def test_a_full_disk_is_said_before_the_model_is_loaded(self, work, command):
        write_pictures("a.png")
        with full_disk():
            result = invoke(command, "a.png", "-o", "found", code=1)
        assert "found: cannot be written: " in result.stderr
        assert (work.loads, sorted(everything())) == (0, ["a.png"])

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_is_denied_is_said_before_the_model_is_loaded(self, work):
        write_pictures("a.png")
        Path("found").mkdir(mode=0o500)
        assert "found: cannot be written: " in invoke("run", "a.png", "-o", "found", code=1).stderr
        assert work.loads == 0

    def test_a_disk_that_becomes_full_ends_the_run_at_once(self, work):
        write_pictures(*(f"{k}.png" for k in range(5)))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def see(image):
            if len(work.segmenter.images) == 2:
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        try:
            result = invoke("run", ".", "-o", "found", code=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "cannot be written: File too large" in result.stderr
        assert result.stderr.count("\n") == 1
        assert len(work.segmenter.images) == 2
        assert all(name.startswith("0.") for name in everything("found"))

    def test_a_document_that_cannot_be_written_leaves_no_half_one(self, work):
        write_pictures("a.png")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def see(image):
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        try:
            result = invoke("run", "a.png", "-o", "found", "--draw", "none", "--no-masks", code=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "found/people.json: cannot be written: File too large" in result.stderr
        assert not Path("found").exists()

    def test_a_long_name_is_cut_where_suffixes_would_not_fit(self, work):
        write_pictures("a.png", f"{'b' * 240}.png", f"{'b' * 241}.png", "\u00e9" * 120 + ".png")
        invoke("run", ".", "-o", "found")
        masks = {path.name for path in Path("found").glob("*.mask.png")}
        cut = "b" * 200
        wanted = {"a", cut, f"{cut}_2", "\u00e9" * 100}
        assert masks == {f"{name}.mask.png" for name in wanted}
        assert f"../{'b' * 240}.png" in names("found")

    def test_a_source_that_is_given_twice_is_seen_once(self, work):
        write_pictures("in/a.png", "in/b.png")
        Path("link").symlink_to("in")
        assert "2 images, 4 people" in invoke("run", "in/a.png", "in", "link/a.png", "in/../in/b.png").stdout
        assert names("bodypix_out") == ["../in/a.png", "../in/b.png"]

    def test_control_characters_of_a_name_do_not_reach_the_terminal(self, work):
        Path("a\x1b[2J\nb.png").write_bytes(b"no picture")
        write_pictures("c.png")
        said = invoke("run", "a\x1b[2J\nb.png", "c.png", code=1).stderr
        assert said.startswith("bodypix: a\\x1b[2J\\x0ab.png: ")
        assert len(said.splitlines()) == 1


class full_disk:
    """Every write fails, as on a full disk."""

    def __enter__(self):
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self.before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


@contextmanager
def hanging_up(work, means):
    """The terminal closes while the first image is looked at, and this is what its signal means."""

    def see(image):
        os.kill(os.getpid(), signal.SIGHUP)
        return scene_of(image)

    work.segmenter = FakeSegmenter(see)
    before = signal.signal(signal.SIGHUP, means)
    try:
        yield
        assert signal.getsignal(signal.SIGHUP) == means
    finally:
        signal.signal(signal.SIGHUP, before)


class TestSignals:
    @pytest.mark.parametrize("source", ["film.mp4", "a.png"])
    def test_a_terminal_that_closes_leaves_nothing_half_written(self, work, source):
        write_video("film.mp4")
        write_pictures("a.png")
        with hanging_up(work, signal.SIG_DFL):
            invoke("run", source, code=128 + signal.SIGHUP)
        assert not Path("bodypix_out").exists()

    def test_a_terminal_that_closes_is_ignored_under_nohup(self, work):
        write_pictures("a.png")
        with hanging_up(work, signal.SIG_IGN):
            assert "1 image, 2 people" in invoke("run", "a.png").stdout

    def test_ctrl_c_after_the_last_picture_is_no_early_end(self, work):
        write_pictures("a.png")

        def see(image):
            os.kill(os.getpid(), signal.SIGINT)
            return scene_of(image)

        work.segmenter = FakeSegmenter(see)
        assert "stopped early" not in invoke("run", "a.png").stdout

    @pytest.mark.parametrize("swallowed", [False, True])
    def test_ctrl_c_that_a_library_makes_another_error_of_is_quiet(self, work, swallowed):
        write_pictures("a.png")
        invoke("run", "a.png", "-o", "truth", "--draw", "none", "--no-masks")

        class Deaf:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGINT)

        def see(image):
            if swallowed:
                Deaf()  # errors in here go to nobody
                time.sleep(0.5)
                return scene_of(image)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                raise SystemError("returned a result with an exception set") from None

        work.segmenter = FakeSegmenter(see)
        result = invoke("eval", "truth/people.json", "truth", code=130)
        assert result.output == ""
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class TestDocument:
    def test_more_keypoints_metres_and_numbers_are_kept(self, work):
        def see(image):
            scene = scene_of(image)
            points = np.zeros((33, 3), np.float32)
            points[:] = np.arange(33)[:, None] + [0.25, 0.5, 0]
            points[:, 2] = 0.9
            metres = np.full((33, 4), 0.5, np.float32)
            persons = [
                replace(p, keypoints=points, keypoints_3d=metres, track_id=7 + k)
                for k, p in enumerate(scene.persons)
            ]
            return replace(scene, persons=tuple(persons), keypoint_names=BLAZEPOSE_KEYPOINTS)

        work.segmenter = FakeSegmenter(see)
        write_pictures("a.png")
        invoke("run", "a.png")
        data = document("bodypix_out")
        (category,) = data["categories"]
        assert category["all_keypoints"] == list(BLAZEPOSE_KEYPOINTS)
        assert category["keypoints"] == list(KEYPOINTS)
        for k, annotation in enumerate(data["annotations"]):
            assert annotation["track_id"] == 7 + k
            assert annotation["instance"] == 1 + k
            assert annotation["all_keypoints"][96:99] == [32.25, 32.5, 0.9]
            assert annotation["keypoints_3d"] == [0.5] * 132
            assert len(annotation["keypoints"]) == 51

    def test_coco_s_own_keypoints_are_not_written_twice(self, work):
        write_pictures("a.png")
        invoke("run", "a.png")
        data = document("bodypix_out")
        assert "all_keypoints" not in data["categories"][0]
        assert {"all_keypoints", "keypoints_3d", "track_id"}.isdisjoint(data["annotations"][0])

    def test_persons_without_pixels_are_left_out(self, work):
        def see(image):
            scene = scene_of(image)
            return replace(scene, instance_mask=np.where(scene.instance_mask == 1, 0, scene.instance_mask))

        work.segmenter = FakeSegmenter(see)
        write_pictures("a.png")
        invoke("run", "a.png")
        (annotation,) = document("bodypix_out")["annotations"]
        assert annotation["instance"] == 2
        assert annotation["area"] > 0

    def test_names_that_are_no_text_stay_valid_json(self, work):
        name = os.fsdecode(b"in/\xff\xe9.png")
        write_pictures(name)
        invoke("run", name)
        data = (Path("bodypix_out") / "people.json").read_bytes()
        (image,) = json.loads(data)["images"]
        assert image["file_name"] == "../in/\\xff\\xe9.png"
        assert image["source"].encode("utf-8")
        again = invoke("run", name, "--skip-existing")
        assert "nothing to do: 1 source complete already" in again.stdout

    def test_a_folder_s_name_that_is_no_text_is_said_escaped(self, work):
        write_pictures("a.png")
        assert invoke("run", "a.png", "-o", os.fsdecode(b"out\xff")).stdout.endswith("in out\\xff\n")

    def test_names_are_relative_to_the_folder_wherever_it_really_is(self, work):
        write_pictures("in/a.png")
        Path("far/away").mkdir(parents=True)
        Path("found").symlink_to("far/away")
        invoke("run", str(Path("in/a.png").resolve()), "-o", "found")
        (image,) = document("found")["images"]
        assert (Path("far/away") / image["file_name"]).resolve() == Path("in/a.png").resolve()
        assert image["source"] == str(Path("in/a.png").resolve())

    def test_results_load_as_results(self, work):
        write_pictures("a.png", "b.png")
        invoke("run", "a.png", "b.png", "--results")
        assert "people.results.json" in everything("bodypix_out")
        with redirect_stdout(StringIO()):
            truth = COCO("bodypix_out/people.json")
            found = truth.loadRes("bodypix_out/people.results.json")
        assert len(found.anns) == len(truth.anns) == 4
        for number, annotation in truth.anns.items():
            same = found.anns[number]
            assert (same["score"], same["keypoints"]) == (annotation["score"], annotation["keypoints"])
            assert same["area"] == annotation["area"]
            assert np.array_equal(found.annToMask(same), truth.annToMask(annotation))
