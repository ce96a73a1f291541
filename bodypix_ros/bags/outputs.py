"""What `bodypix bag` writes for one image topic."""

from typing import TYPE_CHECKING, Final

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
from rosbags.typesys.store import Typestore

from bodypix_ros import rendering
from bodypix_ros.bags.messages import CAMERA_INFO, deserialize
from bodypix_ros.bags.typestore import rosbags_types
from bodypix_ros.errors import MessageError, PlacingError
from bodypix_ros.rendering import Style
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.outputs import OUTPUTS, Seen, outputs_of
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS
from bodypix_ros.ros.messages.types import Header, Message
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens

PICTURES: Final = "debug_image/compressed"
"""The topic of pictures that are drawn."""

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

_FOREVER = QosTime(9223372036, 854775807)


def _qos(durability: QosDurability) -> Qos:
    reliable, by_itself = QosReliability.RELIABLE, QosLiveliness.AUTOMATIC
    last = QosHistory.KEEP_LAST
    return Qos(last, 1, reliable, durability, _FOREVER, _FOREVER, by_itself, _FOREVER, False)


_VOLATILE, _LATCHED = _qos(QosDurability.VOLATILE), _qos(QosDurability.TRANSIENT_LOCAL)


def topics(*, placed: bool = False) -> list[str]:
    """All topics that may be written beside an image topic, relative to it.

    Args:
        placed: Also those of people in metres.
    """
    return [*OUTPUTS, PICTURES, *(PLACED_OUTPUTS if placed else ())]


class Outputs:
    """The outputs of one image topic.

    Attributes:
        lens: How the camera sees; None until that is known.
    """

    def __init__(self, writer: Writer, store: Typestore, prefix: str, segmenter: "Segmenter") -> None:
        """Write nothing yet.

        Args:
            writer: Of the bag.
            store: From `typestore`.
            prefix: Of the topics.
            segmenter: What sees.
        """
        self._writer, self._store, self._prefix = writer, store, prefix
        self._options = segmenter.options
        self._outputs = [o for o in outputs_of(segmenter.gives) if o.is_asked(self._options)]
        self._types = rosbags_types(store)
        self._connections: dict[str, Connection] = {}
        self.lens: Lens | None = None
        self._lens_error = ""

    @property
    def errors(self) -> dict[str, str]:
        """Why an output was not written, by its topic; empty while nothing was in the way."""
        if not self._lens_error:
            return {}
        return {o.topic: self._lens_error for o in self._outputs if o.needs_lens}

    def calibrate(self, raw: bytes) -> None:
        """Take a serialized sensor_msgs/CameraInfo."""
        try:
            self.lens = Lens.from_info(deserialize(self._store, CAMERA_INFO, raw))
        except (PlacingError, MessageError) as error:
            self.lens, self._lens_error = None, str(error)

    def write(self, time_ns: int, header: Header, scene: Scene) -> None:
        """Write what a Scene has; what is latched with the first one.

        Args:
            time_ns: When the image was recorded.
            header: The image's.
            scene: What was seen in it.
        """
        seen = Seen(header, self._options, scene, self.lens)
        first = not self._connections
        for output in sorted(self._outputs, key=lambda output: not output.latched):
            if output.latched and not first:
                continue
            try:
                message = output.make(self._types, seen)
            except PlacingError as error:
                self._lens_error = str(error)
                continue
            if message is not None:
                self.put(output.topic, time_ns, message, _LATCHED if output.latched else _VOLATILE)

    def draw(
        self,
        time_ns: int,
        header: Header,
        image: images.Pixels,
        scene: Scene,
        mode: str,
        style: Style | None = None,
    ) -> None:
        """Write a picture; nothing where a privacy mode may show nothing.

        Args:
            time_ns: When the image was recorded.
            header: The image's.
            image: uint8 (H, W, 3), BGR.
            scene: What was seen in it.
            mode: One of `rendering.MODES`.
            style: How it is drawn; None: as `Style` has it by default.
        """
        drawn = rendering.draw(image, scene, mode, style, bgr=True)
        if drawn is not None:
            self.put(PICTURES, time_ns, images.jpeg_image(self._types, header, drawn), _VOLATILE)

    def put(self, name: str, time_ns: int, message: Message, qos: Qos = _VOLATILE) -> None:
        """Write a message.

        Args:
            name: Of its topic, relative to the camera's.
            time_ns: When the image was recorded.
            message: Of the store's classes.
            qos: Of the topic.
        """
        msgtype = message.__msgtype__
        if name not in self._connections:
            self._connections[name] = self._writer.add_connection(
                self._prefix + name, msgtype, typestore=self._store, offered_qos_profiles=[qos]
            )
        self._writer.write(self._connections[name], time_ns, self._store.serialize_cdr(message, msgtype))
