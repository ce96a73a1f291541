"""Frames, and the frame of a body."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.space.body import body
from bodypix_ros.space.frames import Frame, quaternion, rotation_of
from bodypix_ros.space.placing import of_points


@given(st.tuples(*3 * [st.floats(-3.1, 3.1)]))
@settings(max_examples=200, deadline=None)
def test_rotations_and_quaternions_are_each_others_way_back(turn):
    rotation = cv2.Rodrigues(np.array(turn))[0]
    x, y, z, w = quaternion(rotation)
    assert np.linalg.norm((x, y, z, w)) == pytest.approx(1)
    assert w >= 0
    np.testing.assert_allclose(rotation_of(x, y, z, w), rotation, atol=1e-9)
    np.testing.assert_allclose(rotation_of(3 * x, 3 * y, 3 * z, 3 * w), rotation, atol=1e-9)


def test_the_optical_frame_of_a_camera_that_looks_along_x():
    frame = Frame("base", rotation_of(-0.5, 0.5, -0.5, 0.5), np.array([0.1, 0.0, 1.2]))
    np.testing.assert_allclose(frame.points(np.array([0.5, 0.2, 2.0])), [2.1, -0.5, 1.0], atol=1e-12)
    np.testing.assert_allclose(frame.covariance(np.diag([1.0, 2, 3])), np.diag([3.0, 1, 2]), atol=1e-12)
    assert frame.points(np.zeros((4, 3), np.float32)).dtype == np.float32


def somebody(**places):
    points = np.full((17, 4), np.nan, np.float32)
    points[:, 3] = 0
    for name, place in places.items():
        points[KEYPOINTS.index(name)] = (*place, 0.9)
    return of_points(points)


FACING = {
    "left_hip": (0.15, 0.4, 3.0), "right_hip": (-0.15, 0.4, 3.0),
    "left_shoulder": (0.2, -0.2, 3.0), "right_shoulder": (-0.2, -0.2, 3.0),
}  # fmt: skip


def test_the_frame_of_a_body_is_between_the_hips_looks_forward_and_up():
    origin, axes = body(somebody(**FACING), KEYPOINTS)
    np.testing.assert_allclose(origin, (0, 0.4, 3), atol=1e-6)
    np.testing.assert_allclose(axes, np.column_stack([(0, 0, -1), (1, 0, 0), (0, -1, 0)]), atol=1e-6)
    other = {"left": "right", "right": "left"}
    away = {f"{other[side]}_{joint}": place for (side, _, joint), place in
            ((name.partition("_"), place) for name, place in FACING.items())}  # fmt: skip
    _, axes = body(somebody(**away), KEYPOINTS)
    np.testing.assert_allclose(axes[:, 0], (0, 0, 1), atol=1e-6)


@pytest.mark.parametrize("places", [{"nose": (0.5, -0.4, 2.0)}, {"left_hip": (0.2, 0.3, 2.0)}, FACING])
def test_the_frame_of_a_body_is_a_rotation_whatever_is_seen(places):
    placed = somebody(**places)
    origin, axes = body(placed, KEYPOINTS)
    assert np.isfinite(origin).all()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert axes[:, 0] @ placed.position < 0  # towards the camera
