"""Ids of people: for each camera its own, the same in every topic, new ones after a lifecycle's round."""

import cv2
import numpy as np
from vision_msgs.msg import Detection2DArray

import bodypix_ros
from on_ros.harness import NodeProcess, image, wait_until

START_S, STEP_NS = 1_700_000_000, 50_000_000


class Cameras:
    """Two people who walk through the pictures of two cameras, the second of which is slower."""

    def __init__(self, peer, array):
        self.array, self.turn = array, 0
        self.publishers = {name: peer.camera(f"{name}/image") for name in ("front", "rear")}

    def publish(self):
        self.turn += 1
        stamp = divmod(self.turn * STEP_NS, 10**9)
        for name, publisher in self.publishers.items():
            if name == "front" or self.turn % 3 == 0:
                walked = np.roll(self.array, self.turn % 40, axis=1)
                publisher.publish(image(walked, "bgr8", (START_S + stamp[0], stamp[1]), frame_id=name))


def by_place(message):
    """Ids from left to right."""
    people = sorted(message.detections, key=lambda one: one.bbox.center.position.x)
    return [one.id for one in people]


def test_ids_stay_for_each_camera_and_begin_anew_with_the_node(peer, data_dir):
    array = cv2.imread(str(data_dir / "images/photos/couple_snow_test_image.bmp"))
    cameras = Cameras(peer, array)
    with NodeProcess(
        model=bodypix_ros.DEFAULT_MODEL, model_dir=data_dir / "models", device="CPU", cameras="[front, rear]"
    ) as node:
        for _ in range(2):
            persons = {
                name: peer.subscribe(f"{name}/persons", Detection2DArray) for name in ("front", "rear")
            }
            points = {name: peer.subscribe(f"{name}/keypoints", Detection2DArray) for name in persons}
            received = [*persons.values(), *points.values()]
            wait_until(
                lambda r=received: all(len(x.messages) > 12 for x in r), "people", also=cameras.publish
            )
            for name in persons:
                messages = list(persons[name].messages)
                ids = [by_place(message) for message in messages]
                known = [i for i in ids if "" not in i and len(i) == 2]
                assert len(known) >= 8
                assert all(i == known[-1] for i in known), f"{name}: {ids}"
                assert set(known[-1]) == {"1", "2"}
                for message in messages:
                    stamp = message.header.stamp.sec, message.header.stamp.nanosec
                    other = points[name].at(stamp)
                    if other is not None:
                        assert by_place(other) == by_place(message)
            peer.unsubscribe(*received)
            for label in ("deactivate", "cleanup", "configure", "activate"):
                assert peer.transition(node.name, label)
