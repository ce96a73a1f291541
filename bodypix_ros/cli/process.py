"""Sources -> files: what `bodypix run` and `bodypix demo` do."""

import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodypix_ros import __version__, media, rendering
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.errors import MediaError
from bodypix_ros.rendering import Style
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter, Stream

DOCUMENT = "people.json"


@dataclass(frozen=True, slots=True)
class Output:
    """What is written, and where.

    Attributes:
        folder: Where to; made if it is not there.
        layers: What the overlay shows, of `rendering.LAYERS`; nothing means no overlay.
        mode: Draw so instead, one of `rendering.MODES`.
        masks: Write mask pictures beside pictures.
        overlay_suffix: Format of overlay pictures.
        style: How it is drawn; keypoints below its `min_keypoint_score` are not counted as seen, either.
    """

    folder: Path
    layers: tuple[str, ...] = ("instances", "boxes", "poses")
    mode: str | None = None
    masks: bool = True
    overlay_suffix: str = ".png"
    style: Style = field(default_factory=Style)

    @property
    def drawn(self) -> bool:
        """Whether any picture is drawn."""
        return self.mode is not None or bool(self.layers)


@dataclass(slots=True)
class Report:
    """What was done."""

    images: int = 0
    people: int = 0
    segment_ms: float = 0.0
    files: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def process(
    segmenter: "Segmenter",
    sources: Sequence[media.Source],
    output: Output,
    bar: Any,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Segment every source and write what `output` asks for.

    A source that fails is reported on stderr and the others go on.

    Args:
        segmenter: The model.
        sources: From `media.find_sources`.
        output: What to write.
        bar: A tqdm bar; counts images.
        stopped: Asked before each image; True ends early, with every file complete.

    Raises:
        OSError: The output folder cannot be written.
    """
    output.folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    info = {
        "description": f"People found by bodypix_ros {__version__}",
        "model": segmenter.model,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "options": asdict(segmenter.options),
    }
    with DocumentWriter(output.folder / DOCUMENT, info) as document:
        work = _Work(segmenter, output, document, report, bar, stopped)
        for source, name in zip(sources, output_names(sources), strict=True):
            if stopped():
                break
            try:
                if isinstance(source, media.Picture):
                    work.picture(source, name)
                else:
                    work.video(source, name)
            except (MediaError, ValueError) as error:
                message = str(error) if source.name in str(error) else f"{source.name}: {error}"
                report.failures.append(message)
                bar.write(f"bodypix: {message}", file=sys.stderr)
    report.files.append(document.path)
    return report


def output_names(sources: Sequence[media.Source]) -> list[str]:
    """Give each source a name of its own: its stem, and x_2, x_3 where several are called x."""
    taken: set[str] = set()
    names = []
    for source in sources:
        name, count = source.stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{source.stem}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


@contextmanager
def stop_on_interrupt() -> Generator[Callable[[], bool]]:
    """Turn Ctrl-C into a flag, so that nothing is cut short; a second Ctrl-C interrupts as usual."""
    stop = threading.Event()

    def handle(_: int, __: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True, slots=True)
class _Work:
    """One call of `process`."""

    segmenter: "Segmenter"
    output: Output
    document: DocumentWriter
    report: Report
    bar: Any
    stopped: Callable[[], bool]

    def picture(self, source: media.Picture, name: str) -> None:
        try:
            image = media.read_picture(source.path)
            scene = self.segment(self.segmenter, image)
            if self.output.drawn:
                self.write(f"{name}.overlay{self.output.overlay_suffix}", self.overlay(image, scene))
            if self.output.masks:
                self.masks(scene, name)
            self.record(scene, source.name)
        finally:
            self.bar.update()

    def masks(self, scene: Scene, name: str) -> None:
        self.write(f"{name}.mask.png", scene.person_mask.view(np.uint8) * np.uint8(255))
        self.write(f"{name}.instances.png", scene.instance_mask)
        if scene.part_mask is not None:
            self.write(f"{name}.parts.png", scene.part_mask)
        if scene.confidence is not None:
            self.write(f"{name}.confidence.png", scene.confidence)

    def video(self, source: media.Video, name: str) -> None:
        path = self.output.folder / f"{name}.overlay.mp4"
        with media.VideoReader(source) as reader:
            known = reader.frame_count is not None and self.bar.total is not None
            self.bar.total = self.bar.total + reader.frame_count if known else None
            stream = self.segmenter.stream()
            with media.VideoWriter(path, reader.fps) as writer:
                for frame in reader:
                    scene = self.segment(stream, frame, reader.frames_read / reader.fps)
                    if self.output.drawn:
                        writer.write(self.overlay(frame, scene))
                    self.record(scene, f"{source.name}#{reader.frames_read}")
                    self.bar.update()
                    if self.stopped():
                        break
            if self.output.drawn and reader.frames_read:
                self.report.files.append(path)
            if not self.stopped():
                reader.check_end()

    def overlay(self, image: media.Image, scene: Scene) -> media.Image:
        """Draw what was asked for over a BGR image.

        Raises:
            ValueError: A privacy mode lacks the parts it should hide.
        """
        output = self.output
        if getattr(self.segmenter.options, "flip_horizontal", False):
            image = np.ascontiguousarray(image[:, ::-1])  # the Scene is of the mirrored picture
        if output.mode is None:
            return rendering.overlay(image, scene, output.layers, output.style, bgr=True)
        drawn = rendering.draw(image, scene, output.mode, output.style, bgr=True)
        if drawn is None:
            raise ValueError(
                f"{output.mode} hides body parts, which {self.segmenter.model} does not find; not drawn"
            )
        return drawn

    def segment(self, seer: "Segmenter | Stream", image: media.Image, stamp_s: float | None = None) -> Scene:
        scene = seer.segment(image, stamp=stamp_s)
        self.report.segment_ms += scene.timings.total_ms
        return scene

    def record(self, scene: Scene, file_name: str) -> None:
        self.document.add(scene, file_name, self.output.style.min_keypoint_score)
        self.report.images += 1
        self.report.people += len(scene.persons)

    def write(self, name: str, image: npt.NDArray[np.uint8]) -> None:
        path = self.output.folder / name
        media.write_picture(path, image)
        self.report.files.append(path)
