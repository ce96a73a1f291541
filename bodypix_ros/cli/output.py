"""What `bodypix run` and `bodypix demo` write: what was asked for, and the job that does it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bodypix_ros import rendering
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.media import Image
from bodypix_ros.rendering import Style
from bodypix_ros.report import Report
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


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


@dataclass(frozen=True, slots=True)
class Job:
    """What all sources of one run have in common.

    Attributes:
        segmenter: The model.
        output: What is written.
        document: The one file that is of all of them.
        report: Counts.
    """

    segmenter: "Segmenter"
    output: Output
    document: DocumentWriter
    report: Report

    def overlay(self, image: Image, scene: Scene) -> Image:
        """Draw what was asked for over a picture, uint8 (H, W, 3), BGR.

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

    def record(self, scene: Scene, file_name: str) -> None:
        """Write an image's people into the document, and count them."""
        self.document.add(scene, file_name, self.output.style.min_keypoint_score)
        self.report.count(scene)
