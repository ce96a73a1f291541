"""Made films with exact truth: people cut out of annotated pictures move over other pictures.

People are cut out by their polygons, so every frame has exact ids, boxes, masks and keypoints. The same seed
gives the same film.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.scene import Person, Scene

HEIGHT, WIDTH = 480, 640
KINDS = ("crossing", "hiding", "leaving", "approaching", "crowd")
LEAST_SHOWN = 0.2
"""Of a person's pixels; whoever shows less is hidden."""
_SECONDS = 3.0
_RATES = (10, 15, 30, 60)


@dataclass(frozen=True)
class Cutout:
    """Somebody cut out: BGR and alpha of (h, w), keypoints (17, 3) in its pixels."""

    image: np.ndarray
    alpha: np.ndarray
    keypoints: np.ndarray


@dataclass(frozen=True)
class Shown:
    """Somebody in a frame: who, the visible pixels, their box, and keypoints (17, 3)."""

    track_id: int
    mask: np.ndarray
    box: tuple[int, int, int, int]
    keypoints: np.ndarray


@dataclass(frozen=True)
class Frame:
    """A frame: seconds, BGR, everybody who is not hidden, and the ids of those who are for the moment."""

    stamp_s: float
    image: np.ndarray
    people: tuple[Shown, ...]
    hidden: frozenset[int]


@dataclass
class _Walker:
    """One person's way: position of the feet and height as functions of time."""

    cutout: Cutout
    start: np.ndarray
    velocity: np.ndarray
    height: float
    growth: float
    sway: float
    away: tuple[float, float] = (-1.0, -1.0)
    depth: float = 0.0

    def at(self, t: float) -> tuple[float, float, float]:
        """x and y of the feet, and the height, in pixels."""
        height = self.height * float(np.exp(self.growth * t))
        x, y = self.start + self.velocity * t
        x += self.sway * np.sin(2 * np.pi * 0.7 * t + self.depth)
        if self.away[0] < t < self.away[1]:
            x = -2.0 * WIDTH
        return float(x), float(y), height


@lru_cache(maxsize=2)
def cutouts(data: Path) -> tuple[tuple[Cutout, ...], tuple[np.ndarray, ...]]:
    """People who stand whole in annotated pictures, and pictures without people."""
    from pycocotools import mask as rle

    folder = data / "images/coco_open"
    notes = json.loads((folder / "person_keypoints.json").read_text())
    of_image: dict[int, list] = {entry["id"]: [] for entry in notes["images"]}
    for note in notes["annotations"]:
        of_image[note["image_id"]].append(note)
    people, empty = [], []
    for entry in sorted(notes["images"], key=lambda e: e["id"]):
        image = cv2.imread(str(folder / "images" / entry["file_name"]))
        height, width = image.shape[:2]
        if not of_image[entry["id"]]:
            empty.append(cv2.resize(image, (WIDTH + 80, HEIGHT + 80)))
        for note in of_image[entry["id"]]:
            if note["iscrowd"] or note["num_keypoints"] < 11 or note["bbox"][3] < 100:
                continue
            encoded = rle.merge(rle.frPyObjects(note["segmentation"], height, width))
            mask = rle.decode(encoded).astype(bool)
            ys, xs = np.nonzero(mask)
            x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
            keypoints = np.array(note["keypoints"], np.float64).reshape(len(KEYPOINTS), 3)
            keypoints[:, :2] -= (x0, y0)
            people.append(Cutout(image[y0:y1, x0:x1], mask[y0:y1, x0:x1].astype(np.float32), keypoints))
    return tuple(people), tuple(empty)


def frames(data: Path, seed: int) -> Iterator[Frame]:
    """The frames of a film; its kind is KINDS[seed % 5].

    Args:
        data: Folder with `images/coco_open`.
        seed: Of everything.
    """
    rng = np.random.default_rng(seed)
    people, empty = cutouts(data)
    kind = KINDS[seed % len(KINDS)]
    count = int(rng.integers(5, 9)) if kind == "crowd" else int(rng.integers(2, 5))
    chosen = rng.choice(len(people), count, replace=False)
    background = empty[int(rng.integers(len(empty)))]
    other = empty[int(rng.integers(len(empty)))]
    rate = float(rng.choice(_RATES))
    shake = float(rng.uniform(4, 12)) if rng.random() < 0.3 else 0.0
    dropped = 0.25 if rng.random() < 0.3 else 0.0
    places = rng.permutation((np.arange(count) + rng.uniform(0.3, 0.7, count)) / count)
    walkers = [_walker(people[who], kind, places[k], k, rng) for k, who in enumerate(chosen)]
    walkers.sort(key=lambda w: w.depth)  # far ones first
    pillar = _pillar(walkers, rng) if kind == "hiding" else None
    phase = rng.uniform(0, 2 * np.pi, 2)
    first = float(rng.uniform(0, 1000))
    for k in range(int(_SECONDS * rate)):
        if k and rng.random() < dropped:
            continue
        t = k / rate
        shift = shake * np.sin(2 * np.pi * np.array([1.3, 1.9]) * t + phase)
        yield _frame(first + t, t, walkers, background, other, pillar, shift)


def _walker(cutout: Cutout, kind: str, place: float, k: int, rng: np.random.Generator) -> _Walker:
    """The way of the k-th; `place` is where along the picture's width it is half way, 0..1."""
    height = float(rng.uniform(120, 200)) if kind == "crowd" else float(rng.uniform(170, 290))
    side = 1 if k % 2 else -1
    speed = side * (rng.uniform(10, 80) if kind == "crowd" else rng.uniform(50, 160))
    if kind == "approaching":
        speed *= 0.4
    if kind == "leaving":
        speed *= 0.3
    if kind == "hiding":
        place, speed = 0.5 + 0.1 * (place - 0.5), side * rng.uniform(140, 220)
    start = np.array([place * WIDTH - speed * _SECONDS / 2, rng.uniform(0.7, 1.0) * HEIGHT])
    growth = float(rng.uniform(-0.3, 0.3)) if kind == "approaching" else 0.0
    walker = _Walker(
        cutout, start, np.array([speed, rng.uniform(-8, 8)]), height, growth, float(rng.uniform(0, 12)),
        depth=float(start[1]),
    )  # fmt: skip
    if kind == "leaving" and k % 2 == 0:
        begin = float(rng.uniform(0.7, 1.3))
        walker.away = (begin, begin + float(rng.uniform(0.3, 1.0)))
    return walker


def _pillar(walkers: list[_Walker], rng: np.random.Generator) -> tuple[int, int]:
    """Columns of something that people pass behind, so wide that nobody is hidden for much over a second."""
    widths = [w.height * w.cutout.alpha.shape[1] / w.cutout.alpha.shape[0] for w in walkers]
    most = min(0.6 * width + abs(w.velocity[0]) for w, width in zip(walkers, widths, strict=True))
    width = int(min(0.9 * max(widths), most))
    middle = int(WIDTH / 2 + rng.uniform(-40, 40))
    return middle - width // 2, middle + width // 2


def _frame(
    stamp_s: float,
    t: float,
    walkers: list[_Walker],
    background: np.ndarray,
    other: np.ndarray,
    pillar: tuple[int, int] | None,
    shift: np.ndarray,
) -> Frame:
    view = np.array([[1.0, 0, -40 + shift[0]], [0, 1, -40 + shift[1]]])
    canvas = cv2.warpAffine(background, view, (WIDTH, HEIGHT)).astype(np.float32)
    owner = np.zeros((HEIGHT, WIDTH), np.uint8)
    whole, points = [], []
    for k, walker in enumerate(walkers, 1):
        cutout, (x, y, height) = walker.cutout, walker.at(t)
        scale = height / cutout.alpha.shape[0]
        corner = np.array([x - scale * cutout.alpha.shape[1] / 2, y - height]) + shift
        _paste(canvas, owner, k, cutout, scale, corner)
        whole.append(scale**2 * float(cutout.alpha.sum()))
        found = cutout.keypoints.copy()
        found[:, :2] = found[:, :2] * scale + corner
        points.append(found)
    if pillar is not None:
        a, b = (int(np.clip(edge + shift[0], 0, WIDTH)) for edge in pillar)
        canvas[:, a:b] = other[:HEIGHT, a:b]
        owner[:, a:b] = 0
    shown, hidden = [], set()
    for k in range(1, len(walkers) + 1):
        mask = owner == k
        if mask.sum() < LEAST_SHOWN * whole[k - 1]:
            hidden.add(k)
            continue
        x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
        shown.append(Shown(k, mask, (x, y, x + w, y + h), points[k - 1]))
    image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return Frame(stamp_s, image, tuple(shown), frozenset(hidden))


def _paste(
    canvas: np.ndarray, owner: np.ndarray, k: int, cutout: Cutout, scale: float, corner: np.ndarray
) -> None:
    """Paint somebody, the upper left corner where it is said, and note whose the pixels are."""
    size = np.array(cutout.alpha.shape[::-1]) * scale
    x0, y0 = np.clip(np.floor(corner), 0, (WIDTH, HEIGHT)).astype(int)
    x1, y1 = np.clip(np.ceil(corner + size), 0, (WIDTH, HEIGHT)).astype(int)
    if x0 >= x1 or y0 >= y1:
        return
    matrix = np.array([[scale, 0, corner[0] - x0], [0, scale, corner[1] - y0]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    alpha = cv2.warpAffine(cutout.alpha, matrix, (x1 - x0, y1 - y0), flags=flags)
    paint = cv2.warpAffine(
        cutout.image, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    canvas[y0:y1, x0:x1] += alpha[..., None] * (paint - canvas[y0:y1, x0:x1])
    owner[y0:y1, x0:x1][alpha > 0.5] = k


def perfect_scene(frame: Frame, order: np.random.Generator) -> Scene:
    """What a perfect model sees in a frame: the truth without ids, in an order that says nothing."""
    instance_mask = np.zeros(frame.image.shape[:2], np.uint8)
    persons = []
    for index, k in enumerate(order.permutation(len(frame.people)), 1):
        one = frame.people[k]
        instance_mask[one.mask] = index
        keypoints = one.keypoints.astype(np.float32)
        keypoints[:, 2] = np.where(keypoints[:, 2] > 0, 0.9, 0.0)
        persons.append(Person(0.9, one.box, keypoints))
    return Scene(instance_mask > 0, instance_mask, None, None, tuple(persons), KEYPOINTS)
