"""A batch gives what the commands give one by one, leaves out what is done, and names what failed."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bodypix_ros import batch, media
from bodypix_ros.bags.making import BagRecipe
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.batch import driver as drivers
from bodypix_ros.errors import MediaError, MissingModelError, OptionError, StartError
from bodypix_ros.models import catalogue
from bodypix_ros.report import Report
from bodypix_ros.results.plan import planned
from bodypix_ros.results.process import process
from support.bags import IMAGE, Fake, write_bag
from support.films import write_film
from support.fleet import FakeModel, Inline, agree, contents, fleet, outputs, pictures, recipe


@pytest.fixture
def inline(monkeypatch):
    """No process is started: for what is the driver's and the worker's, and not the pool's."""
    monkeypatch.setattr(drivers, "LocalPool", Inline)


def one_by_one(sources: list[Path], out: Path, bag: BagRecipe | None = None) -> None:
    """What `bodypix bag` and `bodypix run` make of each, without a batch."""
    for source in sources:
        target = out / (source.stem if source.is_file() else source.name)
        try:
            if source.is_dir() and (source / "metadata.yaml").exists():
                with InputBag(source) as recorded:
                    (bag or BagRecipe()).plan(recorded).write(Fake(), target, Report())
            else:
                found = media.find_sources([str(source)])
                output = batch.FileRecipe().output(target)
                with planned(found, output) as plan:
                    process(Fake(), plan, output, Report())
        except OSError:
            continue  # one of the broken ones


def test_a_fleet_gives_what_the_commands_give_one_by_one(tmp_path):
    bags = fleet(tmp_path / "in")
    write_film(
        tmp_path / "in/film.mp4", [k / 10 for k in range(20)], images=[p[:40, :64] for p in pictures(20)]
    )
    (tmp_path / "in/photos").mkdir()
    for k, picture in enumerate(pictures(3)):
        media.write_picture(tmp_path / f"in/photos/{k}.png", picture)
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=2)
    assert (len(summary.made), summary.skipped, summary.tries) == (24, 0, 0)
    assert not summary.well
    assert sorted(summary.failed) == [str(bags[5]), str(bags[12])]
    for source, why in summary.failed.items():
        assert source in why
        assert "bag" in why
    one_by_one([*bags, tmp_path / "in/film.mp4", tmp_path / "in/photos"], tmp_path / "alone")
    assert outputs(tmp_path / "out") == contents(tmp_path / "alone")
    state = agree(tmp_path / "out")
    assert sorted(state.failed) == sorted(summary.failed)
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["images"] == sum(made.images for made in summary.made) > 300
    assert (report["done"], len(report["failed"]), report["waiting"]) == (24, 2, 0)
    assert report["last_run"]["made"] == 24


def test_copies_with_faces_hidden_are_those_of_the_command_and_what_is_not_hidden_is_said(tmp_path, inline):
    bags = fleet(tmp_path / "in", 3, ())
    bags.append(tmp_path / "in/two")
    write_bag(bags[-1], {"/camera/image": IMAGE, "/rear/image": IMAGE})
    hide = BagRecipe(("/camera/image",), anonymize=True)
    summary = batch.run([*bags[1::2]], tmp_path / "out", replace(recipe(), bag=hide), workers=1)
    one_by_one(bags[1::2], tmp_path / "alone", hide)
    said = {made.source: made.notes for made in summary.made}
    rear = "/rear/image holds images, and is copied as it is: it was not chosen"
    assert said == {str(bags[1]): (), str(bags[3]): (rear,)}
    assert summary.well
    assert outputs(tmp_path / "out") == contents(tmp_path / "alone")


class Faceless(FakeModel):
    """One that was to look for faces, and has no detector for that."""

    def load(self):
        segmenter = super().load()
        segmenter.update(faces=True)
        return segmenter


def test_outputs_say_that_faces_were_not_looked_for(tmp_path, inline, monkeypatch):
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fleet(tmp_path / "in", 2, ())
    events = []
    hide = batch.Recipe(Faceless(), BagRecipe(anonymize=True))
    batch.run([tmp_path / "in"], tmp_path / "out", hide, workers=1, listen=events.append)
    report = json.loads((tmp_path / "out/report.json").read_text())
    said = [event["notes"] for event in events if event["event"] == "done"]
    assert said == [one["notes"] for one in report["each"]]
    for notes in said:
        assert [note.partition(":")[0] for note in notes] == ["faces are not looked for by themselves"]
        assert "\n" not in notes[0]


def test_what_is_done_is_left_out_and_what_failed_is_tried_again(tmp_path, inline):
    bags = fleet(tmp_path / "in", 5, (2,))
    first = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*/*")}
    second = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (len(first.made), len(second.made), second.skipped) == (4, 0, 4)
    assert list(second.failed) == list(first.failed) == [str(bags[2])]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*/*")} == before
    shutil.rmtree(bags[2])
    write_bag(bags[2], {"/image": IMAGE})
    third = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (len(third.made), third.skipped, third.failed, third.well) == (1, 4, {}, True)
    agree(tmp_path / "out")


def test_nothing_is_loaded_where_nothing_is_to_do(tmp_path, inline):
    fleet(tmp_path / "in", 2, ())
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    events = []
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1, listen=events.append)
    assert [event["event"] for event in events] == ["begin", "end"]


@pytest.mark.parametrize(
    "other",
    [
        recipe(version="2"),
        replace(recipe(), bag=BagRecipe(copy_all=True)),
        replace(recipe(), bag=BagRecipe(storage="mcap")),
        replace(recipe(), exports=("coco",)),
    ],
)
def test_with_another_model_or_other_options_it_is_done_anew(tmp_path, other, inline):
    bags = fleet(tmp_path / "in", 2, ())
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    again = batch.run([tmp_path / "in"], tmp_path / "out", other, workers=1)
    assert (len(again.made), again.skipped) == (2, 0)
    batch.run([tmp_path / "in"], tmp_path / "fresh", other, workers=1)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "fresh")
    assert [path.name for path in bags] == sorted(m.name for m in batch.read(tmp_path / "out").done.values())


def test_other_contents_are_done_anew_and_other_times_alone_are_not(tmp_path, inline):
    bags = fleet(tmp_path / "in", 3, ())
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    for file in bags[0].iterdir():
        os.utime(file, (1, 1))
    shutil.rmtree(bags[1])
    write_bag(bags[1], {"/image": IMAGE})
    events = []
    again = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1, listen=events.append)
    assert ([made.source for made in again.made], again.skipped) == ([str(bags[1])], 2)
    assert [event["source"] for event in events if event["event"] == "unchanged"] == [str(bags[0])]
    third = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1, listen=events.append)
    assert (len(third.made), third.skipped) == (0, 3)
    one_by_one(bags, tmp_path / "alone")
    assert outputs(tmp_path / "out") == contents(tmp_path / "alone")


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_an_output_that_somebody_spoiled_is_made_again(tmp_path, damage, inline):
    fleet(tmp_path / "in", 2, ())
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    before = outputs(tmp_path / "out")
    if damage == "gone":
        shutil.rmtree(tmp_path / "out/drive_01")
    else:
        (tmp_path / "out/drive_01/metadata.yaml").write_text("")
    again = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (len(again.made), again.skipped) == (1, 1)
    assert outputs(tmp_path / "out") == before


def test_a_file_that_somebody_put_into_an_output_stays(tmp_path, inline):
    fleet(tmp_path / "in", 2, ())
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    (tmp_path / "out/drive_01/mine").write_text("mine")
    again = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (again.made, again.skipped) == ([], 2)
    assert (tmp_path / "out/drive_01/mine").read_text() == "mine"


def test_what_is_there_and_of_no_batch_stays(tmp_path, inline):
    fleet(tmp_path / "in", 2, ())
    (tmp_path / "out/drive_01").mkdir(parents=True)
    (tmp_path / "out/drive_01/mine").write_text("mine")
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert "drive_01: is there, and of no earlier run" in summary.failed[str(tmp_path / "in/drive_01")]
    assert contents(tmp_path / "out/drive_01") == {"mine": b"mine"}
    assert len(summary.made) == 1


def test_images_that_cannot_be_used_are_flaws_and_not_failures(tmp_path, inline):
    write_bag(tmp_path / "in/a", {"/image": IMAGE})
    (tmp_path / "in/photos").mkdir()
    media.write_picture(tmp_path / "in/photos/good.png", pictures(1)[0])
    (tmp_path / "in/photos/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    summary = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert (len(summary.made), summary.failed, summary.well) == (2, {}, False)
    ((source, problems),) = summary.flawed.items()
    assert source == str(tmp_path / "in/photos")
    assert "bad.png" in problems[0]
    assert (tmp_path / "out/photos/good.overlay.png").exists()


def test_flaws_of_what_was_made_before_are_said_again(tmp_path, inline):
    photos = tmp_path / "in/photos"
    photos.mkdir(parents=True)
    media.write_picture(photos / "good.png", pictures(1)[0])
    (photos / "bad.png").touch()
    events = []
    first = batch.run([photos], tmp_path / "out", recipe(), workers=1)
    second = batch.run([photos], tmp_path / "out", recipe(), workers=1, listen=events.append)
    os.utime(photos / "good.png", (1, 1))  # its contents are looked at again
    third = batch.run([photos], tmp_path / "out", recipe(), workers=1)
    assert [len(each.made) for each in (first, second, third)] == [1, 0, 0]
    assert first.flawed == second.flawed == third.flawed
    assert list(first.flawed) == [str(photos)]
    assert (second.well, third.well) == (False, False)
    assert events[-1]["flawed"] == {str(photos): list(first.flawed[str(photos)])}


def test_a_source_that_is_itself_again_or_gone_is_no_failure(tmp_path, inline):
    bags = fleet(tmp_path / "in", 2, (1,))
    batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    (file,) = bags[0].glob("*.mcap")
    data, times = file.read_bytes(), file.stat()
    file.write_bytes(data[: len(data) // 2])
    spoiled = batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1)
    assert sorted(spoiled.failed) == [str(path) for path in bags]
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    shutil.rmtree(bags[1])
    assert batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1).well
    found = batch.figures(agree(tmp_path / "out"))
    assert (found["sources"], found["done"], found["waiting"], found["failed"]) == (1, 1, 0, {})
    assert json.loads((tmp_path / "out/report.json").read_text())["failed"] == {}


def test_a_film_that_breaks_off_has_no_output(tmp_path, inline):
    write_film(tmp_path / "film.mkv", [k / 10 for k in range(30)])
    data = (tmp_path / "film.mkv").read_bytes()
    (tmp_path / "film.mkv").write_bytes(data[: len(data) // 2])
    summary = batch.run([tmp_path / "film.mkv"], tmp_path / "out", recipe(), workers=1)
    assert list(summary.failed) == [str(tmp_path / "film.mkv")]
    assert outputs(tmp_path / "out") == {}


def test_wrong_options_are_refused_before_anything_is_written(tmp_path):
    fleet(tmp_path / "in", 1, ())
    with pytest.raises(OptionError, match="workers is 0"):
        batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=0)
    with pytest.raises(OptionError, match=r"export is 'parkett'.*did you mean parquet"):
        replace(recipe(), exports=("parkett",))
    with pytest.raises(OptionError, match="mode and anonymize exclude each other"):
        BagRecipe(mode="parts", anonymize=True)
    with pytest.raises(OptionError, match="crops"):
        batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(batch.Model(options={"crops": 99})))
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_here_is_said_before_a_worker_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("BODYPIX_ROS_MODELS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fleet(tmp_path / "in", 1, ())
    model = batch.Model("bodypix-mobilenet-100-s8-q4")
    with pytest.raises(MissingModelError, match="bodypix models fetch"):
        batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(model))


def test_only_the_details_in_use_are_files_of_the_model(tmp_path, monkeypatch):
    """So that fetching another one remakes nothing."""
    monkeypatch.setenv("BODYPIX_ROS_MODELS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def fetch(name):
        for file in catalogue.any_model(name).files:
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    fetch("bodypix-mobilenet-075-s16-q2")
    plain, fingers, private = (
        batch.Model(options={**options, "model_dir": str(tmp_path)})
        for options in ({}, {"hands": True}, {"preset": "faces"})
    )
    before = plain.digest(), fingers.digest(), private.digest()
    fetch("faces")
    fetch("hands-full")
    assert (plain.digest(), fingers.digest()) == before[:2]
    assert private.digest() != before[2]
    fetch("hands-lite")
    assert fingers.digest() != before[1]
    assert plain.digest() == before[0]


class Elsewhere(FakeModel):
    """A model whose files are others for workers."""

    def digest(self) -> str:
        import multiprocessing

        return "1" if multiprocessing.parent_process() is None else "2"


def test_workers_with_another_model_do_nothing_and_say_so(tmp_path):
    fleet(tmp_path / "in", 1, ())
    with pytest.raises(StartError, match="fake is of other files or another version of bodypix_ros here"):
        batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(Elsewhere()), workers=2)
    assert outputs(tmp_path / "out") == {}


class Uneven(FakeModel):
    """A model that the first worker computes in another precision than the others."""

    def load(self):
        segmenter = super().load()
        try:
            Path(self.options["mark"]).touch(exist_ok=False)
        except FileExistsError:
            segmenter.seer.networks[0].precision = "int8"
        return segmenter


def test_workers_that_compute_otherwise_are_named(tmp_path):
    fleet(tmp_path / "in", 6, ())
    events = []
    model = Uneven(options={"mark": str(tmp_path / "mark")}, delay_s=0.05)
    batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(model), workers=2, listen=events.append)
    assert {event["computes"] for event in events if event["event"] == "ready"} == {"CPU f32", "CPU int8"}
    (differs,) = (event["why"] for event in events if event["event"] == "differs")
    assert differs.endswith("results differ; give --precision")


def test_sources_are_found_in_folders_patterns_and_lists(tmp_path, monkeypatch):
    fleet(tmp_path / "in/one", 2, ())
    fleet(tmp_path / "in/two", 2, ())
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf# of today\r\n\nin/one/drive_00\nin/two\n")
    out = tmp_path / "in/out"

    def found(*arguments, names=None):
        sources = batch.sources.find([str(tmp_path / a) for a in arguments], out, names)
        return {Path(source.path).relative_to(tmp_path / "in").as_posix(): source.name for source in sources}

    every = {f"{folder}/drive_{k:02d}" for folder in ("one", "two") for k in (0, 1)}
    assert set(found("in")) == set(found("in/*")) == set(found("in/*/drive_*")) == every
    assert set(found("list.txt")) == every - {"one/drive_01"}
    assert list(found("in/two/drive_01", "list.txt", "in/two")) == [
        "two/drive_01", "one/drive_00", "two/drive_00",
    ]  # fmt: skip
    names = found("in")
    assert len({name.casefold() for name in names.values()}) == 4
    assert (names["one/drive_00"], names["one/drive_01"]) == ("drive_00", "drive_01")
    assert names["two/drive_00"].startswith("drive_00_")
    kept = {str(tmp_path / "in/two/drive_00"): "drive_00"}
    assert found("in", names=kept)["two/drive_00"] == "drive_00"  # as an earlier run had it
    assert found("in", names=kept)["one/drive_00"].startswith("drive_00_")
    (file,) = (tmp_path / "in/one/drive_00").glob("*.mcap")
    assert list(found(file.relative_to(tmp_path))) == ["one/drive_00/drive_00.mcap"]
    for argument, why in (("none", "no such file"), ("in/x*", "no file is called so"), (".", "")):
        if why:
            with pytest.raises(MediaError, match=why):
                found(argument)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="no bag, no video and no pictures"):
        found("empty")


def test_no_output_is_called_like_the_batch_s_own_files(tmp_path, inline):
    (tmp_path / "in").mkdir()
    for name in ("report.json", "Report.png", "manifest.jsonl"):
        write_film(tmp_path / f"in/{name}.mp4", [0.0, 0.1])
    for _ in range(2):
        assert batch.run([tmp_path / "in"], tmp_path / "out", recipe(), workers=1).well
    state = agree(tmp_path / "out")
    assert {made.name.rpartition("_")[0] for made in state.done.values()} == {
        "report.json", "Report.png", "manifest.jsonl",
    }  # fmt: skip
    assert json.loads((tmp_path / "out/report.json").read_text())["done"] == 3


@pytest.mark.parametrize("pattern", ["*", "**", "*/*", "../*/*"])
def test_what_a_batch_wrote_is_no_source_of_its_next_run(tmp_path, inline, pattern):
    folder = tmp_path / "data"
    folder.mkdir()
    write_film(folder / "film.mp4", [0.0, 0.1])
    media.write_picture(folder / "photo.png", pictures(1)[0])
    first = batch.run([folder / "*"], folder, recipe(), workers=1)
    assert sorted(made.name for made in first.made) == ["film", "photo"]
    events = []
    second = batch.run([folder / pattern], folder, recipe(), workers=1, listen=events.append)
    assert (second.made, events[0]["todo"]) == ([], 0)
    typed = sorted(folder.iterdir())  # as a shell makes it of a pattern
    third = batch.run(typed, folder, recipe(), workers=1)
    assert (third.made, third.skipped, third.well) == ([], 2, True)
    write_film(tmp_path / "other.mp4", [0.0, 0.1])
    fourth = batch.run([tmp_path / "*"], folder, recipe(), workers=1)
    assert ([made.name for made in fourth.made], fourth.well) == (["other"], True)
    (tmp_path / "circle").symlink_to("circle")
    fifth = batch.run([tmp_path / "*"], folder, recipe(), workers=1)
    assert list(fifth.failed) == [f"{tmp_path / 'circle'}: cannot be read: Too many levels of symbolic links"]


def test_what_is_not_there_is_named_and_the_others_go_on(tmp_path, inline):
    fleet(tmp_path / "in", 1, ())
    summary = batch.run([tmp_path / "in", tmp_path / "none"], tmp_path / "out", recipe(), workers=1)
    assert (len(summary.made), summary.well) == (1, False)
    assert "none: no such file or folder" in next(iter(summary.failed.values()))


def test_an_address_is_no_source(tmp_path, inline):
    (tmp_path / "list.txt").write_text("https://me:secret@host/film.mp4\n")
    summary = batch.run([tmp_path / "list.txt", "rtsp://host/*"], tmp_path / "out", recipe(), workers=1)
    of_list, of_pattern = summary.failed
    assert "host/film.mp4: is an address; give files and folders" in of_list
    assert "secret" not in of_list
    assert of_pattern.startswith("rtsp://host/*: is an address")


def test_a_pipe_is_no_source_and_nobody_waits_for_it(tmp_path, inline):
    fleet(tmp_path / "in", 1, ())
    for name in ("film.mp4", "photo.png"):
        os.mkfifo(tmp_path / "in" / name)
    summary = batch.run([tmp_path / "in", tmp_path / "in/film.mp4"], tmp_path / "out", recipe(), workers=1)
    assert len(summary.made) == 1
    assert list(summary.failed) == [
        f"{tmp_path / 'in' / name}: is a pipe, not a file" for name in ("film.mp4", "photo.png")
    ]


def test_a_folder_that_nobody_may_look_into_is_named_and_the_others_go_on(tmp_path, inline, monkeypatch):
    fleet(tmp_path / "in", 2, ())
    (tmp_path / "in/locked").mkdir()
    look = Path.stat

    def denied(path, **how):
        if path.parent.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, **how)

    monkeypatch.setattr(Path, "stat", denied)
    arguments = [tmp_path / "in", tmp_path / "in/locked", tmp_path / "in/locked/film.mp4"]
    summary = batch.run(arguments, tmp_path / "out", recipe(), workers=1)
    assert (len(summary.made), summary.well) == (2, False)
    assert list(summary.failed) == [
        f"{tmp_path / 'in/locked'}: cannot be read: Permission denied",
        f"{tmp_path / 'in/locked/film.mp4'}: cannot be read: Permission denied",
    ]
