"""Persons placed by the depth of a robot's own camera: three recordings with people."""

import numpy as np
import pytest

import bodypix_ros
from bodypix_ros.space import Lens, place
from support.recordings import NAMES, recording


@pytest.fixture(scope="module")
def segmenter(data_dir):
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models") as loaded:
        yield loaded


@pytest.mark.parametrize("name", NAMES)
def test_the_nearest_person_stands_where_most_of_the_pixels_are(data_dir, segmenter, name):
    shot = recording(data_dir, name)
    scene = segmenter.segment(shot.image, "rgb8")
    placed = place(scene, shot.depth, Lens.from_info(shot.info))
    posed = [k for k, person in enumerate(scene.persons) if person.has_pose and placed[k].is_placed]
    nearest = min(posed, key=lambda k: placed[k].distance)
    inside = scene.instance_mask == nearest + 1
    for _ in range(8):  # the mask's core
        inside[1:-1, 1:-1] &= inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    depths = shot.depth[inside]
    depths = depths[np.isfinite(depths)]
    counts, edges = np.histogram(depths, np.arange(0.3, 10, 0.1))
    most = edges[counts.argmax()] + 0.05
    dominant = np.median(depths[np.abs(depths - most) < 0.3])
    assert 1.5 < dominant < 2.5
    assert abs(placed[nearest].distance - dominant) < 0.07
    cluster = depths[np.abs(depths - dominant) < 0.4]
    for k in posed:
        one = placed[k]
        points = one.keypoints[one.keypoints[:, 3] > 0]
        own = shot.depth[scene.instance_mask == k + 1]
        own = own[np.isfinite(own) & (np.abs(own - one.position[2]) < 0.3 + 0.01 * own**2)]
        low, high = (cluster if k == nearest else own).min(), (cluster if k == nearest else own).max()
        assert (points[:, 2] > low - 0.15).all()
        assert (points[:, 2] < high + 0.15).all()
    assert (placed[nearest].keypoints[:, 3] > 0).sum() >= 10
