"""How well faces are hidden in annotated images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.coco.seeing import scenes
from bodypix_ros.coco.truth import Annotated, Annotation, Truth
from bodypix_ros.heads import head_of
from bodypix_ros.scene import Scene

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

Draw = Callable[[npt.NDArray[np.uint8], Scene], npt.NDArray[np.uint8] | None]
"""Image, uint8 (H, W, 3), and Scene -> the picture in which something is hidden; None: none may be shown."""

_VISIBLE: Final = 2
"""COCO's mark of a keypoint that can be seen."""
_NOSE, _EYES = (KEYPOINTS.index("nose"),), (KEYPOINTS.index("left_eye"), KEYPOINTS.index("right_eye"))
_LEAST_HIDDEN: Final = 0.9
"""Share of a pixel's own colour that must be gone."""
_SWING: Final = 127.5
"""How far a pixel of the checkerboard is from what it is blurred to."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """How much is hidden. None: there is nothing to compare.

    Attributes:
        images: Images compared.
        noses: Annotated noses that can be seen.
        noses_hidden: Those whose pixel is hidden.
        eyes: Annotated eyes that can be seen.
        eyes_hidden: Those whose pixel is hidden.
        changed_outside_heads: Share of the pixels outside the heads of annotated people that are changed;
            heads are those of `heads.head_of`, crowds are left out.
        changed_outside_people: Share of the pixels outside annotated people that are changed.
    """

    images: int
    noses: int
    noses_hidden: int
    eyes: int
    eyes_hidden: int
    changed_outside_heads: float | None
    changed_outside_people: float | None


def evaluate(
    segmenter: "Segmenter",
    annotated: Annotated,
    draw: Draw,
    progress: Callable[[int, int], None] | None = None,
) -> Hiding:
    """Hide faces in annotated images and look what of them is left.

    How much of a pixel is left cannot be told where a picture is flat: a checkerboard is drawn in its place,
    with what was seen in it.

    Args:
        segmenter: The model.
        annotated: From `truth.read`.
        draw: Hides.
        progress: Called after each image with the number done and the total.

    Raises:
        MediaError: An image cannot be decoded.
        ValueError: It has another size than its annotations, or the model gives too little to hide anything.
    """
    images = 0
    seen, hidden = np.zeros(len(KEYPOINTS), int), np.zeros(len(KEYPOINTS), int)
    changes = np.zeros((2, 2), int)
    for found in scenes(segmenter, annotated, progress):
        images += 1
        people, shape = found.people, found.image.shape[:2]
        board = _checkerboard(shape)
        drawn = draw(board, found.scene)
        if drawn is None:
            raise ValueError(f"{segmenter.model} gives no parts: nothing can be hidden, and nothing is shown")
        gone = np.abs(drawn.astype(int) - board).max(axis=2) / _SWING
        for keypoint, (x, y) in _visible(people, shape):
            seen[keypoint] += 1
            hidden[keypoint] += gone[y, x] >= _LEAST_HIDDEN
        for row, outside in enumerate(_outside(annotated.truth, people, shape)):
            changes[row] += np.count_nonzero(outside & (gone > 0)), np.count_nonzero(outside)
    heads, bodies = (changed / total if total else None for changed, total in changes.tolist())
    return Hiding(
        images=images,
        noses=int(seen[[*_NOSE]].sum()),
        noses_hidden=int(hidden[[*_NOSE]].sum()),
        eyes=int(seen[[*_EYES]].sum()),
        eyes_hidden=int(hidden[[*_EYES]].sum()),
        changed_outside_heads=heads,
        changed_outside_people=bodies,
    )


def _checkerboard(shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3), 0 and 255 in turn."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    board = ((rows + columns) % 2 * 255).astype(np.uint8)
    return np.repeat(board[..., None], 3, axis=2)


def _visible(people: list[Annotation], shape: tuple[int, int]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Noses and eyes that can be seen: the keypoint's index, and its pixel's x and y."""
    for annotation in people:
        keypoints = np.reshape(annotation["keypoints"], (len(KEYPOINTS), 3))
        for index in (*_NOSE, *_EYES):
            x, y, mark = keypoints[index]
            if mark == _VISIBLE:
                yield index, (min(max(int(x), 0), shape[1] - 1), min(max(int(y), 0), shape[0] - 1))


def _outside(
    truth: Truth, people: list[Annotation], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What lies outside heads, and what outside people, bool (H, W); crowds are left out of both."""
    bodies, heads, crowds = (np.zeros(shape, bool) for _ in range(3))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for annotation in people:
        into = crowds if annotation["iscrowd"] else bodies
        into |= truth.annToMask(annotation).astype(bool)
        head = head_of(np.reshape(annotation["keypoints"], (len(KEYPOINTS), 3)).astype(float), KEYPOINTS, 0)
        if head is not None:
            heads |= (rows - head.y) ** 2 + (columns - head.x) ** 2 <= head.radius**2
    return ~(heads | crowds), ~(bodies | crowds)
