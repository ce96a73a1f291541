"""Where things are."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
"""The checkout."""
KNOWN = TESTS / "data/mediapipe.npz"
"""What MediaPipe itself gives for pictures that tests make."""
