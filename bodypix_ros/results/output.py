"""What `bodypix run` and `bodypix demo` write: what was asked for, and the job that does it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from bodypix_ros import rendering
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.coco.listing import PeopleList
from bodypix_ros.errors import OptionError, hint
from bodypix_ros.media import Image, Picture, Source
from bodypix_ros.options import options_of
from bodypix_ros.rendering import Style
from bodypix_ros.report import Report
from bodypix_ros.results.exports import LISTS, PICTURES, exports, kinds, lists_of
from bodypix_ros.results.sure import Sure
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

OVERLAY_SUFFIXES: Final = (".png", ".jpg")
"""Of pictures; those of videos are .mp4."""


@dataclass(frozen=True, slots=True)
class Output:
    """What is written, and where.

    Attributes:
        folder: Where to; made if it is not there.
        layers: What the overlay shows, of `rendering.LAYERS`; nothing means no overlay.
        mode: Draw so instead, one of `rendering.MODES`.
        masks: Write mask pictures beside pictures.
        exports: What else is written, of `exports.exports`; of others, or of those that show what the mode
            hides: OptionError.
        overlay_suffix: Format of overlay pictures.
        verify: Look for faces in what a privacy mode has drawn, and count those that are left.
        style: How it is drawn; keypoints below its `min_keypoint_score` are not counted as seen, either.
    """

    folder: Path
    layers: tuple[str, ...] = ("instances", "boxes", "poses")
    mode: str | None = None
    masks: bool = True
    exports: tuple[str, ...] = ()
    overlay_suffix: str = OVERLAY_SUFFIXES[0]
    verify: bool = False
    style: Style = field(default_factory=Style)

    def __post_init__(self) -> None:
        """Check the exports."""
        known = exports()
        for name in self.exports:
            if name not in known:
                text = f"export is {name!r:.80}, but must be of {', '.join(known)}{hint(name, known)}"
                raise OptionError("export", text)
            if name in PICTURES and PICTURES[name].shows and self.hides:
                raise OptionError(
                    "export",
                    f"export {name} shows people as they are, and mode {self.mode} hides them: leave out one "
                    "of them",
                )

    @property
    def hides(self) -> bool:
        """Whether people are not to be recognised in what is drawn."""
        return self.mode is not None and rendering.MODES[self.mode].privacy

    def sure(self, options: Any) -> Sure:
        """Tell whom lists name: where people are hidden the model is asked for doubtful ones, too.

        Args:
            options: The model's.
        """
        threshold = options_of(options).get("score_threshold")
        return Sure(threshold.default if self.hides and threshold is not None else 0.0)

    @property
    def made_as(self) -> dict[str, object]:
        """What the document says of how overlays were drawn."""
        if self.mode is None:
            return {"layers": list(self.layers)}
        return {"mode": self.mode, **({"hide": list(self.style.hide)} if self.hides else {})}

    @property
    def drawn(self) -> bool:
        """Whether any picture is drawn."""
        return self.mode is not None or bool(self.layers)

    @property
    def document(self) -> Path:
        """The one file that is of all sources."""
        return self.folder / "people.json"

    def lists(self) -> dict[Path, Callable[[IO[str]], PeopleList]]:
        """The lists of everybody beside the document, each with what begins it."""
        return lists_of(self.exports, self.folder)

    def common(self) -> Iterator[Path]:
        """The files that are of all sources."""
        yield self.document
        yield from self.lists()

    @property
    def pictures(self) -> tuple[str, ...]:
        """The kinds of pictures that are written of a picture beside the overlay, of PICTURES."""
        return tuple(kinds(self.masks, self.exports))

    def overlay(self, source: Source, name: str) -> Path:
        """The overlay of a source, whose files are called so."""
        suffix = self.overlay_suffix if isinstance(source, Picture) else ".mp4"
        return self.folder / f"{name}.overlay{suffix}"

    def picture(self, name: str, kind: str) -> Path:
        """A picture of a picture, of one of `pictures`."""
        return self.folder / f"{name}.{kind}.png"

    def possible(self, source: Source, name: str) -> Iterator[Path]:
        """All files that may be written of a source alone."""
        if self.drawn:
            yield self.overlay(source, name)
        if isinstance(source, Picture):
            yield from (self.picture(name, kind) for kind in self.pictures)

    def ever(self, source: Source, name: str) -> Iterator[Path]:
        """All files of a source alone that other options, too, would write."""
        if not isinstance(source, Picture):
            yield self.overlay(source, name)
            return
        yield from (replace(self, overlay_suffix=suffix).overlay(source, name) for suffix in OVERLAY_SUFFIXES)
        yield from (self.picture(name, kind) for kind in PICTURES)

    def ever_common(self) -> Iterator[Path]:
        """All files of all sources that other options, too, would write."""
        yield self.document
        yield from (self.folder / one.file for one in LISTS.values())

    def certain(self, source: Source, name: str) -> Iterator[Path]:
        """Those of them that every model gives."""
        if self.drawn:
            yield self.overlay(source, name)
        if isinstance(source, Picture):
            yield from (self.picture(name, kind) for kind in self.pictures if PICTURES[kind].certain)


@dataclass(frozen=True, slots=True)
class Job:
    """What all sources of one run have in common, and what the document calls the one at hand.

    Attributes:
        segmenter: The model.
        output: What is written.
        document: The one file that is of all of them.
        report: Counts.
        file_name: The source's name in the document.
        sure: Tells whom of the source lists name.
    """

    segmenter: "Segmenter"
    output: Output
    document: DocumentWriter
    report: Report
    file_name: str = ""
    sure: Sure = field(default_factory=Sure)

    def overlay(self, image: Image, scene: Scene) -> Image:
        """Draw what was asked for over what `Segmenter.seen` gives, uint8 (H, W, 3), BGR.

        Raises:
            ValueError: A privacy mode lacks the parts it should hide.
        """
        output = self.output
        if output.mode is None:
            return rendering.overlay(image, scene, output.layers, output.style, bgr=True)
        drawn = rendering.draw(image, scene, output.mode, output.style, bgr=True)
        if drawn is None:
            raise ValueError(
                f"{output.mode} hides body parts, which {self.segmenter.model} does not find; not drawn"
            )
        if output.verify:
            self.report.verify(len(self.segmenter.find_faces(drawn)), self.file_name)
        return drawn

    def record(self, scene: Scene, source: Source, frame: int | None = None) -> None:
        """Write an image's people into the document, and count them.

        Args:
            scene: What was seen.
            source: Where the image is from.
            frame: Its number in a video, from 1.
        """
        name = self.file_name if frame is None else f"{self.file_name}#{frame}"
        extra: dict[str, object] = {"source": source.name}
        if isinstance(scene.stamp, (int, float)):
            extra["time_s"] = round(scene.stamp, 6)
        self.document.add(scene, name, self.output.style.min_keypoint_score, **extra)
        self.report.count(scene, name)
