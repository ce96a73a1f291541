"""A robot's camera of colour and depth, and what a segmenter would see in it: people who are boxes."""

import time
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.ros.messages import images, people
from bodypix_ros.ros.messages.types import ros_types
from bodypix_ros.scene import Person, Scene
from on_ros.harness import image

HEIGHT, WIDTH, FOCAL = 480, 640, 500.0
FRAME = "camera_optical"
OPTICAL = (-0.5, 0.5, -0.5, 0.5)
_X = np.array([50, 55, 45, 60, 40, 80, 20, 85, 15, 88, 12, 65, 35, 65, 35, 65, 35]) / 100
_Y = np.array([6, 5, 5, 6, 6, 20, 20, 35, 35, 50, 50, 50, 50, 75, 75, 95, 95]) / 100


def person(box: tuple[int, int, int, int], track_id: int | None = None) -> Person:
    """Somebody who fills a box."""
    x0, y0, x1, y1 = box
    points = np.stack([x0 + _X * (x1 - x0), y0 + _Y * (y1 - y0), np.full(17, 0.9)], axis=1)
    return Person(0.8, box, points.astype(np.float32), None, track_id)


def scene(*persons: Person) -> Scene:
    """The Scene of people who fill their boxes."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for k, one in enumerate(persons, 1):
        x0, y0, x1, y1 = one.box
        mask[y0:y1, x0:x1] = k
    return Scene(mask > 0, mask, mask * 0 + 13 * (mask > 0).astype(np.uint8), None, persons, KEYPOINTS)


def depth(seen: Scene, metres: dict[int, float], wall: float = 6.0) -> np.ndarray:
    """float32 (H, W): each person at a depth."""
    found = np.full((HEIGHT, WIDTH), wall, np.float32)
    for value, z in metres.items():
        found[seen.instance_mask == value] = z
    return found


class Robot:
    """Publishes everything; what is not to come is left out of `sends`."""

    def __init__(self, peer: Any, prefix: str = "") -> None:
        self.node, self.types, self.names = peer.node, ros_types(), set()
        quick = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        kinds = {
            "persons": Detection2DArray, "keypoints": Detection2DArray, "instance_mask": Image,
            "part_mask": Image, "image": Image, "depth/image": Image, "camera_info": CameraInfo,
        }  # fmt: skip
        self.publishers = {
            name: self.node.create_publisher(kind, prefix + name, quick) for name, kind in kinds.items()
        }
        self._tf = self.node.create_publisher(TFMessage, "/tf", 100)
        self._static = self.node.create_publisher(TFMessage, "/tf_static", latched)
        self.start_ns = time.time_ns()
        self.encoding, self.lag_ns, self.depth_frame, self.frame = "16UC1", 0, FRAME, FRAME
        self.stamp_ns, self.step_ns = self.start_ns, 33_000_000

    def tick(self) -> int:
        """The next stamp."""
        self.stamp_ns += self.step_ns
        return self.stamp_ns

    def camera_info(
        self, stamp: tuple[int, int], focal: float = FOCAL, size: tuple[int, int] = (HEIGHT, WIDTH)
    ) -> Any:
        message = CameraInfo(height=size[0], width=size[1], distortion_model="plumb_bob")
        message.k = np.array([focal, 0, (size[1] - 1) / 2, 0, focal, (size[0] - 1) / 2, 0, 0, 1.0])
        message.header.frame_id, (message.header.stamp.sec, message.header.stamp.nanosec) = self.frame, stamp
        return message

    def show(
        self, seen: Scene, metres: np.ndarray, *, without: tuple[str, ...] = (), focal: float = FOCAL
    ) -> int:
        """Publish an image's messages; returns its stamp in nanoseconds."""
        stamp_ns = self.tick()
        self.publish(seen, metres, stamp_ns, without=without, focal=focal)
        return stamp_ns

    def publish(
        self,
        seen: Scene,
        metres: np.ndarray,
        stamp_ns: int,
        *,
        without: tuple[str, ...] = (),
        focal: float = FOCAL,
    ) -> None:
        stamp = divmod(stamp_ns, 10**9)
        header = self.types.Image().header
        header.frame_id, (header.stamp.sec, header.stamp.nanosec) = self.frame, stamp
        if self.encoding == "16UC1":
            values = np.rint(np.nan_to_num(metres) * 1000).astype("<u2")
        else:
            values = metres.astype("<f4")
        made = {
            "camera_info": self.camera_info(stamp, focal),
            "depth/image": image(
                values, self.encoding, divmod(stamp_ns - self.lag_ns, 10**9), frame_id=self.depth_frame
            ),
            "image": images.bgr_image(self.types, header, np.full((HEIGHT, WIDTH, 3), 99, np.uint8)),
            "instance_mask": images.label_image(self.types, header, seen.instance_mask),
            "part_mask": images.label_image(self.types, header, seen.part_mask),
            "keypoints": people.keypoints(self.types, header, seen),
            "persons": people.persons(self.types, header, seen),
        }
        for name, message in made.items():
            if name not in without:
                self.publishers[name].publish(message)

    def transform(
        self,
        parent: str,
        child: str,
        stamp_ns: int,
        *,
        x: float = 0.0,
        turn: tuple[float, ...] = OPTICAL,
        static: bool = False,
    ) -> None:
        """Say on tf where a frame is."""
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        message.transform.translation.x = x
        rotation = message.transform.rotation
        rotation.x, rotation.y, rotation.z, rotation.w = turn
        (self._static if static else self._tf).publish(TFMessage(transforms=[message]))
