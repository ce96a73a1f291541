"""`bodypix bag --anonymize`: a copy of a bag with faces hidden, and everything else as it was."""

from functools import partial

import numpy as np
import pytest
from rosbags.rosbag2 import Reader

import bodypix_ros
from bodypix_ros import media
from bodypix_ros.bags.anonymizing import STYLE, anonymize, plan_copy
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.writing import STORAGES
from bodypix_ros.coco import faces
from bodypix_ros.rendering import hidden_region, hide
from bodypix_ros.report import Report
from bodypix_ros.ros.messages import images
from support import hard_faces
from support.bags import (
    COMPRESSED,
    IMAGE,
    STORE,
    STRING,
    Fake,
    camera_info,
    compressed,
    raw,
    read_bag,
    write_bag,
)
from support.fake import people_picture, scene_of

PICTURES = [people_picture(120, 160, people=k) for k in (2, 0, 1)]


def messages(path):
    """Everything in a bag, in its order: topic, type, record timestamp, bytes."""
    with Reader(path) as reader:
        return [(c.topic, c.msgtype, time_ns, bytes(data)) for c, time_ns, data in reader.messages()]


def hidden(picture):
    """A picture as it must be in the copy."""
    scene = scene_of(picture)
    return hide(picture, hidden_region(picture, scene, STYLE), STYLE)


@pytest.mark.parametrize("storage", STORAGES)
def test_faces_are_hidden_and_everything_else_is_as_it_was(call, storage):
    topics = {
        "/chatter": STRING,
        "/front/image": IMAGE,
        "/front/camera_info": camera_info,
        "/rear/image/compressed": COMPRESSED,
    }
    write_bag("in", topics, storage, PICTURES)
    call("in", "out", "--anonymize")
    before, after = messages("in"), messages("out")
    assert [entry[:3] for entry in after] == [entry[:3] for entry in before]
    for (topic, _, time_ns, was), (*_, now) in zip(before, after, strict=True):
        if "image" not in topic or time_ns == before[len(topics)][2]:  # the second picture shows nobody
            assert now == was
    found, connections = read_bag("out")
    originals = read_bag("in")[1]
    for topic, connection in connections.items():
        assert connection.digest == originals[topic].digest
        assert connection.msgdef == originals[topic].msgdef
        assert connection.ext.offered_qos_profiles == originals[topic].ext.offered_qos_profiles
    for k, picture in enumerate(PICTURES):
        wanted = hidden(picture)
        assert (wanted != picture).any() == bool(scene_of(picture).persons)
        message = found["/front/image"][k][1]
        assert (message.header, message.encoding) == (raw(k, picture).header, "bgr8")
        assert (images.to_image(message)[0] == wanted).all()
        message = found["/rear/image/compressed"][k][1]
        assert (message.header, message.format) == (raw(k, picture).header, "png")
        assert (images.to_image_compressed(message)[0] == wanted).all()


def test_topics_can_be_chosen_and_the_others_are_named(call):
    write_bag("in", {"/front/image": IMAGE, "/rear/image": IMAGE}, pictures=PICTURES)
    said = call("in", "out", "--anonymize", "-i", "front/image")
    assert "/rear/image holds images, and is copied as it is" in said
    before, after = read_bag("in")[0], read_bag("out")[0]
    assert (before["/rear/image"][0][1].data == after["/rear/image"][0][1].data).all()
    assert (before["/front/image"][0][1].data != after["/front/image"][0][1].data).any()


def depth(number, picture):
    message = raw(number, picture)
    message.height, message.width, message.step, message.encoding = 4, 6, 12, "16UC1"
    message.data = np.arange(48, dtype=np.uint8)
    return message


def test_depth_is_copied_and_said_once(call):
    write_bag("in", {"/depth": depth, "/image": IMAGE}, pictures=PICTURES)
    assert call("in", "out", "--anonymize").count("/depth: is depth, and copied as it is") == 1
    assert [m for m in messages("out") if m[0] == "/depth"] == [m for m in messages("in") if m[0] == "/depth"]


def test_depth_alone_is_copied(call):
    write_bag("in", {"/depth": depth}, pictures=PICTURES)
    call("in", "out", "--anonymize")
    assert messages("out") == messages("in")


def test_a_bag_without_images_is_copied(call):
    write_bag("in", {"/chatter": STRING}, pictures=PICTURES)
    call("in", "out", "--anonymize")
    assert messages("out") == messages("in")


def broken(number, picture, kind=compressed):
    message = kind(number, picture)
    if number == 1:
        message.data = message.data[: len(message.data) // 2]
    return message


@pytest.mark.parametrize("kind", [compressed, raw])
def test_an_image_that_cannot_be_looked_into_is_left_out_and_named(call, kind):
    write_bag("in", {"/image": partial(broken, kind=kind), "/chatter": STRING}, pictures=PICTURES)
    said = call("in", "out", "--anonymize", code=1)
    assert "/image at 1700000000.100 s is left out" in said
    assert "1 could not be used" in said
    found = read_bag("out")[0]
    assert len(found["/image"]) == 2
    assert len(found["/chatter"]) == 3


def test_without_one_usable_image_there_is_no_copy(call):
    def never(number, picture):
        message = raw(number, picture)
        message.encoding = "rgb12"
        return message

    write_bag("in", {"/image": never, "/chatter": STRING}, pictures=PICTURES)
    assert "not one usable image" in call("in", "out", "--anonymize", code=1)
    assert not (call.folder / "out").exists()


def test_video_and_types_with_images_in_them_are_left_out_and_named(call):
    from rosbags.rosbag2 import StoragePlugin, Writer

    write_bag("in", {"/image": IMAGE}, pictures=PICTURES)
    kinds = {
        "/video": ("foxglove_msgs/msg/CompressedVideo", "builtin_interfaces/Time timestamp\nuint8[] data\n"),
        "/pair": ("my_msgs/msg/Pair", "sensor_msgs/Image left\nsensor_msgs/Image right\n"),
        "/mine": ("my_msgs/msg/Mine", "uint8 x\n"),
    }
    with Writer("more", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, (kind, definition) in kinds.items():
            connection = writer.add_connection(topic, kind, msgdef=definition, rihs01="RIHS01_" + "0" * 64)
            writer.write(connection, 1, b"\0\1\0\0" + b"1234")
        connection = writer.add_connection("/image", IMAGE, typestore=STORE)
        writer.write(connection, 2, STORE.serialize_cdr(raw(0, PICTURES[0]), IMAGE))
    said = call("more", "out", "--anonymize")
    assert "/video is left out: foxglove_msgs/msg/CompressedVideo is video" in said
    assert "/pair is left out: my_msgs/msg/Pair has images in it" in said
    assert [entry[0] for entry in messages("out")] == ["/mine", "/image"]


def test_a_model_without_parts_hides_nothing_and_copies_nothing(call):
    call.segmenter = Fake(gives=frozenset({"keypoints"}))
    write_bag("in", {"/image": IMAGE}, pictures=PICTURES)
    assert "fake gives none here, and faces are hidden by them" in call("in", "out", "--anonymize", code=2)
    assert not (call.folder / "out").exists()


@pytest.mark.parametrize("more", [["-n", "front"], ["-t", "/x"], ["--copy-all"], ["--mode", "instances"]])
def test_what_a_copy_has_no_use_for_is_refused(call, more):
    write_bag("in", {"/image": IMAGE}, pictures=PICTURES)
    assert f"{more[0].replace('-n', '--namespace').replace('-t', '--topic')}" in call(
        "in", "out", "--anonymize", *more, code=2
    )
    assert call.loads == 0


def test_of_several_topics_one_must_be_chosen_to_see_people(call):
    write_bag("in", {"/a/image": IMAGE, "/b/image": IMAGE}, pictures=PICTURES)
    assert "topics of images are /a/image, /b/image; say which with --image-topic" in call(
        "in", "out", code=2
    )
    write_bag("one", {"/a/image": IMAGE, "/chatter": STRING}, pictures=PICTURES)
    call("one", "out")
    assert "/persons" in read_bag("out")[0]


def test_where_one_topic_is_of_colour_and_others_of_depth_the_colour_is_taken(call):
    def depth(number, picture):
        message = raw(number, picture)
        message.encoding, message.step = "16UC1", 2 * message.width
        message.data = np.zeros(message.height * message.step, np.uint8)
        return message

    write_bag("in", {"/a/depth": depth, "/b/color": IMAGE}, pictures=PICTURES[:1])
    assert "1 image, people found: " in call("in", "out")
    assert "/persons" in read_bag("out")[0]


def test_no_face_of_real_pictures_is_left_in_a_copy(data_dir, tmp_path):
    """Pictures of which the default settings leave somebody to be seen, one after another in one topic."""
    annotated = hard_faces.annotated(data_dir, tmp_path)
    pictures = [
        media.read_picture(hard_faces.folder(data_dir) / name, exif=False) for name in hard_faces.NAMES
    ]
    write_bag(tmp_path / "in", {"/image": IMAGE}, pictures=pictures)
    with bodypix_ros.load(
        device="CPU", precision="f32", threads=1, model_dir=data_dir / "models", preset="faces"
    ) as segmenter:
        with InputBag(tmp_path / "in") as bag:
            anonymize(segmenter, bag, plan_copy(bag), tmp_path / "out", Report())

        def draw(image, scene):
            return hide(image, hidden_region(image, scene, STYLE), STYLE)

        copies = [images.to_image(message)[0] for _, message in read_bag(tmp_path / "out")[0]["/image"]]
        for picture, copy in zip(pictures, copies, strict=True):
            assert (copy == draw(picture, segmenter.segment(picture))).all()
        found = faces.evaluate(segmenter, annotated, draw)
    assert (found.noses, found.eyes) == (6, 10)
    assert (found.noses_hidden, found.eyes_hidden) == (6, 10)
    assert found.changed_outside_people < 0.02
