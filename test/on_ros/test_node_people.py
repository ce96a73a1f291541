"""The people node on a real ROS 2: places, tracks, whom to follow, tf, ROS4HRI; and every fault said."""

import numpy as np
import pytest
from geometry_msgs.msg import PointStamped, PoseStamped, TwistStamped
from sensor_msgs.msg import Image, PointCloud2
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from bodypix_ros.ros.messages.clouds import PIXEL, TRACK
from on_ros.harness import NodeProcess, wait_until
from on_ros.robot import FRAME, HEIGHT, WIDTH, Robot, depth, person, scene

PROGRAM = ("-m", "bodypix_ros.ros.people_node")
TWO = scene(person((100, 100, 220, 400), 7), person((400, 150, 480, 380), 9))
DEPTH = depth(TWO, {1: 2.0, 2: 3.5})


@pytest.fixture
def robot(peer, request):
    """A camera, of a namespace of its own: the publishers of other tests stay."""
    return Robot(peer, f"/{request.node.name.partition('[')[0]}/")


def start(robot, **parameters):
    prefix = robot.publishers["persons"].topic_name.rpartition("/")[0]
    return NodeProcess("-r", f"__ns:={prefix}", program=PROGRAM, name="people", **parameters)


def first(peer, robot, topic, kind, *, show=None, least=1):
    """Subscribe, and show until something comes."""
    prefix = robot.publishers["persons"].topic_name.rpartition("/")[0]
    received = peer.subscribe(f"{prefix}/{topic}", kind)
    show = show or (lambda: robot.show(TWO, DEPTH))
    wait_until(lambda: len(received.messages) >= least, topic, also=show)
    peer.unsubscribe(received)
    return received.messages


def message_of(peer, node, robot, text, show, topic="persons_3d"):
    """Show until the diagnostics of the camera say something, while somebody listens."""
    prefix = robot.publishers["persons"].topic_name.rpartition("/")[0]
    received = peer.subscribe(f"{prefix}/{topic}", Detection3DArray)
    name = f"{node.title}: camera"

    def said():
        status = peer.diagnostics.get(name)
        if status is None:
            return False
        told = [status.message, *(f"{item.key}: {item.value}" for item in status.values)]
        return any(text in line for line in told)

    wait_until(said, f"diagnostics say {text!r}:\n{node.output}", also=show)
    peer.unsubscribe(received)
    return received.messages


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_people_are_placed_in_metres(peer, robot, encoding):
    robot.encoding = encoding
    with start(robot):
        message = first(peer, robot, "persons_3d", Detection3DArray)[-1]
        assert message.header.frame_id == FRAME
        near, far = message.detections
        assert (near.id, far.id) == ("7", "9")
        for one, z, middle in ((near, 2.0, (159.5, 249.5)), (far, 3.5, (439.5, 264.5))):
            position = one.results[0].pose.pose.position
            assert one.results[0].hypothesis.class_id == "person"
            assert position.z == pytest.approx(z, abs=0.002)
            assert position.x == pytest.approx(z * (middle[0] - (WIDTH - 1) / 2) / 500, abs=0.02)
            assert position.y == pytest.approx(z * (middle[1] - (HEIGHT - 1) / 2) / 500, abs=0.02)
            covariance = np.reshape(one.results[0].pose.covariance, (6, 6))
            assert (np.linalg.eigvalsh(covariance) > 0).all()
        assert near.bbox.size.x == pytest.approx(120 / 500 * 2, abs=0.03)
        points = first(peer, robot, "persons_3d/keypoints", Detection3DArray)[-1]
        assert len(points.detections[0].results) == 17
        assert points.detections[1].results[0].pose.pose.position.z == pytest.approx(3.5, abs=0.002)


def test_clouds_tracks_whom_to_follow_and_markers(peer, robot):
    with start(robot) as node:
        cloud = first(peer, robot, "persons_3d/points", PointCloud2, least=6)[-1]
        rows = np.frombuffer(bytes(cloud.data), PIXEL)
        assert set(rows["id"]) == {7, 9}
        assert set(np.round(rows["z"], 2)) == {np.float32(2.0), np.float32(3.5)}
        assert set(rows["part"]) == {13}
        assert set(rows["rgb"]) == {0x636363}
        fields = {field.name: (field.datatype, field.offset) for field in cloud.fields}
        assert fields["rgb"] == (7, 12)
        tracks = first(peer, robot, "persons_3d/tracks", PointCloud2, least=5)[-1]
        rows = np.frombuffer(bytes(tracks.data), TRACK)
        assert sorted(rows["id"]) == [7, 9]
        assert np.abs(rows["vx"]).max() < 0.05
        followed = first(peer, robot, "followed", PoseStamped)[-1]
        assert followed.pose.position.z == pytest.approx(2.0, abs=0.01)
        for wanted, z in (("9", 3.5), ("nearest", 2.0), ("largest", 2.0)):
            assert peer.set(f"{node.title}", "follow", wanted).successful
            latest = first(peer, robot, "followed", PoseStamped, least=5)[-1]
            assert latest.pose.position.z == pytest.approx(z, abs=0.05)
        markers = first(peer, robot, "persons_3d/markers", MarkerArray)[-1].markers
        assert {marker.ns for marker in markers} >= {"bones", "joints", "ids"}
        assert "7  2.1 m" in {marker.text for marker in markers}
        peer.set(node.title, "organized", True)
        cloud = first(peer, robot, "persons_3d/points", PointCloud2, least=4)[-1]
        assert (cloud.height, cloud.width) == (HEIGHT, WIDTH)
        assert not cloud.is_dense
        z = np.frombuffer(bytes(cloud.data), PIXEL)["z"].reshape(HEIGHT, WIDTH)
        assert (np.isfinite(z) == (TWO.instance_mask > 0)).all()


def test_nothing_is_received_while_nobody_listens(peer, robot):
    with start(robot) as node:
        node.wait_for("active")
        assert robot.publishers["persons"].get_subscription_count() == 0
        name = f"{node.title}: camera"
        wait_until(
            lambda: name in peer.diagnostics and peer.diagnostics[name].message == "idle: nobody subscribes",
            "idle",
        )
        first(peer, robot, "persons_3d", Detection3DArray)
        wait_until(lambda: robot.publishers["persons"].get_subscription_count() == 0, "rest")
        assert robot.publishers["depth/image"].get_subscription_count() == 0


def test_frames_of_tf_at_the_stamp_of_the_image(peer, robot):
    """The robot drives at 3 m/s: a transform of another time is wrong by 10 cm a frame."""

    def show():
        stamp_ns = robot.tick()
        seconds = (stamp_ns - robot.start_ns) / 1e9
        robot.transform("odom", FRAME, stamp_ns, x=3.0 * seconds)
        robot.publish(TWO, DEPTH, stamp_ns)

    with start(robot, target_frame="odom") as node:
        messages = first(peer, robot, "persons_3d", Detection3DArray, show=show, least=10)
        for message in messages[2:]:
            assert message.header.frame_id == "odom"
            stamp_ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            x = 3.0 * (stamp_ns - robot.start_ns) / 1e9
            position = message.detections[0].results[0].pose.pose.position
            assert position.x == pytest.approx(2.0 + x, abs=0.02)  # odom's x is the camera's z
        tracks = first(peer, robot, "persons_3d/tracks", PointCloud2, show=show, least=10)[-1]
        assert tracks.header.frame_id == "odom"
        rows = np.frombuffer(bytes(tracks.data), TRACK)
        assert rows["vx"] == pytest.approx(3.0, abs=0.4)  # they keep their distance
        text = "no transform from camera_optical to odom"
        peer.diagnostics.clear()
        message_of(peer, node, robot, text, lambda: robot.show(TWO, DEPTH))


def test_a_frame_that_tf_does_not_have_is_said(peer, robot):
    with start(robot) as node:
        received = first(peer, robot, "persons_3d/tracks", PointCloud2)
        assert received[-1].header.frame_id == FRAME
        peer.diagnostics.clear()
        prefix = robot.publishers["persons"].topic_name.rpartition("/")[0]
        tracks = peer.subscribe(f"{prefix}/persons_3d/tracks", PointCloud2)
        message_of(
            peer, node, robot, "fixed_frame: tracks are in camera_optical", lambda: robot.show(TWO, DEPTH)
        )
        peer.unsubscribe(tracks)


def test_bodies_are_on_tf(peer, robot):
    with start(robot, publish_tf=True):
        received = peer.subscribe("/tf", TFMessage)

        def bodies():
            return {
                one.child_frame_id: one for message in received.messages for one in message.transforms
                if one.header.frame_id == FRAME
            }  # fmt: skip

        wait_until(
            lambda: {"body_7", "body_9"} <= bodies().keys(), "bodies", also=lambda: robot.show(TWO, DEPTH)
        )
        near = bodies()["body_7"].transform
        assert near.translation.z == pytest.approx(2.0, abs=0.01)
        peer.unsubscribe(received)


def test_ros4hri(peer, robot):
    hri = pytest.importorskip("hri_msgs.msg")
    with start(robot, ros4hri=True):
        received = {
            "/humans/bodies/tracked": hri.IdsList,
            "/humans/bodies/b7/roi": hri.NormalizedRegionOfInterest2D,
            "/humans/bodies/b7/skeleton2d": hri.Skeleton2D,
            "/humans/bodies/b7/cropped": Image,
            "/humans/bodies/b7/position": PointStamped,
            "/humans/bodies/b7/velocity": TwistStamped,
        }
        received = {topic: peer.subscribe(topic, kind) for topic, kind in received.items()}
        wait_until(
            lambda: all(len(one.messages) > 3 for one in received.values()),
            "bodies",
            also=lambda: robot.show(TWO, DEPTH),
        )
        tracked, roi, skeleton, cropped, position, velocity = (one.messages[-1] for one in received.values())
        assert (cropped.height, cropped.width, cropped.encoding) == (300, 120, "bgr8")
        assert position.point.z == pytest.approx(2.0, abs=0.01)
        assert abs(velocity.twist.linear.z) < 0.05
        assert list(tracked.ids) == ["b7", "b9"]
        assert (roi.xmin, roi.xmax) == pytest.approx((100 / WIDTH, 220 / WIDTH))
        neck = skeleton.skeleton[hri.Skeleton2D.NECK]
        assert neck.x == pytest.approx(160 / WIDTH, abs=0.01)
        assert neck.c == pytest.approx(0.9)
        peer.unsubscribe(*received.values())


def test_why_nobody_has_a_place_is_in_the_diagnostics(peer, robot):
    with start(robot) as node:
        message_of(peer, node, robot, "no frame on", lambda: None)
        message_of(
            peer,
            node,
            robot,
            "waiting for camera_info",
            lambda: robot.show(TWO, DEPTH, without=("camera_info",)),
        )
        peer.diagnostics.clear()
        robot.lag_ns, robot.step_ns = 80_000_000, 200_000_000
        message_of(peer, node, robot, "apart, more than slop (0.05 s)", lambda: robot.show(TWO, DEPTH))
        robot.lag_ns, robot.step_ns = 0, 33_000_000
        small = np.full((400, 640), 2.0, np.float32)
        message_of(peer, node, robot, "not the same view", lambda: robot.show(TWO, small))
        nothing = np.full((HEIGHT, WIDTH), np.nan, np.float32)
        message_of(peer, node, robot, "nobody has a place", lambda: robot.show(TWO, nothing))
        far = depth(TWO, {1: 2000.0, 2: 3500.0}, 6000.0)
        robot.encoding = "32FC1"
        message_of(peer, node, robot, "set depth_unit", lambda: robot.show(TWO, far))
        robot.encoding = "16UC1"
        robot.depth_frame = "depth_optical"
        robot.transform(FRAME, "depth_optical", 0, x=0.05, turn=(0.0, 0.0, 0.0, 1.0), static=True)
        message_of(peer, node, robot, "depth is not registered", lambda: robot.show(TWO, DEPTH))
        robot.depth_frame = FRAME
        message_of(
            peer, node, robot, "/depth/image for", lambda: robot.show(TWO, DEPTH, without=("depth/image",))
        )
        received = message_of(peer, node, robot, "images per second", lambda: robot.show(TWO, DEPTH))
        assert received[-1].detections


def test_a_camera_that_changes_and_time_that_goes_back(peer, robot):
    with start(robot) as node:
        before = first(peer, robot, "persons_3d", Detection3DArray)[-1]
        show = lambda: robot.show(TWO, DEPTH, focal=1000.0)  # noqa: E731
        after = first(peer, robot, "persons_3d", Detection3DArray, show=show, least=6)[-1]
        x = [one.detections[0].results[0].pose.pose.position.x for one in (before, after)]
        assert x[1] == pytest.approx(x[0] / 2, abs=0.01)
        node.wait_for("camera_info has changed")
        first(peer, robot, "persons_3d/tracks", PointCloud2, least=3)
        robot.stamp_ns -= 3600 * 10**9
        tracks = first(peer, robot, "persons_3d/tracks", PointCloud2, least=4)[-1]
        assert tracks.width == 2
        node.wait_for("time went back")


def test_the_lifecycle(peer, robot):
    with start(robot, autostart=False) as node:
        assert wait_until(lambda: peer.state(node.title), "state") == "unconfigured"
        assert not peer.transition(node.title, "activate")
        for label in ("configure", "activate", "deactivate", "cleanup", "configure", "activate"):
            assert peer.transition(node.title, label)
        assert first(peer, robot, "persons_3d", Detection3DArray)
        assert not peer.set(node.title, "target_frame", "map").successful
        assert not peer.set(node.title, "stride", 0).successful
        assert peer.set(node.title, "slop", 0.2).successful
        assert peer.transition(node.title, "deactivate")
        wait_until(lambda: robot.publishers["persons"].get_subscription_count() == 0, "rest")
    assert node.process.returncode == 0
