"""What MediaPipe's own Hands find, for `support.measure_hands`; run by an interpreter that has it.

    python mediapipe_hands.py DATA > hands.json

DATA is the folder with `images`. It stands for itself: that interpreter (mediapipe 0.10.21, numpy < 2) need
not have bodypix_ros. The output has one entry for each network, picture and fifth frame of a video, as
pictures of their own ("static"), and for each of a video's first 120 frames in their order ("video").
"""

import json
import sys
from pathlib import Path
from typing import Any

EVERY, FIRST = 5, 120


def frames(path: Path) -> Any:
    """The images of a picture or video, BGR."""
    import cv2

    if path.suffix != ".mp4":
        yield cv2.imread(str(path))
        return
    video = cv2.VideoCapture(str(path))
    while True:
        good, image = video.read()
        if not good:
            return
        yield image


def found(hands: Any, image: Any) -> list[dict[str, Any]]:
    """The hands of an image: the person's own side, points in pixels, metres from the wrist."""
    height, width = image.shape[:2]
    seen = hands.process(image[:, :, ::-1].copy())
    out = []
    for points, label, world in zip(
        seen.multi_hand_landmarks or [],
        seen.multi_handedness or [],
        seen.multi_hand_world_landmarks or [],
        strict=True,
    ):
        wrist = world.landmark[0]
        mirrored = {"Left": "right", "Right": "left"}  # the label says what a mirror shows
        out.append(
            {
                "side": mirrored[label.classification[0].label],
                "points": [(p.x * width, p.y * height) for p in points.landmark],
                "world": [(p.x - wrist.x, p.y - wrist.y, p.z - wrist.z) for p in world.landmark],
            }
        )
    return out


def main(data: Path) -> None:
    """Print all of them."""
    from mediapipe.python.solutions.hands import Hands

    entries = []
    photos = sorted((data / "images/photos").iterdir())
    videos = sorted((data / "images/videos").glob("*.mp4"))
    for network, complexity in (("lite", 0), ("full", 1)):
        with Hands(static_image_mode=True, max_num_hands=10, model_complexity=complexity) as hands:
            for path in [*photos, *videos]:
                for k, image in enumerate(frames(path)):
                    if image is not None and k % EVERY == 0:
                        entries.append(
                            (network, "static", str(path.relative_to(data)), k, found(hands, image))
                        )
        for path in videos:
            with Hands(max_num_hands=6, model_complexity=complexity) as hands:
                for k, image in zip(range(FIRST), frames(path), strict=False):
                    entries.append((network, "video", str(path.relative_to(data)), k, found(hands, image)))
    json.dump(entries, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
