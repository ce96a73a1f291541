"""A recorded bag -> its copy in which faces are hidden: what `bodypix bag --anonymize` does."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rosbags.interfaces import Connection
from rosbags.typesys.store import Typestore

from bodypix_ros.bags.layouts import Bytes, Region, hide_in_compressed, hide_in_raw
from bodypix_ros.bags.messages import COMPRESSED, IMAGE, decode, deserialize
from bodypix_ros.bags.plan import known_topics
from bodypix_ros.bags.reading import InputBag
from bodypix_ros.bags.typestore import typestore
from bodypix_ros.bags.writing import copy_connections, new_bag
from bodypix_ros.errors import BagError, DepthError, MessageError, OptionError
from bodypix_ros.rendering import Style, hidden_region, hide
from bodypix_ros.report import Report

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

STYLE: Final = Style(edge_blur=0.0)
"""How faces are hidden. Without a soft edge: everything else is to stay as it was."""

_VIDEO: Final = re.compile(
    r"(foxglove_msgs/msg/CompressedVideo|ffmpeg_image_transport_msgs/msg/FFMPEGPacket|theora_image_transport/msg/Packet"
    r"|sensor_msgs/msg/CompressedVideo|foxglove\.CompressedVideo)"
)
"""Types whose messages are pictures that depend on the messages before."""

_HOLDS_IMAGES: Final = re.compile(r"\bsensor_msgs/(msg/)?(Compressed)?Image\b")
"""In the definition of a type: it has images in it."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What goes into a copy.

    Attributes:
        hidden: The topics in whose images faces are hidden.
        left_out: Why a topic is not copied, by its name.
        plain: Topics of images that are copied as they are, because others were chosen.
        topics: All that are copied.
        images: How many images the bag promises, of `hidden`.
    """

    hidden: frozenset[str]
    left_out: dict[str, str]
    plain: frozenset[str]
    topics: frozenset[str]
    images: int


def plan_copy(bag: InputBag, image_topics: Sequence[str] = ()) -> Copy:
    """Decide what of a bag is copied, and in which topics faces are hidden.

    Args:
        bag: The bag to read.
        image_topics: Raw or compressed images in which faces are hidden; none: all there are.

    Raises:
        ValueError: A topic is not there or has no images of ROS 2.
    """
    there = {c.topic for c in bag.connections if c.msgtype in (IMAGE, COMPRESSED)}
    chosen = frozenset(known_topics(bag, image_topics, images=True)) if image_topics else frozenset(there)
    left_out = {c.topic: why for c in bag.connections if (why := _why_not(c, chosen))}
    topics = frozenset(c.topic for c in bag.connections) - left_out.keys()
    images = sum(c.msgcount for c in bag.connections if c.topic in chosen)
    return Copy(chosen - left_out.keys(), left_out, frozenset(there - chosen), topics, images)


def _why_not(connection: Connection, chosen: frozenset[str]) -> str:
    """Why a topic cannot be in an anonymised copy; else nothing."""
    kind, ext = connection.msgtype, connection.ext
    encoded: Any = getattr(ext, "serialization_format", "cdr")
    if connection.topic in chosen and encoded != "cdr":
        return f"its messages are encoded as {encoded}, where ROS 2's are cdr"
    if _VIDEO.fullmatch(kind):
        return f"{kind} is video, in which nothing can be hidden"
    if kind not in (IMAGE, COMPRESSED) and _HOLDS_IMAGES.search(connection.msgdef.data):
        return f"{kind} has images in it, in which nothing can be hidden"
    return ""


@dataclass(slots=True)
class Veil:
    """Hides faces in images, each for itself.

    A stream looks closely at half of the people in each image, and leaves the others to the next one; here
    everybody is to be found in every image.

    Attributes:
        store: From `typestore`.
        segmenter: Sees.
        style: How they are hidden.
        mono16_max: As for `decode`.
        verify: Whether faces are looked for in what it gives.
    """

    store: Typestore
    segmenter: "Segmenter"
    style: Style
    mono16_max: int | None = None
    verify: bool = False

    def __call__(self, connection: Connection, raw: bytes, report: Report) -> bytes:
        """Give the message with faces hidden; the very bytes where there is nothing to hide.

        Raises:
            DepthError: It is depth.
            MessageError: Nobody can tell what is in it.
        """
        data = self._hidden(connection, raw, report)
        if self.verify:
            _, image, encoding = decode(self.store, connection.msgtype, data, self.mono16_max)
            report.verify(len(self.segmenter.find_faces(image, encoding)), connection.topic)
        return data

    def _hidden(self, connection: Connection, raw: bytes, report: Report) -> bytes:
        msgtype = connection.msgtype
        header, image, encoding = decode(self.store, msgtype, raw, self.mono16_max)
        scene = self.segmenter.segment(image, encoding, stamp=header.stamp)
        report.count(scene, connection.topic)
        region = hidden_region(image, scene, self.style)
        if not region.any():
            return raw
        message = deserialize(self.store, msgtype, raw)
        if msgtype == IMAGE:
            hide_in_raw(message, region, self._hide)
        else:
            hide_in_compressed(message, image, region, self._hide)
        return bytes(self.store.serialize_cdr(message, msgtype))

    def _hide(self, pixels: Bytes, region: Region) -> Bytes:
        return hide(pixels, region, self.style)


@dataclass(slots=True)
class _Said:
    """Says a thing once for each topic."""

    complain: Callable[[str], None]
    topics: set[str] = field(default_factory=set)

    def __call__(self, topic: str, text: str) -> None:
        if topic not in self.topics:
            self.topics.add(topic)
            self.complain(f"{topic}: {text}")


def anonymize(
    segmenter: "Segmenter",
    bag: InputBag,
    what: Copy,
    target: Path,
    report: Report,
    *,
    storage: str | None = None,
    mono16_max: int | None = None,
    style: Style = STYLE,
    verify: bool = False,
) -> None:
    """Write a copy of a bag in whose images faces are hidden; all other messages are the same bytes.

    It reduces what can be recognised and guarantees nothing: a face that is not found stays. An image that
    cannot be looked into is not copied, and is in the report; depth is copied as it is, which is said.

    Args:
        segmenter: The model, best loaded with the preset "faces".
        bag: The bag to read.
        what: From `plan_copy`.
        target: Folder of the bag to write; it appears whole or not at all.
        report: Counts images.
        storage: One of STORAGES; None: the storage of `bag`. MCAP is written compressed.
        mono16_max: The value of white in 16-bit images; None: 65535, and 16UC1 is taken for depth.
        style: How faces are hidden.
        verify: Look for faces in the images of the copy, and have the report count those that are left.

    Raises:
        ValueError: `target` exists, or the model gives no parts.
        BagError: The input is broken or holds no usable image, or the output cannot be written.
        OutputError: Another process writes `target`, or its folder cannot be written.
    """
    if "parts" not in segmenter.gives or not segmenter.options.parts:
        raise OptionError(
            "parts",
            f"parts: {segmenter.model} gives none here, and faces are hidden by them; nothing was copied",
        )
    for topic, why in sorted(what.left_out.items()):
        report.complain(f"{topic} is left out: {why}")
    for topic in sorted(what.plain):
        report.complain(f"{topic} holds images, and is copied as it is: it was not chosen")
    store, said = typestore(), _Said(report.complain)
    with new_bag(target, storage or bag.storage) as writer:
        copied = copy_connections(writer, bag.connections, what.topics, store)
        veil = Veil(store, segmenter, style, mono16_max, verify)
        seen = 0
        for connection, time_ns, raw in bag.messages(what.topics):
            topic, data = connection.topic, raw
            if topic in what.hidden and connection.msgtype in (IMAGE, COMPRESSED):
                seen += 1
                report.progress.update()
                try:
                    data = veil(connection, raw, report)
                except DepthError:
                    said(topic, "is depth, and copied as it is")
                except MessageError as error:
                    report.fail(f"{topic} at {time_ns / 1e9:.3f} s is left out: {error}")
                    continue
            writer.write(copied[topic], time_ns, data)
        if seen and not report.images and not said.topics:
            raise BagError(f"{bag.path}: not one usable image: {report.failures[0]}")
        if seen < what.images:
            report.fail(f"{bag.path}: promises {what.images} images, but holds {seen}")
