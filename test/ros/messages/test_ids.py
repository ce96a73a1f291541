import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.errors import OptionError
from bodypix_ros.ros.messages.ids import checked_prefix, number_of, text_of
from bodypix_ros.ros.segmenter.parameters import Settings


@given(st.integers(0, 2**63), st.text() | st.text("ab12_-"))
def test_a_number_comes_back_whatever_stands_before_it(number, prefix):
    try:
        prefix = checked_prefix(prefix, "")
    except OptionError:
        return
    assert number_of(text_of(number, prefix)) == number


@pytest.mark.parametrize("text", ["", "front", "7th", "front-", "³", "7 ", "b3c1", "3f", "a0b7"])
def test_what_does_not_end_in_a_number_has_none(text):
    assert number_of(text) is None


def test_without_a_track_there_is_no_id():
    assert text_of(None, "front") == ""


def test_each_camera_has_its_prefix():
    settings = Settings().changed({"cameras": ["front", "robot2/rear"], "id_prefix": "{camera}_"})
    assert settings.node.id_prefixes == {"front": "front_", "robot2/rear": "robot2_rear_"}
    assert Settings().node.id_prefixes == {"": ""}
    assert checked_prefix("a", "") == "a"


@pytest.mark.parametrize(("prefix", "camera"), [("cam1", ""), ("{camera}", "cam1"), ("cam1x", "")])
def test_a_prefix_that_runs_into_the_number_is_refused(prefix, camera):
    with pytest.raises(OptionError, match="must end in another character"):
        Settings().changed({"cameras": [camera], "id_prefix": prefix})
