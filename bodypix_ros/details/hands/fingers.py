"""Hands drawn into the masks: BodyPix does not know that they have fingers."""

from dataclasses import replace

import numpy as np

from bodypix_ros.anatomy import FINGERS, HAND_KEYPOINTS, HAND_PARTS, HAND_SKELETON
from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import Scene

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
            drawn = np.array((*box, 0), np.int64)
            _draw(
                hand.keypoints, hand.keypoints_3d, _BONES, _WIDTHS, _PALM, index + 1,
                HAND_PARTS[hand.side] + 1, round(255 * hand.score), scene.person_mask.view(np.uint8),
                scene.instance_mask, parts, confidence, drawn,
            )  # fmt: skip
            if drawn[4]:
                x0, y0, x1, y1, _ = drawn.tolist()
                box = x0, y0, x1, y1
        persons.append(replace(person, box=box))
    return replace(scene, persons=tuple(persons))


@kernel(inline=True)
def _span(ax: Float, ay: Float, bx: Float, by: Float, reach: Float, y: Float) -> tuple[Float, Float]:
    """First and last x of a row in a capsule, which is convex; the first is larger where there is none."""
    first, last = np.inf, -np.inf
    for x, at in ((ax, ay), (bx, by)):
        rest = reach * reach - (y - at) * (y - at)
        if rest >= 0:
            half = np.sqrt(rest)
            first, last = min(first, x - half), max(last, x + half)
    length = np.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
    if length > 0:
        across_x, across_y = -(by - ay) / length * reach, (bx - ax) / length * reach
        for side in (-1.0, 1.0):
            from_y, to_y = ay + side * across_y, by + side * across_y
            if (from_y <= y) != (to_y <= y):
                x = ax + side * across_x + (bx - ax) * (y - from_y) / (to_y - from_y)
                first, last = min(first, x), max(last, x)
    return first, last


@kernel(inline=True)
def _bones(
    points: Array, bones: Array, widths: Array, per_metre: Float, x0: int, y0: int, hand: Array
) -> None:
    """Fill capsules in `hand`, whose corner is at x0, y0 in the image."""
    rows, columns = hand.shape
    for n in range(bones.shape[0]):
        ax, ay = points[bones[n, 0], 0] - x0, points[bones[n, 0], 1] - y0
        bx, by = points[bones[n, 1], 0] - x0, points[bones[n, 1], 1] - y0
        reach = widths[n] * per_metre
        low, high = max(np.ceil(min(ay, by) - reach), 0.0), min(np.floor(max(ay, by) + reach), rows - 1.0)
        for y in range(int(low), int(high) + 1):
            first, last = _span(ax, ay, bx, by, reach, y)
            if first <= last:
                begin, end = max(np.ceil(first), 0.0), min(np.floor(last), columns - 1.0)
                for x in range(int(begin), int(end) + 1):
                    hand[y, x] = 1


@kernel(inline=True)
def _palm(points: Array, palm: Array, x0: int, y0: int, hand: Array) -> None:
    """Fill a polygon in `hand`: between first and second, third and fourth ... of its sides in a row."""
    rows, columns = hand.shape
    count = palm.shape[0]
    crossings = np.empty(count, np.float64)
    for y in range(rows):
        found = 0
        for k in range(count):
            p, q = palm[k], palm[k + 1 if k + 1 < count else 0]
            px, py = points[p, 0] - x0, points[p, 1] - y0
            qx, qy = points[q, 0] - x0, points[q, 1] - y0
            if (py <= y) != (qy <= y):
                x = px + (qx - px) * (y - py) / (qy - py)
                place = found  # in order: there are hardly ever more than two
                while place > 0 and crossings[place - 1] > x:
                    crossings[place] = crossings[place - 1]
                    place -= 1
                crossings[place] = x
                found += 1
        for k in range(0, found - 1, 2):
            begin = max(np.ceil(crossings[k]), 0.0)
            end = min(np.floor(crossings[k + 1]), columns - 1.0)
            for column in range(int(begin), int(end) + 1):
                hand[y, column] = 1


@kernel(inline=True)
def _scale(points: Array, metres: Array, bones: Array) -> Float:
    """Image pixels per metre at a hand: what its bones have in the image, per what they have across the view.

    As a sum over all bones; those that point to the camera count little, as they are short in both.
    """
    seen = across = 1e-9
    for n in range(bones.shape[0]):
        a, b = bones[n, 0], bones[n, 1]
        seen += np.hypot(points[a, 0] - points[b, 0], points[a, 1] - points[b, 1])
        across += np.hypot(metres[a, 0] - metres[b, 0], metres[a, 1] - metres[b, 1])
    return seen / max(across, 1e-6)


@kernel(inline=True)
def _has(instance: Array, label: int, box: Array) -> int:
    """Whether somebody has a pixel in the box, x0, y0, x1, y1."""
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            if instance[y, x] == label:
                return 1
    return 0


@kernel(
    "void(float32[:, ::1], float32[:, ::1], int64[:, ::1], float64[::1], int64[::1], intp, intp, intp,"
    " uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], int64[::1])"
)
def _draw(
    points: Array, metres: Array, bones: Array, widths: Array, palm: Array, label: int, part: int, score: int,
    person: Array, instance: Array, parts: Array, confidence: Array, drawn: Array,
) -> None:  # fmt: skip
    height, width = instance.shape
    per_metre = _scale(points, metres, bones)
    reach = widths.max() * per_metre + 1
    x0, y0 = max(points[:, 0].min() - reach, 0.0), max(points[:, 1].min() - reach, 0.0)
    x1 = min(points[:, 0].max() + reach, width - 1.0)
    y1 = min(points[:, 1].max() + reach, height - 1.0)
    if not (x0 <= x1 and y0 <= y1):
        return
    drawn[4] = _has(instance, label, drawn)
    left, top = int(x0), int(y0)
    hand = np.zeros((int(y1) + 1 - top, int(x1) + 1 - left), np.uint8)
    _bones(points, bones, widths, per_metre, left, top, hand)
    _palm(points, palm, left, top, hand)
    low, high, near, far = height, -1, width, -1
    for y in range(hand.shape[0]):
        for x in range(hand.shape[1]):
            if hand[y, x] == 0:
                continue
            row, column = top + y, left + x
            owner = instance[row, column]
            if owner != 0 and owner != label:
                continue  # somebody else's
            if owner == 0:
                instance[row, column] = label
                person[row, column] = 1
                if confidence.size:
                    confidence[row, column] = max(confidence[row, column], np.uint8(score))
            if parts.size:
                parts[row, column] = part
            low, high, near, far = min(low, row), max(high, row), min(near, column), max(far, column)
    if high >= 0:
        if drawn[4]:
            near, low = min(near, drawn[0]), min(low, drawn[1])
            far, high = max(far, drawn[2] - 1), max(high, drawn[3] - 1)
        drawn[0], drawn[1], drawn[2], drawn[3], drawn[4] = near, low, far + 1, high + 1, 1
