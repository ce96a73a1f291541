"""Lenses: camera_info of binned and cut images, what an angle of view gives, and rays of pixels."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from bodypix_ros.errors import PlacingError
from bodypix_ros.space import Lens
from support.rooms import BENT, HEIGHT, WIDTH, K, camera_info


def region(**values):
    return SimpleNamespace(**{"x_offset": 0, "y_offset": 0, "width": 0, "height": 0, **values})


def test_binned_and_cut_images_see_what_the_sensor_sees():
    whole = Lens.from_info(camera_info(d=BENT))
    binned = Lens.from_info(camera_info(d=BENT, binning_x=2, binning_y=2))
    assert (binned.width, binned.height) == (320, 240)
    np.testing.assert_allclose(binned.rays([[100, 60]]), whole.rays([[200, 120]]), atol=1e-9)
    cut = Lens.from_info(camera_info(d=BENT, roi=region(x_offset=100, y_offset=40, width=320, height=200)))
    assert (cut.width, cut.height) == (320, 200)
    np.testing.assert_allclose(cut.rays([[20, 30]]), whole.rays([[120, 70]]), atol=1e-9)
    both = Lens.from_info(
        camera_info(binning_x=2, binning_y=2, roi=region(x_offset=100, y_offset=40, width=320, height=200))
    )
    assert (both.width, both.height) == (160, 100)
    both.check(160, 100)


def test_an_angle_of_view_reaches_from_edge_to_edge():
    lens = Lens.from_fov(640, 480, 90)
    left, right = lens.rays([[-0.5, 239.5], [639.5, 239.5]])
    assert np.degrees(np.arctan(right[0]) - np.arctan(left[0])) == pytest.approx(90)
    assert left[1] == pytest.approx(0)
    for wrong in ((0, 480, 60), (640, 480, 0), (640, 480, 180), (640, 480, float("nan"))):
        with pytest.raises(PlacingError, match="no lens sees"):
            Lens.from_fov(*wrong)


@pytest.mark.parametrize("size", [{"width": 0}, {"height": 0}, {"binning_x": 1000}])
def test_images_without_pixels_have_no_lens(size):
    with pytest.raises(PlacingError, match="give their width and height"):
        Lens.from_info(camera_info(**size))


def test_a_camera_info_without_a_matrix_has_no_lens():
    with pytest.raises(PlacingError, match="no camera matrix"):
        Lens.from_info(camera_info(k=()))


@pytest.mark.parametrize("d", [(), BENT])
def test_the_table_has_the_ray_of_every_pixel_and_is_made_once(d):
    lens = Lens.from_info(camera_info(d=d))
    table = lens.table()
    assert table.shape == (HEIGHT, WIDTH, 2)
    assert table is lens.table()
    assert not table.flags.writeable
    for x, y in ((60, 60), (570, 430), (17, 300)):
        ray = np.append(table[y, x], 1).astype(np.float64)
        seen, _ = cv2.projectPoints(ray[None], np.zeros(3), np.zeros(3), K, np.array(d or [0.0] * 5))
        np.testing.assert_allclose(seen.ravel(), (x, y), atol=0.05)


def test_a_ray_where_the_distortion_has_no_inverse_is_nearly_right():
    lens = Lens.from_info(camera_info(d=BENT))
    plain = Lens.from_info(camera_info())
    corners = [[0, 0], [639, 0], [0, 479], [639, 479]]
    np.testing.assert_allclose(lens.rays(corners), plain.rays(corners), atol=0.12)
    assert np.abs(lens.table() - plain.table()).max() < 0.12
    assert lens.rays(np.zeros((0, 2))).shape == (0, 2)
