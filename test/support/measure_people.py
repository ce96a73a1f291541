"""How long the default takes beside the original algorithm: pictures with people, as pictures and as streams.

    PYTHONPATH=test python -m support.measure_people DATA [--repetitions 5]

DATA is the folder with `images/coco_open`. Calls take turns: the original in f32, the default in 8 bits, the
same without crops, and as a stream that sees the same picture again and again.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import bodypix_ros
from bodypix_ros import media
from bodypix_ros.coco import truth

_SIDE = 640
"""Longer side of the pictures: that of the cameras that most people have."""
_WARM_UP = 3
NAMES = ("default", "without crops", "stream")


def main() -> None:
    """Print a row per picture, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--repetitions", type=int, default=5)
    given = parser.parse_args()
    folder = given.data / "images/coco_open"
    annotated = truth.read(folder / "person_keypoints.json", folder / "images")
    where = {"device": "CPU", "model_dir": given.data / "models"}
    original = bodypix_ros.load(algorithm="original", precision="f32", **where)
    default = bodypix_ros.load(precision="int8", **where)
    bare = bodypix_ros.load(precision="int8", crops=0, **where)
    rows = []
    for number, people in sorted(annotated.people().items()):
        name = annotated.truth.imgs[number]["file_name"]
        image = media.read_picture(annotated.folder / name, exif=False)
        if max(image.shape) != _SIDE or all(person.get("iscrowd") for person in people):
            continue
        calls = original.segment, default.segment, bare.segment, default.stream().segment
        ms = np.zeros((_WARM_UP + given.repetitions, len(calls)))
        for turn in ms:
            for k, call in enumerate(calls):
                started = time.perf_counter()
                scene = call(image)
                turn[k] = (time.perf_counter() - started) * 1e3
        median = np.median(ms[_WARM_UP:], axis=0)
        rows.append(median[1:] / median[0])
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in zip(NAMES, rows[-1], strict=True))
        print(f"{name}: {len(scene.persons)} people, original {median[0]:.1f} ms; {ratios}", flush=True)
    for what, of in (("mean", np.mean), ("median", np.median)):
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in zip(NAMES, of(rows, axis=0), strict=True))
        print(f"{what} of {len(rows)} pictures: {ratios}")


if __name__ == "__main__":
    main()
