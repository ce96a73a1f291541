"""A bag that appears whole or not at all."""

import shutil
import sqlite3
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, WriterError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from bodypix_ros.errors import BagError
from bodypix_ros.targets import check_writable, only_writer

STORAGES = ("mcap", "sqlite3")

_UNKNOWN_HASH = "RIHS01_" + "0" * 64


def check_target(target: Path) -> None:
    """Check that a bag can be made here.

    Raises:
        ValueError: There is something of this name, or the name is a file's.
        OutputError: The folder that it would be in cannot be written.
    """
    if target.suffix in (".mcap", ".db3"):
        raise ValueError(f"{target}: a bag is a folder; leave out the {target.suffix}")
    if target.exists():
        raise ValueError(f"{target}: this exists already; choose another name, or delete it")
    check_writable(target.parent)


@contextmanager
def new_bag(target: Path, storage: str) -> Generator[Writer]:
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
    with only_writer(target, folder / "lock"):
        try:
            shutil.rmtree(folder / target.name, ignore_errors=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # before anybody else may begin


def copy_connections(
    writer: Writer, connections: Iterable[Connection], topics: Collection[str], store: Typestore
) -> dict[str, Connection]:
    """Announce topics of the input in the output.

    Args:
        writer: Of the output.
        connections: The input's; of several of one topic the last counts.
        topics: Which.
        store: From `typestore`.

    Returns:
        The output's connections by topic.
    """
    wanted = {connection.topic: connection for connection in connections if connection.topic in topics}
    return {topic: _copy_connection(writer, connection, store) for topic, connection in wanted.items()}


def _copy_connection(writer: Writer, connection: Connection, store: Typestore) -> Connection:
    """Announce a topic with its definition, as far as anybody knows it."""
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
