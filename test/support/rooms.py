"""Made rooms in which everything is known: people cut out of annotated pictures stand at known depths.

A camera of depth looks at a wall, a floor, and tables in front of some people. Its noise grows with the
square of the distance, it has holes, and at edges pixels fly between what is in front and what is behind.
Masks run over the background. The same seed gives the same room.
"""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space import Lens
from support.sequences import cutouts

WIDTH, HEIGHT = 640, 480
K = np.array([[525.0, 0, 319.5], [0, 525, 239.5], [0, 0, 1]])
BENT = (0.03, 0.05, -0.0015, 0.0027, -0.5)
"""The distortion of a real camera, nearly."""
NOISE = 0.0025
BODY_M = 1.7
FLOOR_M = 1.2
"""The floor lies so far under the camera."""


def camera_info(**changes):
    """A sensor_msgs/CameraInfo, or what looks like one."""
    fields = {
        "width": WIDTH, "height": HEIGHT, "k": K.ravel(), "d": (), "distortion_model": "plumb_bob",
        "binning_x": 0, "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    }  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


@dataclass(frozen=True)
class Stands:
    """Somebody who stands: which cutout, x and depth of the middle in metres, behind a table or not."""

    who: int
    x: float
    z: float
    table: bool = False


@dataclass(frozen=True)
class Room:
    """What a camera sees.

    Attributes:
        lens: The camera's.
        labels: uint8 (H, W), k + 1 where the k-th is seen: the truth.
        clean: float32 (H, W), metres without noise: the truth.
        wall: The depth of the wall.
        people: Who stands where.
        keypoints: (K, 3) of each, pixels; score 0.9 where the annotators saw it, else 0.
    """

    lens: Lens
    labels: np.ndarray
    clean: np.ndarray
    wall: float
    people: tuple[Stands, ...]
    keypoints: tuple[np.ndarray, ...]

    def position(self, k: int) -> np.ndarray:
        """The middle of what is seen of somebody, metres."""
        mask = self.labels == k + 1
        ray = self.lens.table()[mask].mean(axis=0)
        return np.append(ray, 1.0) * np.median(self.clean[mask])


def room(data: Path, people: tuple[Stands, ...], *, wall: float = 6.0, info=None) -> Room:
    """Build a room; farther people come first, and nearer ones hide them."""
    lens = Lens.from_info(info or camera_info())
    rays = lens.table()
    clean = np.full((HEIGHT, WIDTH), wall, np.float32)
    with np.errstate(divide="ignore"):
        floor = np.where(rays[..., 1] > 0, FLOOR_M / rays[..., 1], np.inf)
    clean = np.minimum(clean, floor).astype(np.float32)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    keypoints = [np.zeros((len(KEYPOINTS), 3), np.float32) for _ in people]
    for k, one in sorted(enumerate(people), key=lambda item: -item[1].z):
        cutout = cutouts(data)[0][one.who % len(cutouts(data)[0])]
        high, wide = cutout.alpha.shape
        scale = float(lens.matrix[1, 1]) * BODY_M / one.z / high
        feet = float(lens.matrix[1, 1]) * FLOOR_M / one.z + float(lens.matrix[1, 2])
        left = float(lens.matrix[0, 0]) * one.x / one.z + float(lens.matrix[0, 2]) - scale * wide / 2
        matrix = np.array([[scale, 0, left], [0, scale, feet - scale * high]])
        here = cv2.warpAffine(cutout.alpha, matrix, (WIDTH, HEIGHT)) > 0.5
        # Chest and belly stand out by some centimetres, as a body does.
        depth_in = cv2.distanceTransform(here.view(np.uint8), cv2.DIST_L2, 3)
        relief = 0.08 * (depth_in / max(1.0, depth_in.max()) - 0.4)
        labels[here] = k + 1
        clean[here] = (one.z - relief)[here]
        keypoints[k][:, :2] = cutout.keypoints[:, :2] * scale + matrix[:, 2]
        keypoints[k][:, 2] = np.where(cutout.keypoints[:, 2] > 0, 0.9, 0)
        if one.table:
            rows = slice(min(HEIGHT, int(feet - 0.35 * scale * high)), HEIGHT)
            columns = slice(max(0, int(left - 20)), max(0, int(left + scale * wide + 20)))
            labels[rows, columns] = 0
            clean[rows, columns] = 0.7 * one.z
    return Room(lens, labels, clean, wall, people, tuple(keypoints))


def random_room(data: Path, seed: int, count: int = 3) -> Room:
    """Some people at 1.2 to 6 m, the wall 0.7 m and more behind the last of them."""
    rng = np.random.default_rng(seed)
    z = np.sort(rng.uniform(1.2, 6.0, count))
    x = rng.permutation(np.linspace(-0.33, 0.33, count)) * z + rng.uniform(-0.05, 0.05, count)
    people = tuple(
        Stands(int(rng.integers(1000)), float(a), float(b), bool(rng.random() < 0.25))
        for a, b in zip(x, z, strict=True)
    )
    info = camera_info(d=BENT) if seed % 2 else None
    return room(data, people, wall=float(z[-1] + rng.uniform(0.7, 3)), info=info)


def measured(seen: Room, seed: int = 0, *, holes: float = 0.15, noise: float = NOISE) -> np.ndarray:
    """The depth as a camera measures it: float32 (H, W), metres; holes are NaN, in blotches and alone."""
    rng = np.random.default_rng(seed)
    depth = seen.clean.copy()
    # At edges within 2 pixels: something between near and far.
    kernel = np.ones((5, 5), np.uint8)
    near, far = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
    flying = (far - near > 0.15) & (rng.random(depth.shape) < 0.5)
    depth[flying] = (near + (far - near) * rng.random(depth.shape))[flying]
    blotches = cv2.GaussianBlur(rng.normal(0, 1, depth.shape), (0, 0), 3)
    blotches /= blotches.std()
    depth += noise * depth**2 * (0.7 * blotches + 0.7 * rng.normal(0, 1, depth.shape))
    patches = cv2.GaussianBlur(rng.normal(0, 1, depth.shape), (0, 0), 5)
    lost = patches > np.quantile(patches, 1 - holes / 2) if holes else np.zeros(depth.shape, bool)
    depth[lost | (rng.random(depth.shape) < holes / 2)] = np.nan
    return depth.astype(np.float32)


def as_16uc1(depth: np.ndarray) -> np.ndarray:
    """Millimetres, 0 for a hole."""
    return np.rint(np.nan_to_num(depth) * 1000).astype(np.uint16)


def leaked(seen: Room, share: float = 0.2, seed: int = 0) -> np.ndarray:
    """The masks with so much of each of them on what is around: more on one side than on the others."""
    rng = np.random.default_rng(seed)
    masks = seen.labels.copy()
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    for k in range(1, len(seen.people) + 1):
        mask = seen.labels == k
        wanted = int(mask.sum() * share / (1 - share))
        angle = rng.uniform(0, 2 * np.pi)
        away = cv2.distanceTransform(1 - mask.view(np.uint8), cv2.DIST_L2, 3)
        cy, cx = (axis[mask].mean() if mask.any() else 0 for axis in (down, across))
        side = np.cos(angle) * (across - cx) + np.sin(angle) * (down - cy)
        cost = np.where(masks == 0, away * np.where(side > 0, 1, 4), np.inf)
        nearest = np.argpartition(cost, wanted, axis=None)[:wanted]
        masks.ravel()[nearest] = k
    return masks


def scene(seen: Room, labels: np.ndarray | None = None, *, ids=None) -> Scene:
    """What a model sees there."""
    labels = seen.labels if labels is None else labels
    persons = []
    for k, keypoints in enumerate(seen.keypoints):
        x, y, w, h = cv2.boundingRect((labels == k + 1).view(np.uint8))
        box = (x, y, x + w, y + h)
        persons.append(Person(0.9, box, keypoints, None, None if ids is None else ids[k]))
    return Scene(labels > 0, labels, None, None, tuple(persons), KEYPOINTS)
