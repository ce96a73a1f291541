"""BlazePose: the real networks against MediaPipe, its references and annotated people."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import bodypix_ros
from bodypix_ros import Scene, Segmenter
from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from support.paths import KNOWN

PICTURES = (
    "pose.jpg",
    "portrait.jpg",
    "squat.bmp",
    "grace_hopper.bmp",
    "pexels-karolina-grabowska-4378882.jpg",
)


@pytest.fixture(scope="module")
def full(data_dir: Path) -> Segmenter:
    return bodypix_ros.load("blazepose-full", device="CPU", model_dir=data_dir / "models")


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def box_iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return common / (sum(areas) - common)


def check_promises(scene: Scene, shape: tuple[int, int]) -> None:
    assert scene.person_mask.shape == scene.instance_mask.shape == shape
    assert np.array_equal(scene.instance_mask > 0, scene.person_mask)
    assert scene.part_mask is None
    assert scene.keypoint_names == BLAZEPOSE_KEYPOINTS
    scores = [one.score for one in scene.persons]
    assert scores == sorted(scores, reverse=True)
    for k, one in enumerate(scene.persons, start=1):
        assert one.keypoints.shape == (33, 3)
        assert one.keypoints.dtype == np.float32
        assert one.keypoints_3d is not None
        assert one.keypoints_3d.shape == (33, 4)
        assert one.keypoints_3d.dtype == np.float32
        assert np.array_equal(one.keypoints[:, 2], one.keypoints_3d[:, 3])
        ys, xs = np.nonzero(scene.instance_mask == k)
        if len(xs):
            assert one.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


@pytest.mark.parametrize("file", PICTURES)
def test_landmarks_and_masks_are_mediapipes(data_dir: Path, full: Segmenter, file: str) -> None:
    known = np.load(KNOWN)
    image = cv2.imread(str(data_dir / "images/photos" / file))
    scene = full.segment(image)
    check_promises(scene, image.shape[:2])
    (one,) = scene.persons
    expected = known[f"{file}/landmarks"]
    mask = np.unpackbits(known[f"{file}/pose"], axis=1, count=image.shape[1]).astype(bool)
    height = np.ptp(np.nonzero(mask.any(axis=1))[0])
    visible = expected[:, 2] > 0.5
    apart = np.hypot(*(one.keypoints[:, :2] - expected[:, :2])[visible].T)
    assert apart.mean() < 0.001 * height  # 1 % is asked for
    assert np.abs(one.keypoints[:, 2] - expected[:, 2]).max() < 0.01
    assert one.keypoints_3d is not None
    assert np.abs(one.keypoints_3d[:, :3] - known[f"{file}/world"]).max() < 0.005
    assert iou(scene.person_mask, mask) > 0.99


def test_the_reference_mask(data_dir: Path, full: Segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/photos/pose.jpg"))
    expected = cv2.imread(str(data_dir / "images/references/pose_segmentation.png"))[..., 0] > 127
    assert iou(full.segment(image).person_mask, expected) >= 0.95


def test_the_reference_video(data_dir: Path, full: Segmenter) -> None:
    folder = data_dir / "images"
    in_image = np.array(json.loads((folder / "references/pose_squats.full.json").read_text()))
    in_metres = np.array(json.loads((folder / "references/pose_squats_3d.full.json").read_text()))
    video, stream, pixels, metres, ids = (
        cv2.VideoCapture(str(folder / "videos/pose_squats.mp4")), full.stream(), [], [], set(),
    )  # fmt: skip
    while (frame := video.read()[1]) is not None:
        scene = stream.segment(frame)
        check_promises(scene, frame.shape[:2])
        (one,) = scene.persons
        assert one.keypoints_3d is not None
        pixels.append(one.keypoints[:, :2])
        metres.append(one.keypoints_3d[:, :3])
        ids.add(one.track_id)
    assert len(pixels) == len(in_image) == 65
    assert ids == {None, 1}  # the first sighting, then the track
    apart = np.linalg.norm(np.array(pixels) - in_image[..., :2], axis=-1).mean(axis=1)
    assert apart.mean() <= 6
    assert apart.max() <= 20
    assert np.linalg.norm(np.array(metres) - in_metres, axis=-1).mean() <= 0.05


def test_every_clearly_visible_person_is_found_once(data_dir: Path, full: Segmenter) -> None:
    folder = data_dir / "images/coco_open"
    image = cv2.imread(str(folder / "images/000000252219.jpg"))
    scene = full.segment(image)
    check_promises(scene, image.shape[:2])
    notes = json.loads((folder / "person_keypoints.json").read_text())["annotations"]
    boxes = [note["bbox"] for note in notes if note["image_id"] == 252219 and note["num_keypoints"] >= 10]
    assert len(boxes) == len(scene.persons) == 3
    for x, y, width, height in boxes:
        overlaps = [box_iou((x, y, x + width, y + height), one.box) for one in scene.persons]
        assert sum(overlap > 0.6 for overlap in overlaps) == 1


def test_three_people_are_three(data_dir: Path, full: Segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/photos/three_people.jpg"))
    scene = full.segment(image)
    check_promises(scene, image.shape[:2])
    assert len(scene.persons) == 3
    assert {one.track_id for one in scene.persons} == {None}


def test_small_people_are_found(data_dir: Path, full: Segmenter) -> None:
    photo = cv2.imread(str(data_dir / "images/photos/pose.jpg"))
    scale = 150 / photo.shape[0]
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.full((720, 960, 3), 128, np.uint8)
    image[450:600, 560 : 560 + small.shape[1]] = small
    full.update(max_detections=1)
    assert full.segment(image).persons == ()
    full.update(max_detections=5)
    (one,) = full.segment(image).persons
    (expected,) = full.segment(photo).persons
    box = np.array(expected.box) * scale + np.array([560, 450, 560, 450])
    assert box_iou(tuple(box), one.box) > 0.8


def test_several_people_are_followed(data_dir: Path, full: Segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/coco_open/images/000000252219.jpg"))
    stream = full.stream()
    for shift in range(0, 30, 3):
        scene = stream.segment(np.roll(image, shift, axis=1), stamp=shift / 30)
        by_place = sorted(scene.persons, key=lambda one: one.box[0])
        assert len(by_place) == 3
        ids = [one.track_id for one in by_place]
        if shift == 3:
            order = ids
            assert sorted(order) == [1, 2, 3]  # type: ignore[type-var]
        assert ids == (order if shift else [None, None, None])


def test_streams_do_not_know_of_each_other(data_dir: Path, full: Segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/photos/pose.jpg"))
    first, second = full.stream(), full.stream()
    first.segment(image)
    assert second.segment(np.zeros_like(image)).persons == ()
    assert first.segment(image).persons[0].track_id == 1
    first.reset()
    assert [first.segment(image).persons[0].track_id for _ in range(2)] == [None, 2]
    full.update(tracking=False)
    assert first.segment(image).persons[0].track_id is None
    full.update(tracking=True)


def test_encodings_sizes_and_options(data_dir: Path, full: Segmenter) -> None:
    image = cv2.imread(str(data_dir / "images/photos/pose.jpg"))
    expected = full.segment(image)
    mirrored_channels = full.segment(image[..., ::-1], "rgb8")
    assert np.array_equal(expected.instance_mask, mirrored_channels.instance_mask)
    for shape in ((1, 1), (3, 700), (900, 2)):
        check_promises(full.segment(np.zeros((*shape, 3), np.uint8)), shape)
    full.update(confidence=True, segmentation_threshold=1.0)
    scene = full.segment(image)
    full.update(confidence=False, segmentation_threshold=0.5)
    assert scene.confidence is not None
    assert iou(scene.confidence > 127, expected.person_mask) > 0.999
    assert not scene.person_mask.any()
    x0, y0, x1, y1 = scene.persons[0].box
    assert x1 - x0 > 100
    assert y1 - y0 > 100
    with pytest.raises(ValueError, match="there is no option 'nms_radius'"):
        full.update(nms_radius=3)


def test_a_closed_segmenter_says_so(data_dir: Path) -> None:
    loaded = bodypix_ros.load("blazepose-full", device="CPU", model_dir=data_dir / "models")
    assert loaded.input_size(480, 640) == (256, 256)
    assert loaded.networks_compiled == 2
    assert loaded.load_s > 0
    loaded.bare_network(480, 640)()
    loaded.close()
    with pytest.raises(RuntimeError, match="was closed"):
        loaded.segment(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("name", ["blazepose-lite", "blazepose-heavy"])
def test_the_other_sizes_of_the_model(data_dir: Path, name: str) -> None:
    image = cv2.imread(str(data_dir / "images/photos/pose.jpg"))
    expected = cv2.imread(str(data_dir / "images/references/pose_segmentation.png"))[..., 0] > 127
    with bodypix_ros.load(name, device="CPU", model_dir=data_dir / "models") as loaded:
        scene = loaded.segment(image)
    check_promises(scene, image.shape[:2])
    assert iou(scene.person_mask, expected) > 0.93
