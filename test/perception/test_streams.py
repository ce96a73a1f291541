"""What streams add: ids, steady keypoints, and options that hold for every family."""

import numpy as np
import pytest

from bodypix_ros.details.options import DetailOptions
from bodypix_ros.options import options_of, replace
from bodypix_ros.segmenters.families import FAMILIES
from support.fake import FakeSegmenter, people_picture


def ids(stream, image, stamp_s):
    return [person.track_id for person in stream.segment(image, stamp=stamp_s).persons]


def test_streams_give_ids_and_segment_does_not():
    with FakeSegmenter() as segmenter:
        image = people_picture()
        front, rear = segmenter.stream(), segmenter.stream()
        assert ids(front, image, 0.0) == [None, None]
        assert ids(front, image, 0.1) == [1, 2]
        assert ids(rear, image, 0.1) == [None, None], "each stream has people of its own"
        assert ids(rear, image, 0.2) == [1, 2]
        assert [person.track_id for person in segmenter.segment(image).persons] == [None, None]
        front.reset()
        assert [ids(front, image, 0.3 + k / 10) for k in range(2)] == [[None, None], [3, 4]]


def test_people_keep_their_ids_with_another_segmenter():
    image = people_picture()
    with FakeSegmenter() as first, FakeSegmenter() as second:
        stream = first.stream()
        for k in range(2):
            ids(stream, image, k / 10)
        assert ids(second.stream(stream), image, 0.2) == [1, 2]


def test_options_change_while_running():
    with FakeSegmenter() as segmenter:
        image, stream = people_picture(), segmenter.stream()
        for k in range(2):
            ids(stream, image, k / 10)
        segmenter.update(tracking=False)
        assert ids(stream, image, 0.2) == [None, None]
        segmenter.update(tracking=True, max_age=0.5)
        assert [ids(stream, image, t) for t in (0.3, 0.4)] == [[None, None], [3, 4]]
        assert ids(stream, image, 2.0) == [None, None], "more than three times max_age later"


def test_keypoints_are_smoothed_only_if_asked():
    for smooth in (True, False):
        with FakeSegmenter() as segmenter:
            segmenter.update(smooth=smooth)
            stream = segmenter.stream()
            for k in range(4):
                image = np.roll(people_picture(people=1), k % 2, axis=1)
                (one,) = stream.segment(image, stamp=k / 30).persons
            (raw,) = segmenter.segment(image).persons
            assert np.array_equal(one.keypoints, raw.keypoints) != smooth
            assert np.abs(one.keypoints - raw.keypoints).max() < 1.5


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_the_options_of_streams(family):
    known = options_of(FAMILIES[family].options)
    for name, option in options_of(DetailOptions).items():
        assert known[name] == option
        assert option.live


def test_older_names_are_accepted_and_said_to_be_old():
    for older in ("smooth_landmarks", "smooth_masks"):
        with pytest.warns(FutureWarning, match=f"{older} is now called smooth"):
            assert replace(FAMILIES["blazepose"].options(), {older: False}).smooth is False
    with FakeSegmenter() as segmenter:
        with pytest.warns(FutureWarning, match="smooth_masks is now called smooth"):
            segmenter.update(smooth_masks=False)
        assert segmenter.options.smooth is False
