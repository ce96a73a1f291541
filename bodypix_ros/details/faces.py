"""Where faces are, for whoever is to hide them (MediaPipe's face detector, full range, sparse)."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.details.detection import anchors, decode, squares, suppress
from bodypix_ros.details.network import DetailNetwork, Kind, Piece, Spent
from bodypix_ros.imaging.halving import halved
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.scene import Face

_SIZE: Final = 192
_GRIDS: Final = ((48, 1),)
"""Cells per axis, and anchors per cell: stride 4."""
_CELLS: Final = 48 * 48
KIND: Final = Kind(
    "faces", _SIZE, {"values": (1, _CELLS, 16), "logits": (1, _CELLS, 1)}, scale=1 / 127.5, bias=-1.0
)
LEAST: Final = 0.6
"""Of a face's score, as MediaPipe's graph of this detector has it."""


def find_faces(network: DetailNetwork, pixels: Pixels, spent: Spent) -> tuple[Face, ...]:
    """Look for faces in the whole of an image and, if it is no square, in its parts.

    Args:
        network: Of `KIND`, loaded.
        pixels: The image.
        spent: Gets the time that it takes.

    Returns:
        By falling score.

    Raises:
        DeviceError: The device failed.
    """
    height, width = pixels.shape
    looked = squares(height, width)[::-1]
    scores, values = [np.zeros(0)], [np.zeros((0, 16))]
    for (x, y, side), outputs in zip(looked, network.run(_pieces(pixels, looked), spent), strict=True):
        found, boxes = decode(outputs["values"], outputs["logits"], LEAST, _SIZE, anchors(_GRIDS))
        boxes *= side / _SIZE
        boxes[:, [0, 1, *range(4, 16)]] += np.tile([x, y], 7)
        scores.append(found)
        values.append(boxes)
    all_scores, all_values = np.concatenate(scores), np.concatenate(values)
    order = np.argsort(-all_scores, kind="stable")
    merged = suppress(all_scores[order], all_values[order])
    faces = [_face(score, box[:4], (height, width)) for score, box in merged]
    return tuple(face for face in faces if face.box[0] < face.box[2] and face.box[1] < face.box[3])


def _pieces(pixels: Pixels, looked: Sequence[tuple[float, float, float]]) -> Iterator[Piece]:
    """Squares of an image, parts before the whole, as the network takes them."""
    view, shrink = pixels, 1
    for x, y, side in looked:
        # Bilinear samples that are far apart miss what is small. The whole is of what its parts are of.
        view, times = halved(view, side / _SIZE / shrink)
        shrink *= times
        step = side / _SIZE / shrink
        yield (
            view,
            np.array([[step, 0, x / shrink + (step - 1) / 2], [0, step, y / shrink + (step - 1) / 2]]),
        )


def _face(score: float, box: npt.NDArray[np.float64], shape: tuple[int, int]) -> Face:
    height, width = shape
    low, high = np.floor(box[:2] - box[2:] / 2), np.ceil(box[:2] + box[2:] / 2)
    corners = np.clip([*low, *high], 0, [width, height, width, height]).astype(int).tolist()
    return Face((corners[0], corners[1], corners[2], corners[3]), score)
