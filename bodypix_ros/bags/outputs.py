"""What `bodypix bag` writes for one image topic."""

import struct
from typing import Any

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import Writer
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from bodypix_ros import rendering
from bodypix_ros.bags.typestore import rosbags_types
from bodypix_ros.errors import PlacingError
from bodypix_ros.ros.messages import images, labels, people
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.pose import place_all

OUTPUTS = (
    "persons",
    "keypoints",
    "keypoints_3d",
    "instance_mask",
    "instance_mask/label_info",
    "part_mask",
    "part_mask/label_info",
    "confidence",
    "debug_image/compressed",
)
"""What is written beside an image topic, where the model gives it; keypoints_3d where a camera_info is."""

_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_FOREVER = QosTime(9223372036, 854775807)


def _qos(durability: QosDurability) -> Qos:
    reliable, by_itself = QosReliability.RELIABLE, QosLiveliness.AUTOMATIC
    last = QosHistory.KEEP_LAST
    return Qos(last, 1, reliable, durability, _FOREVER, _FOREVER, by_itself, _FOREVER, False)


_VOLATILE, _LATCHED = _qos(QosDurability.VOLATILE), _qos(QosDurability.TRANSIENT_LOCAL)


class Outputs:
    """The outputs of one image topic.

    Attributes:
        camera_info: The topic that says how the camera sees.
    """

    def __init__(self, writer: Writer, store: Typestore, prefix: str, options: Any) -> None:
        """Write nothing yet.

        Args:
            writer: Of the bag.
            store: From `typestore`.
            prefix: Of the topics.
            options: The segmenter's.
        """
        self._writer, self._store, self._prefix, self._options = writer, store, prefix, options
        self._types = rosbags_types(store)
        self._connections: dict[str, Connection] = {}
        self._lens: Lens | None = None
        self._knows_metres, self._lens_error = False, ""
        self.camera_info = f"{prefix}camera_info"

    @property
    def lens_error(self) -> str:
        """Why persons were not placed in the camera's frame; empty while nothing was in the way."""
        return self._lens_error if self._knows_metres else ""

    def calibrate(self, raw: bytes) -> None:
        """Take a serialized sensor_msgs/CameraInfo."""
        try:
            self._lens = Lens.of(self._store.deserialize_cdr(raw, _CAMERA_INFO))
        except PlacingError as error:
            self._lens, self._lens_error = None, str(error)
        except (SerdeError, ValueError, IndexError, AssertionError, struct.error) as error:
            self._lens, self._lens_error = None, f"no whole {_CAMERA_INFO}: {error}"

    def write(self, time_ns: int, header: Any, scene: Scene) -> None:
        """Write what a Scene has.

        Args:
            time_ns: When the image was recorded.
            header: The image's.
            scene: What was seen in it.
        """
        types = self._types
        if not self._connections:
            self._write_label_infos(time_ns, header, scene)
        self._put("persons", time_ns, people.persons(types, header, scene))
        self._put("keypoints", time_ns, people.keypoints(types, header, scene))
        self._write_places(time_ns, header, scene)
        for name in ("instance_mask", "part_mask", "confidence"):
            mask = getattr(scene, name)
            if mask is not None:
                self._put(name, time_ns, images.label_image(types, header, mask))

    def draw(self, time_ns: int, header: Any, image: images.Pixels, scene: Scene, mode: str) -> None:
        """Write a picture; nothing where a privacy mode may show nothing."""
        if getattr(self._options, "flip_horizontal", False):
            image = image[:, ::-1].copy()  # the Scene is of the mirrored picture
        drawn = rendering.draw(image, scene, mode, bgr=True)
        if drawn is not None:
            picture = images.jpeg_image(self._types, header, drawn)
            self._put("debug_image/compressed", time_ns, picture)

    def _write_places(self, time_ns: int, header: Any, scene: Scene) -> None:
        # Without people nobody can tell whether the model knows metres; the first one does.
        self._knows_metres |= any(person.keypoints_3d is not None for person in scene.persons)
        if self._lens is None or not self._knows_metres:
            return
        try:
            placed = place_all(scene, self._lens, self._options.min_keypoint_score)
        except PlacingError as error:
            self._lens_error = str(error)
            return
        message = people.keypoints_3d(self._types, header, scene.keypoint_names, placed)
        self._put("keypoints_3d", time_ns, message)

    def _write_label_infos(self, time_ns: int, header: Any, scene: Scene) -> None:
        named = {"instance_mask": labels.instance_labels(getattr(self._options, "max_detections", 1))}
        if scene.part_mask is not None:
            named["part_mask"] = labels.PART_LABELS
        threshold = self._options.segmentation_threshold
        for name, names in named.items():
            message = labels.label_info(self._types, header, names, threshold)
            self._put(f"{name}/label_info", time_ns, message, _LATCHED)

    def _put(self, name: str, time_ns: int, message: Any, qos: Qos = _VOLATILE) -> None:
        msgtype = message.__msgtype__
        if name not in self._connections:
            self._connections[name] = self._writer.add_connection(
                self._prefix + name, msgtype, typestore=self._store, offered_qos_profiles=[qos]
            )
        self._writer.write(self._connections[name], time_ns, self._store.serialize_cdr(message, msgtype))
