import struct

import cv2
import numpy as np
import pytest

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from bodypix_ros.media import pictures


def gradient(height=40, width=64):
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 2] = np.linspace(0, 255, height)[:, None]
    return image


def jpeg_with_orientation(image, orientation):
    """JPEG bytes with an EXIF block that holds the orientation alone."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def write_video(path, frames=12, size=(64, 48)):
    with media.VideoWriter(path, fps=12.5) as writer:
        for k in range(frames):
            writer.write(np.full((size[1], size[0], 3), 5 * k, np.uint8))


def names(sources):
    return [source.name for source in sources]


class TestPictures:
    def test_exif_orientation_is_applied(self, tmp_path):
        image = gradient()
        (tmp_path / "a.jpg").write_bytes(jpeg_with_orientation(image, 6))  # shown turned clockwise
        turned = media.read_picture(tmp_path / "a.jpg")
        assert turned.shape == (64, 40, 3)
        assert np.abs(turned.astype(int) - cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)).max() < 16

    def test_exif_can_be_left_out(self, tmp_path):
        (tmp_path / "a.jpg").write_bytes(jpeg_with_orientation(gradient(), 6))
        stored = media.read_picture(tmp_path / "a.jpg", exif=False)
        assert stored.shape == (40, 64, 3)
        assert np.abs(stored.astype(int) - gradient()).max() < 16

    def test_alpha_is_dropped(self, tmp_path):
        image = np.dstack([gradient(), np.full((40, 64), 7, np.uint8)])
        media.write_picture(tmp_path / "a.png", image)
        assert np.array_equal(media.read_picture(tmp_path / "a.png"), gradient())

    def test_16_bits_are_scaled_to_8(self, tmp_path):
        cv2.imwrite(str(tmp_path / "a.png"), gradient().astype(np.uint16) * 257)
        read = media.read_picture(tmp_path / "a.png")
        assert read.dtype == np.uint8
        assert np.abs(read.astype(int) - gradient()).max() <= 1

    def test_grey_becomes_three_channels(self, tmp_path):
        media.write_picture(tmp_path / "a.png", gradient()[..., 0])
        assert np.array_equal(media.read_picture(tmp_path / "a.png")[..., 1], gradient()[..., 0])

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "it is empty"),
            (b"not a picture", "not a whole picture"),
            (cv2.imencode(".png", gradient())[1].tobytes()[:100], "not a whole picture"),
        ],
    )
    def test_unreadable_picture_is_named(self, tmp_path, data, message):
        (tmp_path / "bad.png").write_bytes(data)
        with pytest.raises(MediaError, match=rf"bad\.png: .*{message}"):
            media.read_picture(tmp_path / "bad.png")

    def test_absent_picture_is_named(self, tmp_path):
        with pytest.raises(MediaError, match=r"none\.png: cannot be read: No such file"):
            media.read_picture(tmp_path / "none.png")

    def test_unwritable_format_leaves_nothing_behind(self, tmp_path):
        with pytest.raises(MediaError, match=r"a\.xyz"):
            media.write_picture(tmp_path / "a.xyz", gradient())
        with pytest.raises(MediaError, match="cannot be written"):
            media.write_picture(tmp_path / "no folder" / "a.png", gradient())
        assert not list(tmp_path.iterdir())


class TestSources:
    def test_folder_gives_its_pictures_sorted_without_sub_folders(self, tmp_path):
        for name in ("b.PNG", "a.jpg", "sub/c.png", "notes.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        assert names(media.find_sources([str(tmp_path)])) == [
            str(tmp_path / "a.jpg"),
            str(tmp_path / "b.PNG"),
        ]

    def test_folder_without_pictures(self, tmp_path):
        with pytest.raises(MediaError, match="no pictures and no videos in this folder"):
            media.find_sources([str(tmp_path)])

    def test_absent_source(self, tmp_path):
        with pytest.raises(MediaError, match="nothing: no such file or folder; give a picture"):
            media.find_sources([str(tmp_path / "nothing")])

    def test_number_is_a_camera_unless_a_file_has_that_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert media.find_sources(["0"]) == [media.Video("0", camera=0)]
        (tmp_path / "0").write_bytes(cv2.imencode(".png", gradient())[1].tobytes())
        assert isinstance(media.find_sources(["0"])[0], media.Picture)

    def test_kind_follows_the_content_where_the_suffix_says_nothing(self, tmp_path):
        (tmp_path / "picture").write_bytes(cv2.imencode(".png", gradient())[1].tobytes())
        write_video(tmp_path / "film.mp4")
        kinds = [type(s) for s in media.find_sources([str(tmp_path / "picture"), str(tmp_path / "film.mp4")])]
        assert kinds == [media.Picture, media.Video]


class TestVideos:
    def test_what_is_written_can_be_read(self, tmp_path):
        write_video(tmp_path / "a.mp4")
        with media.VideoReader(media.Video(str(tmp_path / "a.mp4"))) as reader:
            frames = list(reader)
            reader.check_end()
        assert (len(frames), reader.frame_count, reader.fps) == (12, 12, 12.5)
        assert all(abs(frame.mean() - 5 * k) < 5 for k, frame in enumerate(frames))

    def test_nothing_is_left_after_an_error(self, tmp_path):
        def fail():
            with media.VideoWriter(tmp_path / "a.mp4") as writer:
                writer.write(gradient())
                assert list(tmp_path.iterdir()) == [tmp_path / ".a.part.mp4"]
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert not list(tmp_path.iterdir())

    def test_no_frame_no_file(self, tmp_path):
        with media.VideoWriter(tmp_path / "a.mp4"):
            pass
        assert not list(tmp_path.iterdir())

    def test_frames_of_several_sizes_are_refused(self, tmp_path):
        def fail():
            with media.VideoWriter(tmp_path / "a.mp4") as writer:
                writer.write(gradient())
                writer.write(gradient(42))

        with pytest.raises(MediaError, match=r"a frame of 64x42 in a video of 64x40"):
            fail()
        assert not list(tmp_path.iterdir())

    def test_folder_that_is_not_there(self, tmp_path):
        with (
            pytest.raises(MediaError, match=r"cannot be written into .*none: No such file or directory"),
            media.VideoWriter(tmp_path / "none" / "a.mp4") as writer,
        ):
            writer.write(gradient())

    def test_no_video(self, tmp_path):
        (tmp_path / "a.mp4").write_bytes(b"no video" * 100)
        with pytest.raises(MediaError, match=r"a\.mp4: neither a picture nor a video"):
            media.VideoReader(media.Video(str(tmp_path / "a.mp4")))

    def test_camera_that_is_not_there(self):
        with pytest.raises(MediaError, match="camera 91 cannot be opened"):
            media.VideoReader(media.Video("91", camera=91))


def test_pictures_that_claim_gigabytes_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    data = bytearray(cv2.imencode(".bmp", np.zeros((5, 7, 3), np.uint8))[1])
    struct.pack_into("<ii", data, 18, 30000, -30000)
    (tmp_path / "a.bmp").write_bytes(data)
    monkeypatch.setattr(pictures.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(MediaError, match=r"a\.bmp: is too large: 30000x30000 pixels, where a side may have"):
        media.read_picture(tmp_path / "a.bmp")
