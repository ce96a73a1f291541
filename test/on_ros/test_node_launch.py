"""The node under launch_testing: what arrives on the wire, and how it ends."""

import sys
import tempfile
import unittest
from pathlib import Path

import launch_testing
import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
import numpy as np
import pytest
from launch import LaunchDescription
from launch.actions import ExecuteProcess

from on_ros.harness import MODEL, Peer, image
from support.checkpoints import write_tiny_bodypix


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    folder = Path(tempfile.mkdtemp())
    write_tiny_bodypix(folder, seed=9)
    parameters = {"model": MODEL, "model_dir": folder, "device": "CPU"}
    settings = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    node = ExecuteProcess(
        cmd=[sys.executable, "-m", "bodypix_ros.ros.segmenter_node", "--ros-args", *settings], output="screen"
    )
    return LaunchDescription([node, launch_testing.actions.ReadyToTest()]), {"node": node}


class TestOnTheWire(unittest.TestCase):
    def test_every_output_has_the_images_header_size_and_encoding(self):
        with Peer() as peer:
            camera, outputs = peer.camera("image"), peer.outputs("")
            masks = [outputs["instance_mask"], outputs["part_mask"]]
            detections = [outputs["persons"], outputs["keypoints"]]
            pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
            frame = image(pixels, "bgr8", peer.stamp(), frame_id="camera_optical_frame")
            answers = peer.exchange(camera, frame, masks + detections)
            for answer in answers:
                assert answer.header == frame.header
            for mask in answers[:2]:
                assert (mask.width, mask.height, mask.encoding) == (frame.width, frame.height, "mono8")


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    def test_the_node_ended_well(self, proc_info, node):
        launch_testing.asserts.assertExitCodes(proc_info, process=node)
