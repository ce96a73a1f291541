"""What goes from one bag into the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rosbags.interfaces import Connection

from bodypix_ros.bags.messages import CAMERA_INFO, COMPRESSED, IMAGE
from bodypix_ros.bags.outputs import topics
from bodypix_ros.bags.reading import InputBag


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes from one bag into the other.

    Attributes:
        cameras: The image topics, each with the prefix of its outputs.
        calibrations: The topics that say how a camera sees, each with its image topic.
        copied: The topics that are copied.
        images: How many images the bag promises.
    """

    cameras: dict[str, str]
    calibrations: dict[str, str]
    copied: frozenset[str]
    images: int

    @property
    def topics(self) -> frozenset[str]:
        """All topics that are read."""
        return self.copied.union(self.cameras, self.calibrations)


def plan(
    bag: InputBag, image_topics: Sequence[str], copy: Iterable[str] = (), copy_all: bool = False
) -> Plan:
    """Decide what goes from a bag into the output.

    Args:
        bag: The bag to read.
        image_topics: Raw or compressed images to look for people in.
        copy: Topics to copy.
        copy_all: Copy every topic.

    Raises:
        ValueError: A topic is not there or has no images of ROS 2, or two topics of the output have one name.
    """
    types = {connection.topic: connection.msgtype for connection in bag.connections}
    formats = {connection.topic: _format(connection) for connection in bag.connections}
    there = ", ".join(f"{name} ({kind})" for name, kind in sorted(types.items())) or "none"

    def known(name: str) -> str:
        full = name if name.startswith("/") else f"/{name}"
        if full not in types:
            raise ValueError(f"{bag.path}: there is no topic {full}; there are: {there}")
        return full

    cameras: dict[str, str] = {}
    for name in map(known, image_topics):
        if types[name] not in (IMAGE, COMPRESSED):
            raise ValueError(f"{name} is {types[name]}, but must be {IMAGE} or {COMPRESSED}")
        if formats[name] != "cdr":
            raise ValueError(
                f"{bag.path}: {name} is encoded as {formats[name]}, but ROS 2's messages are cdr"
            )
        cameras[name] = _prefix(name, types[name])
    copied = frozenset(types) if copy_all else frozenset(map(known, copy))
    taken = dict.fromkeys(copied, "the copied topic of that name; choose topics with --topic")
    for name, prefix in cameras.items():
        for output in topics():
            if prefix + output in taken:
                raise ValueError(
                    f"{prefix}{output}, an output of {name}, collides with {taken[prefix + output]}"
                )
        taken.update((prefix + output, f"that of {name}; give them a run each") for output in topics())
    images = sum(c.msgcount for c in bag.connections if c.topic in cameras)
    if not images:
        raise ValueError(f"{bag.path}: no images in {', '.join(cameras)}")
    infos = {f"{prefix}camera_info": name for name, prefix in cameras.items()}
    calibrations = {
        info: name
        for info, name in infos.items()
        if (types.get(info), formats.get(info)) == (CAMERA_INFO, "cdr")
    }
    return Plan(cameras, calibrations, copied, images)


def _prefix(topic: str, msgtype: str) -> str:
    """/camera/image_raw and /camera/image_raw/compressed -> /camera/."""
    base = topic.removesuffix("/compressed") if msgtype == COMPRESSED else topic
    return base.rpartition("/")[0] + "/"


def _format(connection: Connection) -> str:
    """How the messages of a topic are serialized."""
    ext: Any = connection.ext
    return str(ext.serialization_format)
