"""Scenes of what was no bag -> a bag of them, as the node would have published them."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bodypix_ros.bags.outputs import Outputs
from bodypix_ros.bags.typestore import default_message, typestore
from bodypix_ros.bags.writing import new_bag
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


class Recording:
    """A bag in MCAP that Scenes are written into; a context manager. It appears whole or not at all."""

    def __init__(self, target: Path, segmenter: "Segmenter", prefix: str = "/") -> None:
        """Write nothing yet.

        Args:
            target: Folder of the bag, which must not exist.
            segmenter: What sees.
            prefix: Of the topics.
        """
        self._target, self._segmenter, self._prefix = target, segmenter, prefix
        self._stack = ExitStack()

    def __enter__(self) -> "Recording":
        self._store = typestore()
        writer = self._stack.enter_context(new_bag(self._target, "mcap"))
        self._outputs = Outputs(writer, self._store, self._prefix, self._segmenter)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, time_ns: int, name: str, scene: Scene) -> None:
        """Write a Scene.

        Args:
            time_ns: Its stamp, nanoseconds.
            name: What its image is called: the frame_id.
            scene: What was seen.
        """
        header = default_message(self._store, "std_msgs/msg/Header")
        header.frame_id = name
        header.stamp.sec, header.stamp.nanosec = divmod(time_ns, 10**9)
        self._outputs.write(time_ns, header, scene)
