"""Measurements of speed, plain data out: what `bodypix bench` runs, prints and plots."""

from collections.abc import Sequence
from typing import Any, TypeAlias

Figures: TypeAlias = dict[str, Any]
"""Plain data, as JSON can hold: what measurements give."""


def beside(results: Sequence[Figures]) -> Figures:
    """One result as it is; several, measured in turns, under `results`."""
    if len(results) == 1:
        return results[0]
    return {"kind": "beside", "machine": results[0]["machine"], "results": list(results)}
