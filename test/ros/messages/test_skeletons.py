"""Markers of people in 3-D."""

from functools import partial

import numpy as np
import pytest

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, PERSON_COLORS, SKELETON
from bodypix_ros.bags.typestore import default_message, rosbags_types, typestore
from bodypix_ros.ros.messages.markers import LIFETIME_NS, MarkerTypes, Skeletons
from bodypix_ros.ros.messages.people import keypoints_3d
from bodypix_ros.space.pose import Placed

STORE = typestore()
CODES = STORE.types["visualization_msgs/msg/Marker"]
TYPES = rosbags_types(STORE)


@pytest.fixture
def skeletons():
    kinds = ("visualization_msgs/msg/MarkerArray", "visualization_msgs/msg/Marker")
    kinds += ("geometry_msgs/msg/Point", "std_msgs/msg/ColorRGBA")
    return Skeletons(MarkerTypes(*(partial(default_message, STORE, kind) for kind in kinds), CODES))


def message(*people):
    header = TYPES.Image().header
    header.frame_id, header.stamp.sec = "front_optical", 9
    return keypoints_3d(TYPES, header, BLAZEPOSE_KEYPOINTS, people)


def person(number, score=0.9):
    points = np.random.default_rng(number or 0).normal(3, 1, (33, 4)).astype(np.float32)
    points[:, 3] = score
    return Placed(number, 0.9, points)


def test_a_person_is_bones_and_joints(skeletons):
    somebody = person(7)
    array = skeletons.markers(message(somebody), 0.3)
    bones, joints = array.markers
    assert (bones.ns, bones.id, bones.type, bones.action) == ("bones", 7, CODES.LINE_LIST, CODES.ADD)
    assert (joints.ns, joints.id, joints.type, joints.action) == ("joints", 7, CODES.SPHERE_LIST, CODES.ADD)
    where = dict(zip(BLAZEPOSE_KEYPOINTS, somebody.points[:, :3].tolist(), strict=True))
    ends = [[point.x, point.y, point.z] for point in bones.points]
    assert ends == [where[name] for bone in SKELETON for name in bone]
    assert [[point.x, point.y, point.z] for point in joints.points] == list(where.values())
    for marker in array.markers:
        assert (marker.header.frame_id, marker.header.stamp.sec) == ("front_optical", 9)
        assert (marker.lifetime.sec, marker.lifetime.nanosec) == (0, LIFETIME_NS)
        assert marker.pose.orientation.w == 1
        assert 0 < marker.scale.x < 0.1
        colour = [round(255 * part) for part in (marker.color.r, marker.color.g, marker.color.b)]
        assert tuple(colour) == PERSON_COLORS[7]
        assert marker.color.a == 1
    name = "visualization_msgs/msg/MarkerArray"
    assert STORE.deserialize_cdr(STORE.serialize_cdr(array, name), name).markers[1].ns == "joints"


def test_those_who_are_gone_are_taken_away_once(skeletons):
    def actions(*people):
        return [(m.ns, m.id, m.action) for m in skeletons.markers(message(*people), 0.3).markers]

    both = [("bones", 1, 0), ("joints", 1, 0), ("bones", 2, 0), ("joints", 2, 0)]
    assert actions(person(1), person(2)) == both
    assert actions(person(2)) == [*both[2:], ("bones", 1, CODES.DELETE), ("joints", 1, CODES.DELETE)]
    assert actions(person(2)) == both[2:]
    assert actions() == [("bones", 2, CODES.DELETE), ("joints", 2, CODES.DELETE)]
    assert actions() == []


def test_keypoints_below_the_score_are_not_shown(skeletons):
    somebody = person(None)
    somebody.points[BLAZEPOSE_KEYPOINTS.index("left_elbow"), 3] = 0.2
    bones, joints = skeletons.markers(message(somebody), 0.3).markers
    assert (bones.id, len(bones.points), len(joints.points)) == (0, 2 * (len(SKELETON) - 2), 32)
    assert skeletons.markers(message(person(None, score=0.1)), 0.3).markers[0].action == CODES.DELETE
