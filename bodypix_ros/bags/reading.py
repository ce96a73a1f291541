"""A recorded bag that is being read."""

from collections.abc import Collection, Generator, Sequence
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from bodypix_ros.bags.foreign import foreign
from bodypix_ros.errors import BagError


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
        if what := foreign(path):
            raise BagError(f"{path}: {what}")
        if path.is_dir() and not (path / "metadata.yaml").exists():
            raise BagError(f"{path}: no bag: a folder without metadata.yaml (`ros2 bag reindex` makes one)")
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
                count: object = connection.msgcount
                if type(count) is not int or count < 0:
                    raise ValueError(f"topic {connection.topic!r:.80} has {count!r:.80} messages")
        except ValueError:
            self._reader.close()
            raise
        return tuple(self._reader.connections)

    @property
    def duration_s(self) -> float:
        """Seconds from the first message to the last one, as the bag says."""
        said: object = self._reader.duration
        return said / 1e9 if isinstance(said, (int, float)) else 0.0

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


def _check_message(message: tuple[Connection, int, bytes] | None) -> None:
    """Check what a table of SQLite may hold any value of."""
    if message is not None:
        connection, time_ns, raw = message
        if type(time_ns) is not int or not 0 <= time_ns < 1 << 63 or not isinstance(raw, bytes):
            raise ValueError(f"a message of {connection.topic} at {time_ns!r:.80} is a {type(raw).__name__}")


def _why(error: Exception) -> str:
    return f"{error!s:.500}".rstrip(".") or type(error).__name__
