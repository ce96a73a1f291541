"""Measures hands against MediaPipe's own, fingers against drawn ones, and the time: docs/accuracy.md has it.

    python test/support/mediapipe_hands.py DATA > hands.json      (by an interpreter with mediapipe 0.10.21)
    PYTHONPATH=test python -m support.measure_hands DATA [hands.json] [--model NAME]

DATA is the folder with `images` and `models`.
"""

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

import bodypix_ros
from bodypix_ros import Segmenter
from bodypix_ros.details.hands.known import SIZE, HandMemory
from bodypix_ros.details.hands.reading import with_hands
from bodypix_ros.details.network import DetailNetwork, Spent
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.scene import Scene
from support.drawn_hands import DRAWN
from support.mediapipe_hands import frames

FOUND = 0.5
"""Mean distance of the points, in the hand's size, up to which two hands are one."""
WITHIN = 0.2
"""Share of a hand's points on people from which it is theirs."""


@dataclass
class Tally:
    """Hands of MediaPipe's, and how ours differ."""

    within: int = 0
    found: int = 0
    sides: int = 0
    per_size: list = field(default_factory=list)
    per_length: list = field(default_factory=list)
    metres: list = field(default_factory=list)

    def add(self, expected: list, scene: Scene) -> None:
        """Compare the hands of one image."""
        last = np.array(scene.person_mask.shape) - 1
        ours = [hand for person in scene.persons for hand in person.hands]
        for hand in expected:
            points = np.array(hand["points"])
            row, column = np.clip(points[:, ::-1].round().astype(int), 0, last).T
            if scene.person_mask[row, column].mean() < WITHIN:
                continue
            self.within += 1
            size = np.ptp(points, axis=0).max()  # the longer side of the box
            length = np.hypot(*np.diff(points[[0, 9, 10, 11, 12]], axis=0).T).sum()  # of the middle finger
            away = [np.hypot(*(one.keypoints[:, :2] - points).T) for one in ours]
            best = min(range(len(away)), key=lambda k: away[k].mean(), default=None)
            if best is None or away[best].mean() > FOUND * size:
                continue
            self.found += 1
            self.sides += ours[best].side == hand["side"]
            self.per_size.append(away[best] / size)
            self.per_length.append(away[best] / length)
            self.metres.append(np.linalg.norm(ours[best].keypoints_3d - np.array(hand["world"]), axis=1))

    def __str__(self) -> str:
        if not self.found:
            return f"{self.found} of {self.within}"
        size, length, metres = (np.median(one) for one in (self.per_size, self.per_length, self.metres))
        return (
            f"{self.found} of {self.within} | {size:.1%} | {length:.1%} | {metres * 1e3:.0f} mm | "
            f"{self.sides} of {self.found}"
        )


def compare(segmenter: Segmenter, data: Path, entries: list) -> None:
    """Print how many of MediaPipe's hands are found, and how far off."""
    print("hands | found | per box | per length | metres | same side")
    by_source = defaultdict(dict)
    for network, mode, name, k, hands in entries:
        by_source[network, mode, name][k] = hands
    tallies: dict = defaultdict(Tally)
    for (network, mode, name), known in by_source.items():
        segmenter.update(hands_model=network)
        stream = segmenter.stream() if mode == "video" else segmenter
        kind = f"videos, as streams: {Path(name).stem}" if mode == "video" else "pictures and frames"
        for k, image in enumerate(frames(data / name)):
            if mode == "static" and not known.get(k):
                continue
            if k > max(known):
                break
            tallies[network, kind].add(known.get(k, []), stream.segment(image))
    for (network, kind), tally in tallies.items():
        print(f"{network}, {kind} | {tally}")


def fingers(segmenter: Segmenter, data: Path) -> None:
    """Print how much of drawn fingers the person mask has."""
    total = np.zeros(5)
    masks = {}
    for photo in {hand.photo for hand in DRAWN}:
        for hands in (False, True):
            segmenter.update(hands=hands, hands_model="lite")
            (image,) = frames(data / "images/photos" / photo)
            masks[photo, hands] = segmenter.segment(image).person_mask
    for hand in DRAWN:
        before, after = masks[hand.photo, False], masks[hand.photo, True]
        mine, its = hand.pixels(before.shape), hand.finger_pixels(before.shape)
        drawn = np.any([one.pixels(before.shape) for one in DRAWN if one.photo == hand.photo], axis=0)
        x, y = np.array(hand.outline).T.astype(int)
        reach = int(0.4 * max(np.ptp(x), np.ptp(y)))
        low, high = np.maximum([y.min() - reach, x.min() - reach], 0), [y.max() + reach, x.max() + reach]
        false = (after & ~before & ~drawn)[low[0] : high[0], low[1] : high[1]].sum()
        row = np.array([its.sum(), (its & before).sum(), (its & after).sum(), mine.sum(), false])
        total += row
        print(f"{hand.what:34s} {row[1] / row[0]:.2f} -> {row[2] / row[0]:.2f}, false {row[4] / row[3]:.1%}")
    print(f"all {total[1] / total[0]:.3f} -> {total[2] / total[0]:.3f}, false {total[4] / total[3]:.1%}")


@dataclass
class Counted:
    """A network, and how often it was asked."""

    network: DetailNetwork
    looks: int = 0

    def run(self, pieces, *arguments, **options) -> list:
        """Ask it."""
        pieces = list(pieces)
        self.looks += len(pieces)
        return self.network.run(pieces, *arguments, **options)


def times(segmenter: Segmenter, data: Path) -> None:
    """Print what a look at a hand takes, in a stream, and what of that is not the bare network's.

    The bare network runs right after each image. Beside it are the input, everything else, and what the
    network itself loses by what came before it.
    """
    (image,) = frames(data / "images/photos/pexels-jack-sparrow-4046265.jpg")
    small = cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA)
    for network in ("lite", "full"):
        segmenter.update(hands=True, hands_model=network)
        used = segmenter._details._hands[network]
        bare = used.networks.network(SIZE, SIZE)
        for what, picture in (("640x480", small), ("1440x1080", image)):
            pixels, memory, looks = as_pixels(picture, "bgr8"), HandMemory(), []
            segmenter.update(hands=False)
            seen = segmenter.segment(picture)
            seen = replace(seen, persons=seen.persons[:1])  # who raises both hands
            segmenter.update(hands=True)
            for _ in range(200):
                names = ("person_mask", "instance_mask", "part_mask")
                masks = {name: getattr(seen, name) for name in names}
                copies = {name: mask.copy() for name, mask in masks.items() if mask is not None}
                spent, started = Spent(), time.perf_counter()
                counted = Counted(used)
                scene = with_hands(replace(seen, **copies), counted, pixels, spent, memory, 2)
                total = (time.perf_counter() - started) * 1e3
                with bare.request() as request:
                    started = time.perf_counter()
                    for _ in range(counted.looks):
                        request.infer()
                alone = (time.perf_counter() - started) * 1e3
                rest = total - spent.pre_ms - spent.infer_ms
                looks.append(np.array([alone, total - alone, spent.pre_ms, rest]) / counted.looks)
            hands = len(scene.persons[0].hands)
            alone, beside, pre, rest = np.median(looks[20:], axis=0)
            print(
                f"{network} {what}, {hands} hands, for each of {counted.looks} looks: bare network "
                f"{alone:.2f} ms, beside it {beside:.2f}, of that the network's input {pre:.2f}, "
                f"everything else {rest:.2f}"
            )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("hands", type=Path, nargs="?", help="without it only the time is measured")
    parser.add_argument("--model", default=bodypix_ros.DEFAULT_MODEL)
    arguments = parser.parse_args()
    with bodypix_ros.load(
        arguments.model, device="CPU", model_dir=arguments.data / "models", hands=True
    ) as segmenter:
        times(segmenter, arguments.data)
        if arguments.hands is None:
            return
        fingers(segmenter, arguments.data)
        segmenter.update(hands=True)
        compare(segmenter, arguments.data, json.loads(arguments.hands.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
