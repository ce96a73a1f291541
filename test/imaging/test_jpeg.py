"""What a JPEG tells of how it was encoded, compared with how it was encoded."""

import cv2
import numpy as np
import pytest

from bodypix_ros.imaging.jpeg import settings_of
from support.fake import people_picture
from support.pictures import encoded, exif, jpeg_with

SAMPLINGS = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 80, 90, 95, 100])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_quality_and_sampling_are_those_it_was_made_with(quality, sampling):
    asked = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    assert settings_of(encoded(".jpg", people_picture(), *asked)) == asked


def test_grey_and_progressive_ones_have_no_sampling_but_a_quality():
    grey = cv2.cvtColor(people_picture(), cv2.COLOR_BGR2GRAY)
    assert settings_of(encoded(".jpg", grey, cv2.IMWRITE_JPEG_QUALITY, 70)) == [cv2.IMWRITE_JPEG_QUALITY, 70]
    progressive = encoded(
        ".jpg", people_picture(), cv2.IMWRITE_JPEG_QUALITY, 60, cv2.IMWRITE_JPEG_PROGRESSIVE, 1
    )
    assert settings_of(progressive)[:2] == [cv2.IMWRITE_JPEG_QUALITY, 60]


def test_what_stands_before_the_tables_is_passed_over():
    data = encoded(".jpg", people_picture(), cv2.IMWRITE_JPEG_QUALITY, 42)
    assert settings_of(jpeg_with(data, exif(6)))[1] == 42


def test_what_is_cut_off_or_no_jpeg_gives_the_finest_quality_or_what_was_read():
    data = encoded(".jpg", people_picture(), cv2.IMWRITE_JPEG_QUALITY, 42)
    for size in range(0, 700, 7):
        assert settings_of(data[:size])[1] in (42, 95)
    noise = np.random.default_rng(1).integers(0, 256, 400, np.uint8).tobytes()
    assert settings_of(b"\xff\xd8" + noise)[0] == cv2.IMWRITE_JPEG_QUALITY
