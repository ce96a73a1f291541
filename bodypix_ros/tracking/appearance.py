"""How somebody looks: colours of head, torso, upper and lower legs.

Colours are counted in cells of three axes together: brightness, and two differences that brightness does not
change. Each axis by itself would tell less: a red shirt with black hair is no black shirt with red hair.
Histograms are compared by Bhattacharyya's coefficient.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PARTS
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import Scene
from bodypix_ros.tracking.sightings import Sightings

REGIONS = ("head", "torso", "upper_legs", "lower_legs")
"""What is told apart."""
_BRIGHT, _HUES = 4, 5
"""Steps of brightness and of each difference; the middle one of those is grey."""
_WIDE = 20
"""How much of a difference is a step."""
BINS = _BRIGHT * _HUES * _HUES
"""Of a region's histogram."""
SHAPE = len(REGIONS), BINS
"""Of how one person looks."""
_ROWS = 80
"""So many rows of an image are looked at, or up to twice as many, and columns as far apart."""
_LEAST_PIXELS = 8.0
"""Of a region, on the coarse grid: fewer say nothing."""
_LEARNED_S = 2.0
"""Seconds in which two thirds of a person's mean become what was seen meanwhile. Whom the model takes for one
person with somebody in front of them looks like both for as long as that lasts, at any rate of images."""
_SITES = (
    ("nose", "nose", 0), ("left_ear", "right_ear", 0),
    ("left_shoulder", "right_shoulder", 1), ("left_shoulder", "left_hip", 1),
    ("right_shoulder", "right_hip", 1), ("left_hip", "right_hip", 1), ("left_elbow", "left_elbow", 1),
    ("right_elbow", "right_elbow", 1),
    ("left_hip", "left_knee", 2), ("right_hip", "right_knee", 2),
    ("left_knee", "left_ankle", 3), ("right_knee", "right_ankle", 3), ("left_ankle", "left_ankle", 3),
    ("right_ankle", "right_ankle", 3),
)  # fmt: skip
"""Between which two keypoints there is a region: a pixel is the nearest one's, where nobody labels parts."""

Looks = npt.NDArray[np.float64]
"""float64 (N, REGIONS, BINS): roots of shares, so that the sum of products is Bhattacharyya's coefficient;
zeros where too little is seen."""


def looks(scene: Scene, sightings: Sightings, pixels: Pixels) -> Looks:
    """How each of a Scene's persons looks.

    Args:
        scene: What was seen.
        sightings: Of it.
        pixels: The image.
    """
    counts = np.zeros((len(sightings), *SHAPE))
    stride = max(pixels.shape[0] // _ROWS, 1)
    labels, colors = scene.instance_mask[::stride, ::stride], pixels.array[::stride, ::stride]
    channels = np.array(pixels.channels)
    if scene.part_mask is not None:
        parts = scene.part_mask[::stride, ::stride]
        _count_by_parts(labels, parts, _part_regions(), colors, channels, counts)
    else:
        sites, regions = _sites(sightings.keypoints, scene.keypoint_names)
        sites[..., :2] /= stride
        _count_by_sites(labels, sites, regions, colors, channels, counts)
    return counts


@kernel(inline=True)
def mix(before: Array, now: Array, step_s: float) -> None:
    """Take a new look of somebody, `step_s` after the last, into the mean: float64 (REGIONS, BINS) each."""
    pace = 1 - np.exp(-step_s / _LEARNED_S)
    for region in range(before.shape[0]):
        if not now[region].any():
            continue
        first = not before[region].any()
        for b in range(BINS):
            if first:
                before[region, b] = now[region, b]
            else:
                mean = (1 - pace) * before[region, b] ** 2 + pace * now[region, b] ** 2
                before[region, b] = np.sqrt(mean)


@kernel(inline=True)
def alike(tracked: Array, seen: Array) -> Float:
    """How alike two people look, 0..1; NaN where no region is seen of both."""
    common, total = 0, 0.0
    for region in range(tracked.shape[0]):
        if tracked[region].any() and seen[region].any():
            common += 1
            for b in range(BINS):
                total += tracked[region, b] * seen[region, b]
    return total / common if common else np.nan


@lru_cache(maxsize=1)
def _part_regions() -> npt.NDArray[np.int64]:
    """int64 (256,): the region of each label of a part mask, -1 for none."""
    regions = np.full(256, -1)
    for part, name in enumerate(PARTS, 1):
        for region, words in enumerate(("face", "torso upper_arm", "upper_leg", "lower_leg")):
            if any(word in name for word in words.split()):
                regions[part] = region
    return regions


def _sites(
    keypoints: npt.NDArray[np.float64], names: tuple[str, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Middles of the regions of everybody, (M, S, 3) with their score, and which region each is, (S,).

    Without keypoints there is one, the torso's, wherever it is.
    """
    known = [(names.index(a), names.index(b), region) for a, b, region in _SITES if {a, b} <= set(names)]
    if not known:
        return np.ones((len(keypoints), 1, 3)), np.ones(1, np.int64)
    first, second, regions = (np.array(column) for column in zip(*known, strict=True))
    sites = np.ascontiguousarray((keypoints[:, first] + keypoints[:, second]) / 2)
    sites[..., 2] = np.minimum(keypoints[:, first, 2], keypoints[:, second, 2])
    return sites, regions


@kernel(inline=True)
def _step(difference: int) -> int:
    """The step that a difference of colours lies in."""
    return min(max((difference + _HUES * _WIDE // 2) // _WIDE, 0), _HUES - 1)


@kernel(inline=True)
def _add(counts: Array, red: int, green: int, blue: int) -> None:
    """Count a colour in its cell."""
    bright = (red + 2 * green + blue) * _BRIGHT >> 10
    counts[(bright * _HUES + _step(red - green)) * _HUES + _step((red + green) // 2 - blue)] += 1


@kernel(inline=True)
def _to_roots(counts: Array) -> None:
    """Turn what was counted into the roots of shares, in place; zeros where there is too little of it."""
    for person in range(counts.shape[0]):
        for region in range(counts.shape[1]):
            total = counts[person, region].sum()
            for b in range(BINS):
                share = counts[person, region, b] / total if total >= _LEAST_PIXELS else 0.0
                counts[person, region, b] = np.sqrt(share)


@kernel(
    "void(Array(uint8, 2, 'A', readonly=True), Array(uint8, 2, 'A', readonly=True), int64[::1],"
    " Array(uint8, 3, 'A', readonly=True), int64[::1], float64[:, :, ::1])"
)
def _count_by_parts(
    labels: Array, parts: Array, regions: Array, pixels: Array, channels: Array, counts: Array
) -> None:
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            person = labels[y, x] - 1
            region = regions[parts[y, x]]
            if 0 <= person < counts.shape[0] and region >= 0:
                color = pixels[y, x]
                red, green, blue = (
                    np.int64(color[channels[0]]), np.int64(color[channels[1]]), np.int64(color[channels[2]])
                )  # fmt: skip
                _add(counts[person, region], red, green, blue)
    _to_roots(counts)


@kernel(
    "void(Array(uint8, 2, 'A', readonly=True), float64[:, :, ::1], int64[::1],"
    " Array(uint8, 3, 'A', readonly=True), int64[::1], float64[:, :, ::1])"
)
def _count_by_sites(
    labels: Array, sites: Array, regions: Array, pixels: Array, channels: Array, counts: Array
) -> None:
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            person = labels[y, x] - 1
            if not 0 <= person < counts.shape[0]:
                continue
            nearest, region = np.inf, 1
            for k in range(len(regions)):
                if sites[person, k, 2] > 0:
                    dx, dy = sites[person, k, 0] - x, sites[person, k, 1] - y
                    if dx * dx + dy * dy < nearest:
                        nearest, region = dx * dx + dy * dy, regions[k]
            color = pixels[y, x]
            red, green, blue = (
                np.int64(color[channels[0]]), np.int64(color[channels[1]]), np.int64(color[channels[2]])
            )  # fmt: skip
            _add(counts[person, region], red, green, blue)
    _to_roots(counts)
