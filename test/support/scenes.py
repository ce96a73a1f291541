"""Scenes of upright people drawn with a ruler, for who follows people through them."""

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.scene import Person, Scene

SIZE = (240, 320)
_X = np.array([5, 5.5, 4.5, 6, 4, 7, 3, 8, 2, 8.5, 1.5, 6.5, 3.5, 6.5, 3.5, 6.5, 3.5]) / 10
_Y = np.array([0.5, 0.4, 0.4, 0.5, 0.5, 2, 2, 3.5, 3.5, 5, 5, 5, 5, 7.5, 7.5, 9.8, 9.8]) / 10


def pose(box, score=0.9):
    """float32 (17, 3): somebody who stands in a box."""
    x0, y0, x1, y1 = box
    points = np.stack([x0 + _X * (x1 - x0), y0 + _Y * (y1 - y0), np.full(17, score)], axis=1)
    return points.astype(np.float32)


def scene(*boxes, scores=None, posed=True, size=SIZE, loose=()):
    """The Scene of people who fill boxes, later ones in front.

    Args:
        boxes: x0, y0, x1, y1.
        scores: Of the persons, 0.9 each by default.
        posed: Whether they have keypoints, for all or for each.
        size: Of the image.
        loose: Boxes of pixels of people who are nobody's.
    """
    mask = np.zeros(size, np.uint8)
    posed = posed if isinstance(posed, (list, tuple)) else [posed] * len(boxes)
    scores = scores or [0.9] * len(boxes)
    persons = []
    for k, (box, sure, stands) in enumerate(zip(boxes, scores, posed, strict=True)):
        x0, y0, x1, y1 = (max(0, int(v)) for v in box)
        mask[y0:y1, x0:x1] = k + 1
        persons.append(
            Person(sure, (x0, y0, min(x1, size[1]), min(y1, size[0])), pose(box) if stands else 0 * pose(box))
        )
    people = mask > 0
    for x0, y0, x1, y1 in loose:
        people[y0:y1, x0:x1] = True
    return Scene(people, mask, None, None, tuple(persons), KEYPOINTS)


def check(before, after):
    """Whether what a tracker gives is a Scene, of what it was given."""
    assert after.person_mask is before.person_mask
    assert not (after.instance_mask[~after.person_mask]).any()
    assert after.instance_mask.max(initial=0) <= len(after.persons)
    ids = [person.track_id for person in after.persons if person.track_id is not None]
    assert len(set(ids)) == len(ids)
    by_points = {id(person.keypoints): k for k, person in enumerate(before.persons, 1)}
    values = [by_points[id(person.keypoints)] for person in after.persons]
    assert values == sorted(values)
    for k, value in enumerate(values, 1):
        assert np.array_equal(after.instance_mask == k, before.instance_mask == value)
