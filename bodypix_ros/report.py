"""What became of many images: counted, and told to whoever asked for it. Nothing in here prints."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bodypix_ros.scene import Scene


class Progress(Protocol):
    """Somebody who shows how far it is, such as tqdm's bar.

    Attributes:
        total: How many images there will be; None where that is not known.
    """

    total: float | None

    def update(self) -> object:
        """One image more is done."""


class NoProgress:
    """Nobody who looks."""

    total: float | None = None

    def update(self) -> None:
        """Show nothing."""


def _to_nobody(_: str) -> None:
    pass


class Hear(Protocol):
    """Somebody who wants to know what was seen."""

    def __call__(self, name: str, scene: Scene, lens: object) -> None:
        """An image was seen.

        Args:
            name: What it is called: a topic, a file, a frame.
            scene: What was seen in it.
            lens: The camera's, a `space.lens.Lens`, where that is known; else None.
        """


def _unheard(name: str, scene: Scene, lens: object) -> None:
    pass


@dataclass(slots=True)
class Report:
    """What was done so far.

    Attributes:
        complain: Is told, in one line and at once, what could not be used.
        progress: Gets every image, usable or not.
        hear: Is told what was seen in every image that was used.
        images: How many were used.
        people: How many were found in them.
        segment_ms: What seeing them took, in milliseconds, without compiling networks.
        files: What was written.
        failures: What `complain` was told of images and sources that could not be used.
        disk_full: Whether one of them was not written because the disk has no room.
        stopped_early: Whether it was told to stop before its end.
        verified: How many pictures in which faces were hidden were looked at again.
        faces_left: How many faces were found in them.
        faces_left_in: In how many of them.
    """

    complain: Callable[[str], None] = _to_nobody
    progress: Progress = field(default_factory=NoProgress)
    hear: Hear = _unheard
    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    files: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    disk_full: bool = False
    stopped_early: bool = False
    verified: int = 0
    faces_left: int = 0
    faces_left_in: int = 0

    def count(self, scene: Scene, name: str = "", lens: object = None) -> None:
        """Count an image that was used; the arguments are those of `Hear`."""
        self.images += 1
        self.people += len(scene.persons)
        self.segment_ms += scene.timings.total_ms
        self.hear(name, scene, lens)

    def fail(self, why: str) -> None:
        """Count something that could not be used."""
        self.failures.append(why)
        self.complain(why)

    def verify(self, faces: int, name: str) -> None:
        """Count a picture in which faces were hidden, and so many are found all the same."""
        if faces:
            found = f"{faces} face{'s' if faces > 1 else ''}"
            self.complain(f"{name}: the face detector still finds {found}")
        self.verified += 1
        self.faces_left += faces
        self.faces_left_in += faces > 0

    @property
    def verdict(self) -> str:
        """What looking again has shown, in words; empty where nobody has."""
        if not self.verified:
            return ""
        looked_at = f"{self.verified} picture{'s' if self.verified > 1 else ''} with faces hidden"
        if not self.faces_left:
            return f"the face detector, which overlooks small and turned ones, finds none in {looked_at}"
        faces = f"{self.faces_left} face{'s' if self.faces_left > 1 else ''}"
        return f"the face detector still finds {faces} in {self.faces_left_in} of {looked_at}"

    @property
    def ms_each(self) -> float | None:
        """Milliseconds per image; None without any."""
        return self.segment_ms / self.images if self.images else None
