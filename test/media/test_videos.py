"""Videos as the world makes them: times, names, containers, sound, damage."""

import os
import resource
import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from bodypix_ros.media import writing
from support.films import MS, film_facts, grey, write_as_browsers_do, write_film

TENTHS = [k / 10 for k in range(10)]


def read(path):
    """The frames and times of a file, and what is said at its end."""
    with media.VideoReader(media.Video(str(path))) as reader:
        seen = [(frame, reader.stamp_s) for frame in reader]
        try:
            reader.check_end()
        except MediaError as error:
            return seen, str(error)
    return seen, None


def stamps_of(path):
    seen, said = read(path)
    assert said is None
    return [stamp_s for _, stamp_s in seen]


def copied(source, target):
    """Read one and write the other, as `bodypix run` does; gives what was complained of."""
    said = []
    with media.VideoReader(media.Video(str(source))) as reader:
        with media.VideoWriter(target, reader.fps, reader.sound, complain=said.append) as writer:
            reader.hear = writer.write_sound
            for frame in reader:
                writer.write(frame, reader.stamp_s)
        reader.check_end()
    return said


class TestTimes:
    @pytest.mark.parametrize("length", [False, True])
    def test_a_film_as_browsers_record_it_has_its_own_times(self, tmp_path, length):
        wanted = write_as_browsers_do(tmp_path / "a.webm", length=length)
        with media.VideoReader(media.Video(str(tmp_path / "a.webm"))) as reader:
            assert reader.frame_count is None
            assert reader.fps == pytest.approx(30, rel=0.2)
        assert stamps_of(tmp_path / "a.webm") == pytest.approx(wanted, abs=1e-6)
        assert copied(tmp_path / "a.webm", tmp_path / "b.mp4") == []
        facts = film_facts(tmp_path / "b.mp4")
        assert facts["stamps"] == pytest.approx(wanted, abs=1e-4)
        assert facts["duration"] == pytest.approx(3, abs=0.05)

    def test_a_rate_that_varies_is_kept(self, tmp_path):
        wanted = [0, 0.04, 0.1, 0.5, 0.52, 1.7, 1.75]
        write_film(tmp_path / "a.mkv", wanted)
        assert stamps_of(tmp_path / "a.mkv") == pytest.approx(wanted, abs=1e-6)
        copied(tmp_path / "a.mkv", tmp_path / "b.mp4")
        assert film_facts(tmp_path / "b.mp4")["stamps"] == pytest.approx(wanted, abs=1e-4)

    def test_times_count_from_the_beginning_of_the_container(self, tmp_path):
        write_film(tmp_path / "a.ts", TENTHS)  # its clock begins at 1.4 s or so
        assert stamps_of(tmp_path / "a.ts") == pytest.approx(TENTHS, abs=0.05)

    def test_times_that_run_back_or_are_not_there_go_on_at_the_rate(self, tmp_path):
        for name in ("a", "b"):
            write_film(tmp_path / f"{name}.ts", TENTHS)
        joined = (tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes()
        (tmp_path / "c.ts").write_bytes(joined)
        write_film(tmp_path / "d.h264", TENTHS)  # has no times at all
        for name in ("c.ts", "d.h264"):
            stamps = [stamp_s for _, stamp_s in read(tmp_path / name)[0]]
            assert len(stamps) == (20 if name == "c.ts" else 10)
            assert (np.diff(stamps) > 0).all()
            assert stamps[-1] < 5

    def test_a_writer_never_lets_time_stand_still(self, tmp_path):
        with media.VideoWriter(tmp_path / "a.mp4") as writer:
            for stamp_s in (0, 1, 1, 0.5, 2):
                writer.write(grey(9), stamp_s)
        assert film_facts(tmp_path / "a.mp4")["stamps"] == pytest.approx([0, 1, 1, 1, 2], abs=1e-3)


class TestNames:
    @pytest.mark.parametrize("name", ["2026-01-02T10:30:00.mp4", "concat:x.mp4", "file:x.mp4", "-", "pipe:0"])
    def test_names_that_ffmpeg_takes_for_protocols_are_names(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        write_film(tmp_path / name, TENTHS, kind="mp4")
        (source,) = media.find_sources([name])
        copied(source.name, tmp_path / f"{source.stem}.overlay.mp4")
        assert len(stamps_of(f"{source.stem}.overlay.mp4")) == 10

    def test_names_that_are_no_text_are_names(self, tmp_path):
        name = os.fsdecode(b"caf\xe9.mp4")
        write_film((tmp_path / "a.mp4"), TENTHS)
        (tmp_path / "a.mp4").rename(tmp_path / name)
        (source,) = media.find_sources([str(tmp_path / name)])
        copied(source.name, tmp_path / f"{source.stem}.overlay.mp4")
        assert len(stamps_of(tmp_path / f"{source.stem}.overlay.mp4")) == 10

    def test_a_file_may_be_given_as_an_address(self, tmp_path):
        write_film(tmp_path / "a b.mp4", TENTHS)
        (source,) = media.find_sources([f"file://{tmp_path}/a%20b.mp4"])
        assert (source.url, len(stamps_of(source.name))) == (None, 10)

    @pytest.mark.parametrize(
        "address", ["ftp://here/a.mp4", "concat://a", "file://far/a.mp4", "http://a:b/c"]
    )
    def test_other_addresses_say_what_to_give(self, address):
        with pytest.raises(MediaError, match=r"^\S+: (cannot be read; give rtsp://|no address)"):
            media.find_sources([address])

    def test_a_password_stands_in_no_message_and_no_name(self):
        (source,) = media.find_sources(["rtsp://me:secret@host/live/door.sdp?x=1"])
        assert (source.name, source.stem) == ("rtsp://host/live/door.sdp?x=1", "host_door")
        assert "secret" in source.url


class TestKinds:
    def test_text_is_no_film(self, tmp_path):
        (tmp_path / "README.txt").write_text("A line of text.\n" * 200)
        with pytest.raises(MediaError, match=r"README\.txt: neither a picture nor a video"):
            read(tmp_path / "README.txt")

    @pytest.mark.parametrize(
        "data",
        [
            b"ffconcat version 1.0\nfile film.mp4\n",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfilm.mp4\n#EXT-X-ENDLIST\n",
            b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>",
        ],
    )
    def test_lists_of_other_files_are_no_films(self, tmp_path, data):
        write_film(tmp_path / "film.mp4", TENTHS)
        (tmp_path / "a.mp4").write_bytes(data)
        with pytest.raises(MediaError, match=r"a\.mp4: neither a picture nor a video"):
            read(tmp_path / "a.mp4")

    @pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.wav", "pcm_s16le"), ("a.mka", "flac")])
    def test_sound_alone_has_no_video(self, tmp_path, name, codec):
        write_film(tmp_path / name, [1.0], codec=None, sound=codec)
        with pytest.raises(MediaError, match="has no video, only audio"):
            read(tmp_path / name)

    def test_subtitles_have_no_video(self, tmp_path):
        (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
        with pytest.raises(MediaError, match="has no video, only subtitle"):
            read(tmp_path / "a.srt")

    def test_pipes_and_devices_are_refused_before_they_are_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.mp4")
        os.mkfifo(tmp_path / "pipe.png")
        for path in (tmp_path / "pipe.mp4", tmp_path / "pipe.png", "/dev/zero"):
            with pytest.raises(MediaError, match=r"is a (pipe|device); give a picture"):
                media.find_sources([str(path)])
        with pytest.raises(MediaError, match="is a pipe, not a file"):
            media.VideoReader(media.Video(str(tmp_path / "pipe.mp4")))

    def test_frames_that_claim_gigabytes_are_refused_before_they_are_decoded(self, tmp_path):
        write_film(tmp_path / "a.ivf", TENTHS, codec="libvpx")
        data = bytearray((tmp_path / "a.ivf").read_bytes())
        for place in (12, data.index(b"\x9d\x01\x2a") + 3):  # in the head, and in the first frame
            struct.pack_into("<HH", data, place, 16000, 16000)
        (tmp_path / "a.ivf").write_bytes(data)
        with pytest.raises(MediaError, match=r"a\.ivf: is too large: 16000x16000 pixels, where"):
            read(tmp_path / "a.ivf")

    def test_an_empty_file_is_said_to_be_empty(self, tmp_path):
        (tmp_path / "a.mp4").touch()
        with pytest.raises(MediaError, match=r"a\.mp4: is empty"):
            read(tmp_path / "a.mp4")

    def test_titles_may_be_no_text(self, tmp_path):
        write_film(tmp_path / "a.mkv", TENTHS)
        data = (tmp_path / "a.mkv").read_bytes()
        assert b"Lavf" in data
        (tmp_path / "a.mkv").write_bytes(data.replace(b"Lavf", b"L\xe9vf"))
        assert len(stamps_of(tmp_path / "a.mkv")) == 10

    @pytest.mark.parametrize(
        ("matrix", "shown"),
        [
            ((0, 1, -1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)),
            ((-1, 0, 0, -1), lambda image: cv2.rotate(image, cv2.ROTATE_180)),
            ((0, -1, 1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)),
            ((-1, 0, 0, 1), lambda image: cv2.flip(image, 1)),
            ((1, 0, 0, -1), lambda image: cv2.flip(image, 0)),
            ((0, 1, 1, 0), cv2.transpose),
            ((0, -1, -1, 0), lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180)),
        ],
    )
    def test_a_film_is_turned_and_mirrored_as_it_says(self, tmp_path, matrix, shown):
        image = grey(30)
        image[:24, :32] = (0, 0, 250)
        write_film(tmp_path / "a.mp4", TENTHS, images=[image] * 10)
        data = bytearray((tmp_path / "a.mp4").read_bytes())
        a, b, c, d = (value << 16 for value in matrix)
        struct.pack_into(">9i", data, data.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
        (tmp_path / "a.mp4").write_bytes(data)
        (frame, _), *_ = read(tmp_path / "a.mp4")[0]
        assert frame.shape == shown(image).shape
        assert np.abs(frame.astype(int) - shown(image)).mean() < 8


class TestDamage:
    def test_a_file_that_was_cut_off_is_said_with_what_was_complete(self, tmp_path):
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]
        stamps = [k / 10 for k in range(40)]
        write_film(tmp_path / "a.mp4", stamps, images=images, options={"movflags": "faststart"})
        write_film(tmp_path / "a.mkv", stamps, images=images)
        write_film(tmp_path / "a.avi", stamps, images=images, codec="mjpeg", base=Fraction(1, 10))
        for name in ("a.mp4", "a.mkv", "a.avi"):
            data = (tmp_path / name).read_bytes()
            (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
            seen, said = read(tmp_path / name)
            assert 10 < len(seen) < 35, name
            assert f"{name}: breaks off after {len(seen)}" in said
            assert "those are complete in the output" in said

    def test_damage_in_the_middle_is_said_and_the_rest_is_read(self, tmp_path):
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]
        write_film(tmp_path / "a.mkv", [k / 10 for k in range(40)], images=images, codec="libx264")
        data = bytearray((tmp_path / "a.mkv").read_bytes())
        middle = len(data) // 2
        data[middle : middle + 2000] = rng.integers(0, 255, 2000, np.uint8).tobytes()
        (tmp_path / "a.mkv").write_bytes(data)
        seen, said = read(tmp_path / "a.mkv")
        assert 10 < len(seen) < 40
        assert "damaged" in said or "breaks off" in said

    @pytest.mark.parametrize("sound_s", [0.3, 6.0])
    def test_sound_of_another_length_is_no_damage(self, tmp_path, sound_s):
        write_film(tmp_path / "a.mkv", TENTHS, sound="aac", sound_s=sound_s)
        assert read(tmp_path / "a.mkv")[1] is None

    def test_a_size_that_changes_ends_the_video_with_a_sentence(self, tmp_path):
        for name, width in (("a", 64), ("b", 96)):
            write_film(tmp_path / f"{name}.ts", TENTHS, images=[grey(90, width)] * 10)
        joined = (tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes()
        (tmp_path / "c.ts").write_bytes(joined)
        seen, said = read(tmp_path / "c.ts")
        assert len(seen) >= 9
        assert {frame.shape for frame, _ in seen} == {(48, 64, 3)}
        assert "changes from 64x48 to 96x48 pixels after" in said


class TestWriting:
    @pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 47), (1, 1)])
    def test_browsers_play_it(self, tmp_path, width, height):
        with media.VideoWriter(tmp_path / "a.mp4", fps=10) as writer:
            for _ in range(10):
                writer.write(grey(77, width, height))
        facts = film_facts(tmp_path / "a.mp4")
        assert (facts["codec"], facts["pixels"]) == ("h264", "yuv420p")
        assert facts["size"] == (width + width % 2, height + height % 2)
        assert facts["stamps"] == pytest.approx(TENTHS, abs=1e-4)
        assert facts["duration"] == pytest.approx(1, abs=1e-3)
        data = (tmp_path / "a.mp4").read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")  # plays before all of it is there

    def test_colours_are_kept(self, tmp_path):
        image = grey(60)
        image[:, :32] = (30, 200, 90)
        with media.VideoWriter(tmp_path / "a.mp4") as writer:
            writer.write(image)
        (frame, _), *_ = read(tmp_path / "a.mp4")[0]
        assert np.abs(frame[:, :30].astype(int) - image[:, :30]).max() < 6

    @pytest.mark.parametrize(
        ("name", "codec", "sound", "written"),
        [
            ("a.mp4", "libx264", "aac", "aac"),
            ("a.ts", "libx264", "aac", "aac"),
            ("a.webm", "libvpx", "libopus", "opus"),
            ("a.avi", "mpeg4", "pcm_s16le", "aac"),
            ("a.mkv", "libx264", "flac", "flac"),
            ("a.mkv", "libx264", "ac3", "ac3"),
        ],
    )
    def test_sound_is_kept(self, tmp_path, name, codec, sound, written):
        write_film(
            tmp_path / name,
            [k / 10 for k in range(20)],
            codec=codec,
            sound=sound,
            base=Fraction(1, 10) if name == "a.avi" else MS,
        )
        assert copied(tmp_path / name, tmp_path / "b.mp4") == []
        facts = film_facts(tmp_path / "b.mp4")
        assert facts["sound"] in (written, f"lib{written}")
        assert facts["heard_s"] == pytest.approx(2, abs=0.15)
        assert len(facts["stamps"]) == 20

    def test_sound_that_cannot_be_written_is_said_and_left_out(self, tmp_path, monkeypatch):
        class Mute:
            def __init__(self, *_):
                raise ValueError("no such codec")

        monkeypatch.setattr(writing, "Sound", Mute)
        write_film(tmp_path / "a.mp4", TENTHS, sound="aac")
        (said,) = copied(tmp_path / "a.mp4", tmp_path / "b.mp4")
        assert "b.mp4: without sound (no such codec)" in said
        assert film_facts(tmp_path / "b.mp4")["sound"] is None
        assert len(stamps_of(tmp_path / "b.mp4")) == 10

    def test_ffmpeg_without_h264_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setattr(writing, "ENCODERS", ("none_such",))
        with (
            pytest.raises(MediaError, match=r"no encoder of H.264 \(none_such\); install"),
            media.VideoWriter(tmp_path / "a.mp4") as writer,
        ):
            writer.write(grey(9))
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("room", [0, 700, 20_000, 100_000])
    def test_a_full_disk_leaves_no_video_and_is_said(self, tmp_path, room):
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(10)]

        def write():
            with media.VideoWriter(tmp_path / "a.mp4") as writer:
                for image in images:
                    writer.write(image)

        write()
        whole = (tmp_path / "a.mp4").stat().st_size
        (tmp_path / "a.mp4").unlink()
        assert whole > 150_000
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        for limit in (room, whole - room - 1):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                with pytest.raises(MediaError, match=rf"cannot be written into {tmp_path}: File too large"):
                    write()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert not list(tmp_path.iterdir())
