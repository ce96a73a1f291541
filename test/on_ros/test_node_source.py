"""The source node in a process of its own: pictures and videos as the topic of a camera."""

import time

import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

from bodypix_ros.media import VideoWriter, write_picture
from bodypix_ros.ros.messages import images
from on_ros.harness import NodeProcess, Received, wait_until
from support.fake import people_picture

PROGRAM = ("-m", "bodypix_ros.ros.source_node")
PICTURE = people_picture(48, 64, people=2)


@pytest.fixture
def files(tmp_path):
    write_picture(tmp_path / "one.png", PICTURE)
    with VideoWriter(tmp_path / "film.mp4", fps=20) as writer:
        for _ in range(10):
            writer.write(PICTURE)
    return tmp_path


def source(namespace, path, *arguments, **parameters):
    return NodeProcess("-r", f"__ns:={namespace}", *arguments, program=PROGRAM, source=path, **parameters)


def subscribe(peer, topic, kind, *, reliable=False):
    received = Received()
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    received.subscription = peer.node.create_subscription(
        kind, topic, received.messages.append, QoSProfile(depth=10, reliability=reliability)
    )
    return received


def stamp_s(message):
    return message.header.stamp.sec + message.header.stamp.nanosec / 1e9


def test_a_picture_with_its_camera_info(peer, files):
    shown, infos = subscribe(peer, "/play/image", Image), subscribe(peer, "/play/camera_info", CameraInfo)
    with source("/play", files / "one.png", rate=20.0, frame_id="lens", fov=90.0):
        wait_until(lambda: len(shown.messages) > 3 and len(infos.messages) > 3, "pictures")
    pixels, encoding = images.to_image(shown.messages[-1])
    assert encoding == "bgr8"
    assert np.array_equal(pixels, PICTURE)
    assert shown.messages[-1].header.frame_id == "lens"
    assert abs(time.time() - stamp_s(shown.messages[-1])) < 5
    info = infos.messages[-1]
    assert (info.width, info.height, info.distortion_model, list(info.d)) == (64, 48, "plumb_bob", [0.0] * 5)
    assert list(info.k) == pytest.approx([32, 0, 31.5, 0, 32, 23.5, 0, 0, 1])
    assert {stamp_s(message) for message in infos.messages} & {stamp_s(m) for m in shown.messages}
    peer.unsubscribe(shown, infos)


def test_a_video_plays_at_its_rate_again_and_again(peer, files):
    images = subscribe(peer, "/film/image", Image)
    with source("/film", files / "film.mp4"):
        wait_until(lambda: len(images.messages) >= 30, "three rounds")
    gaps = np.diff([stamp_s(message) for message in images.messages])
    assert np.median(gaps) == pytest.approx(1 / 20, rel=0.1)
    peer.unsubscribe(images)


def test_without_loop_it_ends_with_the_video(files):
    with source("/once", files / "film.mp4", loop=False) as node:
        assert node.process.wait(20) == 0
        assert "has ended" in node.output


def test_overrides_make_it_reliable(peer, files):
    images = subscribe(peer, "/sure/image", Image, reliable=True)
    override = "qos_overrides./sure/image.publisher.reliability:=reliable"
    with source("/sure", files / "one.png", "-p", override, rate=20.0):
        wait_until(lambda: images.messages, "a picture")
    peer.unsubscribe(images)


def test_simulated_time_stamps_and_paces(peer, files):
    clock = peer.node.create_publisher(Clock, "/clock", 1)
    images = subscribe(peer, "/simulated/image", Image)
    now_ns = 0

    def tick():
        nonlocal now_ns
        now_ns += 100_000_000
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(now_ns, 1_000_000_000)
        clock.publish(message)

    with source("/simulated", files / "film.mp4", use_sim_time=True) as node:
        wait_until(lambda: images.subscription and peer.node.count_publishers("/simulated/image"), "the node")
        node.wait_for("playing")
        time.sleep(1)
        assert images.messages == []  # the clock does not tick yet
        wait_until(lambda: len(images.messages) > 10, "pictures", also=tick)
        stamps = [stamp_s(message) for message in images.messages]
        assert min(stamps) > 0
        assert max(stamps) <= now_ns / 1e9
        now_ns = 0  # the simulation begins anew
        images.messages.clear()
        wait_until(
            lambda: len([s for s in map(stamp_s, images.messages) if s < min(stamps) + 1]) > 3,
            "pictures of the new time",
            also=tick,
        )
        code, seconds = node.interrupt()
        assert (code, seconds < 2) == (0, True), node.output
    peer.unsubscribe(images)


def test_a_calibration_of_another_size_is_told_and_not_published(peer, files):
    (files / "other.yaml").write_text(
        "image_width: 640\nimage_height: 480\ndistortion_model: plumb_bob\n"
        "distortion_coefficients: {data: [0, 0, 0, 0, 0]}\n"
        "camera_matrix: {data: [500, 0, 320, 0, 500, 240, 0, 0, 1]}\n"
        "rectification_matrix: {data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n"
        "projection_matrix: {data: [500, 0, 320, 0, 0, 500, 240, 0, 0, 0, 1, 0]}\n"
    )
    images, infos = subscribe(peer, "/odd/image", Image), subscribe(peer, "/odd/camera_info", CameraInfo)
    url = f"file://{files / 'other.yaml'}"
    with source("/odd", files / "one.png", rate=20.0, camera_info_url=url) as node:
        wait_until(lambda: len(images.messages) > 3, "pictures")
        node.wait_for("is of 640x480, but")
    assert infos.messages == []
    peer.unsubscribe(images, infos)


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("none.mp4", {}, "no such file or folder"),
        ("broken.mp4", {}, "neither a picture nor a video"),
        ("one.png", {"fov": 180.0}, "fov"),
        ("one.png", {"camera_info_url": "http://a/b"}, "must be file:///"),
        ("one.png", {"camera_info_url": "package://nobody_has_this/b"}, "no package 'nobody_has_this'"),
        ("one.png", {"camera_info_url": "/none.yaml"}, "cannot be read"),
    ],
)
def test_what_cannot_be_played_ends_the_start(files, name, parameters, reason):
    (files / "broken.mp4").write_bytes(b"no video")
    with source("/bad", files / name, **parameters) as node:
        node.wait_for(reason)
        assert node.process.wait(10) == 1
        assert "Traceback" not in node.output


def test_the_index_of_a_camera_may_be_a_number():
    with source("/camera", 63) as node:
        node.wait_for("camera 63 cannot be opened")
        assert node.process.wait(10) == 1
        assert "Traceback" not in node.output
        assert node.output.count("camera 63 cannot be opened") == 1


def test_tf_knows_where_the_camera_stands(peer, files):
    said = peer.subscribe("/tf_static", TFMessage, latched=True)
    with source("/placed", files / "one.png", parent_frame="map", frame_id="lens"):
        # Others may have said where their frames are, and who comes later hears of it, too.
        found = lambda: [t for m in said.messages for t in m.transforms if t.child_frame_id == "lens"]  # noqa: E731
        wait_until(found, "a transform")
    (transform,) = found()
    assert transform.header.frame_id == "map"
    assert transform.transform.translation.z == 1.0
    turn = transform.transform.rotation
    x, y, z, w = turn.x, turn.y, turn.z, turn.w
    # The last column of the quaternion's matrix: where the optical axis points, seen from the map.
    axis = [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)]
    assert axis == pytest.approx([1, 0, 0])
    peer.unsubscribe(said)


def test_sigint_ends_it_cleanly(peer, files):
    images = subscribe(peer, "/ending/image", Image)
    with source("/ending", files / "one.png") as node:  # one picture per second: it sleeps most of the time
        wait_until(lambda: images.messages, "a picture")
        code, seconds = node.interrupt()
        assert (code, "Traceback" in node.output) == (0, False), node.output
        assert seconds < 2
    peer.unsubscribe(images)
