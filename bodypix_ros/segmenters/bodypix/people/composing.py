"""Poses and passes of one image -> its Scene."""

import math

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.scene import Box, Person, Scene
from bodypix_ros.segmenters.base import keypoint_box
from bodypix_ros.segmenters.bodypix.halves import by_halves
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from bodypix_ros.segmenters.bodypix.people.filling import Masks, fill, halfway, tile_side
from bodypix_ros.segmenters.bodypix.people.owning import Claims
from bodypix_ros.segmenters.bodypix.people.passes import STEP, Tables
from bodypix_ros.segmenters.bodypix.people.rest import components
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

_MOST = 254
"""Values of an instance mask."""
_UNWANTED = np.zeros((0, 0), np.uint8)
_NO_POSE = np.zeros((len(KEYPOINTS), 3), np.float32)


def compose(
    passes: Tables,
    poses: npt.NDArray[np.float32],
    trusted: npt.NDArray[np.float32],
    shape: tuple[int, int],
    options: PeopleOptions,
    second: SecondThread | None,
) -> Scene:
    """Give everybody their pixels.

    Args:
        passes: Of the image.
        poses: float32 (N, 17, 3), x, y in picture pixels, score; a person each, by falling trust.
        trusted: float32 (N,), how far each is trusted.
        shape: Rows and columns of the picture.
        options: In force.
        second: Fills half of the masks; None: there is one thread.
    """
    threshold = _logit(options.segmentation_threshold)
    claims = Claims(passes, poses, trusted, shape, threshold, second)
    order = np.argsort(-claims.score, kind="stable")
    seen = (claims.score > 0) & (claims.score >= options.score_threshold)
    order = order[seen[order]][: options.max_detections]
    labels = np.zeros(len(poses), np.uint8)
    labels[order] = np.arange(1, len(order) + 1)
    # One block, which malloc hands out again for the next image; several would be given back to the system
    # and cost page faults every time.
    block = np.empty((2 + options.parts + options.confidence, *shape), np.uint8)
    parts = block[2] if options.parts else None
    confidence = block[-1] if options.confidence else None
    masks = Masks(
        block[0],
        block[1],
        _UNWANTED if parts is None else parts,
        _UNWANTED if confidence is None else confidence,
    )
    side = tile_side(passes.place[0, STEP])

    def fill_rows(rows: tuple[int, int]) -> list[Box]:
        boxes = fill(passes, claims, labels, threshold, side, rows, masks)
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()]

    *boxes, nobody = by_halves(second, fill_rows, shape[0], halfway(claims, shape[0], side))
    persons = [
        Person(
            float(claims.score[n]),
            boxes[n] if boxes[n][2] else keypoint_box(poses[n], options.min_keypoint_score, shape),
            poses[n],
        )
        for n in order.tolist()
    ]
    if nobody[2]:
        bounds, scores = components(
            passes, masks.person, masks.instance, nobody, len(order) + 1, _MOST - len(order)
        )
        persons += [
            Person(score, (x0, y0, x1, y1), _NO_POSE.copy())
            for score, (x0, y0, x1, y1) in zip(scores.tolist(), bounds.tolist(), strict=True)
        ]
    return Scene(masks.person.view(np.bool_), masks.instance, parts, confidence, tuple(persons), KEYPOINTS)


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))
