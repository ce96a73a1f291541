"""How good tracks are, against known ones, with the definitions of TrackEval (Luiten et al. 2020).

HOTA: Luiten et al., IJCV 2021. IDF1: Ristani et al., ECCV 2016 workshops. Switches: Bernardin and
Stiefelhagen, EURASIP JIVP 2008.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodypix_ros.scene import Box
from bodypix_ros.tracking.assignment import match

Boxes = Mapping[Hashable, Box]
"""Who is where in one frame: box by id."""

_THRESHOLDS = np.arange(0.05, 0.99, 0.05)
"""Least overlaps that HOTA is averaged over."""
_LEAST = 0.5
"""Least overlap of IDF1 and switches."""
_CONTINUED = 1000.0
"""What a pair gains by having been one in the frame before: more than any overlap."""
_EPS = float(np.finfo(float).eps)

_Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well ids stay.

    Attributes:
        frames: Frames compared.
        people: Known boxes in them.
        found: Boxes with an id that were found.
        hota: Higher order tracking accuracy: mean over overlaps of sqrt(DetA * AssA).
        idf1: Share of the boxes that bear the right id, when each known person is given one.
        switches: How often a known person is found under another id than before.
        shared: Ids that were on more than one known person.
    """

    frames: int
    people: int
    found: int
    hota: float
    idf1: float
    switches: int
    shared: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """Rows of the known and of the found ones, and the overlaps of their boxes."""

    known: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    overlap: _Counts


def compare(known: Sequence[Boxes], found: Sequence[Boxes]) -> Metrics:
    """Compare tracks.

    Args:
        known: The truth, frame by frame. Films one after another are one, if their ids differ.
        found: What a tracker says of the same frames; who has no id is left out.

    Raises:
        ValueError: There are not as many frames of both.
    """
    if len(known) != len(found):
        raise ValueError(f"there are {len(known)} frames of known and {len(found)} of found people")
    row_of_known: dict[Hashable, int] = {}
    row_of_found: dict[Hashable, int] = {}
    frames = [
        _Frame(_rows(truth, row_of_known), _rows(seen, row_of_found), overlaps(_array(truth), _array(seen)))
        for truth, seen in zip(known, found, strict=True)
    ]
    shape = len(row_of_known), len(row_of_found)
    people, boxes = sum(map(len, known)), sum(map(len, found))
    return Metrics(
        len(frames), people, boxes, _hota(frames, shape), _idf1(frames, shape, people + boxes),
        *_switches(frames, shape),
    )  # fmt: skip


def overlaps(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of boxes.

    Args:
        a: float64 (N, 4), x0, y0, x1, y1.
        b: float64 (M, 4).

    Returns:
        float64 (N, M), 0 where both are empty.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    areas = np.prod(a[:, 2:] - a[:, :2], axis=1)[:, None] + np.prod(b[:, 2:] - b[:, :2], axis=1)[None]
    shared: npt.NDArray[np.float64] = common / np.maximum(areas - common, _EPS)
    return shared


def _array(boxes: Boxes) -> npt.NDArray[np.float64]:
    return np.array(list(boxes.values()), np.float64).reshape(-1, 4)


def _rows(boxes: Boxes, row_of: dict[Hashable, int]) -> npt.NDArray[np.int64]:
    return np.array([row_of.setdefault(one, len(row_of)) for one in boxes], np.int64)


def _counts(frames: Sequence[_Frame], shape: tuple[int, int]) -> tuple[_Counts, _Counts]:
    """In how many frames each of the known and of the found ones is, (N, 1) and (1, M)."""
    known, found = np.zeros((shape[0], 1)), np.zeros((1, shape[1]))
    for frame in frames:
        known[frame.known] += 1
        found[:, frame.found] += 1
    return known, found


def _hota(frames: Sequence[_Frame], shape: tuple[int, int]) -> float:
    known, found = _counts(frames, shape)
    together = np.zeros(shape)
    for frame in frames:
        overlap = frame.overlap
        rest = overlap.sum(axis=0, keepdims=True) + overlap.sum(axis=1, keepdims=True) - overlap
        together[np.ix_(frame.known, frame.found)] += overlap / np.maximum(rest, _EPS)
    aligned = together / np.maximum(known + found - together, _EPS)
    pairs = np.zeros((len(_THRESHOLDS), *shape))
    for frame in frames:
        partners = match(aligned[np.ix_(frame.known, frame.found)] * frame.overlap)
        rows = np.flatnonzero(partners >= 0)
        columns = partners[rows]
        for k, least in enumerate(_THRESHOLDS):
            good = frame.overlap[rows, columns] >= least - _EPS
            pairs[k, frame.known[rows[good]], frame.found[columns[good]]] += 1
    true = pairs.sum(axis=(1, 2))
    detection = true / np.maximum(1, known.sum() + found.sum() - true)
    association = (pairs * pairs / np.maximum(1, known + found - pairs)).sum(axis=(1, 2)) / np.maximum(
        1, true
    )
    return float(np.sqrt(detection * association).mean())


def _idf1(frames: Sequence[_Frame], shape: tuple[int, int], boxes: int) -> float:
    pairs = np.zeros(shape)
    for frame in frames:
        pairs[np.ix_(frame.known, frame.found)] += frame.overlap >= _LEAST - _EPS
    partners = match(pairs)
    rows = np.flatnonzero(partners >= 0)
    return float(2 * pairs[rows, partners[rows]].sum() / max(1, boxes))


def _switches(frames: Sequence[_Frame], shape: tuple[int, int]) -> tuple[int, int]:
    """How often people changed ids, and how many ids changed people."""
    last, just = np.full(shape[0], -1), np.full(shape[0], -1)
    worn = np.zeros(shape, np.bool_)
    switches = 0
    for frame in frames:
        continued = frame.found[None] == just[frame.known][:, None]
        gains = np.where(frame.overlap >= _LEAST - _EPS, _CONTINUED * continued + frame.overlap, 0.0)
        partners = match(gains)
        rows = np.flatnonzero(partners >= 0)
        who, ids = frame.known[rows], frame.found[partners[rows]]
        switches += int(((last[who] >= 0) & (last[who] != ids)).sum())
        just[:] = -1
        last[who] = just[who] = ids
        worn[who, ids] = True
    return switches, int((worn.sum(axis=0) > 1).sum())
