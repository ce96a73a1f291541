"""What goes from one bag into the other."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rosbags.interfaces import Connection

from bodypix_ros.bags.messages import CAMERA_INFO, COMPRESSED, IMAGE
from bodypix_ros.bags.outputs import topics
from bodypix_ros.bags.reading import InputBag

_NAMESPACE: Final = re.compile(r"/?([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*)?/?")


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes from one bag into the other.

    Attributes:
        cameras: The image topics, each with the prefix of its outputs.
        calibrations: The topics that say how a camera sees, each with its image topic.
        copied: The topics that are copied.
        images: How many images the bag promises.
        depths: The topics of depth, each with its image topic.
    """

    cameras: dict[str, str]
    calibrations: dict[str, str]
    copied: frozenset[str]
    images: int
    depths: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> frozenset[str]:
        """All topics that are read."""
        return self.copied.union(self.cameras, self.calibrations, self.depths)


def plan(
    bag: InputBag,
    image_topics: Sequence[str],
    copy: Iterable[str] = (),
    copy_all: bool = False,
    namespaces: Sequence[str] = (),
    depth_topics: Sequence[str] = (),
    camera_infos: Sequence[str] = (),
) -> Plan:
    """Decide what goes from a bag into the output.

    Args:
        bag: The bag to read.
        image_topics: Raw or compressed images to look for people in.
        copy: Topics to copy.
        copy_all: Copy every topic.
        namespaces: Of the outputs, one for each of the image topics. None: of a single one the root, as the
            node has it unless it is told another.
        depth_topics: Depth that is registered to the images, one for each of the image topics, or none.
        camera_infos: What says how each of the cameras sees. None: camera_info beside the images.

    Raises:
        ValueError: A topic is not there or has no images of ROS 2, a namespace is none, or two topics of the
            output have one name.
    """
    types = {connection.topic: connection.msgtype for connection in bag.connections}
    formats = {connection.topic: _format(connection) for connection in bag.connections}
    cameras: dict[str, str] = {}
    named = known_topics(bag, image_topics, images=True)
    for name, namespace in zip(named, _one_each(namespaces, image_topics), strict=True):
        cameras[name] = _prefix(namespace)
    copied = frozenset(types) if copy_all else frozenset(known_topics(bag, copy))
    taken = dict.fromkeys(copied, "the copied topic of that name; choose topics with --topic")
    for name, prefix in cameras.items():
        written = topics(placed=bool(depth_topics))
        for output in written:
            if prefix + output in taken:
                raise ValueError(
                    f"{prefix}{output}, an output of {name}, collides with {taken[prefix + output]}"
                )
        other = f"that of {name}; give each of them a --namespace of its own"
        taken.update((prefix + output, other) for output in written)
    images = sum(c.msgcount for c in bag.connections if c.topic in cameras)
    if not images:
        raise ValueError(f"{bag.path}: no images in {', '.join(cameras)}")
    infos = {_beside(name, types[name]): name for name in cameras}
    given = dict(
        zip(known_topics(bag, camera_infos), _as_many("camera-info", camera_infos, cameras), strict=True)
    )
    depths = dict(
        zip(known_topics(bag, depth_topics), _as_many("depth-topic", depth_topics, cameras), strict=True)
    )
    for kind, ours in ((CAMERA_INFO, given), (IMAGE, depths)):
        for name in ours:
            if types[name] != kind:
                raise ValueError(f"{name} is {types[name]}, but must be {kind}")
    if depths.keys() & cameras.keys():
        raise ValueError("depth and images must be of different topics")
    infos = given or infos
    calibrations = {
        info: name
        for info, name in infos.items()
        if (types.get(info), formats.get(info)) == (CAMERA_INFO, "cdr")
    }
    return Plan(cameras, calibrations, copied, images, depths)


def _as_many(what: str, given: Sequence[str], cameras: Mapping[str, str]) -> Sequence[str]:
    """The image topics, of whom each has one of what was given; empty where nothing was."""
    if given and len(given) != len(cameras):
        raise ValueError(
            f"{len(cameras)} image topics and {len(given)} --{what} are given, but there must be as many"
        )
    return list(cameras) if given else []


def known_topics(bag: InputBag, names: Iterable[str], *, images: bool = False) -> list[str]:
    """Give the full names of topics, in the order given.

    Args:
        bag: That they are in.
        names: With or without the first slash.
        images: Whether they must be images of ROS 2.

    Raises:
        ValueError: One is not there, or has no images of ROS 2.
    """
    there = {connection.topic: connection for connection in bag.connections}
    full = [name if name.startswith("/") else f"/{name}" for name in names]
    for name in full:
        if name not in there:
            listed = ", ".join(f"{topic} ({there[topic].msgtype})" for topic in sorted(there)) or "none"
            raise ValueError(f"{bag.path}: there is no topic {name}; there are: {listed}")
        if not images:
            continue
        if there[name].msgtype not in (IMAGE, COMPRESSED):
            raise ValueError(f"{name} is {there[name].msgtype}, but must be {IMAGE} or {COMPRESSED}")
        if (encoded := _format(there[name])) != "cdr":
            raise ValueError(f"{bag.path}: {name} is encoded as {encoded}, but ROS 2's messages are cdr")
    return full


def _one_each(namespaces: Sequence[str], image_topics: Sequence[str]) -> Sequence[str]:
    if not namespaces:
        return [""] * len(image_topics)
    if len(namespaces) != len(image_topics):
        raise ValueError(
            f"{len(image_topics)} image topics and {len(namespaces)} namespaces are given, but there must be "
            "as many"
        )
    return namespaces


def _prefix(namespace: str) -> str:
    """robot1/front -> /robot1/front/."""
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(
            f"namespace {namespace!r:.80} must be letters, digits and _ with / between, such as robot1/front"
        )
    inner = namespace.strip("/")
    return f"/{inner}/" if inner else "/"


def _beside(topic: str, msgtype: str) -> str:
    """/camera/image_raw and /camera/image_raw/compressed -> /camera/camera_info."""
    base = topic.removesuffix("/compressed") if msgtype == COMPRESSED else topic
    return base.rpartition("/")[0] + "/camera_info"


def _format(connection: Connection) -> str:
    """How the messages of a topic are serialized."""
    ext: Any = connection.ext
    return str(ext.serialization_format)
