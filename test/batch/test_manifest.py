"""The manifest: true whenever its writer is killed, and every output has its name once and whole."""

import json
from pathlib import Path

import pytest

from bodypix_ros.batch import manifest as manifests
from bodypix_ros.batch.manifest import Made, Manifest, read, sizes
from bodypix_ros.errors import OutputError


def made(out: Path, name: str = "a", text: str = "new", inner: bool = True) -> Made:
    """An output that a worker has made: in a folder of its own, or in one inside, as of bags."""
    work = out / f".{name}{manifests.WORK}1"
    folder = work / name if inner else work
    folder.mkdir(parents=True)
    (folder / "x").write_text(text)
    (folder / "deep").mkdir()
    (folder / "deep/y").write_text("y")
    return Made(
        f"/in/{name}", "bag", name, work.name, folder.relative_to(out).as_posix(), "key", "digest",
        (("a.mcap", 7, 11),), sizes(folder), problems=("one",), notes=("two",), recorded_s=2.5,
    )  # fmt: skip


def test_what_is_written_is_what_is_read(tmp_path):
    with Manifest(tmp_path) as manifest:
        manifest.append("named", names={"/in/a": "a"})
        one = made(tmp_path)
        manifest.commit(one)
        manifest.append("failed", source="/in/b", why="b is broken", attempts=3)
        assert read(tmp_path).done == manifest.state.done == {"/in/a": one}
    state = read(tmp_path)
    assert state.done == {"/in/a": one}
    assert (state.pending, state.names) == ({}, {"/in/a": "a"})
    assert state.failed == {"/in/b": ("b is broken", 3)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "manifest.jsonl"]


class KilledError(BaseException):
    """As a process that is killed: nothing comes after it."""


def killed_at(monkeypatch, number):
    """Let the process be killed before its so manyth change of the disk; gives whether it came to that."""
    count = iter(range(1000))

    def dying(call):
        def wrapped(*arguments, **more):
            if next(count) >= number:
                raise KilledError
            return call(*arguments, **more)

        return wrapped

    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr(manifests.shutil, "rmtree", dying(manifests.shutil.rmtree))
    monkeypatch.setattr(manifests.os, "fsync", dying(manifests.os.fsync))


@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("number", range(12))
def test_wherever_it_is_killed_the_output_is_there_once_and_whole(
    tmp_path, monkeypatch, number, earlier, inner
):
    if earlier:
        with Manifest(tmp_path) as manifest:
            manifest.commit(made(tmp_path, text="old", inner=inner))
    manifest = Manifest(tmp_path)
    one = made(tmp_path, inner=inner)
    with monkeypatch.context() as patch:
        killed_at(patch, number)
        try:
            manifest.commit(one)
        except KilledError:
            pass
        else:
            assert number > 4  # all its changes are behind it
    with Manifest(tmp_path) as after:
        state = after.state
    whole = {"new": {"/in/a": one}, "old": state.done}
    text = (tmp_path / "a/x").read_text() if (tmp_path / "a").exists() else None
    assert state.pending == {}
    if text is None:
        assert state.done == {}
    else:
        assert state.done == whole[text]
        assert sizes(tmp_path / "a") == dict(state.done["/in/a"].sizes)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "a") == ["manifest.jsonl"]
    assert read(tmp_path).done == state.done


@pytest.mark.parametrize("inner", [True, False])
def test_what_was_made_gets_its_name_in_the_next_run(tmp_path, monkeypatch, inner):
    manifest, one = Manifest(tmp_path), made(tmp_path, inner=inner)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            manifest.commit(one)
    with Manifest(tmp_path) as after:
        assert after.recovered == ["a"]
        assert after.state.done == {"/in/a": one}


def test_a_line_that_was_cut_off_never_was(tmp_path):
    with Manifest(tmp_path) as manifest:
        manifest.commit(made(tmp_path))
    path = tmp_path / "manifest.jsonl"
    whole = path.read_bytes()
    done = whole.rstrip(b"\n").rfind(b"\n") + 1
    for size in range(done, len(whole)):
        path.write_bytes(whole[:size])
        assert read(tmp_path).done == {}
        assert list(read(tmp_path).pending) == ["/in/a"]
    with Manifest(tmp_path) as manifest:
        assert list(manifest.state.done) == ["/in/a"]
    assert [json.loads(line)["line"] for line in path.read_text().splitlines()] == ["made", "done"]


def test_what_is_half_there_is_gone(tmp_path):
    manifest, one = Manifest(tmp_path), made(tmp_path)
    manifest.append("made", **manifests.asdict(one))
    (tmp_path / one.made / "x").write_text("longer than it was")
    with Manifest(tmp_path) as after:
        assert (after.state.done, after.state.pending) == ({}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.jsonl"]


@pytest.mark.parametrize(
    "text",
    ["no json\n", "[]\n", '{"line": "dance"}\n', '{"line": "done"}\n', '{"line": "run", "version": 2}\n'],
)
def test_a_file_that_is_no_manifest_is_refused_and_kept(tmp_path, text):
    path = tmp_path / "manifest.jsonl"
    path.write_text(text)
    with pytest.raises(OutputError, match=r"manifest.jsonl:1: no line of a manifest"):
        Manifest(tmp_path)
    assert path.read_text() == text


def test_a_line_that_does_not_fit_on_the_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    with Manifest(tmp_path) as manifest:
        manifest.append("named", names={"/in/a": "a"})
        before = (tmp_path / "manifest.jsonl").read_bytes()
        with monkeypatch.context() as patch:

            def full(_):
                raise OSError(28, "No space left on device")

            patch.setattr(manifests.os, "fsync", full)
            with pytest.raises(OutputError, match="No space left"):
                manifest.append("named", names={"/in/b": "b"})
        assert (tmp_path / "manifest.jsonl").read_bytes() == before
        assert manifest.state.names == {"/in/a": "a"}
        manifest.append("named", names={"/in/c": "c"})
    assert read(tmp_path).names == {"/in/a": "a", "/in/c": "c"}
