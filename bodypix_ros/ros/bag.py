"""A recorded ROS 2 bag -> a bag with the people in it, without ROS: what `bodypix bag` does."""

import fcntl
import os
import shutil
import sqlite3
import struct
import sys
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer, WriterError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from bodypix_ros.ros import messages
from bodypix_ros.ros.bag_outputs import OUTPUTS, Outputs
from bodypix_ros.ros.typestore import typestore

if TYPE_CHECKING:
    from bodypix_ros.segmenters import Segmenter

STORAGES = ("mcap", "sqlite3")
_IMAGE, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_UNKNOWN_HASH = "RIHS01_" + "0" * 64


class BagError(OSError):
    """A bag that is broken, or cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes from one bag into the other.

    Attributes:
        cameras: The image topics, each with the prefix of its outputs.
        copied: The topics that are copied.
        images: How many images the bag promises.
    """

    cameras: dict[str, str]
    copied: frozenset[str]
    images: int


@dataclass(slots=True)
class Report:
    """What was done; `failures` has one line per image that could not be used."""

    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    failures: list[str] = field(default_factory=list)


class InputBag:
    """A recorded bag that is being read; a context manager.

    Attributes:
        path: Its folder, or one of its files.
        storage: "mcap" or "sqlite3".
        connections: Its topics.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            FileNotFoundError: There is no such bag.
            BagError: It is broken, or no ROS 2 bag.
        """
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such bag")
        if path.is_dir() and not (path / "metadata.yaml").exists():
            raise BagError(f"{path}: no bag: a folder without metadata.yaml (`ros2 bag reindex` makes one)")
        if path.suffix == ".bag":
            raise BagError(f"{path}: a bag of ROS 1; `rosbags-convert` makes one of ROS 2 of it")
        self.path = path
        files = path.iterdir() if path.is_dir() else (path,)
        self.storage = "mcap" if any(".mcap" in file.suffixes for file in files) else "sqlite3"
        try:
            self._reader = Reader(path)
            self._reader.open()
            self.connections: Sequence[Connection] = self._checked_connections()
        except Exception as error:
            raise BagError(
                f"{path}: no whole ROS 2 bag: {_why(error)}; if its recording broke off, "
                "`ros2 bag reindex` or `mcap recover` may save it"
            ) from error

    def _checked_connections(self) -> Sequence[Connection]:
        """The topics as the bag describes them, which may be anything that YAML or a table can hold."""
        storage: Any = self._reader.storage
        try:
            if not isinstance(getattr(storage, "files", []), list):
                storage.files = []  # without a list the reader cannot even be closed
                raise ValueError("files in metadata.yaml is no list")
            for connection in self._reader.connections:
                texts = connection.topic, connection.msgtype, connection.digest
                if not all(isinstance(text, str) for text in texts):
                    raise ValueError(
                        f"a topic has the name, type and hash {texts!r:.200}, which must be text"
                    )
                count: Any = connection.msgcount
                if type(count) is not int or count < 0:
                    raise ValueError(f"topic {connection.topic!r:.80} has {count!r:.80} messages")
        except ValueError:
            self._reader.close()
            raise
        return tuple(self._reader.connections)

    def messages(self, topics: Collection[str]) -> Generator[tuple[Connection, int, bytes]]:
        """Give the messages of topics in the order of their record timestamps.

        Yields:
            The connection, the timestamp in nanoseconds, the serialized message.

        Raises:
            BagError: The bag is broken from here on.
        """
        wanted = [connection for connection in self.connections if connection.topic in topics]
        source = self._reader.messages(wanted)
        count = 0
        while True:
            try:
                message = next(source, None)
                _check_message(message)
            except Exception as error:
                raise BagError(
                    f"{self.path}: the bag is broken after {count} messages: {_why(error)}"
                ) from error
            if message is None:
                return
            count += 1
            yield message

    def __enter__(self) -> "InputBag":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()


def _check_message(message: Any) -> None:
    """Check what a table of SQLite may hold any value of."""
    if message is not None:
        connection, time_ns, raw = message
        if type(time_ns) is not int or not 0 <= time_ns < 1 << 63 or not isinstance(raw, bytes):
            raise ValueError(f"a message of {connection.topic} at {time_ns!r:.80} is a {type(raw).__name__}")


def _why(error: Exception) -> str:
    return f"{error!s:.500}".rstrip(".") or type(error).__name__


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
        ValueError: A topic is not there or holds no images, or two topics of the output have one name.
    """
    types = {connection.topic: connection.msgtype for connection in bag.connections}
    there = ", ".join(f"{name} ({kind})" for name, kind in sorted(types.items())) or "none"

    def known(name: str) -> str:
        full = name if name.startswith("/") else f"/{name}"
        if full not in types:
            raise ValueError(f"{bag.path}: there is no topic {full}; there are: {there}")
        return full

    cameras: dict[str, str] = {}
    for name in map(known, image_topics):
        if types[name] not in (_IMAGE, _COMPRESSED):
            raise ValueError(f"{name} is {types[name]}, but must be {_IMAGE} or {_COMPRESSED}")
        cameras[name] = _prefix(name, types[name])
    copied = frozenset(types) if copy_all else frozenset(map(known, copy))
    taken = dict.fromkeys(copied, "the copied topic of that name; choose topics with --topic")
    for name, prefix in cameras.items():
        for output in OUTPUTS:
            if prefix + output in taken:
                raise ValueError(
                    f"{prefix}{output}, an output of {name}, collides with {taken[prefix + output]}"
                )
        taken.update((prefix + output, f"that of {name}; give them a run each") for output in OUTPUTS)
    images = sum(c.msgcount for c in bag.connections if c.topic in cameras)
    if not images:
        raise ValueError(f"{bag.path}: no images in {', '.join(cameras)}")
    return Plan(cameras, copied, images)


def _prefix(topic: str, msgtype: str) -> str:
    """/camera/image_raw and /camera/image_raw/compressed -> /camera/."""
    base = topic.removesuffix("/compressed") if msgtype == _COMPRESSED else topic
    return base.rpartition("/")[0] + "/"


def check_target(target: Path) -> None:
    """Check that a bag can be made here.

    Raises:
        ValueError: There is something of this name, or the name is a file's.
    """
    if target.suffix in (".mcap", ".db3"):
        raise ValueError(f"{target}: a bag is a folder; leave out the {target.suffix}")
    if target.exists():
        raise ValueError(f"{target}: this exists already; choose another name, or delete it")


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
    with _new_bag(target, storage or bag.storage) as writer:
        copied = {
            connection.topic: _copy_connection(writer, connection, store)
            for connection in {c.topic: c for c in bag.connections if c.topic in what.copied}.values()
        }
        cameras = {
            topic: Outputs(writer, store, prefix, segmenter.options) for topic, prefix in what.cameras.items()
        }
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
            except messages.MessageError as error:
                report.failures.append(f"{topic} at {time_ns / 1e9:.3f} s: {error}")
                bar.write(f"bodypix: {report.failures[-1]}", file=sys.stderr)
                continue
            scene = streams[topic].segment(image, encoding, stamp=header.stamp)
            cameras[topic].write(time_ns, header, scene)
            if mode is not None:
                cameras[topic].draw(time_ns, header, messages.as_bgr(image, encoding), scene, mode)
            timings = segmenter.timings
            report.segment_ms += timings.pre_ms + timings.infer_ms + timings.post_ms
            report.images += 1
            report.people += len(scene.persons)
        for topic, outputs in cameras.items():
            if outputs.lens_error:
                bar.write(f"bodypix: no keypoints_3d for {topic}: {outputs.lens_error}", file=sys.stderr)
        if not report.images:
            first = report.failures[0] if report.failures else f"none of {what.images} is there"
            raise BagError(f"{bag.path}: not one usable image: {first}")
        if seen < what.images:
            report.failures.append(f"{bag.path}: promises {what.images} images, but holds {seen}")
            bar.write(f"bodypix: {report.failures[-1]}", file=sys.stderr)
    return report


@contextmanager
def _new_bag(target: Path, storage: str) -> Generator[Writer]:
    """Give the writer of a bag that appears as `target` at the end, and not at all after an error."""
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _part_folder(target) as folder:
        # Not beside `target`: a bag's files are called after its folder.
        part = folder / target.name
        # Version 8 writes QoS as numbers, which every distribution reads; 9 as words, which Humble does not.
        writer = Writer(part, version=8, storage_plugin=StoragePlugin[storage.upper()])
        if storage == "mcap":  # masks shrink a hundredfold, and every reader of MCAP knows it
            writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        try:
            with writer:
                yield writer
        except (WriterError, sqlite3.Error) as error:
            raise BagError(f"{target}: cannot be written: {error}") from error
        part.rename(target)


@contextmanager
def _part_folder(target: Path) -> Generator[Path]:
    """Give a folder beside `target` for what is not complete, `.NAME.part`; it is gone at the end.

    Only a process that is killed outright leaves it behind, and the next one clears it.
    """
    folder = target.with_name(f".{target.name}.part")
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BagError(f"{target}: another process is writing this bag") from error
        try:
            shutil.rmtree(folder / target.name, ignore_errors=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _copy_connection(writer: Writer, connection: Connection, store: Typestore) -> Connection:
    """Announce a topic of the input in the output, with its definition as far as anybody knows it."""
    definition, digest = connection.msgdef.data, connection.digest
    try:
        if not definition:
            definition = store.generate_msgdef(connection.msgtype, ros_version=2)[0]
            digest = store.hash_rihs01(connection.msgtype)
        elif not digest:
            own = get_typestore(Stores.EMPTY)
            if connection.msgdef.format == MessageDefinitionFormat.MSG:
                own.register(get_types_from_msg(definition, connection.msgtype))
            else:
                for part in definition.split("=" * 80 + "\n")[1:]:
                    own.register(get_types_from_idl(part.partition("\n")[2]))
            digest = own.hash_rihs01(connection.msgtype)
    except (TypesysError, KeyError):
        pass  # a type of the user's own; old bags hold no definitions, and players need none
    ext: Any = connection.ext
    return writer.add_connection(
        connection.topic,
        connection.msgtype,
        msgdef=definition,
        rihs01=digest or _UNKNOWN_HASH,
        serialization_format=ext.serialization_format,
        offered_qos_profiles=ext.offered_qos_profiles,
    )


def _decode(store: Typestore, msgtype: str, raw: bytes, mono16_max: int) -> tuple[Any, messages.Pixels, str]:
    """Give header, image and encoding of a serialized image, or raise MessageError."""
    try:
        message: Any = store.deserialize_cdr(raw, msgtype)
    except (SerdeError, ValueError, IndexError, AssertionError, struct.error) as error:
        raise messages.MessageError(f"no whole {msgtype}: {error}") from error
    convert = messages.to_image if msgtype == _IMAGE else messages.to_image_compressed
    return message.header, *convert(message, mono16_max=mono16_max)
