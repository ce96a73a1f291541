"""Faces found by a detector of their own, and what becomes of them when there is none, or one that fails."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import bodypix_ros
from bodypix_ros.details import faces
from bodypix_ros.details.network import DetailNetwork, Spent
from bodypix_ros.errors import DeviceError, MissingModelError
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.runtime.placement import Placement
from support.fake import FakeSegmenter, people_picture

CELLS = 48


class Made(DetailNetwork):
    """A network that answers as it is told: by each view's middle in image pixels."""

    def __init__(self, answers):
        super().__init__(faces.KIND, Placement())
        self.answers, self.views = answers, []

    def run(self, pieces, spent, *, replicate=False):
        return [self._see(*piece) for piece in pieces]

    def _see(self, pixels, crop_to_image):
        self.views.append((pixels.shape, crop_to_image))
        values, logits = np.zeros((CELLS**2, 16), np.float32), np.full((CELLS**2, 1), -9, np.float32)
        for cell, box, logit in self.answers[len(self.views) - 1]:
            values[cell, :4], logits[cell] = box, logit
        return {"values": values, "logits": logits}


def found(answers, height, width):
    network = Made(answers)
    image = np.zeros((height, width, 3), np.uint8)
    return network, faces.find_faces(network, as_pixels(image, "bgr8"), Spent())


def test_a_box_of_the_network_is_one_of_the_image():
    # The cell in the middle row and column: its anchor is at 24.5 / 48 of the input.
    cell = 24 * CELLS + 24
    network, (face,) = found([[(cell, (2, -4, 20, 30), 3.0)]], 192, 192)
    assert len(network.views) == 1
    x, y = 192 * 24.5 / 48 + 2, 192 * 24.5 / 48 - 4
    assert face.box == (x - 10, y - 15, x + 10, y + 15)
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)))


def test_one_face_in_several_views_is_one_and_a_weak_one_none():
    # The whole is 384 px wide, twice the input; its parts, as large as the input, begin at 192, 96 and 0.
    whole, part = 24 * CELLS + 24, 25 * CELLS + 25
    x, y = 384 * 24.5 / 48, 384 * 24.5 / 48 - 96
    in_part = (x - 96 - 192 * 25.5 / 48, y - 192 * 25.5 / 48, 40, 40)
    network, (face,) = found(
        [[], [(part, in_part, 2.0)], [(0, (9, 9, 30, 30), 0.1)], [(whole, (0, 0, 20, 20), 3.0)]], 192, 384
    )
    assert len(network.views) == 4
    assert np.abs(np.array(face.box) - (x - 20, y - 20, x + 20, y + 20)).max() <= 1
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)))


def test_a_face_beyond_the_rim_is_clipped_and_one_in_the_padding_is_none():
    edge = [(23 * CELLS, (-4, 0, 20, 20), 3.0), (2 * CELLS + 20, (0, 0, 10, 10), 3.0)]
    _, some = found([[], [], [], edge], 96, 192)
    ((x0, y0, x1, y1),) = [face.box for face in some]
    assert x0 == 0
    assert 0 <= y0 < y1 <= 96
    assert x1 <= 10


def test_large_images_are_shrunk_by_means_and_not_by_leaving_pixels_out(data_dir: Path) -> None:
    picture = cv2.imread(str(data_dir / "images/photos/portrait.jpg"))
    large = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).integers(-60, 60, large.shape)  # a mean of nine takes it away
    noisy = np.clip(large.astype(int) + noise, 0, 255).astype(np.uint8)
    network = DetailNetwork(faces.KIND, Placement(device="CPU"), data_dir / "models")
    network.load()
    (plain,), (grained,) = (
        faces.find_faces(network, as_pixels(image, "bgr8"), Spent()) for image in (picture, noisy)
    )
    assert np.abs(np.array(grained.box) / 3 - plain.box).max() < 12


def test_the_log_says_which_network_runs_where(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        DetailNetwork(faces.KIND, Placement(device="CPU"), data_dir / "models").load()
    assert "face_detection_full_range_sparse runs on CPU in f32" in caplog.messages


@pytest.fixture(scope="module")
def segmenter(data_dir: Path):
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models", faces=True) as loaded:
        yield loaded


@pytest.mark.parametrize(
    ("picture", "count"),
    [("grace_hopper.bmp", 1), ("portrait.jpg", 1), ("three_people.jpg", 3), ("face.jpg", 4), ("owl.jpg", 0),
     ("cat.bmp", 0)],
)  # fmt: skip
def test_faces_of_photographs(data_dir: Path, segmenter, picture: str, count: int) -> None:
    image = cv2.imread(str(data_dir / "images/photos" / picture))
    scene = segmenter.segment(image)
    assert len(scene.faces) == count
    assert [face.score for face in scene.faces] == sorted((face.score for face in scene.faces), reverse=True)
    for person in scene.persons:  # whoever's nose is sure has a face around it
        x, y, score = person.keypoints[scene.keypoint_names.index("nose")]
        if score > 0.9 and person.score > 0.5:
            inside = [box[0] <= x < box[2] and box[1] <= y < box[3] for box, _ in scene.faces]
            assert sum(inside) == 1
    assert scene.faces == segmenter.find_faces(image)


def test_a_mirrored_image_has_mirrored_faces(data_dir: Path, segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/photos/three_people.jpg"))
    scene = segmenter.segment(image)
    mirrored = segmenter.find_faces(image[:, ::-1])
    boxes = np.array(sorted(face.box for face in scene.mirrored().faces))
    assert np.abs(boxes - sorted(face.box for face in mirrored)).max() < 12


def test_faces_are_looked_for_when_it_is_asked_for_while_running(data_dir: Path) -> None:
    image = cv2.imread(str(data_dir / "images/photos/portrait.jpg"))
    with bodypix_ros.load("selfie-general", device="CPU", model_dir=data_dir / "models") as loaded:
        compiled = loaded.networks_compiled
        assert loaded.segment(image).faces == ()
        loaded.update(faces=True)
        assert loaded.networks_compiled == compiled + 1
        assert len(loaded.segment(image).faces) == 1
        assert len(loaded.stream().segment(image).faces) == 1
        loaded.update(faces=False)
        assert loaded.segment(image).faces == ()


def test_without_its_file_people_are_seen_as_before_and_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BODYPIX_ROS_MODELS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    segmenter = FakeSegmenter()
    for _ in range(2):
        segmenter.update(faces=True)
        scene = segmenter.segment(people_picture())
        assert (len(scene.persons), scene.faces) == (2, ())
    (said,) = caplog.messages
    assert "bodypix models fetch faces" in said
    with pytest.raises(MissingModelError, match="face_detection_full_range_sparse"):
        segmenter.find_faces(people_picture())


def test_where_the_detector_fails_there_is_no_scene(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = FakeSegmenter()
    segmenter._details._faces.model_dir = data_dir / "models"
    segmenter.update(faces=True)
    assert segmenter.segment(people_picture()).faces == ()

    def fail(*_: object, **__: object) -> None:
        raise DeviceError("it is gone")

    monkeypatch.setattr(DetailNetwork, "run", fail)
    with pytest.raises(DeviceError, match="it is gone"):
        segmenter.segment(people_picture())
    with pytest.raises(DeviceError, match="it is gone"):
        segmenter.stream().segment(people_picture())


def test_whoever_hides_faces_looks_at_everybody_in_every_frame_of_a_stream(data_dir: Path) -> None:
    image = cv2.imread(str(data_dir / "images/coco_open/images/000000174375.jpg"))
    if image is None:
        pytest.skip("the picture is not among the test data")
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models", preset="faces") as loaded:
        alone, stream = loaded.segment(image), loaded.stream()
        for frame in range(4):
            scene = stream.segment(image, stamp=frame / 15)
            assert np.mean(scene.person_mask != alone.person_mask) < 0.002
            assert scene.faces == alone.faces
