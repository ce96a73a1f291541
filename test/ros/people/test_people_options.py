"""The parameters of people_node: what is refused and why."""

import pytest

from bodypix_ros.errors import OptionError
from bodypix_ros.ros.people.options import PlacesOptions


@pytest.mark.parametrize(
    ("changes", "configured", "reason"),
    [
        ({"slop": -0.1}, False, "slop is -0.1, but must be a number from 0"),
        ({"stride": 0}, True, "stride is 0, but must be a whole number from 1 to 64"),
        ({"follow": ""}, True, "follow is '', but must be nearest, largest, none or an id"),
        ({"follow": 1.5}, True, "follow is 1.5"),
        ({"target_frame": "map"}, True, "target_frame can only be set while the node is unconfigured"),
        ({"cameras": ["a", "a"]}, False, "cameras has a name twice"),
        ({"depth_unit": True}, True, "depth_unit is True"),
    ],
)
def test_what_may_not_be_is_refused(changes, configured, reason):
    with pytest.raises(OptionError, match=reason):
        PlacesOptions().changed(changes, configured=configured)


def test_what_may_be_is_taken():
    options = PlacesOptions().changed({"cameras": ["front", "rear"], "follow": 7, "use_sim_time": True})
    assert options.camera_names == ("front", "rear")
    assert options.follow == "7"
    assert options.changed({"target_frame": "", "slop": 0.2}, configured=True).slop == 0.2
    assert PlacesOptions().camera_names == ("",)
    assert not options.is_always_wanted
    assert options.changed({"ros4hri": True}).is_always_wanted
