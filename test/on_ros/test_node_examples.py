"""The example in Python, beside people_node."""

import subprocess
import sys

from on_ros.harness import NodeProcess, wait_until
from on_ros.robot import Robot, depth, person, scene
from support.paths import ROOT


def test_the_example_says_who_raises_a_hand_and_how_far_away_that_is(peer, tmp_path):
    robot = Robot(peer, "/example/")
    seen = scene(person((100, 100, 220, 400), 7), person((400, 150, 480, 380), 9))
    points = seen.persons[0].keypoints
    points[9, 1] = points[5, 1] - 30  # the left wrist above the left shoulder
    metres = depth(seen, {1: 2.0, 2: 3.5})
    log = (tmp_path / "log").open("w+")
    program = [
        sys.executable,
        str(ROOT / "examples/python/raised_hands.py"),
        "--ros-args",
        "-r",
        "__ns:=/example",
    ]
    with NodeProcess("-r", "__ns:=/example", program=("-m", "bodypix_ros.ros.people_node"), name="people"):
        example = subprocess.Popen(program, stderr=log, stdout=log)
        try:

            def said():
                log.seek(0)
                return "9: " in (text := log.read()) and text

            text = wait_until(said, "the example speaks", also=lambda: robot.show(seen, metres))
        finally:
            example.kill()
            example.wait()
    (first,) = {line.partition("7: ")[2] for line in text.splitlines() if "7: " in line}
    (second,) = {line.partition("9: ")[2] for line in text.splitlines() if "9: " in line}
    assert first == "2.10 m away, fills 12% of the picture, raises a hand"
    assert second == "3.60 m away, fills 6% of the picture"
