"""Who looks at cameras that rest, and for how long."""

import threading
from dataclasses import dataclass

from bodypix_ros.ros.segmenter.watching import Watch
from support.rig import until


@dataclass
class Camera:
    rests: bool = True
    wanted: bool = False

    def is_wanted(self):
        return self.wanted


class Node:
    """Counts what it is told, and wakes its cameras then."""

    def __init__(self, *cameras):
        self.cameras, self.active, self.told = cameras, True, 0
        self.watch = Watch(self.on_wanted, lambda: self.active)
        self.before = set(threading.enumerate())

    def on_wanted(self):
        self.told += 1
        for camera in self.cameras:
            camera.rests &= not camera.wanted

    def threads(self):
        return len(set(threading.enumerate()) - self.before)


def test_somebody_who_comes_is_seen_and_the_looking_ends_when_no_camera_rests():
    node = Node(Camera(rests=False), Camera())
    node.watch.over(node.cameras)
    node.cameras[1].wanted = True
    until(lambda: node.told == 1)
    until(lambda: node.threads() == 0)
    assert node.told == 1


def test_one_thread_looks_however_often_it_is_asked_for():
    node = Node(Camera())
    for _ in range(5):
        node.watch.over(node.cameras)
    assert node.threads() == 1
    node.active = False
    until(lambda: node.threads() == 0)
    assert node.told == 0


def test_nobody_looks_while_images_come():
    node = Node(Camera(rests=False, wanted=True))
    node.watch.over(node.cameras)
    assert node.threads() == 0


def test_it_looks_again_when_a_camera_rests_anew():
    node = Node(Camera(wanted=True))
    for told in (1, 2):
        node.cameras[0].rests = True
        node.watch.over(node.cameras)
        until(lambda told=told: node.told == told and node.threads() == 0)
