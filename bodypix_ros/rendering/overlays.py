"""Image + Scene -> picture: people tinted, boxed, and with their skeletons.

Every function returns a new uint8 array and leaves its arguments as they were. Images are uint8 (H, W, 3) or
(H, W, 4), RGB or RGBA; with `bgr=True` BGR or BGRA, and the result is in the order of the image. Alpha is
kept.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import HAND_KEYPOINTS, HAND_SKELETON, PARTS, PERSON_COLORS, RAINBOW, SKELETON
from bodypix_ros.rendering.arguments import Color, Image, check_fraction, check_image, part_table
from bodypix_ros.scene import Scene

NOBODY_KNOWN: Final = (160, 160, 160)
"""RGB of people's pixels in a Scene that tells no persons apart."""

_STRIP = 32  # rows
_FAR = 1 << 14  # beyond this OpenCV's fixed-point drawing overflows
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_instances(image: Image, scene: Scene, opacity: float = 0.5, *, bgr: bool = False) -> Image:
    """Tint each person's pixels in the person's own colour; no other pixel changes.

    The colour follows `Person.track_id`, or without one the person's index. Where the Scene has people but
    tells no persons apart they are tinted grey.

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
    for k, person in enumerate(scene.persons[:255]):
        colors[k + 1] = _person_color(k, person.track_id)
    labels = scene.instance_mask
    if not labels.any():
        colors[1] = NOBODY_KNOWN
        labels = scene.person_mask.view(np.uint8)
    return _tint(image, labels, colors, opacity, bgr)


def draw_parts(
    image: Image, scene: Scene, opacity: float = 0.5, colors: Sequence[Color] = RAINBOW, *, bgr: bool = False
) -> Image:
    """Tint each body part in its colour; no other pixel changes.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it, with parts.
        opacity: 0 shows the image, 1 the colours alone.
        colors: RGB of each part id.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: The Scene has no parts, or an argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    if scene.part_mask is None:
        raise ValueError("scene.part_mask is None: use a model with parts and load it with parts=True")
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
    width = _unit(image) + 1
    white = _ink((255, 255, 255), image, bgr)
    row = {name: k for k, name in enumerate(scene.keypoint_names)}
    bones = [(row[a], row[b]) for a, b in SKELETON if a in row and b in row]
    labels = []
    for k, person in enumerate(scene.persons):
        if not person.has_pose:
            continue
        points = _drawable(person.keypoints)
        shown = (person.keypoints[:, 2] >= min_keypoint_score) & np.isfinite(person.keypoints).all(axis=1)
        rgb = _person_color(k, person.track_id)
        color = _ink(rgb, image, bgr)
        # A white rim under the colour, so that it shows on any background.
        for rim, ink in ((2, white), (0, color)):
            for a, b in bones:
                if shown[a] and shown[b]:
                    cv2.line(out, points[a], points[b], ink, width + rim, cv2.LINE_AA)
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
            _label(out, text, x - _label_size(text, image)[0] // 2, y, rgb, bgr)
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
    width = _unit(image)
    white = _ink((255, 255, 255), image, bgr)
    row = {name: k for k, name in enumerate(HAND_KEYPOINTS)}
    tips = [k for name, k in row.items() if name.endswith("_tip")]
    for k, person in enumerate(scene.persons):
        color = _ink(_person_color(k, person.track_id), image, bgr)
        for hand in person.hands:
            points = _drawable(hand.keypoints)
            for rim, ink in ((2, white), (0, color)):
                for a, b in HAND_SKELETON:
                    cv2.line(out, points[row[a]], points[row[b]], ink, width + rim, cv2.LINE_AA)
            for tip in tips:
                cv2.circle(out, points[tip], width + 1, color, cv2.FILLED, cv2.LINE_AA)
    return out


def draw_boxes(image: Image, scene: Scene, *, bgr: bool = False) -> Image:
    """Draw each person's box with a label: id and score, or the distance where that is known.

    Where nobody has a `Person.track_id` people are numbered from 1 instead; where others have one, somebody
    without has the score alone.

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
        cv2.rectangle(out, (x0, y0), (x1 - 1, y1 - 1), _ink(rgb, image, bgr), _unit(image))
        number = person.track_id if tracked else k + 1
        said = f"{person.score:.2f}" if person.distance is None else f"{person.distance:.1f} m"
        text = said if number is None else f"{number}  {said}"
        _label(out, text, x0, y0, rgb, bgr)
    return out


def draw_legend(image: Image, scene: Scene, colors: Sequence[Color] = RAINBOW, *, bgr: bool = False) -> Image:
    """Name the parts that are seen beside their colours, on the side of the image with fewer people.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it; without parts the image stays as it is.
        colors: RGB of each part id.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    table = part_table(colors)
    out: Image = image.copy()
    if scene.part_mask is None:
        return out
    labels = np.flatnonzero(np.bincount(scene.part_mask.ravel(), minlength=len(PARTS) + 1)[: len(PARTS) + 1])
    names = [(PARTS[label - 1].replace("_", " "), table[label]) for label in labels if label > 0]
    if not names:
        return out
    # All 24 parts fit, whichever are seen, so that the letters keep their size from image to image.
    height, width = image.shape[:2]
    row = max(6, min(height // (len(PARTS) + 1), 16 * _unit(image)))
    scale = 0.6 * row / cv2.getTextSize("Ag", _FONT, 1, 1)[0][1]
    panel = int(max(cv2.getTextSize(name, _FONT, scale, 1)[0][0] for name, _ in names)) + 2 * row
    columns = np.count_nonzero(scene.person_mask, axis=0)
    x = 0 if columns[:panel].sum() <= columns[-panel:].sum() else max(0, width - panel)
    ground = out[: len(names) * row + row // 2, x : x + panel, :3]
    ground[:] = ground // 4
    for k, (name, rgb) in enumerate(names):
        top = k * row + row // 4
        corner = (x + row // 4, top + row // 8)
        color = _ink([int(value) for value in rgb], image, bgr)
        cv2.rectangle(out, corner, (corner[0] + row, top + 7 * row // 8), color, cv2.FILLED)
        origin = (corner[0] + row + row // 3, top + 3 * row // 4)
        cv2.putText(out, name, origin, _FONT, scale, _ink((255,) * 3, image, bgr), 1, cv2.LINE_AA)
    return out


def _label_size(text: str, image: Image) -> tuple[int, int, int]:
    """Width and height of a label with its rim, and the rim."""
    unit = _unit(image)
    (width, height), rim = cv2.getTextSize(text, _FONT, 0.4 * unit, unit)
    return int(width + 2 * rim), int(height + 2 * rim), int(rim)


def _label(out: Image, text: str, left: int, bottom: int, rgb: Color, bgr: bool) -> None:
    """Write a label into the picture: above `bottom` where there is room, below where there is not."""
    width, height, rim = _label_size(text, out)
    bottom = bottom if bottom >= height else bottom + height
    left = max(0, min(left, out.shape[1] - width))
    cv2.rectangle(out, (left, bottom - height), (left + width, bottom), _ink(rgb, out, bgr), cv2.FILLED)
    ink = _ink((0, 0, 0) if sum(rgb) > 380 else (255, 255, 255), out, bgr)
    unit = _unit(out)
    cv2.putText(out, text, (left + rim, bottom - rim), _FONT, 0.4 * unit, ink, unit, cv2.LINE_AA)


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
    return PERSON_COLORS[(index if track_id is None else track_id) % len(PERSON_COLORS)]


def _ink(rgb: Color, image: Image, bgr: bool) -> Color:
    """The colour as OpenCV wants it for this image."""
    return (*(rgb[::-1] if bgr else rgb), *([255] if image.shape[2] == 4 else []))


def _unit(image: Image) -> int:
    """The width of a fine line, in pixels, that is visible in a picture of this size."""
    shorter: int = min(image.shape[:2])
    return max(1, round(shorter / 360))


def _drawable(keypoints: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    xy = np.clip(np.nan_to_num(keypoints[:, :2]), -_FAR, _FAR)
    return [(int(x), int(y)) for x, y in np.rint(xy)]
