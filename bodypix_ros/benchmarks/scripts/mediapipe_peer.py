"""MediaPipe as a peer of `bodypix bench --compare`, run by an interpreter that has it.

Reads one JSON object per line, and answers each with one:
    {"start": true}                                              -> {"versions": {...}}
    {"image": FILE of rows of R, G, B bytes, "width", "height"}  -> {}
    {"call": one of SOLUTIONS}                                   -> {"ms": of the call, "people": n or null}
or with {"error": TEXT}. It stands for itself: that interpreter need not have bodypix_ros, nor be as new.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any, Dict  # noqa: UP035 - an older interpreter may run this

SOLUTIONS = ("blazepose-full", "selfie-general", "selfie-landscape")


class Peer:
    """Answers requests."""

    def __init__(self) -> None:
        import mediapipe
        import numpy as np

        self.versions = {
            "mediapipe": mediapipe.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }
        try:
            solutions = mediapipe.solutions
        except AttributeError:
            raise RuntimeError(
                f"mediapipe {mediapipe.__version__} has no `solutions` any more; install mediapipe==0.10.21"
            ) from None
        self._numpy, self._solutions = np, solutions
        self._image: Any = None
        self._made: Dict[str, Any] = {}  # noqa: UP006

    def show(self, image: str, width: int, height: int) -> None:
        """Take a picture, and forget what was tracked in the one before."""
        self._image = self._numpy.fromfile(image, self._numpy.uint8).reshape(height, width, 3)
        self._made = {}

    def call(self, name: str) -> Dict[str, Any]:  # noqa: UP006
        """Time one call."""
        if name not in self._made:
            self._made[name] = self._make(name)
        started = time.perf_counter()
        found = self._made[name].process(self._image)
        milliseconds = (time.perf_counter() - started) * 1e3
        people = int(found.pose_landmarks is not None) if name.startswith("blazepose") else None
        return {"ms": milliseconds, "people": people}

    def _make(self, name: str) -> Any:
        if name == "blazepose-full":
            return self._solutions.pose.Pose(model_complexity=1, enable_segmentation=True)
        return self._solutions.selfie_segmentation.SelfieSegmentation(
            model_selection=int(name == "selfie-landscape")
        )


def main() -> None:
    """Answer until the input ends."""
    # Libraries below print to stdout as well: what they say is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = None
    for line in sys.stdin:
        request = json.loads(line)
        reply: Dict[str, Any] = {}  # noqa: UP006
        try:
            if peer is None:
                peer = Peer()
                reply = {"versions": peer.versions}
            elif "image" in request:
                peer.show(**request)
            else:
                reply = peer.call(request["call"])
        except Exception as error:  # noqa: BLE001 - the other side says it
            reply = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    # The folder of this file holds nothing that mediapipe should find.
    here = Path(__file__).resolve().parent
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    main()
