"""Image + Scene -> picture: people tinted, boxed, and with their skeletons.

Every function returns a new uint8 array and leaves its arguments as they were. Images are uint8 (H, W, 3) or
(H, W, 4), RGB or RGBA; with `bgr=True` BGR or BGRA, and the result is in the order of the image. Alpha is
kept.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_KEYPOINTS, HAND_SKELETON, PART_COLORS, SKELETON, person_color
from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import Color, Image, check_fraction, check_image, part_table
from bodypix_ros.rendering.lettering import ink, label, label_size, unit
from bodypix_ros.scene import Scene

NOBODY_KNOWN: Final = (160, 160, 160)
"""RGB of people's pixels that are nobody's."""

_NOBODY = 255  # a label that no person has: they are 254 at most
_STRIP = 32  # rows
_FAR = 1 << 14  # beyond this OpenCV's fixed-point drawing overflows


def draw_instances(image: Image, scene: Scene, opacity: float = 0.5, *, bgr: bool = False) -> Image:
    """Tint each person's pixels in the person's own colour; no pixel without people changes.

    The colour follows `Person.track_id`, or without one the person's index. Nobody's pixels are tinted
    grey.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        opacity: 0 shows the image, 1 the colour alone.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    colors = np.array([_person_color(label - 1, None) for label in range(256)], np.uint8)
    for k, person in enumerate(scene.persons[:254]):
        colors[k + 1] = _person_color(k, person.track_id)
    colors[_NOBODY] = NOBODY_KNOWN
    grey = np.full_like(scene.instance_mask, _NOBODY)
    labels = np.asarray(cv2.copyTo(grey, _nobodys(scene), scene.instance_mask.copy()), np.uint8)
    return _tint(image, labels, colors, opacity, bgr)


def draw_parts(
    image: Image,
    scene: Scene,
    opacity: float = 0.5,
    colors: Sequence[Color] = PART_COLORS,
    *,
    bgr: bool = False,
) -> Image:
    """Tint each body part in its colour; no other pixel changes.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it, with parts.
        opacity: 0 shows the image, 1 the colours alone.
        colors: RGB of each part id; `anatomy.RAINBOW` are the original's.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: The Scene has no parts, or an argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    if scene.part_mask is None:
        raise OptionError(
            "scene", "scene.part_mask is None: use a model with parts and load it with parts=True"
        )
    return _tint(image, scene.part_mask, part_table(colors), opacity, bgr)


def draw_poses(
    image: Image, scene: Scene, min_keypoint_score: float = 0.3, *, scores: bool = False, bgr: bool = False
) -> Image:
    """Draw the keypoints of each person who has a pose, the bones between them, and hands.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        min_keypoint_score: Keypoints that score less are left out, and the bones that end in them.
        scores: Write each person's score above the person, where any keypoint is shown.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    check_fraction("min_keypoint_score", min_keypoint_score)
    out = draw_hands(image, scene, bgr=bgr)
    width = unit(image) + 1
    white = ink((255, 255, 255), image, bgr)
    row = {name: k for k, name in enumerate(scene.keypoint_names)}
    bones = [(row[a], row[b]) for a, b in SKELETON if a in row and b in row]
    labels = []
    for k, person in enumerate(scene.persons):
        if not person.has_pose:
            continue
        points = _drawable(person.keypoints)
        shown = (person.keypoints[:, 2] >= min_keypoint_score) & np.isfinite(person.keypoints).all(axis=1)
        rgb = _person_color(k, person.track_id)
        color = ink(rgb, image, bgr)
        # A white rim under the colour, so that it shows on any background.
        for rim, paint in ((2, white), (0, color)):
            for a, b in bones:
                if shown[a] and shown[b]:
                    cv2.line(out, points[a], points[b], paint, width + rim, cv2.LINE_AA)
        seen = [point for point, visible in zip(points, shown, strict=True) if visible]
        for point in seen:
            cv2.circle(out, point, width + 2, white, cv2.FILLED, cv2.LINE_AA)
            cv2.circle(out, point, width + 1, color, cv2.FILLED, cv2.LINE_AA)
        if seen:
            x, y = min(seen, key=lambda point: point[1])
            boxed = person.box[3] > person.box[1]
            y = min(y - 2 * width - 2, person.box[1]) if boxed else y - 2 * width - 2
            labels.append((f"{person.score:.2f}", x, y, rgb))
    if scores:
        for text, x, y, rgb in labels:  # last, so that no bone of another person runs through
            label(out, text, x - label_size(text, image)[0] // 2, y, rgb, bgr)
    return out


def draw_hands(image: Image, scene: Scene, *, bgr: bool = False) -> Image:
    """Draw the bones and fingertips of each person's hands, in the person's colour.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape or dtype.
    """
    check_image(image, scene)
    out: Image = image.copy()
    width = unit(image)
    white = ink((255, 255, 255), image, bgr)
    row = {name: k for k, name in enumerate(HAND_KEYPOINTS)}
    tips = [k for name, k in row.items() if name.endswith("_tip")]
    for k, person in enumerate(scene.persons):
        color = ink(_person_color(k, person.track_id), image, bgr)
        for hand in person.hands:
            points = _drawable(hand.keypoints)
            for rim, paint in ((2, white), (0, color)):
                for a, b in HAND_SKELETON:
                    cv2.line(out, points[row[a]], points[row[b]], paint, width + rim, cv2.LINE_AA)
            for tip in tips:
                cv2.circle(out, points[tip], width + 1, color, cv2.FILLED, cv2.LINE_AA)
    return out


def draw_boxes(image: Image, scene: Scene, *, bgr: bool = False) -> Image:
    """Draw each person's box with a label: id and score, or the distance where that is known.

    Where nobody has a `Person.track_id` people are numbered from 1 instead; where others have one, somebody
    without has the score alone. Over the largest piece of people's pixels that are nobody's it says so,
    unless that is smaller than the letters.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    out: Image = image.copy()
    tracked = any(person.track_id is not None for person in scene.persons)
    for k, person in enumerate(scene.persons):
        x0, y0, x1, y1 = person.box
        if x1 <= x0 or y1 <= y0:
            continue
        rgb = _person_color(k, person.track_id)
        cv2.rectangle(out, (x0, y0), (x1 - 1, y1 - 1), ink(rgb, image, bgr), unit(image))
        number = person.track_id if tracked else k + 1
        said = f"{person.score:.2f}" if person.distance is None else f"{person.distance:.1f} m"
        text = said if number is None else f"{number}  {said}"
        label(out, text, x0, y0, rgb, bgr)
    text = "nobody's pixels"
    largest = _largest(_nobodys(scene))
    if largest is not None and largest.area >= label_size(text, image)[1] ** 2:
        label(out, text, largest.x, largest.y, NOBODY_KNOWN, bgr)
    return out


def draw_outlines(image: Image, scene: Scene, *, bgr: bool = False) -> Image:
    """Draw a white line and a black one around all people together, which show on dark and on bright.

    They are outside of people, whose own pixels stay, and not along the picture's rim.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    out: Image = image.copy()
    people = scene.person_mask.view(np.uint8)
    fine = unit(image)
    kernel = np.ones((2 * fine + 1, 2 * fine + 1), np.uint8)
    grown, paper = people, np.empty_like(out)
    for rgb in ((255, 255, 255), (0, 0, 0)):
        wider = cv2.dilate(grown, kernel)
        cv2.rectangle(paper, (0, 0), paper.shape[1::-1], ink(rgb, image, bgr), cv2.FILLED)
        cv2.copyTo(paper, cv2.subtract(wider, grown), out)
        grown = np.asarray(wider, np.uint8)
    return out


class _Piece(NamedTuple):
    """The bounds and the area of a connected region, in pixels."""

    x: int
    y: int
    width: int
    height: int
    area: int


def _nobodys(scene: Scene) -> npt.NDArray[np.uint8]:
    """Where people's pixels are nobody's: uint8 (H, W), 1 there."""
    nobodys: npt.NDArray[np.uint8] = (scene.person_mask > (scene.instance_mask > 0)).view(np.uint8)
    return nobodys


def _largest(region: npt.NDArray[np.uint8]) -> _Piece | None:
    """The largest connected piece of a region; None of an empty one."""
    if not region.any():
        return None
    _, _, statistics, _ = cv2.connectedComponentsWithStats(region)
    return _Piece(*statistics[1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())].tolist())


def _tint(
    image: Image, labels: npt.NDArray[np.uint8], colors: npt.NDArray[np.uint8], opacity: float, bgr: bool
) -> Image:
    """Mix colors[label] (RGB) into the image where the label is not 0."""
    check_fraction("opacity", opacity)
    if bgr:
        colors = colors[:, ::-1]
    table = np.ascontiguousarray(colors)[:, None]
    labels = np.ascontiguousarray(labels)
    out: Image = image.copy()
    # Strip by strip the intermediate pictures stay in the processor's cache: three times as fast at 1080p.
    for top in range(0, len(labels), _STRIP):
        rows = slice(top, top + _STRIP)
        if labels[rows].any():
            color = np.ascontiguousarray(image[rows, :, :3])
            paint = cv2.applyColorMap(labels[rows], table)
            mixed = cv2.addWeighted(color, 1 - opacity, paint, opacity, 0)
            out[rows, :, :3] = cv2.copyTo(mixed, labels[rows], color.copy())
    return out


def _person_color(index: int, track_id: int | None) -> Color:
    return person_color(index if track_id is None else track_id)


def _drawable(keypoints: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    xy = np.clip(np.nan_to_num(keypoints[:, :2]), -_FAR, _FAR)
    return [(int(x), int(y)) for x, y in np.rint(xy)]
