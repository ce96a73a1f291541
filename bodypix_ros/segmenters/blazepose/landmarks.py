"""The outputs of the landmark network -> one person's pose (MediaPipe: TensorsToLandmarks and on)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.region import Region
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.segmenters.blazepose.region import around

SIZE = 256
"""Rows and columns of the network's input and of its mask."""
LANDMARKS, AUXILIARY, VALUES = 39, (33, 34), 5
"""Landmarks of the network, those of them that give the next region, and values of each."""
BODY = 33
"""The first landmarks are the body's."""
HEATMAP = 64
"""Rows and columns of the heatmaps."""
_REACH = 4
"""Cells of a heatmap that count around a landmark, to each side (9 x 9 in MediaPipe 0.10, 7 x 7 before)."""
_LEAST_CONFIDENCE = 0.5
"""A landmark whose window in the heatmap has nothing above this stays where it is."""
_LEFT_SHOULDER, _RIGHT_SHOULDER, _LEFT_HIP, _RIGHT_HIP = 11, 12, 23, 24


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person as seen in one region.

    Attributes:
        score: Probability that there is a person, 0..1.
        region: Where was looked.
        points: float64 (33, 2), x and y in image pixels.
        visibility: float64 (33,), 0..1.
        world: float64 (33, 3), x, y, z in metres from the middle of the hips, axes as the camera's.
        auxiliary: float64 (2, 2), centre and rim of the person's circle, in image pixels.
        mask: float32 (256, 256), probability of person in the crop.
    """

    score: float
    region: Region
    points: npt.NDArray[np.float64]
    visibility: npt.NDArray[np.float64]
    world: npt.NDArray[np.float64]
    auxiliary: npt.NDArray[np.float64]
    mask: npt.NDArray[np.float32]

    @property
    def next_region(self) -> Region | None:
        """Where to look in the next image; None where the pose gives no region."""
        return around(*self.auxiliary)

    @property
    def hips(self) -> npt.NDArray[np.float64]:
        """x, y of their middle."""
        return _middle(self.points, _LEFT_HIP, _RIGHT_HIP)

    @property
    def shoulders(self) -> npt.NDArray[np.float64]:
        """x, y of their middle."""
        return _middle(self.points, _LEFT_SHOULDER, _RIGHT_SHOULDER)


def decode(outputs: Mapping[str, npt.NDArray[np.float32]], names: "OutputNames", region: Region) -> Pose:
    """Read the network's outputs.

    Args:
        outputs: By name, without the batch; copied.
        names: Which output is which.
        region: Where the crop was taken.
    """
    values = outputs[names.landmarks].reshape(LANDMARKS, VALUES)
    points = values[:, :2].astype(np.float64)
    refine(points, outputs[names.heatmap])
    to_image = region.to_image(SIZE)
    points = points @ to_image[:, :2].T + to_image[:, 2]
    world = outputs[names.world].reshape(LANDMARKS, 3)[:BODY].astype(np.float64)
    world[:, :2] = world[:, :2] @ region.turn().T
    return Pose(
        score=float(outputs[names.presence][0]),
        region=region,
        points=points[:BODY],
        visibility=1 / (1 + np.exp(-values[:BODY, 3].astype(np.float64))),
        world=world,
        auxiliary=points[list(AUXILIARY)],
        mask=outputs[names.mask][..., 0].copy(),
    )


def _middle(points: npt.NDArray[np.float64], a: int, b: int) -> npt.NDArray[np.float64]:
    middle: npt.NDArray[np.float64] = (points[a] + points[b]) / 2
    return middle


@dataclass(frozen=True, slots=True)
class OutputNames:
    """The tensors of the landmark network."""

    landmarks: str
    presence: str
    mask: str
    heatmap: str
    world: str


@kernel("void(float64[:, ::1], Array(float32, 3, 'C'))")
def refine(points: Array, heatmap: Array) -> None:
    """Move landmarks to the centre of their heatmaps' window (MediaPipe: RefineLandmarksFromHeatmap).

    Args:
        points: float64 (39, 2), x and y in the crop, changed in place.
        heatmap: float32 (64, 64, 39), logits.
    """
    rows, columns = heatmap.shape[:2]
    for k in range(points.shape[0]):
        at_x, at_y = points[k, 0] * (columns / SIZE), points[k, 1] * (rows / SIZE)
        if not (-1 < at_x < columns and -1 < at_y < rows):
            continue
        column, row = int(at_x), int(at_y)
        total, total_x, total_y, largest = 0.0, 0.0, 0.0, 0.0
        for y in range(max(row - _REACH, 0), min(row + _REACH + 1, rows)):
            for x in range(max(column - _REACH, 0), min(column + _REACH + 1, columns)):
                confidence = 1 / (1 + np.exp(-np.float64(heatmap[y, x, k])))
                total += confidence
                total_x += confidence * x
                total_y += confidence * y
                largest = max(largest, confidence)
        if largest >= _LEAST_CONFIDENCE:
            points[k, 0] = total_x / total * (SIZE / columns)
            points[k, 1] = total_y / total * (SIZE / rows)
