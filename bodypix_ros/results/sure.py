"""Whom lists name where doubtful people were looked for, too, so that nobody's face is overlooked."""

from typing import Final

import numpy as np

from bodypix_ros.scene import Scene

_LARGE: Final = 0.01
"""Share of the picture from which somebody is listed whatever the score: hardly anybody so large is nobody,
and at the usual threshold would be a person without a pose."""


class Sure:
    """Leaves out who is doubtful, image by image of one source."""

    def __init__(self, least: float = 0.0) -> None:
        """Know nobody yet.

        Args:
            least: Score of a person with a pose who is not doubtful; 0: nobody is.
        """
        self._least = least
        self._known: set[int] = set()

    def of(self, scene: Scene) -> Scene:
        """The Scene without who is doubtful; whoever was sure before, by the track, stays."""
        kept = [k for k in range(len(scene.persons)) if self._is_sure(scene, k)]
        self._known.update(number for k in kept if (number := scene.persons[k].track_id) is not None)
        return scene if len(kept) == len(scene.persons) else scene.only(kept)

    def _is_sure(self, scene: Scene, k: int) -> bool:
        person = scene.persons[k]
        if person.score >= self._least or not person.has_pose or person.track_id in self._known:
            return True
        return bool(np.mean(scene.instance_mask == k + 1) >= _LARGE)
