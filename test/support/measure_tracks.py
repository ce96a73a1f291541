"""Measures tracks on made films with exact truth: docs/tracking.md has the figures.

    PYTHONPATH=test python -m support.measure_tracks DATA [--films 0,1,2] [--precision f32] [--peer PYTHON]

DATA is the folder with `images/coco_open`. The detections are those of the default model with its default
options, as a stream has them; "oracle" gives each of them that `segment` would report, and that overlaps
somebody by half, the true id, and leaves out the others.
"""

import argparse
import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import bodypix_ros
from bodypix_ros.imaging.pixels import as_pixels
from bodypix_ros.scene import Scene
from bodypix_ros.tracking import metrics
from bodypix_ros.tracking.tracker import Tracker
from support.sequences import Frame, frames, perfect_scene

PEER = Path(__file__).with_name("bytetrack_peer.py")
BYTETRACK = (
    ("ByteTrack, its defaults", {}),
    (
        "ByteTrack, thresholds as ours",
        {"track_activation_threshold": 0.3, "high_conf_det_threshold": 0.3},
    ),
)


@dataclass
class Tally:
    """Frames of all films as one, and how many of those who were hidden came back as themselves."""

    known: list = field(default_factory=list)
    found: list = field(default_factory=list)
    back: int = 0
    hidden: int = 0

    def row(self, name: str) -> str:
        m = metrics.compare(self.known, self.found)
        back = f"{self.back}/{self.hidden}" if self.hidden else "-"
        return f"| {name} | {m.hota:.3f} | {m.idf1:.3f} | {m.switches} | {m.shared} | {back} |"


def boxes_of(people, film):
    return {(film, key): box for key, box in people if key is not None}


def pairs(known, boxes):
    """Who of the known is which of the boxes, by the index of each."""
    overlap = metrics.overlaps(*(np.array(list(b), float).reshape(-1, 4) for b in (known.values(), boxes)))
    return [(k, j) for k, j in enumerate(metrics.match(np.where(overlap >= 0.5, overlap, 0.0))) if j >= 0]


def follow(tally: Tally, film: int, shown: list[Frame], scenes: list[Scene], options) -> float:
    """Track a film's Scenes; returns the seconds that it took."""
    tracker = Tracker(sure_score=options.sure_score, max_age=options.max_age, appearance=options.appearance)
    spent_s, seen = 0.0, {}
    for frame, scene in zip(shown, scenes, strict=True):
        started = time.perf_counter()
        given = tracker.update(scene, frame.stamp_s, frame.image)
        spent_s += time.perf_counter() - started
        known = boxes_of(((one.track_id, one.box) for one in frame.people), film)
        found = boxes_of(((p.track_id, p.box) for p in given.persons), film)
        tally.known.append(known)
        tally.found.append(found)
        who, ids = list(known), list(found)
        for k, j in pairs(known, found.values()):
            before = seen.get(who[k])
            if before and before[2] and frame.stamp_s - before[1] <= options.max_age:
                tally.hidden += 1
                tally.back += before[0] == ids[j]
            seen[who[k]] = ids[j], frame.stamp_s, False
        for one in frame.hidden:
            if (film, one) in seen:
                seen[film, one] = *seen[film, one][:2], True
    return spent_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--films", default=",".join(map(str, range(40))), help="their seeds")
    parser.add_argument("--precision", help="of the model; by default what the processor takes")
    parser.add_argument("--peer", help="the Python that has the package trackers")
    asked = parser.parse_args()
    seeds = [int(seed) for seed in asked.films.split(",")]
    ours, oracle, perfect, films, spent_s = Tally(), Tally(), Tally(), [], 0.0
    with bodypix_ros.load(device="CPU", precision=asked.precision) as segmenter:
        options = segmenter.options
        seer = segmenter._seer  # before tracks: what the tracker gets
        for film in seeds:
            shown, order = list(frames(asked.data, film)), np.random.default_rng(film)
            memory, stamped = seer.remember(), [(as_pixels(f.image, "bgr8"), f.stamp_s) for f in shown]
            scenes = [seer.see(p, options.in_stream(), stamp, memory).scene for p, stamp in stamped]
            spent_s += follow(ours, film, shown, scenes, options)
            follow(perfect, film, shown, [perfect_scene(frame, order) for frame in shown], options)
            for frame, scene in zip(shown, scenes, strict=True):
                known = boxes_of(((one.track_id, one.box) for one in frame.people), film)
                sure = [p.box for p in scene.persons if p.score >= options.sure_score]
                who = list(known)
                oracle.known.append(known)
                oracle.found.append({who[k]: sure[j] for k, j in pairs(known, sure)})
            boxes = [[[*p.box, p.score] for p in scene.persons if p.box[2]] for scene in scenes]
            films.append({"stamps_s": [frame.stamp_s for frame in shown], "boxes": boxes})
            print(f"film {film}", end="\r", flush=True)
    count, people = len(ours.known), sum(map(len, ours.known))
    print(f"{count} frames, {people} people in them; {spent_s / count * 1e3:.2f} ms per update")
    print("| tracks | HOTA | IDF1 | switches | shared | back |\n|---|---|---|---|---|---|")
    print(oracle.row("oracle"))
    print(ours.row("ours"))
    for name, given in BYTETRACK if asked.peer else ():
        answer = subprocess.run(
            [asked.peer, PEER], input=json.dumps({"options": given, "films": films}), capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        peer = Tally(known=ours.known)
        for film, tracks in zip(seeds, json.loads(answer.stdout), strict=True):
            peer.found += [boxes_of(frame.items(), film) for frame in tracks]
        print(peer.row(name))
    print(perfect.row("ours, perfect detections"))


if __name__ == "__main__":
    main()
