"""Ids of people: for each camera its own, the same in every topic, new ones after a lifecycle's round."""

import dataclasses

import cv2
import numpy as np
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

import bodypix_ros
from bodypix_ros import rendering
from bodypix_ros.ros.messages.images import to_image
from bodypix_ros.ros.messages.scenes import to_scene
from on_ros.harness import NodeProcess, image, wait_until

START_S, STEP_NS = 1_700_000_000, 50_000_000
RENDERER = ("-m", "bodypix_ros.ros.renderer_node")


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
                frame = image(self.walked(self.turn), "bgr8", (START_S + stamp[0], stamp[1]), frame_id=name)
                publisher.publish(frame)

    def walked(self, turn):
        """The picture that a turn shows."""
        return np.roll(self.array, turn % 40, axis=1)


def time_of(message):
    """Nanoseconds since the first picture."""
    return (message.header.stamp.sec - START_S) * 10**9 + message.header.stamp.nanosec


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
                story = list(zip(map(time_of, messages), ids, strict=True))
                assert all(i == known[-1] for i in known), f"{name}: {story}"
                assert set(known[-1]) == {"1", "2"}
                for message in messages:
                    stamp = message.header.stamp.sec, message.header.stamp.nanosec
                    other = points[name].at(stamp)
                    if other is not None:
                        assert by_place(other) == by_place(message)
            peer.unsubscribe(*received)
            for label in ("deactivate", "cleanup", "configure", "activate"):
                assert peer.transition(node.name, label)


def test_the_renderer_reads_ids_with_a_prefix_which_tell_cameras_apart(peer, data_dir):
    array = cv2.imread(str(data_dir / "images/photos/couple_snow_test_image.bmp"))
    cameras, names = Cameras(peer, array), "[front, rear]"
    with (
        NodeProcess(
            model=bodypix_ros.DEFAULT_MODEL, model_dir=data_dir / "models", device="CPU", cameras=names,
            id_prefix="'{camera}_'",  # in quotes, as YAML reads it
        ),
        NodeProcess(program=RENDERER, cameras=names, mode="instances"),
    ):  # fmt: skip
        kinds = {"debug_image": Image, "instance_mask": Image, "persons": Detection2DArray}
        seen = {
            name: {topic: peer.subscribe(f"{name}/{topic}", kind) for topic, kind in kinds.items()}
            for name in ("front", "rear")
        }

        def drawn(name):
            """A picture of two people with ids, and what it was made of."""
            pictures, masks, persons = seen[name].values()
            for picture in reversed(list(pictures.messages)):
                stamp = picture.header.stamp.sec, picture.header.stamp.nanosec
                mask, people = masks.at(stamp), persons.at(stamp)
                if mask and people and len(people.detections) == 2 and all(by_place(people)):
                    walked, shown = cameras.walked(time_of(picture) // STEP_NS), to_image(picture)[0]
                    if not np.array_equal(shown, walked):  # as it is while the model starts
                        return walked, shown, mask, people
            return None

        for name in seen:
            walked, shown, mask, people = wait_until(
                lambda name=name: drawn(name), "people with ids", also=cameras.publish
            )
            assert set(by_place(people)) == {f"{name}_1", f"{name}_2"}
            for one in people.detections:
                one.id = one.id.removeprefix(f"{name}_")
            scene = to_scene(array.shape[:2], instance_mask=mask, persons=people)
            expected = rendering.draw(walked, scene, "instances", bgr=True)
            assert np.array_equal(shown, expected)
            # Ids that could not be read would give other colours.
            nameless = tuple(dataclasses.replace(person, track_id=None) for person in scene.persons)
            without = rendering.draw(
                walked, dataclasses.replace(scene, persons=nameless), "instances", bgr=True
            )
            assert not np.array_equal(expected, without)
        peer.unsubscribe(*(one for topics in seen.values() for one in topics.values()))
