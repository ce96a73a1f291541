"""One image's way through people_node, without ROS: what is published of it, and why nothing is."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.bags.typestore import giver, rosbags_types, typestore
from bodypix_ros.ros.messages import humans, images, people
from bodypix_ros.ros.messages.placed import PERSONS_3D, PLACED_OUTPUTS, People, persons_3d
from bodypix_ros.ros.messages.stencil import Stencils
from bodypix_ros.ros.people.frames import NoFrameError, NoTransformError
from bodypix_ros.ros.people.joining import Joined
from bodypix_ros.ros.people.options import PlacesOptions
from bodypix_ros.ros.people.placing import Camera, Placer
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space import Lens
from bodypix_ros.space.crowd import Crowd, Found
from bodypix_ros.space.frames import Frame, rotation_of
from bodypix_ros.space.placing import of_points
from bodypix_ros.space.pose import Placed
from support.rig import serialize

STORE = typestore()
GIVE, TYPES = giver(STORE), rosbags_types(STORE)
HEIGHT, WIDTH = 120, 160
AHEAD = rotation_of(-0.5, 0.5, -0.5, 0.5)
TICK_NS = 66_000_000


class Transforms:
    """Where the camera is in odom at a time, by a function; `shift` is between the depth camera and it."""

    def __init__(self, at=None, shift=None):
        self.at, self.shift, self.cleared = at, shift, 0

    def lookup(self, target, source, stamp_ns):
        if target == "odom":
            if self.at is None:
                raise NoFrameError("no transform from camera to odom: there is no odom")
            return Frame("odom", AHEAD, np.array([self.at(stamp_ns / 1e9), 0.0, 1.0]))
        if self.shift is None:
            raise NoFrameError("no such frame")
        return Frame(target, np.eye(3), np.array([self.shift, 0.0, 0.0]))

    def clear(self):
        self.cleared += 1


class Stage:
    def __init__(self, *topics, transforms=None, **options):
        self.topics, self.published, self.said, self.sent = topics, {}, [], []
        self.camera = Camera("", self, Crowd(), None, None)
        self.camera.lens = Lens.from_fov(WIDTH, HEIGHT, 60)
        self.transforms = transforms or Transforms()
        log = SimpleNamespace(info=self.said.append, warning=self.said.append, error=self.said.append)
        changed = PlacesOptions().changed(options)
        self.placer = Placer([self.camera], changed, GIVE, serialize, self.transforms, self.sent.append, log)
        self.placer.stop()  # here it is this thread that places
        self.stamp_ns = 100 * 10**9

    def listeners(self, topic):
        return int(topic in self.topics)

    def publish(self, topic, message):
        if isinstance(message, bytes):
            message = STORE.deserialize_cdr(message, PLACED_OUTPUTS[topic].kind)
        self.published.setdefault(topic, []).append(message)

    def show(self, *persons, metres=2.0, lag_ns=0, frame="camera", depth_frame="camera", without_depth=None):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for k, person in enumerate(persons, 1):
            x0, y0, x1, y1 = person.box
            mask[y0:y1, x0:x1] = k
        seen = Scene(mask > 0, mask, None, None, persons, KEYPOINTS)
        header = TYPES.Image().header
        header.frame_id = frame
        header.stamp.sec, header.stamp.nanosec = divmod(self.stamp_ns, 10**9)
        messages = {
            "instance_mask": images.label_image(TYPES, header, mask),
            "persons": people.persons(TYPES, header, seen),
            "keypoints": people.keypoints(TYPES, header, seen),
        }
        depth = images.label_image(TYPES, header, mask)
        depth.encoding, depth.step = "32FC1", 4 * WIDTH
        depth.data = np.full((HEIGHT, WIDTH), metres, np.float32).view(np.uint8).ravel()
        depth.header = type(header)(stamp=header.stamp, frame_id=depth_frame)
        if without_depth is not None:
            messages["keypoints_3d"] = people.keypoints_3d(TYPES, header, KEYPOINTS, without_depth)
            depth = None
        self.placer._process(self.camera, Joined(self.stamp_ns, messages, depth, lag_ns, 0.0))
        self.stamp_ns += TICK_NS

    @property
    def notes(self):
        return self.camera.statistics.notes


def somebody(track_id=None, box=(60, 20, 100, 110)):
    x0, y0, x1, y1 = box
    points = np.column_stack(
        [np.linspace(x0 + 5, x1 - 5, 17), np.linspace(y0 + 5, y1 - 5, 17), np.full(17, 0.9)]
    )
    return Person(0.8, box, points.astype(np.float32), None, track_id)


def place_of(message, k=0):
    position = message.detections[k].results[0].pose.pose.position
    return np.array([position.x, position.y, position.z])


def test_nothing_is_computed_that_nobody_wants():
    stage = Stage()
    stage.show(somebody(1))
    assert stage.published == {}
    assert stage.camera.statistics.placed == 0


def test_places_are_in_the_target_frame_with_their_covariance():
    stage = Stage("persons_3d", transforms=Transforms(lambda s: 5.0), target_frame="odom")
    stage.show(somebody(1))
    (message,) = stage.published["persons_3d"]
    assert message.header.frame_id == "odom"
    x, y, z = place_of(message)
    assert (x, y) == (pytest.approx(7.0, abs=0.01), pytest.approx(0.0, abs=0.03))
    assert z < 1.05
    covariance = np.reshape(message.detections[0].results[0].pose.covariance, (6, 6))
    assert covariance[0, 0] > 1e-4
    way = message.detections[0].bbox.center.orientation
    np.testing.assert_allclose((way.x, way.y, way.z, way.w), (-0.5, 0.5, -0.5, 0.5))


def test_a_transform_that_is_not_there_is_an_error_that_names_it():
    stage = Stage("persons_3d", target_frame="odom")
    with pytest.raises(NoTransformError, match="there is no odom"):
        stage.show(somebody(1))


def test_the_frame_of_the_filter_is_the_cameras_where_tf_has_no_other_and_that_is_said():
    stage = Stage("persons_3d/tracks", "followed")
    stage.show(somebody(1))
    assert stage.published["persons_3d/tracks"][0].header.frame_id == "camera"
    assert stage.published["followed"][0].header.frame_id == "camera"
    assert "there is no odom" in stage.notes["fixed_frame"]


def test_a_robot_that_drives_sees_people_who_stand_stand():
    stage = Stage("persons_3d/tracks", transforms=Transforms(lambda s: s - 100))
    for k in range(30):
        stage.show(somebody(7), metres=10.0 - k * TICK_NS / 1e9)
    (track,) = stage.camera.crowd.tracks
    assert np.linalg.norm(track.velocity) < 0.1
    assert track.position[0] == pytest.approx(10.0, abs=0.05)


@pytest.mark.parametrize(("drives", "expected"), [(0.0, 0.0), (1.0, 0.1)])
def test_late_depth_is_made_up_for_only_where_the_camera_stands(drives, expected):
    """Somebody comes at 1 m/s, and the depth is 0.1 s old: 0.1 m too far, unless that is made up for."""
    stage = Stage("persons_3d", "followed", transforms=Transforms(lambda s: drives * (s - 100)))
    for k in range(30):
        t = k * TICK_NS / 1e9
        stage.show(somebody(7), metres=6.0 - (1.0 + drives) * t + 0.1, lag_ns=100_000_000)
    truth = 6.0 - (1.0 + drives) * 29 * TICK_NS / 1e9
    assert place_of(stage.published["persons_3d"][-1])[2] - truth == pytest.approx(expected, abs=0.03)


def test_people_without_ids_are_placed_and_the_rest_rests():
    stage = Stage("persons_3d", "persons_3d/tracks", "followed")
    stage.show(somebody())
    assert stage.published["persons_3d"][0].detections[0].id == ""
    assert stage.published["persons_3d/tracks"][0].width == 0
    assert "followed" not in stage.published
    assert "nobody has an id" in stage.notes["followed"]


def test_depth_from_elsewhere_is_refused_or_at_least_said():
    stage = Stage("persons_3d", transforms=Transforms(shift=0.05))
    with pytest.raises(ValueError, match=r"depth is not registered: it is seen from depth, 5.0 cm"):
        stage.show(somebody(1), depth_frame="depth")
    stage = Stage("persons_3d", transforms=Transforms(shift=0.0))
    stage.show(somebody(1), depth_frame="depth")
    assert stage.notes == {}
    stage = Stage("persons_3d")
    stage.show(somebody(1), depth_frame="depth")
    assert "nothing says that it is registered" in stage.notes["depth"]
    stage.camera.misfit = "depth is not registered: of another view"
    with pytest.raises(ValueError, match="of another view"):
        stage.show(somebody(1))


@pytest.mark.parametrize("metres", [np.nan, 0.0, np.inf])
def test_holes_place_nobody_and_that_is_said(metres):
    stage = Stage("persons_3d")
    stage.show(somebody(1), metres=metres)
    assert stage.published["persons_3d"][0].detections == []
    assert "nobody has a place" in stage.notes["persons_3d"]


def test_metres_in_millimetres_are_doubted():
    stage = Stage("persons_3d")
    stage.show(somebody(1), metres=2000.0)
    assert "set depth_unit" in stage.notes["depth"]
    stage = Stage("persons_3d", depth_unit=0.001)
    stage.show(somebody(1), metres=2000.0)
    assert place_of(stage.published["persons_3d"][0])[2] == pytest.approx(2.0)


def test_without_depth_the_metres_of_the_model_are_a_place():
    stage = Stage("persons_3d", "persons_3d/keypoints")
    points = np.column_stack([np.linspace(-1, 1, 17), np.zeros(17), np.full(17, 3.0), np.full(17, 0.9)])
    placed = [Placed(7, 0.8, points.astype(np.float32))]
    stage.show(somebody(5, (0, 0, 20, 60)), somebody(7), without_depth=placed)
    (message,) = stage.published["persons_3d"]
    assert [one.id for one in message.detections] == ["7"]
    np.testing.assert_allclose(place_of(message), (0, 0, 3), atol=1e-6)
    assert len(stage.published["persons_3d/keypoints"][0].detections[0].results) == 17
    assert "an estimate" in stage.notes["depth"]


def test_time_that_goes_back_forgets_tf_and_tracks():
    stage = Stage("persons_3d/tracks", transforms=Transforms(lambda s: 0.0))
    for _ in range(3):
        stage.show(somebody(1))
    stage.stamp_ns -= 3600 * 10**9
    stage.show(somebody(2))
    assert stage.transforms.cleared == 1
    assert [track.id for track in stage.camera.crowd.tracks] == ["2"]
    assert any("time went back" in text for text in stage.said)


def test_bodies_are_on_tf_by_their_ids():
    stage = Stage(publish_tf=True)
    stage.show(somebody(7), somebody(None, (0, 0, 30, 100)))
    ((transform,),) = stage.sent
    assert transform.child_frame_id == "body_7"
    assert transform.header.frame_id == "camera"
    assert transform.transform.translation.z == pytest.approx(2.0)


def test_ids_of_ros4hri_begin_with_a_letter():
    assert [humans.body_id(name) for name in ("7", "front7", "_x", "a-b")] == ["b7", "front7", "b_x", "a_b"]


def test_bodies_of_all_cameras_are_in_one_list_and_a_name_that_two_have_is_said():
    """REP-155 has one list of bodies, whichever camera sees them."""
    stage = Stage(ros4hri=True)
    front, rear = (Camera(name, stage, Crowd(), None, None) for name in ("front", "rear"))
    front.newest_ns = rear.newest_ns = 100 * 10**9
    assert stage.placer._others(front, ["bfront_1"]) == []
    assert stage.placer._others(rear, ["brear_1"]) == ["bfront_1"]
    assert stage.said == []
    assert stage.placer._others(rear, ["bfront_1"]) == ["bfront_1"]
    assert "body bfront_1 is of several cameras" in stage.said[0]
    assert "id_prefix" in stage.said[0]
    rear.newest_ns += 3 * 10**9  # the other camera has shown nothing for so long
    assert stage.placer._others(rear, ["brear_1"]) == []


def test_an_id_that_nobody_has_is_the_reason_for_nobody_to_follow():
    stage = Stage("followed", follow="99")
    stage.show(somebody(1))
    stage.show(somebody(1))
    assert "followed" not in stage.published
    assert "nobody who is seen has the id '99'" in stage.notes["followed"]


@given(
    seed=st.integers(0, 2**32 - 1),
    ids=st.lists(st.text("ab1_", max_size=4), max_size=4),
    stamp=st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 10**9 - 1)),
)
def test_filled_in_persons_equal_serialised_ones(seed, ids, stamp):
    random = np.random.default_rng(seed)
    stencils = Stencils(lambda _, people: persons_3d(GIVE, people), PERSONS_3D, serialize)
    header = TYPES.Image().header
    header.stamp.sec, header.stamp.nanosec = stamp
    for name in ("odom", "odom", "camera"):
        found = [
            Found(k + 1, one, random.random(), of_points(random.normal(size=(5, 4)).astype(np.float32)))
            for k, one in enumerate(ids)
        ]
        target = Frame(name, rotation_of(*random.normal(size=4)), random.normal(size=3))
        seen = People(header, found, KEYPOINTS, target)
        assert stencils(header, seen) == serialize(persons_3d(GIVE, seen))
