"""`bodypix bag --depth-topic`: people in metres, without ROS."""

import numpy as np
import pytest
from rosbags.convert import convert

from bodypix_ros.cli import main
from support.bags import IMAGE, STORE, TYPES, camera_info, header, read_bag, write_bag
from support.fake import people_picture
from support.recordings import DEPTH, INFO, NAMES, path
from support.recordings import IMAGE as COLOUR

FOCAL, MIDDLE = 50.0, (30, 20)
"""Of `camera_info` of the made bags."""


def depth(shift_ns=0, metres=2.0, size=(40, 60), encoding="16UC1"):
    """What makes images of depth: everything at one distance."""

    def make(number, _):
        message = TYPES.Image()
        message.header, message.encoding = header(number), encoding
        message.header.stamp.nanosec += shift_ns
        values = (
            np.full(size, metres * 1000, np.uint16) if encoding == "16UC1" else np.full(size, metres, "<f4")
        )
        message.height, message.width, message.step = *size, values.itemsize * size[1]
        message.data = values.reshape(-1).view(np.uint8)
        return message

    return make


BAG = {"/camera/image": IMAGE, "/camera/camera_info": camera_info}
ARGUMENTS = ("in", "out", "-i", "/camera/image", "--depth-topic", "/camera/depth")


@pytest.mark.parametrize("made", [depth(), depth(encoding="32FC1"), depth(40_000_000), depth(size=(20, 30))])
def test_people_are_placed_by_the_depth_of_nearly_the_same_time(call, made):
    # Camera infos first: what comes with the first image is known then.
    pictures = [people_picture(40, 60, people=k) for k in (2, 1, 2)]
    write_bag(
        call.folder / "in",
        {"/camera/camera_info": camera_info, **BAG, "/camera/depth": made},
        pictures=pictures,
    )
    call(*ARGUMENTS)
    found, _ = read_bag(call.folder / "out")
    assert [len(message.detections) for _, message in found["/persons_3d"]] == [
        len(message.detections) for _, message in found["/persons"]
    ]
    for (_, placed), (_, seen), (_, cloud) in zip(
        found["/persons_3d"], found["/persons"], found["/persons_3d/points"], strict=True
    ):
        assert placed.header == seen.header
        for one, flat in zip(placed.detections, seen.detections, strict=True):
            position = one.results[0].pose.pose.position
            assert position.z == pytest.approx(2.0, abs=0.001)
            assert abs(position.x - 2 * (flat.bbox.center.position.x - MIDDLE[0]) / FOCAL) < 0.15
            assert one.id == flat.id
            assert (one.results[0].hypothesis.class_id, one.results[0].hypothesis.score) == (
                "person",
                flat.results[0].hypothesis.score,
            )
            covariance = np.reshape(one.results[0].pose.covariance, (6, 6))
            assert (np.linalg.eigvalsh(covariance) > 0).all()
        rows = np.frombuffer(
            cloud.data.tobytes(), {"names": ["z"], "formats": ["<f4"], "offsets": [8], "itemsize": 24}
        )
        assert cloud.width == len(rows) > 0
        np.testing.assert_allclose(rows["z"], 2.0)
    assert found["/followed"]
    known = [sum(bool(one.id) for one in message.detections) for _, message in found["/persons"]]
    assert [message.width for _, message in found["/persons_3d/tracks"]] == known
    assert max(known) > 0
    assert found["/persons_3d/keypoints"][0][1].detections[0].results


@pytest.mark.parametrize(
    ("made", "changes", "reason"),
    [
        (depth(80_000_000), (), "the nearest depth is 0.080 s away, more than the slop of 0.05 s"),
        (depth(size=(40, 80)), (), "depth is 80x40, but the image is 60x40: not the same view"),
        (depth(encoding="mono8"), (), "depth is mono8, but must be"),
    ],
)
def test_why_nobody_is_placed_is_said(call, made, changes, reason):
    write_bag(call.folder / "in", {**BAG, "/camera/depth": made})
    output = call(*ARGUMENTS, *changes)
    assert "people of 0 images are in metres" in output
    assert reason in output
    found, _ = read_bag(call.folder / "out")
    assert not any(name.startswith("/persons_3d") for name in found)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--depth-topic", "/nowhere"), "there is no topic /nowhere"),
        (("--depth-topic", "/camera/camera_info"), "but must be sensor_msgs/msg/Image"),
        (("--depth-topic", "/camera/image"), "must be of different topics"),
        (("--depth-topic", "/camera/depth", "--depth-topic", "/camera/depth"), "there must be as many"),
        (("--camera-info", "/camera/depth"), "but must be sensor_msgs/msg/CameraInfo"),
    ],
)
def test_wrong_topics_are_refused(call, arguments, reason):
    write_bag(call.folder / "in", {**BAG, "/camera/depth": depth()})
    assert reason in call("in", "out", "-i", "/camera/image", *arguments, code=2)


@pytest.mark.parametrize("name", NAMES)
def test_recordings_of_a_robot_give_persons_in_metres(data_dir, tmp_path, capsys, name):
    source, target = tmp_path / "in", tmp_path / "out"
    nothing = dict.fromkeys(("exclude_topics", "include_topics", "exclude_msgtypes", "include_msgtypes"), ())
    storage = {"dst_storage": "mcap", "dst_version": 8, "compress": None, "compress_mode": "file"}
    stores = {"default_typestore": None, "typestore": STORE}
    convert([path(data_dir, name)], source, **storage, **stores, **nothing)
    arguments = ["bag", str(source), str(target), "-i", COLOUR, "--depth-topic", DEPTH, "--camera-info", INFO]
    models = str(data_dir / "models")
    main([*arguments, "--slop", "0.5", "-q", "--device", "CPU", "--model-dir", models], standalone_mode=False)
    found, _ = read_bag(target)
    ((_, message),) = found["/persons_3d"]
    nearest = min(one.results[0].pose.pose.position.z for one in message.detections)
    assert 1.6 < nearest < 2.1
    assert all(one.id == "" for one in message.detections)


@pytest.mark.parametrize("option", ["--slop", "--depth-unit"])
def test_what_is_no_number_is_refused_by_its_name(call, option):
    assert f"Invalid value for '{option}': 'nan' is not a number" in call(*ARGUMENTS, option, "nan", code=2)
