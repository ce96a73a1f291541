"""The renderer node in a process of its own: what it draws, when it listens, and what it never shows."""

import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from bodypix_ros import rendering
from bodypix_ros.ros.messages import images, people
from bodypix_ros.ros.messages.types import ros_types
from bodypix_ros.ros.renderer.options import parameters, required_of
from on_ros.harness import NodeProcess, compressed, image, wait_until
from support.fake import people_picture, scene_of

PROGRAM = ("-m", "bodypix_ros.ros.renderer_node")
PICTURE = people_picture(96, 128, people=3)
SCENE = scene_of(PICTURE)
INPUTS = {
    "instance_mask": Image,
    "part_mask": Image,
    "persons": Detection2DArray,
    "keypoints": Detection2DArray,
    "faces": Detection2DArray,
    "hands": Detection2DArray,
}


class Stage:
    """Everything around a renderer: a camera and a segmenter that are played, and somebody who looks."""

    def __init__(self, peer, prefix):
        self.peer, self.prefix = peer, prefix
        self.camera = peer.camera(f"{prefix}image")
        self.outputs = {
            name: peer.node.create_publisher(kind, prefix + name, 1) for name, kind in INPUTS.items()
        }
        self.types = ros_types()
        self.debug = None

    def look(self):
        self.debug = self.peer.subscribe(f"{self.prefix}debug_image", Image)
        return self

    def look_away(self):
        self.peer.unsubscribe(self.debug)

    def subscriptions(self, node):
        """The inputs that the node subscribes to."""
        found = set()
        for name in ("image", "image/compressed", *INPUTS):
            infos = self.peer.node.get_subscriptions_info_by_topic(self.prefix + name)
            found |= {name for info in infos if info.node_name == node.name}
        return found

    def publish(self, stamp, inputs=tuple(INPUTS), *, frame=None):
        frame = image(PICTURE, "bgr8", stamp) if frame is None else frame
        if frame is not False:
            self.camera.publish(frame)
            header = frame.header
        else:
            header = image(PICTURE, "bgr8", stamp).header
        for name in inputs:
            if INPUTS[name] is Detection2DArray:
                message = getattr(people, name)(self.types, header, SCENE)
            else:
                message = images.label_image(self.types, header, getattr(SCENE, name))
            self.outputs[name].publish(message)

    def draw(self, inputs=tuple(INPUTS), *, frame=None, timeout_s=30.0):
        """Publish frames until one is drawn, and give that."""
        self.debug.messages.clear()
        wait_until(
            lambda: self.debug.messages,
            "a debug image",
            timeout_s,
            also=lambda: self.publish(self.peer.stamp(), inputs, frame=frame),
        )
        return self.debug.messages[-1]

    def never(self, publish, seconds=1.5):
        """Publish for a while, and see that nothing is drawn."""
        self.debug.messages.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            publish()
            time.sleep(0.05)
        assert self.debug.messages == []


@pytest.fixture(scope="module")
def node():
    with NodeProcess("-r", "__ns:=/show", program=PROGRAM) as process:
        process.path = f"show/{process.name}"
        yield process


@pytest.fixture(scope="module")
def stage(peer, node):
    return Stage(peer, "/show/").look()


@pytest.fixture(autouse=True)
def defaults(request):
    """Each test begins and ends with the default parameters."""
    yield
    if "stage" in request.fixturenames and "node" in request.fixturenames:
        peer, node = request.getfixturevalue("peer"), request.getfixturevalue("node")
        options = parameters()
        for name in ("mode", "max_rate", "flip"):
            assert peer.set(node.path, name, options[name].default).successful


def pixels(message):
    found, encoding = images.to_image(message)
    assert encoding == "bgr8"
    return found


def expected(mode="instances", **style):
    return rendering.draw(PICTURE, SCENE, mode, rendering.Style(**style), bgr=True)


def test_the_picture_carries_the_images_header(stage):
    drawn = stage.draw()
    assert (drawn.encoding, drawn.width, drawn.height, drawn.step) == ("bgr8", 128, 96, 384)
    assert drawn.header.frame_id == "cam"
    assert drawn.header.stamp.nanosec > 0
    assert np.array_equal(pixels(drawn), expected())


def test_the_compressed_picture_is_a_jpeg_of_the_same(peer, stage):
    small = peer.subscribe("/show/debug_image/compressed", CompressedImage)
    wait_until(lambda: small.messages, "a jpeg", also=lambda: stage.publish(peer.stamp()))
    found, _ = images.to_image_compressed(small.messages[-1])
    assert small.messages[-1].header.frame_id == "cam"
    assert np.abs(found.astype(int) - expected()).mean() < 6
    peer.unsubscribe(small)


@pytest.mark.parametrize("mode", rendering.MODES)
def test_every_mode_is_drawn_and_only_what_it_needs_is_subscribed_to(peer, node, stage, mode):
    assert peer.set(node.path, "mode", mode).successful
    needed = {
        "instances": {"instance_mask", "persons"},
        "skeleton": {"keypoints", "persons", "hands"},
        "blur_parts": {"part_mask", "instance_mask", "persons", "keypoints", "faces"},
    }
    if mode in needed:
        wait_until(lambda: stage.subscriptions(node) == {"image", *needed[mode]}, "other subscriptions")
    wait_until(lambda: np.array_equal(pixels(stage.draw()), expected(mode)), f"a picture in mode {mode}")


def test_parameters_change_live(peer, node, stage):
    for name, value in (("flip", True), ("opacity", 0.9)):
        assert peer.set(node.path, name, value).successful
    wanted = expected(flip=True, opacity=0.9)
    wait_until(lambda: np.array_equal(pixels(stage.draw()), wanted), "a mirrored picture")
    assert peer.set(node.path, "opacity", 0.5).successful
    assert peer.set(node.path, "hide", [2, 3]).successful
    assert peer.set(node.path, "hide", ["face"]).successful


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mode", "sepia", "must be one of parts, instances"),
        ("opacity", 1.5, "opacity"),
        ("hide", ["beard"], "no part is called 'beard'"),
        ("jpeg_quality", 101, "jpeg_quality"),
        ("cameras", ["front"], "read-only"),
    ],
)
def test_refused_parameters_give_the_reason_and_stay(peer, node, name, value, reason):
    before = peer.get(node.path, name)
    result = peer.set(node.path, name, value)
    assert not result.successful
    assert reason in result.reason
    assert peer.get(node.path, name) == before


def test_descriptors_carry_ranges(peer, node):
    options = parameters()
    for option, found in zip(options.values(), peer.describe(node.path, list(options)), strict=True):
        assert found.description == option.text
        if option.low is not None:
            (allowed,) = [*found.integer_range, *found.floating_point_range]
            assert (allowed.from_value, allowed.to_value) == (option.low, option.high)


@pytest.mark.parametrize("name", ["instance_mask", "persons"])
def test_missing_inputs_do_not_keep_the_rest_from_being_drawn(stage, name):
    mask, persons = (
        (SCENE.instance_mask, ()) if name == "instance_mask" else (SCENE.instance_mask * 0, SCENE.persons)
    )
    some = dataclasses.replace(SCENE, person_mask=mask > 0, instance_mask=mask, persons=persons)
    wanted = rendering.draw(PICTURE, some, "instances", bgr=True)
    wait_until(  # what came a moment ago is waited for
        lambda: np.array_equal(pixels(stage.draw((name,))), wanted), "a picture of what there is"
    )


def test_a_picture_comes_at_once_when_nothing_else_does(peer, stage):
    wait_until(lambda: np.array_equal(pixels(stage.draw(())), PICTURE), "a picture without partners")
    stamp, started = peer.stamp(), time.monotonic()
    wait_until(lambda: stage.debug.at(stamp), "the picture", also=lambda: stage.publish(stamp, ()))
    assert time.monotonic() - started < 0.4


def test_images_without_partners_are_not_drawn_while_others_get_theirs(peer, stage):
    stage.draw()
    skipped = [peer.stamp() for _ in range(5)]
    for stamp in skipped:
        stage.publish(stamp, ())
    stage.draw()
    assert all(stage.debug.at(stamp) is None for stamp in skipped)


def test_stamps_of_zero_are_drawn_and_kept(stage):
    stage.debug.messages.clear()
    wait_until(lambda: stage.debug.at((0, 0)), "a picture", also=lambda: stage.publish((0, 0)))
    assert np.array_equal(pixels(stage.debug.at((0, 0))), expected())


@pytest.mark.parametrize("mode", [name for name, mode in rendering.MODES.items() if mode.privacy])
def test_a_privacy_mode_never_shows_an_image_without_its_part_mask(peer, node, stage, mode):
    assert peer.set(node.path, "mode", mode).successful
    wait_until(lambda: np.array_equal(pixels(stage.draw()), expected(mode)), "it works at all")

    stage.never(lambda: stage.publish(peer.stamp(), [name for name in INPUTS if name != "part_mask"]))
    stage.never(lambda: stage.publish(peer.stamp(), [name for name in INPUTS if name != "faces"]))
    stage.never(lambda: stage.publish((0, 0)))
    last = peer.stamp()

    def other_stamp():
        stage.publish(last, ())
        stage.publish(peer.stamp(), ("part_mask",), frame=False)

    stage.never(other_stamp)
    assert "shows nothing of an image whose stamp is not set" in node.output
    stage.draw()


def test_a_change_to_a_privacy_mode_shows_nothing_sharp_afterwards(peer, node, stage):
    sharp, hidden = expected(), expected("pixelate_parts", hide=("all",))
    assert peer.set(node.path, "hide", ["all"]).successful
    for _ in range(3):
        stage.draw()
        assert peer.set(node.path, "mode", "pixelate_parts").successful
        first = peer.stamp()
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            stage.publish(peer.stamp())
            time.sleep(0.01)
        later = [m for m in stage.debug.messages if m.header.stamp.nanosec > first[1]]
        assert later
        assert all(np.array_equal(pixels(message), hidden) for message in later)
        assert peer.set(node.path, "mode", "instances").successful
        wait_until(lambda: np.array_equal(pixels(stage.draw()), sharp), "instances again")
    assert peer.set(node.path, "hide", ["face"]).successful


def test_bad_input_between_good_frames(peer, node, stage):
    cut = image(PICTURE, "bgr8", peer.stamp())
    cut.data = cut.data[:100]
    unknown = image(PICTURE, "what_is_this", peer.stamp())
    other_size = image(PICTURE[:48], "bgr8", peer.stamp())
    for bad, reason in (
        (cut, "is cut off"),
        (unknown, "what_is_this"),
        (other_size, "the image of its stamp is 128x48"),
    ):
        stamp = bad.header.stamp.sec, bad.header.stamp.nanosec
        peer.diagnostics.clear()
        wait_until(
            lambda why=reason: why in peer.values(f"{node.title}: camera")["last error"],
            reason,
            also=lambda bad=bad, stamp=stamp: stage.publish(stamp, frame=bad),
        )
        assert np.array_equal(pixels(stage.draw()), expected())
    assert "a frame cannot be drawn" in node.output


def test_max_rate(peer, node, stage):
    assert peer.set(node.path, "max_rate", 2.0).successful
    stage.debug.messages.clear()
    started = time.monotonic()
    wait_until(lambda: len(stage.debug.messages) >= 4, "pictures", also=lambda: stage.publish(peer.stamp()))
    assert time.monotonic() - started > 1.0


def test_outputs_are_reliable_and_inputs_best_effort(peer, node, stage):
    stage.draw()
    for topic in ("debug_image", "debug_image/compressed"):
        (info,) = peer.node.get_publishers_info_by_topic(f"/show/{topic}")
        assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    for topic in ("image", "instance_mask", "persons"):
        (info,) = [
            i for i in peer.node.get_subscriptions_info_by_topic(f"/show/{topic}") if i.node_name == node.name
        ]
        assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert peer.get(node.path, "qos_overrides./show/image.subscription.reliability") == "best_effort"


def test_frames_that_never_get_their_partner_do_not_pile_up(peer, node, stage):
    assert peer.set(node.path, "buffer_size", 5).successful
    stage.draw()
    big = np.zeros((480, 640, 3), np.uint8)
    before = None
    for number in range(300):  # 276 MB
        stage.publish(peer.stamp(), (), frame=image(big, "bgr8", peer.stamp()))
        stage.publish(peer.stamp(), ("instance_mask",), frame=False)  # it is there, for other stamps
        if number == 50:
            before = node.resident_mb()
        time.sleep(0.01)
    assert node.resident_mb() < before + 30
    peer.diagnostics.clear()
    values = peer.values(f"{node.title}: camera")
    assert int(values["waiting"]) <= 5
    assert int(values["images without partners"]) > 100
    assert peer.set(node.path, "buffer_size", 30).successful
    stage.draw()


def cpu_s(process):
    """The seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_it_listens_and_works_only_while_somebody_looks(peer, node, stage):
    """Comes last of those with the common node: it takes the subscription away."""
    stage.draw()
    assert stage.subscriptions(node) == {"image", "instance_mask", "persons"}
    stage.look_away()
    wait_until(lambda: not stage.subscriptions(node), "no subscription is held")

    used, started = cpu_s(node.process), time.monotonic()
    while time.monotonic() - started < 5:
        stage.publish(peer.stamp())
        time.sleep(0.03)
    assert stage.subscriptions(node) == set()
    assert cpu_s(node.process) - used < 0.03 * 5  # it is 1 % at most on a machine with nothing else to do

    stage.look()
    stage.draw()
    stage.look_away()


def test_several_cameras(peer):
    with NodeProcess("-r", "__ns:=/several", program=PROGRAM, cameras="[left, right]") as node:
        left, right = (Stage(peer, f"/several/{name}/") for name in ("left", "right"))
        left.look()
        assert np.array_equal(pixels(left.draw()), expected())
        assert left.subscriptions(node)
        assert not right.subscriptions(node)
        right.look()
        assert np.array_equal(pixels(right.draw()), expected())
        left.look_away()
        right.look_away()


def test_compressed_input(peer):
    with NodeProcess("-r", "__ns:=/packed", program=PROGRAM, input_transport="compressed") as node:
        stage = Stage(peer, "/packed/").look()
        stage.camera = peer.camera("/packed/image/compressed", kind=CompressedImage)
        data = cv2.imencode(".png", PICTURE)[1].tobytes()
        stage.debug.messages.clear()

        def publish():
            stage.publish(stamp := peer.stamp(), frame=compressed(data, stamp))

        wait_until(lambda: stage.debug.messages, "a picture", also=publish)
        assert np.array_equal(pixels(stage.debug.messages[-1]), expected())
        assert "image/compressed" in stage.subscriptions(node)
        stage.look_away()


def test_it_says_what_is_missing(peer):
    with NodeProcess("-r", "__ns:=/missing", program=PROGRAM, mode="blur_parts") as node:
        stage = Stage(peer, "/missing/").look()
        node.wait_for("no frame on /missing/image for 5 s")
        needed = required_of("blur_parts")[1:]
        steps = [
            (needed[:k], f"blur_parts shows nothing without {name}: no frame on /missing/{name}")
            for k, name in enumerate(needed)
        ]
        for inputs, reason in [*steps, (needed, "but none with the stamp of an image")]:
            wait_until(
                lambda reason=reason: reason in node.output,
                reason,
                also=lambda inputs=inputs: (
                    stage.publish(peer.stamp(), ()),
                    stage.publish(peer.stamp(), inputs, frame=False),
                ),
            )
        assert stage.debug.messages == []
        stage.look_away()


def test_simulated_time_that_stands_still_stops_nothing(peer):
    with NodeProcess("-r", "__ns:=/still", program=PROGRAM, use_sim_time=True):
        stage = Stage(peer, "/still/").look()
        stage.draw()
        stage.look_away()


@pytest.mark.parametrize("looked_at", [False, True])
def test_sigint_ends_it_cleanly(peer, looked_at):
    with NodeProcess("-r", "__ns:=/ending", program=PROGRAM) as node:
        stage = Stage(peer, "/ending/")
        peer.values(f"{node.title}: camera")
        if looked_at:
            stage.look()
            stage.draw()
        code, seconds = node.interrupt()
        assert (code, "Traceback" in node.output) == (0, False), node.output
        assert seconds < 2
        if looked_at:
            stage.look_away()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [({"mode": "sepia"}, "mode is 'sepia'"), ({"opacity": 2.0}, "opacity"), ({"opacity": 1}, "a double")],
)
def test_bad_parameters_end_the_start(parameters, reason):
    with NodeProcess(program=PROGRAM, **parameters) as node:
        node.wait_for("cannot start: ")
        assert node.process.wait(10) == 1
        assert reason in node.output


def test_a_mask_in_colours_costs_nothing_unseen(peer):
    with NodeProcess("-r", "__ns:=/coloured", program=PROGRAM) as node:
        stage = Stage(peer, "/coloured/")
        wait_until(lambda: peer.node.count_publishers("/coloured/label_image"), "the node")
        assert stage.subscriptions(node) == set()
        coloured = peer.subscribe("/coloured/label_image", Image)
        wait_until(lambda: coloured.messages, "a picture", also=lambda: stage.publish(peer.stamp()))
        assert stage.subscriptions(node) == {"instance_mask"}
        message = coloured.messages[-1]
        found, encoding = images.to_image(message)
        assert encoding == "rgb8"
        assert np.array_equal(found, rendering.draw_labels(SCENE.instance_mask, "instance_mask"))
        assert message.header.frame_id == "cam"
        assert peer.set(f"coloured/{node.name}", "labels", "part_mask").successful
        wait_until(lambda: stage.subscriptions(node) == {"part_mask"}, "the other mask")
        peer.unsubscribe(coloured)
        wait_until(lambda: stage.subscriptions(node) == set(), "nobody looks")
