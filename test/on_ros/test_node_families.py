"""The other families of models in the node: what they publish, and what they say that they do not."""

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from bodypix_ros.ros.shared import launching
from on_ros.harness import OUTPUTS, NodeProcess, image, wait_until

RENDERER = ("-m", "bodypix_ros.ros.renderer_node")


def picture(data_dir, name):
    pixels = cv2.imread(str(data_dir / "images" / name))
    if pixels is None:
        pytest.skip(f"{name} is not among the test data")
    scale = 640 / max(pixels.shape)
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def calibrated(pixels, stamp):
    """A camera_info as of a camera that sees 65 degrees of the longer side."""
    height, width = pixels.shape[:2]
    f = max(height, width) / 2 / np.tan(np.radians(32.5))
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5)
    info.k = [f, 0.0, width / 2, 0.0, f, height / 2, 0.0, 0.0, 1.0]
    info.header = image(pixels[:1], "bgr8", stamp).header
    return info


def start(data_dir, namespace, model, **parameters):
    if not (data_dir / "models/mediapipe").is_dir():
        pytest.skip(f"no weights of {model} among the test data")
    parameters = {"model_dir": data_dir / "models", "device": "CPU", **parameters}
    return NodeProcess("-r", f"__ns:=/{namespace}", model=model, **parameters)


def topics_of(peer, node):
    names = peer.node.get_publisher_names_and_types_by_node(node.name, f"/{node.namespace}")
    return {name.removeprefix(f"/{node.namespace}/") for name, _ in names}


def note(peer, node, key):
    """What diagnostics of the camera say of a topic."""
    return peer.values(f"{node.title}: camera").get(key)


def test_selfie_gives_persons_and_a_mask_and_no_parts(peer, data_dir):
    pixels = picture(data_dir, "photos/squat.bmp")
    with start(data_dir, "selfie", "selfie-general") as node:
        node.wait_for("runs on CPU")
        node.namespace = "selfie"
        camera = peer.camera("/selfie/image")
        received = [peer.subscribe(f"/selfie/{name}", OUTPUTS[name]) for name in ("persons", "instance_mask")]
        persons, mask = peer.exchange(camera, image(pixels, "bgr8", peer.stamp()), received)
        assert len(persons.detections) == 1
        assert (mask.height, mask.width) == pixels.shape[:2]
        assert set(mask.data) == {0, 1}
        there = topics_of(peer, node)
        assert {"persons", "instance_mask", "instance_mask/label_info", "confidence"} <= there
        assert not {"part_mask", "part_mask/label_info", "keypoints", "keypoints_3d"} & there
        wait_until(lambda: note(peer, node, "part_mask") == "the model has no parts", "diagnostics say why")
        assert note(peer, node, "keypoints") == "the model has no keypoints"
        assert note(peer, node, "keypoints_3d") == "the model has no metres"
        assert peer.get(f"selfie/{node.name}", "segmentation_threshold") == 0.5
        peer.unsubscribe(*received)


@pytest.mark.parametrize("name", ["photos/squat.bmp", "coco_open/images/000000252219.jpg"])
def test_blazepose_gives_keypoints_in_metres_once_the_camera_is_known(peer, data_dir, name):
    pixels = picture(data_dir, name)
    with start(data_dir, "pose", "blazepose-lite") as node:
        node.wait_for("runs on CPU")
        node.namespace = "pose"
        assert peer.get(f"pose/{node.name}", "max_detections") == 5
        camera, calibration = peer.camera("/pose/image"), peer.camera("/pose/camera_info", kind=CameraInfo)
        keypoints = peer.subscribe("/pose/keypoints", OUTPUTS["keypoints"])
        placed = peer.subscribe("/pose/keypoints_3d", Detection3DArray)
        (answer,) = peer.exchange(camera, image(pixels, "bgr8", peer.stamp()), [keypoints])
        assert answer.detections
        for detection in answer.detections:
            assert tuple(result.hypothesis.class_id for result in detection.results) == BLAZEPOSE_KEYPOINTS
        assert placed.messages == []
        wait_until(
            lambda: note(peer, node, "keypoints_3d") == "waiting for pose/camera_info", "diagnostics say why"
        )
        assert "part_mask" not in topics_of(peer, node)

        frame = image(pixels, "bgr8", peer.stamp(), frame_id="optical")

        def answers():
            calibration.publish(calibrated(pixels, (1, 0)))
            camera.publish(frame)

        stamp = frame.header.stamp.sec, frame.header.stamp.nanosec
        message = wait_until(lambda: placed.at(stamp), "keypoints_3d", also=answers)
        assert message.header == frame.header
        assert message.detections
        seen = {detection.id for detection in keypoints.at(stamp).detections}
        for detection in message.detections:
            assert detection.id in seen
            points = np.array([[getattr(r.pose.pose.position, c) for c in "xyz"] for r in detection.results])
            assert points.shape == (33, 3)
            assert 0.5 < np.median(points[:, 2]) < 30
            print(name, detection.id, points.mean(axis=0), np.ptp(points, axis=0))
        wait_until(lambda: note(peer, node, "keypoints_3d") is None, "diagnostics have nothing to say")
        peer.unsubscribe(keypoints, placed)


def test_defaults_follow_the_model_and_what_was_set_stays(peer, data_dir):
    with start(data_dir, "late", "selfie-general", autostart=False, score_threshold=0.6) as node:
        path = f"late/{node.name}"
        wait_until(lambda: peer.state(path) == "unconfigured", "the node is there")
        assert peer.get(path, "max_detections") == 30
        assert peer.set(path, "model", "blazepose-lite").successful
        assert peer.set(path, "smooth", False).successful
        assert peer.transition(path, "configure")
        names = ("max_detections", "segmentation_threshold", "score_threshold", "smooth")
        assert [peer.get(path, name) for name in names] == [5, 0.5, 0.6, False]
        assert not peer.set(path, "detection_interval", 0).successful
        assert peer.set(path, "detection_interval", 2).successful


@pytest.mark.parametrize(
    ("image_topic", "topic", "info", "remapped"),
    [
        ("image", "/camera/image_raw", "camera_info", "/camera/camera_info"),
        ("front/image", "cam0/image", "front/camera_info", "cam0/camera_info"),
        ("image", "/image_raw", "camera_info", "/camera_info"),
        ("image", "image_raw", "camera_info", "camera_info"),
    ],
)
def test_a_launch_remaps_the_camera_info_beside_the_image(image_topic, topic, info, remapped):
    assert launching.image_remaps(image_topic, topic)[-1] == (info, remapped)


def test_skeletons_come_through_the_renderer(peer, data_dir):
    pixels = picture(data_dir, "photos/squat.bmp")
    with (
        start(data_dir, "bones", "blazepose-lite") as node,
        NodeProcess("-r", "__ns:=/bones", program=RENDERER) as renderer,
    ):
        node.wait_for("runs on CPU")
        camera, calibration = peer.camera("/bones/image"), peer.camera("/bones/camera_info", kind=CameraInfo)
        listening = lambda: peer.node.count_subscribers("/bones/keypoints_3d")  # noqa: E731
        wait_until(lambda: peer.node.count_publishers("/bones/skeletons"), "the renderer is there")
        assert not listening()
        shown = peer.subscribe("/bones/skeletons", MarkerArray)

        def play():
            calibration.publish(calibrated(pixels, (1, 0)))
            camera.publish(image(pixels, "bgr8", peer.stamp(), frame_id="optical"))

        # With the second sighting comes an id, and the marker without one is taken away.
        added = lambda: [m for m in shown.messages[-1:] for m in m.markers if m.action == Marker.ADD]  # noqa: E731
        wait_until(added, "skeletons", also=play)
        found = {marker.ns: marker for marker in added()}
        assert {space: marker.type for space, marker in found.items()} == {
            "bones": Marker.LINE_LIST,
            "joints": Marker.SPHERE_LIST,
        }
        for marker in found.values():
            assert (marker.header.frame_id, marker.action) == ("optical", Marker.ADD)
            assert marker.points
            assert all(0.5 < point.z < 30 for point in marker.points)
        assert not peer.node.get_subscriptions_info_by_topic("/bones/keypoints")
        peer.unsubscribe(shown)
        wait_until(lambda: not listening(), f"{renderer.name} listens no more")
