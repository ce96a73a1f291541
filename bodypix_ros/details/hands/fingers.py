"""Hands drawn into the masks: BodyPix does not know that they have fingers."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import FINGERS, HAND_KEYPOINTS, HAND_PARTS, HAND_SKELETON
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.scene import Box, Hand, Scene

_ROW = {name: row for row, name in enumerate(HAND_KEYPOINTS)}
_BONES = np.array([(_ROW[a], _ROW[b]) for a, b in HAND_SKELETON], np.int64)
_PALM = np.array(
    [_ROW[name] for name in ("wrist", "thumb_cmc", "thumb_mcp", "index_finger_mcp", "middle_finger_mcp",
                             "ring_finger_mcp", "pinky_mcp")], np.int64
)  # fmt: skip
_THICK = dict(zip(FINGERS, (0.0105, 0.009, 0.009, 0.0085, 0.0075), strict=True))
"""Half of a finger's width in metres."""
_PALM_THICK = 0.009
"""How far a palm reaches beyond its landmarks."""


def _half_width(a: str, b: str) -> float:
    finger, _, joint = b.rpartition("_")
    if a == "wrist" or joint == "cmc" or (joint == "mcp" and finger != "thumb"):
        return _PALM_THICK
    return _THICK[finger]


_WIDTHS = np.array([_half_width(a, b) for a, b in HAND_SKELETON], np.float64)


def draw(scene: Scene) -> Scene:
    """Draw everybody's hands into the masks: person, instance, part and confidence.

    Each bone is a capsule, the palm a polygon; how wide they are the landmarks in metres say. Nobody loses a
    pixel to somebody else. Parts become `left_hand` and `right_hand`, the confidence of new pixels is the
    hand's score.

    Args:
        scene: With `Person.hands`; its masks are changed in place.

    Returns:
        The Scene with boxes around the pixels that people have now.
    """
    nothing = np.zeros((0, 0), np.uint8)
    parts = nothing if scene.part_mask is None else scene.part_mask
    confidence = nothing if scene.confidence is None else scene.confidence
    persons = []
    for index, person in enumerate(scene.persons):
        box = person.box
        for hand in person.hands:
            points = np.ascontiguousarray(hand.keypoints[:, :2], np.float64)
            drawn = np.zeros(4, np.int64)
            _draw(
                points, scale(hand), _BONES, _WIDTHS, _PALM, index + 1, HAND_PARTS[hand.side] + 1,
                round(255 * hand.score), scene.person_mask.view(np.uint8), scene.instance_mask, parts,
                confidence, drawn,
            )  # fmt: skip
            if drawn[2]:
                box = _around(box, drawn, has_pixels=_has_pixels(scene, index, box))
        persons.append(replace(person, box=box))
    return replace(scene, persons=tuple(persons))


def scale(hand: Hand) -> float:
    """Image pixels per metre at a hand: what its bones have in the image, per what they have across the view.

    As a sum over all bones; those that point to the camera count little, as they are short in both.
    """
    a, b = _BONES.T
    seen = np.hypot(*(hand.keypoints[a, :2] - hand.keypoints[b, :2]).T).sum()
    across = np.hypot(*(hand.keypoints_3d[a, :2] - hand.keypoints_3d[b, :2]).T).sum()
    return float(seen / max(across, 1e-6))


def _has_pixels(scene: Scene, index: int, box: Box) -> bool:
    x0, y0, x1, y1 = box
    return bool((scene.instance_mask[y0:y1, x0:x1] == index + 1).any())


def _around(box: Box, drawn: npt.NDArray[np.int64], *, has_pixels: bool) -> Box:
    left, top, right, bottom = drawn.tolist()
    if not has_pixels:
        return left, top, right, bottom
    return min(box[0], left), min(box[1], top), max(box[2], right), max(box[3], bottom)


@kernel(inline=True)
def _mark(
    y: int, x: int, label: int, part: int, score: int, person: Array, instance: Array, parts: Array,
    confidence: Array, drawn: Array,
) -> None:  # fmt: skip
    """Give a pixel to a hand, unless it is somebody else's."""
    owner = instance[y, x]
    if owner != 0 and owner != label:
        return
    if owner == 0:
        instance[y, x] = label
        person[y, x] = 1
        if confidence.size:
            confidence[y, x] = max(confidence[y, x], np.uint8(score))
    if parts.size:
        parts[y, x] = part
    if drawn[2] == 0:
        drawn[0], drawn[1], drawn[2], drawn[3] = x, y, x + 1, y + 1
    else:
        drawn[0], drawn[1] = min(drawn[0], x), min(drawn[1], y)
        drawn[2], drawn[3] = max(drawn[2], x + 1), max(drawn[3], y + 1)


@kernel(
    "void(float64[:, ::1], float64, int64[:, ::1], float64[::1], int64[::1], intp, intp, intp, uint8[:, ::1],"
    " uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], int64[::1])"
)
def _draw(
    points: Array, per_metre: float, bones: Array, widths: Array, palm: Array, label: int, part: int,
    score: int, person: Array, instance: Array, parts: Array, confidence: Array, drawn: Array,
) -> None:  # fmt: skip
    height, width = instance.shape
    for n in range(bones.shape[0]):
        ax, ay = points[bones[n, 0], 0], points[bones[n, 0], 1]
        bx, by = points[bones[n, 1], 0], points[bones[n, 1], 1]
        reach = widths[n] * per_metre
        dx, dy = bx - ax, by - ay
        length = max(dx * dx + dy * dy, 1e-9)
        for y in range(max(int(min(ay, by) - reach), 0), min(int(max(ay, by) + reach) + 2, height)):
            for x in range(max(int(min(ax, bx) - reach), 0), min(int(max(ax, bx) + reach) + 2, width)):
                along = min(max(((x - ax) * dx + (y - ay) * dy) / length, 0.0), 1.0)
                away_x, away_y = x - ax - along * dx, y - ay - along * dy
                if away_x * away_x + away_y * away_y <= reach * reach:
                    _mark(y, x, label, part, score, person, instance, parts, confidence, drawn)
    low, high = points[palm[0], 1], points[palm[0], 1]
    left, right = points[palm[0], 0], points[palm[0], 0]
    for k in palm:
        low, high = min(low, points[k, 1]), max(high, points[k, 1])
        left, right = min(left, points[k, 0]), max(right, points[k, 0])
    count = palm.shape[0]
    for y in range(max(int(low), 0), min(int(high) + 2, height)):
        for x in range(max(int(left), 0), min(int(right) + 2, width)):
            inside = False
            for k in range(count):
                p, q = palm[k], palm[(k + 1) % count]
                if (points[p, 1] > y) != (points[q, 1] > y):
                    at = (points[q, 0] - points[p, 0]) * (y - points[p, 1]) / (points[q, 1] - points[p, 1])
                    if x < points[p, 0] + at:
                        inside = not inside
            if inside:
                _mark(y, x, label, part, score, person, instance, parts, confidence, drawn)
