"""Persons of a Scene, and the depth under them -> persons in metres."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import PlacingError
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space import clusters, pose
from bodypix_ros.space.depth import NOISE, check_view, unit_of
from bodypix_ros.space.lens import Lens, Points

_INDEPENDENT: Final = 50
"""Of so many neighbouring pixels one tells something of its own: noise of depth comes in blotches."""

_LEAST_SPREAD_M: Final = 0.02
"""Nobody's middle is known better: cloth moves, and arms swing."""

_OF_DISTANCE: Final = 0.05
"""Standard deviation of a place that was told from a figure's size, of its distance: sizes differ."""

_MIN_SCORE: Final = 0.3
"""Keypoints above this score say where a person is, without depth."""


_Seen = tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32], np.float32]
"""Depth as `clusters` reads it: whole numbers or real ones, the other is empty; metres per unit."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPerson:
    """A person in metres, in the camera's optical frame: x right, y down, z forward (REP-103).

    Attributes:
        position: float64 (3,), the middle of what is seen of the person; NaN where nothing is known.
        covariance: float64 (3, 3), of the position, square metres; NaN where nothing is known.
        size: float64 (3,), width, height and depth of what is seen, but for the outermost 0.5 % of pixels.
        center: float64 (3,), the middle of that box.
        keypoints: float32 (K, 4), x, y, z and score; NaN and a score of 0 where nothing is known.
        valid: Share of the person's pixels that have a depth, 0..1; without depth, of the keypoints used.
        distance: From the camera to the position, metres; NaN where nothing is known.
        depths: Between which depths the person's pixels are, metres, arms included; or NaN.
    """

    position: Points
    covariance: Points
    size: Points
    center: Points
    keypoints: npt.NDArray[np.float32]
    valid: float
    distance: float
    depths: tuple[float, float]

    @property
    def is_placed(self) -> bool:
        """Whether it is known where the person is."""
        return bool(np.isfinite(self.distance))


def place(
    scene: Scene, depth: npt.NDArray[Any] | None, lens: Lens, *, depth_unit: float | None = None
) -> tuple[PlacedPerson, ...]:
    """Find out where the persons of a Scene are.

    A person is measured inside the mask's edge, on the cluster of depths that most of these pixels are on; a
    keypoint on the person's own pixels around it, on that cluster. Keypoints that somebody or something
    hides get no place, and neither do persons of whom there are only holes, or what is around them.

    Args:
        scene: Of an image.
        depth: Of the same view, registered to the image, of any resolution: uint16 in millimetres or float32
            in metres, (h, w); 0, NaN and inf are holes. None: from the keypoints that the model has in
            metres, as BlazePose does.
        lens: The image's.
        depth_unit: Metres per unit of depth; None: by its type.

    Returns:
        One for each person, in their order.

    Raises:
        PlacingError: The Scene is not of this lens's images, the depth not of this view, or the persons are
            of different models.
    """
    height, width = scene.instance_mask.shape
    lens.check(width, height)
    if depth is None:
        return tuple(_from_figure(person, lens) for person in scene.persons)
    seen = _readable(depth, depth_unit)
    check_view(depth, width, height)
    if not scene.persons:
        return ()
    count = len(scene.persons)
    if len({len(person.keypoints) for person in scene.persons}) > 1:
        raise PlacingError("persons have different numbers of keypoints: those of one Scene are of one model")
    boxes = np.array([person.box for person in scene.persons], np.int64)
    np.clip(boxes, 0, np.array([width, height, width, height]), out=boxes)
    boxes[:, 2:] = np.maximum(boxes[:, :2], boxes[:, 2:])
    numbers = np.empty((count, clusters.NUMBERS))
    clusters.measure(scene.instance_mask, *seen, lens.table(), boxes, numbers)
    return _placed(numbers, _keypoints(scene, seen, lens, numbers))


def _readable(depth: npt.NDArray[Any], unit: float | None) -> _Seen:
    """Depth as it came, for kernels that read a few thousand pixels of it."""
    scale = np.float32(unit_of(depth, unit))
    # A message's bytes may begin anywhere, and be in another order.
    depth = np.require(depth, depth.dtype.newbyteorder("="), "A")
    if depth.dtype == np.uint16:
        return depth, np.empty((0, 0), np.float32), scale
    return np.empty((0, 0), np.uint16), depth, scale


def _keypoints(scene: Scene, depth: _Seen, lens: Lens, numbers: Points) -> npt.NDArray[np.float32]:
    """float32 (P, K, 4) in metres."""
    count, points = len(scene.persons), len(scene.persons[0].keypoints)
    placed = np.empty((count, points, 4), np.float32)
    if not points:
        return placed
    pixels = np.array([person.keypoints for person in scene.persons], np.float64)
    pixels[~np.isfinite(pixels).all(axis=2)] = 0
    depths = np.empty((count, points), np.float32)
    clusters.read(scene.instance_mask, *depth, pixels, numbers, float(lens.matrix[0, 0]), depths)
    known = depths > 0
    placed[..., :2] = lens.rays(pixels[..., :2].reshape(-1, 2)).reshape(count, points, 2)
    placed[..., 2] = 1
    placed[..., :3] *= depths[..., np.newaxis]
    placed[..., 3] = pixels[..., 2]
    placed[~known] = (np.nan, np.nan, np.nan, 0)
    return placed


def _placed(numbers: Points, keypoints: npt.NDArray[np.float32]) -> tuple[PlacedPerson, ...]:
    """What was measured of everybody, one row each, and the keypoints -> who is where."""
    samples, z = numbers[:, clusters.FOUND], numbers[:, clusters.DEPTH]
    rays = np.ones((len(numbers), 3))
    rays[:, :2] = numbers[:, clusters.DIRECTION : clusters.DIRECTION + 2]
    positions = rays * z[:, np.newaxis]
    distances = np.sqrt(np.square(positions).sum(axis=1))
    spread = numbers[:, clusters.SPREAD : clusters.SPREAD + 9]
    independent = np.maximum(1.0, samples / _INDEPENDENT)
    toward = rays * (NOISE * z * z / np.sqrt(np.square(rays).sum(axis=1)))[:, np.newaxis]
    covariances = (spread / independent[:, np.newaxis]).reshape(-1, 3, 3)
    covariances += toward[:, :, np.newaxis] * toward[:, np.newaxis] + _LEAST_SPREAD_M**2 * np.eye(3)
    low, high = (numbers[:, at : at + 3] for at in (clusters.LOW, clusters.HIGH))
    sizes, centers = high - low, (low + high) / 2
    valid, distance, near, far = (
        column.tolist() for column in (numbers[:, clusters.VALID], distances, *numbers[:, clusters.NEAR :].T)
    )
    return tuple(
        PlacedPerson(
            positions[k], covariances[k], sizes[k], centers[k], points, valid[k], distance[k],
            (near[k], far[k]),
        )
        if samples[k]
        else _unknown(points, valid[k])
        for k, points in enumerate(keypoints)
    )  # fmt: skip


def _unknown(keypoints: npt.NDArray[np.float32], valid: float) -> PlacedPerson:
    nowhere = np.full(3, np.nan)
    nan, unsure = float("nan"), np.full((3, 3), np.nan)
    return PlacedPerson(nowhere, unsure, nowhere, nowhere, keypoints, valid, nan, (nan, nan))


def _from_figure(person: Person, lens: Lens) -> PlacedPerson:
    """Place a person by how large the figure in metres is seen."""
    count = len(person.keypoints)
    used = float((person.keypoints[:, 2] > _MIN_SCORE).mean()) if count else 0.0
    figure = person.keypoints_3d
    points = None if figure is None else pose.place(person.keypoints, figure, lens, _MIN_SCORE)
    if points is None:
        nothing = np.full((count, 4), np.nan, np.float32)
        nothing[:, 3] = 0
        return _unknown(nothing, used)
    return of_points(points, used)


def of_points(points: npt.NDArray[np.float32], valid: float = 1.0) -> PlacedPerson:
    """Somebody of whom nothing but keypoints in metres is known, by how large a figure is seen.

    Args:
        points: float32 (K, 4), x, y, z in the optical frame and score; NaN is not known.
        valid: Share of the keypoints that told of it.
    """
    known = points[np.isfinite(points).all(axis=1), :3].astype(np.float64)
    if not len(known):
        return _unknown(points, valid)
    low, high = known.min(axis=0), known.max(axis=0)
    position = known.mean(axis=0)
    distance = float(np.linalg.norm(position))
    toward = position / distance
    covariance = (_OF_DISTANCE * distance) ** 2 * np.outer(toward, toward)
    covariance[np.diag_indices(3)] += _LEAST_SPREAD_M**2
    depths = float(low[2]), float(high[2])
    return PlacedPerson(position, covariance, high - low, (low + high) / 2, points, valid, distance, depths)
