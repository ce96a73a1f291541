"""Several cameras, compressed images, simulated time, frames that stay away."""

import time

import cv2
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock

import bodypix_ros
from on_ros.harness import MODEL, CompressedImage, Image, NodeProcess, compressed, image, wait_until


@pytest.fixture(scope="module")
def library(model_dir):
    with bodypix_ros.load(MODEL, model_dir=model_dir, device="CPU", algorithm="original") as segmenter:
        yield segmenter


def picture(height, width, seed=5):
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1))


def mask(message):
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)


def test_two_cameras_of_different_size_and_rate_share_the_model(peer, model_dir, library):
    pictures = {"front": picture(96, 128), "side/rear": picture(160, 120, seed=6)}
    with NodeProcess(
        model=MODEL,
        model_dir=model_dir,
        device="CPU",
        algorithm="original",  # without memory of the frames before, of which nobody knows which were seen
        cameras="[front, side/rear]",
        performance_hint="THROUGHPUT",
    ) as node:
        cameras = {name: peer.camera(f"{name}/image") for name in pictures}
        masks = {name: peer.subscribe(f"{name}/instance_mask", Image) for name in pictures}
        node.wait_for("runs on CPU")
        stamps = {name: [] for name in pictures}
        turn = 0

        def publish():
            nonlocal turn
            turn += 1
            for name in pictures if turn % 3 == 0 else ["front"]:
                stamps[name].append(peer.stamp())
                frame = image(pictures[name], "bgr8", stamps[name][-1], frame_id=name)
                cameras[name].publish(frame)

        wait_until(
            lambda: all(len(masks[name].messages) > 10 for name in pictures), "masks of both", also=publish
        )

        for name, array in pictures.items():
            expected = library.segment(array).instance_mask
            for message in masks[name].messages:
                assert message.header.frame_id == name
                assert (message.header.stamp.sec, message.header.stamp.nanosec) in stamps[name]
                np.testing.assert_array_equal(mask(message), expected)
            order = [(m.header.stamp.sec, m.header.stamp.nanosec) for m in masks[name].messages]
            assert order == sorted(order)
        assert peer.values(f"{node.title}: camera front")
        assert peer.values(f"{node.title}: camera side/rear")


def test_real_weights_on_a_real_picture(peer, data_dir):
    array = cv2.imread(str(data_dir / "images/photos/grace_hopper.bmp"))
    model, folder = bodypix_ros.DEFAULT_MODEL, data_dir / "models"
    with (
        NodeProcess(model=model, model_dir=folder, device="CPU") as node,
        bodypix_ros.load(model, model_dir=folder, device="CPU") as segmenter,
    ):
        camera = peer.camera("image", reliable=True)
        masks = [peer.subscribe(topic, Image) for topic in ("instance_mask", "part_mask")]
        node.wait_for("runs on CPU")
        assert sum(person.has_pose for person in segmenter.segment(array).persons) == 1
        stream = segmenter.stream()
        expected = [stream.segment(array, stamp=0.0) for _ in range(40)]
        instances, parts = peer.exchange(camera, image(array, "bgr8", peer.stamp()), masks)
        # As in one of a stream's first frames; the same one may have been sent several times.
        assert any(
            np.array_equal(mask(instances), scene.instance_mask)
            and np.array_equal(mask(parts), scene.part_mask)
            for scene in expected
        )
    peer.unsubscribe(*masks)


def test_compressed_images(peer, model_dir, library):
    array = picture(96, 128)
    with NodeProcess(
        "-r", "image/compressed:=/lens/compressed",
        model=MODEL, model_dir=model_dir, device="CPU", input_transport="compressed", algorithm="original",
    ) as node:  # fmt: skip
        camera = peer.camera("/lens/compressed", kind=CompressedImage)
        masks = peer.subscribe("instance_mask", Image)
        node.wait_for("runs on CPU")

        broken = compressed(b"no picture at all", peer.stamp())
        wait_until(
            lambda: "is not a whole picture" in node.output, "said", also=lambda: camera.publish(broken)
        )
        for kind in ("png", "jpeg"):
            data = cv2.imencode(f".{kind}", array)[1].tobytes()
            frame = compressed(data, peer.stamp(), kind)
            (answer,) = peer.exchange(camera, frame, [masks])
            expected = library.segment(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
            np.testing.assert_array_equal(mask(answer), expected.instance_mask)
            assert answer.header == frame.header


def test_simulated_time(peer, model_dir):
    clock = peer.node.create_publisher(Clock, "/clock", 1)
    now = 1000.0

    def tick():
        nonlocal now
        now += 0.01
        message = Clock()
        message.clock.sec, message.clock.nanosec = int(now), int(now % 1 * 1e9)
        clock.publish(message)

    with NodeProcess(model=MODEL, model_dir=model_dir, device="CPU", use_sim_time=True) as node:
        camera = peer.camera("image")
        masks = peer.subscribe("instance_mask", Image)
        node.wait_for("runs on CPU")  # though time stands still

        def publish():
            tick()
            camera.publish(image(picture(96, 128), "bgr8", (int(now), int(now % 1 * 1e9))))

        wait_until(lambda: len(masks.messages) > 5, "masks", also=publish)
        assert {message.header.stamp.sec for message in masks.messages} <= {1000, 1001, 1002}

        def aged():
            values = (
                peer.values(f"{node.title}: camera") if f"{node.title}: camera" in peer.diagnostics else {}
            )
            return values.get("age p95 (ms)", "none") != "none" and values

        values = wait_until(aged, "diagnostics in simulated time", also=publish)
        assert 0 <= float(values["age p50 (ms)"]) < 1000  # of simulated time: not the years since 1970
    peer.node.destroy_publisher(clock)


def test_it_says_what_it_waits_for(peer, model_dir):
    topic = "/nowhere/image"
    camera = peer.camera(topic)  # best effort: a reliable subscription hears nothing of it
    with (
        NodeProcess(
            "-r",
            f"image:={topic}",
            "-p",
            f"qos_overrides.{topic}.subscription.reliability:=reliable",
            model=MODEL,
            model_dir=model_dir,
            device="CPU",
        ) as strict,
        NodeProcess("-r", "image:=/nobody/image", model=MODEL, model_dir=model_dir, device="CPU") as alone,
    ):
        strict.wait_for(f"set qos_overrides.{topic}.subscription.reliability to best_effort")
        assert f"no frame on {topic} for " in strict.output
        assert "1 publisher: /peer (Image, BEST_EFFORT, VOLATILE)" in strict.output
        alone.wait_for("nobody publishes it; start the camera, or remap image")
        wait_until(lambda: peer.diagnostics[f"{alone.title}: camera"].level == b"\x01", "diagnostics warn")
        started = time.monotonic()
        wait_until(lambda: time.monotonic() - started > 3, "some seconds")
        assert alone.output.count("no frame on") == 1
    peer.node.destroy_publisher(camera)
