"""ByteTrack of the Python package trackers, on boxes that others found; run in an environment of its own.

    python -m venv peer && peer/bin/pip install trackers
    peer/bin/python bytetrack_peer.py < films.json > tracks.json

In: a list of films, each with the seconds of its frames and their boxes, [x0, y0, x1, y1, score]. Out: the
same frames, box by id.
"""

import json
import sys

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker


def tracks(film, options):
    steps = np.diff(film["stamps_s"])
    tracker = ByteTrackTracker(frame_rate=float(1 / np.median(steps)), **options)
    for boxes in film["boxes"]:
        rows = np.array(boxes, float).reshape(-1, 5)
        seen = sv.Detections(rows[:, :4], confidence=rows[:, 4], class_id=np.zeros(len(rows), int))
        given = tracker.update(seen)
        ids = [] if given.tracker_id is None else given.tracker_id.tolist()
        yield {str(i): box for i, box in zip(ids, given.xyxy.tolist(), strict=True) if i >= 0}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump([list(tracks(film, asked["options"])) for film in asked["films"]], sys.stdout)
