"""Measurements of speed, plain data out: what `bodypix bench` runs, prints and plots."""

from typing import Any, TypeAlias

Figures: TypeAlias = dict[str, Any]
"""Plain data, as JSON can hold: what measurements give."""
