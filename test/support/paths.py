"""Where things are."""

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
"""The checkout."""
KNOWN = TESTS / "data/mediapipe.npz"
"""What MediaPipe itself gives for pictures that tests make."""


def real_data() -> Path:
    """Where real weights, pictures and goldens are, or would be."""
    return Path(os.environ.get("BODYPIX_ROS_TEST_DATA", ROOT.parent / "shared")).resolve()
