"""Selfie Segmentation: its Scene on a stand-in network, and the real ones against MediaPipe."""

from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bodypix_ros
from bodypix_ros import Segmenter
from bodypix_ros.imaging import warp as crop
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.models import store, tflite
from bodypix_ros.segmenters.selfie.seer import fill_input
from support.paths import KNOWN

PICTURES = (
    "pose.jpg",
    "portrait.jpg",
    "squat.bmp",
    "grace_hopper.bmp",
    "pexels-karolina-grabowska-4378882.jpg",
)
MODELS = ("selfie-general", "selfie-landscape")


def red_network(height: int = 256, width: int = 256, channels: int = 3) -> ov.Model:
    """A network whose probability of person is the red channel."""
    image = ops.parameter([1, height, width, channels], np.float32, name="image")
    red = ops.gather(image, ops.constant(np.array([0])), ops.constant(3))
    red.output(0).get_tensor().set_names({"person"})
    return ov.Model([red.output(0)], [image], "red")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "find", lambda model, _: {file.path: Path(file.path) for file in model.files})
    monkeypatch.setattr(store, "verify", lambda *_: None)
    monkeypatch.setattr(tflite, "read_model", lambda _: red_network())


@pytest.fixture
def segmenter(network: None) -> Generator[Segmenter, None, None]:
    with bodypix_ros.load("selfie-general", device="CPU") as loaded:
        yield loaded


def picture(height: int = 512, width: int = 512) -> np.ndarray:
    """BGR, with a red square in the middle half."""
    image = np.full((height, width, 3), 30, np.uint8)
    image[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = (30, 30, 230)
    return image


def iou(a: np.ndarray, b: np.ndarray) -> float:
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def test_one_person_stands_for_all(segmenter: Segmenter) -> None:
    scene = segmenter.segment(picture(), stamp="now")
    (person,) = scene.persons
    assert np.abs(np.array(person.box) - (128, 128, 384, 384)).max() <= 2
    assert person.score == pytest.approx(230 / 255, abs=0.01)
    assert person.keypoints.shape == (0, 3)
    assert person.keypoints_3d is None
    assert scene.keypoint_names == ()
    assert scene.part_mask is None
    assert scene.confidence is None
    assert scene.stamp == "now"
    assert scene.person_mask.dtype == bool
    assert np.array_equal(scene.instance_mask, scene.person_mask.astype(np.uint8))
    ys, xs = np.nonzero(scene.person_mask)
    assert person.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_nobody(segmenter: Segmenter) -> None:
    scene = segmenter.segment(np.zeros((40, 50, 3), np.uint8))
    assert scene.persons == ()
    assert not scene.person_mask.any()
    assert not scene.instance_mask.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (700, 2), (480, 640)])
def test_any_size(segmenter: Segmenter, shape: tuple[int, int]) -> None:
    segmenter.update(confidence=True)
    scene = segmenter.segment(np.full((*shape, 3), 200, np.uint8))
    assert scene.person_mask.shape == scene.instance_mask.shape == shape
    assert scene.confidence is not None
    assert scene.confidence.shape == shape
    assert abs(int(np.median(scene.confidence)) - 200) <= 1


INNER = st.sampled_from([(256, 256), (144, 256)])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 900), st.integers(1, 900), INNER, st.integers(0, 99))
@example(480, 640, (256, 256), 0)
@example(1080, 1920, (144, 256), 1)
def test_the_input_is_sampled_as_mediapipe_does(
    height: int, width: int, inner: tuple[int, int], seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = np.empty((*inner, 3), np.float32)
    fill_input(image, (2, 1, 0), out)

    # Places in 32nds of a pixel, in whole numbers.
    y, x = ((np.rint(np.arange(n) * (size / n) * 1024).astype(int) + 16) >> 5
            for n, size in zip(inner, (height, width), strict=True))  # fmt: skip
    total = np.zeros((*inner, 3), int)
    for down in (0, 1):
        for across in (0, 1):
            weight_y = (y & 31) if down else 32 - (y & 31)
            weight_x = (x & 31) if across else 32 - (x & 31)
            rows = np.minimum((y >> 5) + down, height - 1)
            columns = np.minimum((x >> 5) + across, width - 1)
            total += image[rows][:, columns] * (weight_y[:, None] * weight_x)[..., None]
    assert np.abs(out - ((total + 512) >> 10)[..., ::-1] / 255).max() < 1e-6

    # OpenCV's warp, which MediaPipe samples with; another version may round otherwise.
    warped = np.empty_like(out)
    to_image = np.array([[width / inner[1], 0, 0], [0, height / inner[0], 0]])
    crop.fill_input(as_pixels(image, "bgr8"), to_image, warped, replicate=True)
    assert np.abs(out - warped).mean() < 0.5 / 255


def test_a_very_wide_image(segmenter: Segmenter) -> None:
    scene = segmenter.segment(np.full((2, 40000, 3), 200, np.uint8))
    assert scene.person_mask.shape == (2, 40000)
    assert scene.person_mask.mean() > 0.9


def test_the_threshold_is_live_and_the_score_is_the_mean_above_it(segmenter: Segmenter) -> None:
    ramp = np.zeros((256, 256, 3), np.uint8)
    ramp[..., 2] = np.arange(256)
    assert segmenter.segment(ramp).persons[0].score == pytest.approx(0.75, abs=0.01)
    segmenter.update(segmentation_threshold=0.799, confidence=True)
    scene = segmenter.segment(ramp)
    assert scene.persons[0].score == pytest.approx(0.9, abs=0.01)
    assert scene.confidence is not None
    assert np.array_equal(scene.confidence > 0.799 * 255, scene.person_mask)


def test_encodings_of_one_picture_give_one_scene(segmenter: Segmenter) -> None:
    bgr = picture(90, 140)
    bgr[::3] = 77
    expected = segmenter.segment(bgr, "bgr8").person_mask
    assert expected.any()
    alpha = np.dstack([bgr, np.full((90, 140, 1), 9, np.uint8)])
    wide = np.zeros((90, 280, 3), np.uint8)
    wide[:, ::2] = bgr
    wide.setflags(write=False)
    for image, encoding in (
        (bgr[..., ::-1], "rgb8"),
        (alpha, "bgra8"),
        (alpha[..., [2, 1, 0, 3]], "rgba8"),
        (wide[:, ::2], "bgr8"),
    ):
        assert np.array_equal(segmenter.segment(image, encoding).person_mask, expected)
    grey = np.ascontiguousarray(bgr[..., 2])
    assert np.array_equal(segmenter.segment(grey, "mono8").person_mask, expected)


def test_options_of_other_models_and_bad_values_are_refused(network: None) -> None:
    with pytest.raises(ValueError, match=r"there is no option 'parts'; there are: .*confidence, .*segm"):
        bodypix_ros.load("selfie-general", device="CPU", parts=True)
    with pytest.raises(ValueError, match="segmentation_threshold is 2, but must be a number from"):
        bodypix_ros.load("selfie-general", device="CPU", segmentation_threshold=2)
    with pytest.raises(ValueError, match="there is no option 'reference_dilation'"):
        bodypix_ros.load("selfie-general", device="CPU", reference_dilation=True)
    bodypix_ros.load("selfie-general", device="CPU", reference_dilation=False).close()


def test_another_network_is_refused(network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "read_model", lambda _: red_network(channels=4))
    with pytest.raises(ValueError, match=r"selfie_segmentation\.tflite is not a selfie segmentation"):
        bodypix_ros.load("selfie-general", device="CPU")


def test_streams_of_models_without_memory_are_the_model(segmenter: Segmenter) -> None:
    stream = segmenter.stream()
    scene = stream.segment(picture(), stamp=3.5)
    stream.reset()
    assert scene.stamp == 3.5
    assert np.array_equal(scene.person_mask, segmenter.segment(picture()).person_mask)


def test_a_closed_segmenter_says_so(network: None) -> None:
    loaded = bodypix_ros.load("selfie-general", device="CPU")
    assert loaded.input_size(480, 640) == (256, 256)
    assert loaded.networks_compiled == 1
    loaded.bare_network(480, 640)()
    loaded.close()
    with pytest.raises(RuntimeError, match="was closed"):
        loaded.segment(picture())


# Against MediaPipe


@pytest.mark.parametrize("name", MODELS)
def test_masks_are_mediapipes(data_dir: Path, name: str) -> None:
    known = np.load(KNOWN)
    with bodypix_ros.load(name, device="CPU", model_dir=data_dir / "models") as loaded:
        for file in PICTURES:
            image = cv2.imread(str(data_dir / "images/photos" / file))
            expected = np.unpackbits(known[f"{file}/{name}"], axis=1, count=image.shape[1]).astype(bool)
            assert iou(loaded.segment(image).person_mask, expected) >= 0.99, file


def test_the_reference_portrait(data_dir: Path) -> None:
    image = cv2.imread(str(data_dir / "images/photos/portrait.jpg"))
    expected = cv2.imread(str(data_dir / "images/references/portrait_segmentation.png"))[..., 0] > 127
    with bodypix_ros.load("selfie-general", device="CPU", model_dir=data_dir / "models") as loaded:
        assert iou(loaded.segment(image).person_mask, expected) >= 0.98


def test_a_damaged_file_is_refused_before_it_is_read(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "mediapipe/selfie_segmentation.tflite"
    path.parent.mkdir()
    content = (data_dir / "models/mediapipe/selfie_segmentation.tflite").read_bytes()
    path.write_bytes(content[:100_000])
    with pytest.raises(ValueError, match=r"is not the published mediapipe/selfie_segmentation\.tflite"):
        bodypix_ros.load("selfie-general", device="CPU", model_dir=tmp_path)
