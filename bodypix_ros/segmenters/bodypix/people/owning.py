"""Which pixels a person's pose claims, who is there twice, and what each is worth."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.scores import probability
from bodypix_ros.segmenters.bodypix.people.decoding import extent
from bodypix_ros.segmenters.bodypix.people.lattices import (
    AT,
    COLUMNS,
    FARTHEST,
    KEPT,
    ROWS,
    X0,
    X1,
    Y0,
    Y1,
    claim,
    on_lattice,
    place_all,
)
from bodypix_ros.segmenters.bodypix.people.passes import Tables
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

_ALIKE, _INSIDE, _WORSE = 0.8, 0.8, 0.7
"""Overlap of two people's masks, or share of one inside the other's, from which the worse is a duplicate; the
latter only where it is so much worse."""
_FARTHER = 0.2
"""How much farther than the worse one's own a pixel may be from the better for both to claim it: somebody who
kneels beside another is near enough to be claimed, and still nobody's duplicate."""
_CONTESTED = 0.25
"""Exponent of the share of the claimed pixels that a person gets."""
_UNSEEN = 0.3
"""Stands for the mean probability of a person without pixels."""
_FULL = 0.3
"""Pixels of a person by the square of the keypoints' longer side, below which something is wrong."""
_WORTH_HALVING = 2000
"""Points of lattices from which a second thread is worth its start."""


class Claims:
    """What people claim, in the order of their poses.

    Attributes:
        whole: int64 (N, 9): the box that is looked at, half open; the pass that owns the person; where the
            lattices begin, their rows and columns; whether pixels may be the person's at all.
        weights: float64 (N, 1 + P): picture pixels between the points of the lattice; how much each pass
            counts for the mask, together 1.
        distance: float32 (n,), the lattices of distances.
        score: float32 (N,), what each person is worth; 0 for one that is dropped.
    """

    def __init__(
        self,
        passes: Tables,
        poses: npt.NDArray[np.float32],
        trusted: npt.NDArray[np.float32],
        shape: tuple[int, int],
        threshold: float,
        second: SecondThread | None = None,
    ) -> None:
        """Work all of it out.

        Args:
            passes: Of the image.
            poses: float32 (N, 17, 3), x, y in picture pixels, score; by falling trust.
            trusted: float32 (N,), how far each is trusted.
            shape: Rows and columns of the picture.
            threshold: Logit of person above which a pixel is a person's.
            second: Works on half of the people; None: there is one thread.
        """
        self.whole = np.zeros((len(poses), 9), np.int64)
        self.weights = np.zeros((len(poses), 1 + len(passes.place)))
        points = place_all(passes.at, passes.place, poses, trusted, *shape, self.whole, self.weights)
        self.distance = np.empty(points, np.float32)
        self.score = np.zeros(len(poses), np.float32)
        mean, claimed = np.empty(points, np.float32), np.zeros(len(poses), np.float32)

        def fill(begin: int, end: int) -> None:
            claim(
                passes.values, passes.at, passes.place, poses, threshold, self.whole, self.weights, begin,
                end, mean, self.distance, claimed,
            )  # fmt: skip

        half = int(np.searchsorted(np.cumsum(self.whole[:, ROWS] * self.whole[:, COLUMNS]), points / 2)) + 1
        if second is not None and points > _WORTH_HALVING and half < len(poses):
            rest = second.submit(fill, half, len(poses))
            fill(0, half)
            rest.result()
        else:
            fill(0, len(poses))
        _weigh(trusted, poses, threshold, self.whole, self.weights, self.distance, mean, claimed, self.score)


@kernel(inline=True)
def _meet(one: Array, other: Array) -> bool:
    """Whether two people's boxes overlap."""
    across: bool = one[X0] < other[X1] and other[X0] < one[X1]
    return across and one[Y0] < other[Y1] and other[Y0] < one[Y1]


@kernel(inline=True)
def _is_duplicate(
    n: int, m: int, whole: Array, weights: Array, distance: Array, mean: Array, claimed: Array,
    trusted: Array, threshold: Float,
) -> bool:  # fmt: skip
    """Whether person n claims what the better person m does."""
    both = np.float32(0)
    step = weights[n, 0]
    far = np.float32(FARTHEST)
    for i in range(whole[n, ROWS]):
        y = whole[n, Y0] + i * step
        if not whole[m, Y0] <= y < whole[m, Y1]:
            continue
        for j in range(whole[n, COLUMNS]):
            p = whole[n, AT] + i * whole[n, COLUMNS] + j
            if not (mean[p] > threshold and distance[p] < far):
                continue
            x = whole[n, X0] + j * step
            near = min(far, distance[p] + np.float32(_FARTHER))
            if on_lattice(distance, whole[m], weights[m, 0], y, x) < near:
                both += on_lattice(mean, whole[m], weights[m, 0], y, x) > threshold
    both *= np.float32(step * step)
    if both > np.float32(_ALIKE) * (claimed[n] + claimed[m] - both):
        return True
    inside = both > np.float32(_INSIDE) * max(claimed[n], np.float32(1))
    worse: bool = inside and trusted[n] < np.float32(_WORSE) * trusted[m]
    return worse


@kernel(
    "void(Array(float32, 1, 'C', readonly=True), Array(float32, 3, 'C', readonly=True), float64,"
    " int64[:, ::1], float64[:, ::1], float32[::1], float32[::1], float32[::1], float32[::1])"
)
def _weigh(
    trusted: Array, poses: Array, threshold: Float, whole: Array, weights: Array, distance: Array,
    mean: Array, claimed: Array, score: Array,
) -> None:  # fmt: skip
    people = poses.shape[0]
    logit = np.float32(threshold)
    other = np.empty(people, np.intp)
    for n in range(people):
        for m in range(n):
            if (
                whole[n, KEPT]
                and whole[m, KEPT]
                and _meet(whole[n], whole[m])
                and _is_duplicate(n, m, whole, weights, distance, mean, claimed, trusted, logit)
            ):
                whole[n, KEPT] = 0
    for n in range(people):
        if not whole[n, KEPT]:
            continue
        step = weights[n, 0]
        count = 0
        for m in range(people):
            if m != n and whole[m, KEPT] and _meet(whole[n], whole[m]):
                other[count] = m
                count += 1
        won, total = np.float32(0), np.float32(0)
        for i in range(whole[n, ROWS]):
            y = whole[n, Y0] + i * step
            for j in range(whole[n, COLUMNS]):
                p = whole[n, AT] + i * whole[n, COLUMNS] + j
                if not (mean[p] > logit and distance[p] < np.float32(FARTHEST)):
                    continue
                x = whole[n, X0] + j * step
                mine = True
                for c in range(count):
                    m = other[c]
                    mine = mine and not on_lattice(distance, whole[m], weights[m, 0], y, x) < distance[p]
                if mine:
                    won += np.float32(1)
                    total += np.float32(probability(mean[p]))
        sure = total / won if won else np.float32(_UNSEEN)
        area = max(won * np.float32(step * step), np.float32(1))
        share = min(area / max(claimed[n], np.float32(1)), np.float32(1))
        full = min(area / (np.float32(_FULL) * extent(poses[n]) ** 2), np.float32(1))
        score[n] = trusted[n] * share ** np.float32(_CONTESTED) * np.sqrt(full) * sure
