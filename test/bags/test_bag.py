"""`bodypix bag`: recorded bags in, bags with people out, without ROS."""

import re
import shutil
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rosbags.interfaces import QosDurability, QosReliability

import bodypix_ros
from bodypix_ros.bags import plan as planning
from bodypix_ros.bags.process import process
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.writing import STORAGES
from bodypix_ros.report import Report
from bodypix_ros.segmenters.bodypix.options import OriginalOptions
from bodypix_ros.segmenters.families import FAMILIES
from support.bags import (
    COMPRESSED,
    IMAGE,
    LABELS,
    NAMES,
    STORE,
    STRING,
    Fake,
    camera_info,
    check_outputs,
    header,
    raw,
    read_bag,
    write_bag,
)
from support.fake import people_picture, scene_of


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", [IMAGE, COMPRESSED])
def test_people_are_written_beside_the_images(call, storage, kind):
    pictures = write_bag(call.folder / "in", {"/camera/image": kind, "/chatter": STRING}, storage)
    output = call("in", "out", "--image-topic", "/camera/image", "--namespace", "robot/front")
    said = re.search(r"3 images, people found: 3, (\S+) ms each \(fake on CPU, f32\), in out", output)
    assert float(said[1]) >= 6  # the model's, and what ids take
    found, connections = read_bag(call.folder / "out")
    assert set(found) == {f"/robot/front/{name}" for name in (*NAMES, *LABELS)}
    check_outputs(found, "/robot/front/", {k: scene_of(picture) for k, picture in enumerate(pictures)})
    labels = found["/robot/front/instance_mask/label_info"][0][1].class_map
    assert [(c.class_id, c.class_name) for c in labels[1:]] == [
        (1, "person_1"),
        (2, "person_2"),
        (3, "person_3"),
    ]
    assert len(found["/robot/front/part_mask/label_info"][0][1].class_map) == 25
    labels = found["/robot/front/person_mask/label_info"][0][1].class_map
    assert [(c.class_id, c.class_name) for c in labels] == [(0, "background"), (1, "person")]
    for topic, connection in connections.items():
        (qos,) = connection.ext.offered_qos_profiles
        latched = topic.endswith("label_info")
        assert qos.durability == (QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE)
        assert (qos.reliability, qos.depth) == (QosReliability.RELIABLE, 1)
        assert connection.digest == STORE.hash_rihs01(connection.msgtype)
        assert connection.msgdef.data
    suffix = {"mcap": ".mcap", "sqlite3": ".db3"}[storage]
    assert [path.name for path in (call.folder / "out").glob(f"*{suffix}")] == [f"out{suffix}"]


@pytest.mark.parametrize("storage", STORAGES)
def test_the_storage_can_be_chosen_and_a_single_file_read(call, storage):
    other = next(name for name in STORAGES if name != storage)
    pictures = write_bag(call.folder / "in", {"/image": IMAGE}, other)
    (file,) = (call.folder / "in").glob("in.*")
    call(file, "out", "-i", "image", "--storage", storage)
    with InputBag(call.folder / "out") as made:
        assert made.storage == storage
    check_outputs(read_bag(call.folder / "out")[0], "/", {k: scene_of(p) for k, p in enumerate(pictures)})


def test_topics_are_copied_bit_for_bit(call):
    write_bag(call.folder / "in", {"/front/image": IMAGE, "/a": STRING, "/b": STRING})
    before, connections = read_bag(call.folder / "in")
    call("in", "out", "-i", "/front/image", "-n", "/front/", "--topic", "/a", "-t", "front/image")
    after, copies = read_bag(call.folder / "out")
    assert {topic for topic in after if not topic.startswith("/front/")} == {"/a"}
    assert after["/a"] == before["/a"]
    assert [plain_image(m) for _, m in after["/front/image"]] == [
        plain_image(m) for _, m in before["/front/image"]
    ]
    for topic in ("/a", "/front/image"):
        assert copies[topic].msgdef == connections[topic].msgdef
        assert copies[topic].digest == connections[topic].digest
    shutil.rmtree(call.folder / "out")
    call("in", "out", "-i", "/front/image", "--copy-all")
    assert {"/a", "/b", "/front/image"} < set(read_bag(call.folder / "out")[0])


def plain_image(message):
    return (message.header, message.encoding, message.data.tobytes())


def test_several_cameras_have_their_own_namespaces(call):
    topics = {"/front/image_raw/compressed": COMPRESSED, "/rear/image": IMAGE}
    pictures = write_bag(call.folder / "in", topics)
    call("in", "out", "-i", "/front/image_raw/compressed", "-i", "/rear/image", "-n", "front", "-n", "rear")
    found, _ = read_bag(call.folder / "out")
    scenes = {k: scene_of(picture) for k, picture in enumerate(pictures)}
    check_outputs(found, "/front/", scenes)
    check_outputs(found, "/rear/", scenes)


def test_people_keep_their_ids_in_each_topic(call):
    pictures = [np.roll(people_picture(60, 80), 2 * k, axis=1) for k in range(4)]
    write_bag(call.folder / "in", {"/a/image": IMAGE, "/b/image": IMAGE}, pictures=pictures)
    call("in", "out", "-i", "/a/image", "-i", "/b/image", "--namespace", "a", "--namespace", "b")
    found, _ = read_bag(call.folder / "out")
    for topic in ("/a/persons", "/a/keypoints", "/b/persons", "/b/keypoints"):
        ids = [[detection.id for detection in message.detections] for _, message in found[topic]]
        assert ids == [["", ""], ["1", "2"], ["1", "2"], ["1", "2"]]


def test_only_what_the_model_gives_is_written(call):
    def see(image):
        seen = scene_of(image)
        return bodypix_ros.Scene(
            seen.person_mask, seen.instance_mask, None, seen.instance_mask, seen.persons, seen.keypoint_names
        )

    plain = frozenset({"keypoints"})
    call.segmenter = Fake(see, OriginalOptions(max_detections=3, confidence=True), plain)
    write_bag(call.folder / "in", {"/image": IMAGE})
    call("in", "out", "-i", "/image")
    assert set(read_bag(call.folder / "out")[0]) == {
        "/persons", "/keypoints", "/instance_mask", "/instance_mask/label_info", "/person_mask",
        "/person_mask/label_info", "/confidence",
    }  # fmt: skip


def metric_scene(image):
    """Everybody of `scene_of`, with metres: so that they are seen 2, 3, ... m in front of the camera."""
    scene, people = scene_of(image), []
    for k, somebody in enumerate(scene.persons):
        metres = np.random.default_rng(k).uniform(-0.8, 0.8, (17, 4)).astype(np.float32)
        metres[:, 3] = 0.9
        points = metres[:, :3] + np.float32([0, 0, 2 + k])
        keypoints = np.column_stack([50 * points[:, :2] / points[:, 2:] + (30, 20), metres[:, 3]])
        people.append(replace(somebody, keypoints=keypoints.astype(np.float32), keypoints_3d=metres))
    return replace(scene, persons=tuple(people))


def test_people_are_placed_where_the_bag_has_a_camera_info(call):
    metric = FAMILIES["blazepose"]
    call.segmenter = Fake(metric_scene, metric.options(max_detections=3), metric.gives)
    topics = {"/a/camera_info": camera_info, "/a/image": IMAGE, "/b/image": IMAGE}
    write_bag("in", {**topics, "/c/camera_info": partial(camera_info, width=9), "/c/image": IMAGE})
    said = call(
        "in", "out", "-i", "/a/image", "-i", "/b/image", "-i", "/c/image", "-n", "a", "-n", "b", "-n", "c"
    )
    found, _ = read_bag("out")
    assert {topic for topic in found if "3d" in topic} == {"/a/keypoints_3d"}
    placed = [message for _, message in found["/a/keypoints_3d"]]
    assert [len(message.detections) for message in placed] == [2, 0, 1]
    depths = [detection.bbox.center.position.z for detection in placed[0].detections]
    assert depths == pytest.approx([2, 3], abs=0.3)
    assert placed[0].header == found["/a/persons"][0][1].header
    assert "no keypoints_3d for /c/image: camera_info is of 9x40, but the images are 60x40" in said


def test_what_is_written_lies_on_the_image_as_it_is(call):
    write_bag(call.folder / "in", {"/image": IMAGE})
    assert "No such option" in call("in", "out", "-i", "/image", "--flip-horizontal", code=2)
    assert "flip" not in call("--help")


def test_pictures_are_drawn_in_a_mode(call):
    pictures = write_bag(call.folder / "in", {"/front/image": IMAGE})
    call("in", "out", "-i", "/front/image", "--mode", "instances", "-n", "front")
    found = read_bag(call.folder / "out")[0]["/front/debug_image/compressed"]
    assert len(found) == len(found_persons := read_bag(call.folder / "out")[0]["/front/persons"]) > 0
    assert found[0][1].header == found_persons[0][1].header
    drawn = cv2.imdecode(np.asarray(found[0][1].data), cv2.IMREAD_COLOR)
    picture = pictures[0]
    assert drawn.shape == picture.shape
    people = scene_of(picture).person_mask
    changed = np.abs(drawn.astype(int) - picture).max(axis=2)
    assert changed[people].mean() > 30
    call("in", "out2", "-i", "/front/image", "--mode", "sketch", code=2)


@pytest.mark.parametrize(
    ("topics", "arguments", "error"),
    [
        (
            {"/image": IMAGE},
            ["-i", "/imagf"],
            "no topic /imagf; there are: /image (sensor_msgs/msg/Image)",
        ),
        ({"/image": IMAGE}, ["-i", "/image", "-t", "/x"], "no topic /x"),
        (
            {"/image": STRING},
            ["-i", "/image"],
            "/image is std_msgs/msg/String, but must be sensor_msgs/msg/Image",
        ),
        (
            {"/c/image": IMAGE, "/persons": STRING},
            ["-i", "/c/image", "--copy-all"],
            "/persons, an output of /c/image, collides with the copied topic of that name",
        ),
        (
            {"/c/left": IMAGE, "/c/right": IMAGE},
            ["-i", "/c/left", "-i", "/c/right"],
            (
                "/instance_mask, an output of /c/right, collides with that of /c/left; give each of them a "
                "--namespace of its own"
            ),
        ),
        (
            {"/c/left": IMAGE, "/c/right": IMAGE},
            ["-i", "/c/left", "-i", "/c/right", "-n", "left"],
            "2 image topics and 1 namespaces are given",
        ),
        (
            {"/c/left": IMAGE},
            ["-i", "/c/left", "-n", "front seat"],
            "namespace 'front seat' must be letters, digits and _ with / between",
        ),
    ],
)
def test_wrong_topics_are_refused_before_a_model_is_loaded(call, topics, arguments, error):
    write_bag(call.folder / "in", topics)
    output = call("in", "out", *arguments, code=2)
    assert error in output
    assert not (call.folder / "out").exists()
    assert call.loads == 0


def test_a_recorded_output_that_is_not_copied_is_no_collision(call):
    write_bag(call.folder / "in", {"/c/image": IMAGE, "/persons": STRING})
    call("in", "out", "-i", "/c/image")
    assert "/persons" in read_bag(call.folder / "out")[0]


@pytest.mark.parametrize("storage", STORAGES)
def test_a_topic_without_images_is_refused(call, storage):
    write_bag(call.folder / "in", {"/image": IMAGE, "/a": STRING}, storage, pictures=[])
    assert "no images in /image" in call("in", "out", "-i", "/image", code=2)
    assert not (call.folder / "out").exists()


@pytest.mark.parametrize("name", ["out", "new.mcap", "new.db3"])
def test_an_output_that_exists_or_is_called_like_a_file_is_refused(call, name):
    write_bag(call.folder / "in", {"/image": IMAGE})
    (call.folder / "out").mkdir()
    output = call("in", name, "-i", "/image", code=2)
    assert ("exists already" if name == "out" else "leave out the .") in output
    assert list((call.folder / "out").iterdir()) == []


def test_without_rosbags_the_error_says_what_to_install(call, monkeypatch):
    for name in list(sys.modules):
        if name.startswith(("rosbags", "bodypix_ros.bags")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("bodypix_ros.bags", raising=False)
    monkeypatch.setitem(sys.modules, "rosbags", None)
    output = call("in", "out", "-i", "/image", code=2)
    assert "pip install 'bodypix_ros[bag]'" in output


def test_mono16_and_confidence_reach_decoder_and_model(call, monkeypatch):
    seen = SimpleNamespace(options=None)

    def load(model, **options):
        seen.options = options
        return call.segmenter

    monkeypatch.setattr(bodypix_ros, "load", load)
    call.segmenter = Fake(lambda image: scene_of(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)))

    def mono16(number, picture):
        message = raw(number, picture)
        values = np.full((4, 6), 1023, np.uint16)
        message.height, message.width, message.step, message.encoding = 4, 6, 12, "mono16"
        message.data = values.view(np.uint8).reshape(-1)
        return message

    write_bag(call.folder / "in", {"/image": mono16})
    call("in", "out", "-i", "/image", "--mono16-max", 1023, "--confidence", "--score-threshold", 0.5)
    assert (call.segmenter.images[0] == 255).all()
    assert seen.options["confidence"] is True
    assert seen.options["score_threshold"] == 0.5


def test_depth_is_refused_with_what_to_do(call):
    def depth(number, picture):
        message = raw(number, picture)
        message.height, message.width, message.step, message.encoding = 4, 6, 12, "16UC1"
        message.data = np.zeros(48, np.uint8)
        return message

    write_bag(call.folder / "in", {"/depth/image": depth})
    assert "16UC1, which is depth" in call("in", "out", "-i", "/depth/image", code=1)
    assert not (call.folder / "out").exists()


@pytest.mark.parametrize("storage", STORAGES)
def test_real_pictures_give_what_the_library_gives(data_dir, tmp_path, storage):
    photos = sorted((data_dir / "images" / "photos").glob("*.jpg"))[:3]
    pictures = [cv2.resize(cv2.imread(str(photo)), (320, 240)) for photo in photos]
    topics = {"/raw/image": IMAGE, "/packed/image/compressed": COMPRESSED}
    write_bag(tmp_path / "in", topics, storage, pictures)
    with bodypix_ros.load(device="CPU", model_dir=data_dir / "models") as segmenter:
        stream = segmenter.stream()
        scenes = {k: stream.segment(p, stamp=header(k).stamp) for k, p in enumerate(pictures)}
        assert any(scene.persons for scene in scenes.values())
        with InputBag(tmp_path / "in") as source:
            what = planning.plan(source, list(topics), namespaces=["raw", "packed"])
            report = Report()
            process(segmenter, source, what, tmp_path / "out", report)
    assert report.images == 2 * len(pictures)
    assert report.failures == []
    found, _ = read_bag(tmp_path / "out")
    for topic in ("/raw/", "/packed/"):
        check_outputs(found, topic, scenes, threshold=0.5)
    assert len(found["/raw/instance_mask/label_info"][0][1].class_map) == 255
