"""Persons placed in the camera's frame: known persons at known places, seen through known cameras."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from bodypix_ros.bags.typestore import rosbags_types, typestore
from bodypix_ros.errors import PlacingError
from bodypix_ros.ros.messages.people import keypoints_3d
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.pose import Placed, place, place_all

TYPES = rosbags_types(typestore())
K = np.array([[600.0, 0, 320], [0, 610, 240], [0, 0, 1]])
BARREL = np.array([-0.25, 0.08, 0.001, -0.002, 0.01])
FISHEYE = np.array([0.05, -0.01, 0.002, -0.001])


def camera_info(**changes):
    fields = {"width": 640, "height": 480, "k": K.ravel(), "d": [], "distortion_model": "plumb_bob"}
    return SimpleNamespace(**{**fields, **changes})


def person(seed=1, height=1.7):
    """33 points of somebody around the hips, float64 (33, 3): about as wide, high and deep as people are."""
    rng = np.random.default_rng(seed)
    return rng.uniform((-0.35, -0.5, -0.25), (0.35, 0.5, 0.25), (33, 3)) * height


def seen(points, lens):
    """The keypoints and metres of a person whose points are given in the camera's frame."""
    if lens.fisheye:
        pixels, _ = cv2.fisheye.projectPoints(
            points[:, None], np.zeros(3), np.zeros(3), lens.matrix, lens.distortion
        )
    else:
        pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.matrix, lens.distortion)
    ones = np.ones((len(points), 1))
    return np.hstack([pixels.reshape(-1, 2), ones]).astype(np.float32)


def in_metres(body):
    return np.hstack([body, np.ones((len(body), 1))]).astype(np.float32)


def turned(body, degrees):
    return body @ cv2.Rodrigues(np.radians(degrees))[0].T


LENSES = {
    "plain": camera_info(),
    "barrel": camera_info(d=BARREL),
    "rational": camera_info(d=[*BARREL, 0.01, 0.0, 0.0], distortion_model="rational_polynomial"),
    "fisheye": camera_info(d=FISHEYE, distortion_model="equidistant"),
}


@pytest.mark.parametrize("info", LENSES.values(), ids=LENSES)
@pytest.mark.parametrize("where", [(0, 0, 2), (-0.6, 0.2, 2.5), (1.0, -0.3, 4), (0.2, 0, 8), (0, 0, 20)])
@pytest.mark.parametrize("turn", [(0, 0, 0), (10, 25, -5)])
def test_a_person_of_known_place_comes_back_within_a_centimetre(info, where, turn):
    lens, body = Lens.from_info(info), person()
    truth = turned(body, turn) + where
    found = place(seen(truth, lens), in_metres(body), lens, 0.5)
    assert found.dtype == np.float32
    assert np.linalg.norm(found[:, :3] - truth, axis=1).max() < 0.01
    assert (found[:, 3] == 1).all()


def test_persons_at_1_2_and_4_m_keep_order_and_scale():
    lens, body = Lens.from_info(camera_info(k=[300.0, 0, 320, 0, 300, 240, 0, 0, 1])), person()
    rng = np.random.default_rng(3)
    depths = []
    for distance in (1, 2, 4):
        keypoints = seen(np.add(body, (0.1, 0, distance)), lens)
        keypoints[:, :2] += rng.normal(0, 1.0 / distance, (33, 2))
        found = place(keypoints, in_metres(body), lens, 0.5)
        depths.append(found[:, 2].mean() - body[:, 2].mean())
        assert np.ptp(found[:, 1]) == pytest.approx(np.ptp(body[:, 1]), rel=0.05)
    np.testing.assert_allclose(depths, [1, 2, 4], rtol=0.03)


def test_unsure_keypoints_say_nothing_about_the_place_and_get_one():
    lens, body = Lens.from_info(camera_info()), person()
    truth = np.add(body, (0, 0, 3))
    keypoints, metres = seen(truth, lens), in_metres(body)
    keypoints[6:, :2] = 1e4
    keypoints[6:, 2] = metres[6:, 3] = 0.2
    found = place(keypoints, metres, lens, 0.5)
    assert np.abs(found[:, :3] - truth).max() < 0.01
    np.testing.assert_array_equal(found[:, 3], metres[:, 3])
    keypoints[5, 2] = 0.5
    assert place(keypoints, metres, lens, 0.5) is None


def test_what_tells_no_place_gives_none():
    lens, body = Lens.from_info(camera_info()), person()
    keypoints, metres = seen(np.add(body, (0, 0, 3)), lens), in_metres(body)
    rng = np.random.default_rng(4)
    nonsense = np.column_stack([rng.uniform(0, 400, (33, 2)), np.ones(33)]).astype(np.float32)
    one_place, line = np.ones_like(keypoints), keypoints.copy()
    line[:, 0] = 300
    for wrong in (nonsense, one_place, line, keypoints * np.float32(np.nan), keypoints[:0]):
        assert place(wrong, metres[: len(wrong)], lens, 0.5) is None
    for wrong in (metres * 0 + 1, metres * np.float32(np.inf), metres[rng.permutation(33)]):
        assert place(keypoints, wrong, lens, 0.5) is None
    assert place(keypoints, metres, lens, 0.5) is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"k": np.zeros(9)}, "no camera matrix"),
        ({"k": np.full(9, np.nan)}, "no camera matrix"),
        ({"d": [np.nan] * 5}, "not finite"),
        ({"d": [0.1] * 3}, "'plumb_bob' with 3 coefficients"),
        ({"d": [0.1] * 5, "distortion_model": "thin_prism"}, "thin_prism"),
    ],
)
def test_a_camera_info_of_no_use_is_told(changes, reason):
    with pytest.raises(PlacingError, match=reason):
        Lens.from_info(camera_info(**changes))


def test_the_message_has_the_placed_persons_in_their_order():
    lens, body = Lens.from_info(camera_info()), person()
    metres = in_metres(body)
    here, there = np.add(body, (0, 0, 2)), np.add(body, (1, 0, 5))
    lost = np.zeros((33, 3), np.float32)
    people = [
        Person(0.9, (0, 0, 1, 1), seen(here, lens), metres, 7),
        Person(0.8, (0, 0, 1, 1), lost, metres, 8),
        Person(0.7, (0, 0, 1, 1), seen(there, lens), metres, None),
        Person(0.6, (0, 0, 1, 1), seen(there, lens)),
    ]
    mask = np.zeros((480, 640), np.uint8)
    scene = Scene(mask > 0, mask, None, None, tuple(people), BLAZEPOSE_KEYPOINTS)
    placed = place_all(scene, lens, 0.5)
    assert [one.track_id for one in placed] == [7, None]
    header = TYPES.Image().header
    header.frame_id, header.stamp.sec = "front_optical", 5
    message = keypoints_3d(TYPES, header, scene.keypoint_names, placed)
    assert message.header == header
    first, second = message.detections
    assert (first.id, second.id) == ("7", "")
    assert first.header == header
    assert tuple(result.hypothesis.class_id for result in first.results) == BLAZEPOSE_KEYPOINTS
    position = first.results[3].pose.pose.position
    np.testing.assert_allclose([position.x, position.y, position.z], here[3], atol=0.01)
    size, center = second.bbox.size, second.bbox.center.position
    np.testing.assert_allclose([size.x, size.y, size.z], np.ptp(there, axis=0), atol=0.02)
    np.testing.assert_allclose(
        [center.x, center.y, center.z], (there.min(axis=0) + there.max(axis=0)) / 2, atol=0.02
    )
    smaller = Scene(mask[::2] > 0, mask[::2], None, None, (), BLAZEPOSE_KEYPOINTS)
    with pytest.raises(PlacingError, match="camera_info is of 640x480, but the images are 640x240"):
        place_all(smaller, lens, 0.5)
    assert isinstance(placed[0], Placed)
