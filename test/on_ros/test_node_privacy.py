"""Faces hidden by two nodes, as they are launched for it: what is drawn is what the library draws."""

import json

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

import bodypix_ros
from bodypix_ros import rendering
from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.ros.messages import images
from on_ros.harness import NodeProcess, image, wait_until

MODE = "blur_parts"
PRESET = rendering.MODES[MODE].preset
PICTURES = 12


def faces_of(folder):
    """The pictures with most annotated noses and eyes that can be seen: file name, and their x and y."""
    known = json.loads((folder / "person_keypoints.json").read_text())
    names = {entry["id"]: entry["file_name"] for entry in known["images"]}
    seen = {}
    for annotation in known["annotations"]:
        points = np.reshape(annotation["keypoints"], (len(KEYPOINTS), 3))[:3]
        seen.setdefault(names[annotation["image_id"]], []).extend(points[points[:, 2] == 2, :2].tolist())
    most = sorted(seen, key=lambda name: (-len(seen[name]), name))[:PICTURES]
    return {name: seen[name] for name in most if seen[name]}


def test_noses_and_eyes_of_real_pictures_are_hidden(peer, data_dir):
    folder = data_dir / "images/coco_open"
    if not (data_dir / "models/bodypix").is_dir() or not folder.is_dir():
        pytest.skip("no weights of BodyPix, or no pictures, among the test data")
    load = {"device": "CPU", "precision": "f32", "model_dir": data_dir / "models", "preset": PRESET}
    with (
        NodeProcess("-r", "__ns:=/veil", smooth=False, **load) as segmenter,
        NodeProcess(
            "-r", "__ns:=/veil", program=("-m", "bodypix_ros.ros.renderer_node"), mode=MODE
        ) as renderer,
        bodypix_ros.load(**load) as library,
    ):
        segmenter.wait_for("runs on CPU", 120)
        drawn = peer.subscribe("/veil/debug_image", Image)
        camera = peer.camera("/veil/image")
        checked = 0
        for name, points in faces_of(folder).items():
            pixels = cv2.imread(str(folder / "images" / name))
            stamps = []

            def publish(pixels=pixels, stamps=stamps):
                stamps.append(peer.stamp())
                camera.publish(image(pixels, "bgr8", stamps[-1]))

            def answers(stamps=stamps):
                return [message for stamp in stamps if (message := drawn.at(stamp)) is not None]

            wait_until(answers, f"a picture of {name}", 120, also=publish)
            found, _ = images.to_image(answers()[-1])
            expected = rendering.draw(pixels, library.segment(pixels), MODE, bgr=True)
            for x, y in points:
                near = np.s_[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                # A stream has less sure people in it, too, so that what is hidden may be a little more.
                assert np.abs(found[near].astype(int) - expected[near]).max() <= 32, (name, x, y)
                assert (found[near] != pixels[near]).any(), (name, x, y)
                checked += 1
            outside = (expected == pixels).all(axis=2)
            assert (found != pixels)[outside].mean() < 0.005, name
        assert checked >= 30
        assert "shows nothing" not in renderer.output
