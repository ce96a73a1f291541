"""A recorded ROS 2 bag -> a bag with the people in it: what `bodypix bag` does."""

from pathlib import Path
from typing import TYPE_CHECKING

from bodypix_ros.bags.messages import decode
from bodypix_ros.bags.outputs import Outputs
from bodypix_ros.bags.places import Places
from bodypix_ros.bags.plan import Plan
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.typestore import typestore
from bodypix_ros.bags.writing import copy_connections, new_bag
from bodypix_ros.errors import BagError, MessageError
from bodypix_ros.rendering import Style
from bodypix_ros.report import Report
from bodypix_ros.ros.messages import images

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


def process(
    segmenter: "Segmenter",
    bag: InputBag,
    what: Plan,
    target: Path,
    report: Report,
    *,
    storage: str | None = None,
    mono16_max: int | None = None,
    mode: str | None = None,
    style: Style | None = None,
    slop_s: float = 0.05,
    depth_unit: float | None = None,
) -> None:
    """Write a bag with the people of another.

    An image that cannot be used is in the report, and the others go on.

    Args:
        segmenter: The model.
        bag: The bag to read.
        what: From `plan`.
        target: Folder of the bag to write; it appears whole or not at all.
        report: Counts images.
        storage: One of STORAGES; None: the storage of `bag`. MCAP is written compressed.
        mono16_max: The value of white in 16-bit images; None: 65535, and 16UC1 is taken for depth.
        mode: One of `rendering.MODES`: write pictures drawn in it, in JPEG; None: write none.
        style: How they are drawn; None: as `Style` has it by default.
        slop_s: Seconds that image and depth may differ.
        depth_unit: Metres per unit of depth; None: by its encoding.

    Raises:
        ValueError: `target` exists.
        BagError: The input is broken or holds no usable image, or the output cannot be written.
        OutputError: Another process writes `target`, or its folder cannot be written.
    """
    store = typestore()
    with new_bag(target, storage or bag.storage) as writer:
        copied = copy_connections(writer, bag.connections, what.copied, store)
        outputs = {topic: Outputs(writer, store, prefix, segmenter) for topic, prefix in what.cameras.items()}
        places = {topic: Places(outputs[topic], store, slop_s, depth_unit) for topic in what.depths.values()}
        streams = {topic: segmenter.stream() for topic in what.cameras}
        seen = 0
        for connection, time_ns, raw in bag.messages(what.topics):
            topic = connection.topic
            if topic in copied:
                writer.write(copied[topic], time_ns, raw)
            if topic in what.calibrations:
                outputs[what.calibrations[topic]].calibrate(raw)
            if topic in what.depths:
                places[what.depths[topic]].depth(raw)
            if topic not in what.cameras:
                continue
            seen += 1
            report.progress.update()
            try:
                header, image, encoding = decode(store, connection.msgtype, raw, mono16_max)
            except MessageError as error:
                report.fail(f"{topic} at {time_ns / 1e9:.3f} s: {error}")
                continue
            scene = streams[topic].segment(image, encoding, stamp=header.stamp)
            outputs[topic].write(time_ns, header, scene)
            if topic in places:
                places[topic].see(time_ns, header, scene, images.as_bgr(image, encoding))
            if mode is not None:
                outputs[topic].draw(time_ns, header, images.as_bgr(image, encoding), scene, mode, style)
            report.count(scene, topic, outputs[topic].lens)
        for topic, one in places.items():
            one.finish()
            if one.problem:
                placed = f"people of {one.written} images are in metres"
                report.complain(f"{placed}, of others of {topic} they are not: {one.problem}")
        for topic, out in outputs.items():
            for output, why in out.errors.items():
                report.complain(f"no {output} for {topic}: {why}")
        if not report.images:
            first = report.failures[0] if report.failures else f"none of {what.images} is there"
            raise BagError(f"{bag.path}: not one usable image: {first}")
        if seen < what.images:
            report.fail(f"{bag.path}: promises {what.images} images, but holds {seen}")
