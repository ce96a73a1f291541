"""What a user names: found, checked first, and said what is left out."""

import os
import socket

import numpy as np
import pytest

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from bodypix_ros.media import pictures
from bodypix_ros.media.files import read_file, readable
from support.pictures import encoded, gif

PICTURE = encoded(".png", np.full((4, 6, 3), 99, np.uint8))
LATIN = os.fsdecode(b"caf\xe9")  # a str that holds a surrogate


@pytest.fixture
def files(tmp_path):
    """Write pictures of these names, and give the folder."""

    def write(*names, data=PICTURE):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path

    return write


def look(*arguments, **how):
    """Names, relative to the first argument, what was complained of, and what was noted."""
    problems, notes = [], []
    found = media.find_sources(
        [str(a) for a in arguments], complain=problems.append, note=notes.append, **how
    )
    names = [os.path.relpath(s.path if isinstance(s, media.Picture) else s.name, arguments[0]) for s in found]
    return names, problems, notes


class TestNames:
    @pytest.mark.parametrize("suffix", ["", ".png", os.fsdecode(b".p\xe9")])
    def test_names_that_are_not_utf8_are_read_by_content(self, files, suffix):
        path = files(LATIN + suffix) / (LATIN + suffix)
        (source,) = media.find_sources([str(path)])
        assert isinstance(source, media.Picture)
        assert media.read_picture(source.path).shape == (4, 6, 3)
        source.name.encode("utf-8")  # as it is in people.json
        assert source.name.endswith(
            r"caf\xe9" + suffix.encode("utf-8", "replace").decode().replace("?", r"\xe9")
        )

    def test_they_are_written(self, tmp_path):
        path = tmp_path / f"{LATIN}.png"
        media.write_picture(path, np.zeros((2, 3), np.uint8))
        assert [os.fsencode(made.name) for made in tmp_path.iterdir()] == [b"caf\xe9.png"]

    def test_a_suffix_that_is_not_ascii_does_not_reach_opencv(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pictures.cv2, "imencode", lambda *_: pytest.fail("was encoded"))
        with pytest.raises(MediaError, match=r"a\.p.xe9: OpenCV cannot encode a picture of this suffix"):
            media.write_picture(tmp_path / os.fsdecode(b"a.p\xe9"), np.zeros((2, 3), np.uint8))

    def test_errors_name_them_in_utf8(self, tmp_path):
        (tmp_path / f"{LATIN}.png").write_bytes(b"x")
        for call in (media.read_picture, lambda path: media.find_sources([str(path) + "x"])):
            with pytest.raises(MediaError) as caught:
                call(tmp_path / f"{LATIN}.png")
            assert r"caf\xe9.png" in str(caught.value)

    def test_other_names_stay_as_they_are(self):
        assert readable("Grüße/日本.png") == "Grüße/日本.png"


class TestFolders:
    def test_pictures_and_videos_in_one_order(self, files):
        folder = files("c.gif", "a.JFIF", "d.jp2", "b.mp4", "e.MOV", "f.webp")
        names, problems, notes = look(folder)
        assert names == ["a.JFIF", "b.mp4", "c.gif", "d.jp2", "e.MOV", "f.webp"]
        assert (problems, notes) == ([], [])
        kinds = [type(source) for source in media.find_sources([str(folder)])]
        assert [kind is media.Video for kind in kinds] == [False, True, False, False, True, False]

    def test_without_suffix_the_content_decides(self, files):
        folder = files("picture", "anime", data=gif(1, 1))
        (folder / "README").write_text("BMW and others")
        (folder / "Makefile").write_text("all:")
        names, _, notes = look(folder)
        assert names == ["README", "anime", "picture"]  # begins as a BMP: whoever reads it says what it is
        assert notes == [f"{folder}: 1 left out: neither pictures nor videos (no suffix)"]

    def test_what_is_left_out_is_said_once_per_kind_with_the_reason(self, files):
        folder = files(
            "a.png", "._a.png", ".b.png", "x.heic", "y.HEIC", "z.avif", "sub/s.png", "n.txt", "m.txt"
        )
        (folder / "gone.png").symlink_to("nowhere")
        os.mkfifo(folder / "pipe.png")
        names, problems, notes = look(folder)
        assert (names, problems) == (["a.png"], [])
        assert [note.removeprefix(f"{folder}: ") for note in notes] == [
            "1 left out: .avif, which is not read here; convert them to PNG or JPEG",
            "2 left out: .heic, which is not read here; convert them to PNG or JPEG",
            "1 left out: a pipe, not a file",
            "2 left out: hidden",
            "1 left out: links to what is not there",
            "1 left out: sub-folders; `bodypix run --recursive` looks into them",
            "2 left out: neither pictures nor videos (.txt)",
        ]

    def test_a_folder_of_nothing_says_what_there_was(self, files):
        folder = files("x.heic", "sub/a.png")
        with pytest.raises(
            MediaError, match=r"no pictures and no videos .*; 1 left out: \.heic.*; 1 .*sub-fol"
        ):
            media.find_sources([str(folder)])

    def test_recursive_ends_in_circles_and_follows_no_links(self, files):
        folder = files("in/b/2.png", "in/a.png", "in/b/c/1.png", "in/.git/x.png", "beside/y.png")
        (folder / "in/b/up").symlink_to("..")
        (folder / "in/beside").symlink_to(folder / "beside")
        names, problems, notes = look(folder / "in", recursive=True)
        assert (names, problems) == (["a.png", "b/2.png", "b/c/1.png"], [])
        assert [note.split(": ", 1)[1] for note in notes] == [
            "1 left out: hidden",
            "2 left out: links to folders, which are not followed",
        ]

    def test_results_are_no_sources(self, files):
        folder = files("a.png", "out/a.overlay.png")
        names, _, notes = look(folder, recursive=True, apart=folder / "out")
        assert names == ["a.png"]
        assert notes == [f"{folder}: 1 left out: the folder of the results"]
        assert look(folder / "out", recursive=True, apart=folder / "out")[0] == ["a.overlay.png"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_folder_without_permission_is_named(self, files):
        folder = files("a.png", "closed/b.png")
        (folder / "closed").chmod(0)
        try:
            names, problems, _ = look(folder, recursive=True)
            assert names == ["a.png"]
            assert problems == [f"{folder}/closed: cannot be read: Permission denied"]
        finally:
            (folder / "closed").chmod(0o700)

    def test_a_folder_that_cannot_be_read_is_named(self, files, monkeypatch):
        folder = files("a.png", "closed/b.png")
        real = type(folder).iterdir

        def iterdir(self):
            if self.name == "closed":
                raise PermissionError(13, "Permission denied", str(self))
            return real(self)

        monkeypatch.setattr(type(folder), "iterdir", iterdir)
        problem = f"{folder}/closed: cannot be read: Permission denied"
        assert look(folder, recursive=True)[:2] == (["a.png"], [problem])


class TestNoFiles:
    def test_none_of_them_is_waited_for_and_the_others_go_on(self, files):
        folder = files("a.png")
        os.mkfifo(folder / "pipe")
        (folder / "broken.png").symlink_to("nowhere")
        (folder / "loop.png").symlink_to("loop.png")
        (folder / "to_pipe.png").symlink_to("pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "socket"))
            names = ("pipe", "socket", "broken.png", "loop.png", "to_pipe.png", "a.png/x", "a.png")
            found, problems, _ = look(*(folder / name for name in names), "/dev/null", "", "n" * 300)
        assert len(found) == 1
        end = "; give a picture, a folder, a video, a camera's index or an address"
        assert problems == [
            f"{folder}/pipe: is a pipe{end}",
            f"{folder}/socket: is a socket{end}",
            f"{folder}/broken.png: is a link to nowhere, which is not there",
            f"{folder}/loop.png: cannot be read: Too many levels of symbolic links",
            f"{folder}/to_pipe.png: is a pipe{end}",
            f"{folder}/a.png/x: no such file or folder{end}",
            f"/dev/null: is a device{end}",
            f": no such file or folder{end}",
            f"{'n' * 300}: cannot be read: File name too long",
        ]

    def test_a_file_that_becomes_a_pipe_meanwhile(self, tmp_path):
        os.mkfifo(tmp_path / "a.png")
        with pytest.raises(MediaError, match=r"a\.png: is a pipe, not a file"):
            media.read_picture(tmp_path / "a.png")

    def test_a_folder_in_a_pictures_place(self, tmp_path):
        with pytest.raises(MediaError, match="cannot be read: Is a directory"):
            media.read_picture(tmp_path)

    def test_a_file_that_vanishes_meanwhile(self, files):
        folder = files("a.png", "b.png")
        (folder / "a.png").unlink()
        with pytest.raises(MediaError, match=r"a\.png: cannot be read: No such file"):
            media.read_picture(folder / "a.png")

    def test_a_terabyte_is_not_read(self, tmp_path):
        with (tmp_path / "a.png").open("wb") as file:
            file.truncate(1 << 40)
        with pytest.raises(MediaError, match=r"has 1099511627776 bytes, where a picture may have 536870912"):
            media.read_picture(tmp_path / "a.png")
        assert read_file(tmp_path / "a.png", 3, part=True) == bytes(3)

    def test_a_camera_is_no_pipe(self, monkeypatch, tmp_path):
        (tmp_path / "video0").touch()
        found = os.stat_result((0o020660, 1, 1, 1, 0, 0, 0, 0, 0, 0), {"st_rdev": os.makedev(81, 0)})
        real = os.stat
        monkeypatch.setattr(
            os, "stat", lambda path, **how: found if str(path) == "/dev/video0" else real(path, **how)
        )
        assert media.find_sources(["/dev/video0"]) == [media.Video("/dev/video0", camera=0)]
