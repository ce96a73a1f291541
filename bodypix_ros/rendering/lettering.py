"""Lines and letters that can be read in a picture of any size."""

import cv2

from bodypix_ros.rendering.arguments import Color, Image

FONT = cv2.FONT_HERSHEY_SIMPLEX


def unit(image: Image) -> int:
    """The width of a fine line, in pixels, that is visible in a picture of this size."""
    shorter: int = min(image.shape[:2])
    return max(1, round(shorter / 360))


def ink(rgb: Color, image: Image, bgr: bool) -> Color:
    """The colour as OpenCV wants it for this image."""
    return (*(rgb[::-1] if bgr else rgb), *([255] if image.shape[2] == 4 else []))


def label_size(text: str, image: Image) -> tuple[int, int, int]:
    """Width and height of a label with its rim, and the rim."""
    fine = unit(image)
    (width, height), rim = cv2.getTextSize(text, FONT, 0.4 * fine, fine)
    return int(width + 2 * rim), int(height + 2 * rim), int(rim)


def label(out: Image, text: str, left: int, bottom: int, rgb: Color, bgr: bool) -> None:
    """Write a label into the picture: above `bottom` where there is room, below where there is not."""
    width, height, rim = label_size(text, out)
    bottom = bottom if bottom >= height else bottom + height
    left = max(0, min(left, out.shape[1] - width))
    cv2.rectangle(out, (left, bottom - height), (left + width, bottom), ink(rgb, out, bgr), cv2.FILLED)
    letters = ink((0, 0, 0) if sum(rgb) > 380 else (255, 255, 255), out, bgr)
    fine = unit(out)
    cv2.putText(out, text, (left + rim, bottom - rim), FONT, 0.4 * fine, letters, fine, cv2.LINE_AA)
