"""A recorded ROS 2 bag -> a bag with the people in it: what `bodypix bag` does."""

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from bodypix_ros.bags.outputs import Outputs
from bodypix_ros.bags.plan import IMAGE, Plan
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.typestore import typestore
from bodypix_ros.bags.writing import copy_connection, new_bag
from bodypix_ros.errors import BagError, MessageError
from bodypix_ros.ros.messages import images

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


@dataclass(slots=True)
class Report:
    """What was done; `failures` has one line per image that could not be used."""

    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    failures: list[str] = field(default_factory=list)


def process(
    segmenter: "Segmenter",
    bag: InputBag,
    what: Plan,
    target: Path,
    bar: Any,
    *,
    storage: str | None = None,
    mono16_max: int = 65535,
    mode: str | None = None,
) -> Report:
    """Write a bag with the people of another.

    An image that cannot be used is reported on stderr and the others go on.

    Args:
        segmenter: The model.
        bag: The bag to read.
        what: From `plan`.
        target: Folder of the bag to write; it appears whole or not at all.
        bar: A tqdm bar; counts images.
        storage: One of STORAGES; None: the storage of `bag`. MCAP is written compressed.
        mono16_max: The value of white in 16-bit images.
        mode: One of `rendering.MODES`: write pictures drawn in it, in JPEG; None: write none.

    Raises:
        ValueError: `target` exists.
        BagError: The input is broken or holds no usable image, or the output cannot be written.
    """
    report = Report()
    store = typestore()
    with new_bag(target, storage or bag.storage) as writer:
        copied = {
            connection.topic: copy_connection(writer, connection, store)
            for connection in {c.topic: c for c in bag.connections if c.topic in what.copied}.values()
        }
        cameras = {topic: Outputs(writer, store, prefix, segmenter) for topic, prefix in what.cameras.items()}
        infos = {c.topic for c in bag.connections if c.msgtype == _CAMERA_INFO}
        calibrating = {
            outputs.camera_info: outputs for outputs in cameras.values() if outputs.camera_info in infos
        }
        streams = {topic: segmenter.stream() for topic in what.cameras}
        seen = 0
        for connection, time_ns, raw in bag.messages({*copied, *cameras, *calibrating}):
            topic = connection.topic
            if topic in copied:
                writer.write(copied[topic], time_ns, raw)
            if topic in calibrating:
                calibrating[topic].calibrate(raw)
            if topic not in cameras:
                continue
            seen += 1
            bar.update()
            try:
                header, image, encoding = _decode(store, connection.msgtype, raw, mono16_max)
            except MessageError as error:
                report.failures.append(f"{topic} at {time_ns / 1e9:.3f} s: {error}")
                bar.write(f"bodypix: {report.failures[-1]}", file=sys.stderr)
                continue
            scene = streams[topic].segment(image, encoding, stamp=header.stamp)
            cameras[topic].write(time_ns, header, scene)
            if mode is not None:
                cameras[topic].draw(time_ns, header, images.as_bgr(image, encoding), scene, mode)
            report.segment_ms += scene.timings.total_ms
            report.images += 1
            report.people += len(scene.persons)
        for topic, outputs in cameras.items():
            for output, why in outputs.errors.items():
                bar.write(f"bodypix: no {output} for {topic}: {why}", file=sys.stderr)
        if not report.images:
            first = report.failures[0] if report.failures else f"none of {what.images} is there"
            raise BagError(f"{bag.path}: not one usable image: {first}")
        if seen < what.images:
            report.failures.append(f"{bag.path}: promises {what.images} images, but holds {seen}")
            bar.write(f"bodypix: {report.failures[-1]}", file=sys.stderr)
    return report


def _decode(store: Typestore, msgtype: str, raw: bytes, mono16_max: int) -> tuple[Any, images.Pixels, str]:
    """Give header, image and encoding of a serialized image, or raise MessageError."""
    try:
        message: Any = store.deserialize_cdr(raw, msgtype)
    except (SerdeError, ValueError, IndexError, AssertionError, struct.error) as error:
        raise MessageError(f"no whole {msgtype}: {error}") from error
    convert = images.to_image if msgtype == IMAGE else images.to_image_compressed
    return message.header, *convert(message, mono16_max=mono16_max)
