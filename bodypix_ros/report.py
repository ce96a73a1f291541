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
        stopped_early: Whether it was told to stop before its end.
    """

    complain: Callable[[str], None] = _to_nobody
    progress: Progress = field(default_factory=NoProgress)
    hear: Hear = _unheard
    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    files: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopped_early: bool = False

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

    @property
    def ms_each(self) -> float | None:
        """Milliseconds per image; None without any."""
        return self.segment_ms / self.images if self.images else None
