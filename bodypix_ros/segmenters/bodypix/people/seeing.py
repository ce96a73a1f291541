"""One image's way from pixels to a Scene: the whole picture, crops of who is small, everybody's masks."""

import time

import numpy as np

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.runtime.network import Networks
from bodypix_ros.scene import Timings
from bodypix_ros.segmenters.base import Sight
from bodypix_ros.segmenters.bodypix.architecture import Architecture
from bodypix_ros.segmenters.bodypix.options import PeopleOptions
from bodypix_ros.segmenters.bodypix.people.composing import compose
from bodypix_ros.segmenters.bodypix.people.following import Following
from bodypix_ros.segmenters.bodypix.people.looking import Look
from bodypix_ros.segmenters.bodypix.people.merging import merge
from bodypix_ros.segmenters.bodypix.people.planning import plan
from bodypix_ros.segmenters.bodypix.people.views import CROP, View, whole
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

_MOST_POSES = 254
"""People that a picture may have before some are dropped."""


class People:
    """The algorithm for people near and far."""

    def __init__(self, architecture: Architecture, options: PeopleOptions) -> None:
        """Fix what does not change while running."""
        self._architecture, self._base_size = architecture, options.base_size

    def input_sizes(self, height: int, width: int) -> tuple[tuple[int, int], ...]:
        """Height and width of the inputs: for the whole picture, and for crops."""
        base = whole(height, width, self._base_size)
        return (base.height, base.width), (CROP, CROP)

    def remember(self) -> Following:
        """A memory for a stream."""
        return Following()

    def see(
        self,
        pixels: Pixels,
        options: PeopleOptions,
        networks: Networks,
        second: SecondThread | None,
        memory: Following | None,
    ) -> Sight:
        """See people.

        Raises:
            DeviceError: The device failed.
        """
        started = time.perf_counter()
        if options.faces:
            memory = None  # who hides faces wants everybody in every frame, and no turns
        look = Look(self._architecture, networks, pixels, options.crops)
        look.at(whole(*pixels.shape, self._base_size))
        for view in _crops(look, options.crops, memory):
            look.at(view)
        poses, trusted = merge(
            np.concatenate([found.poses for found in look.found]),
            np.concatenate([found.trusted for found in look.found]),
            _MOST_POSES,
        )
        if memory is not None:
            poses, trusted = memory.remember(poses, trusted, look.views[1:])
        scene = compose(look.passes.tables, poses, trusted, pixels.shape, options, second)
        spent = (time.perf_counter() - started) * 1e3
        return Sight(scene, Timings(look.pre_ms, look.infer_ms, spent - look.pre_ms - look.infer_ms))


def _crops(look: Look, most: int, memory: Following | None) -> list[View]:
    """What to look at closely, now that the whole picture was seen."""
    base, found, shape = look.views[0], look.found[0], look.pixels.shape
    if memory is None:
        return plan(found.poses, found.scores, base, shape, most)
    memory.meet(look.thumbnail)
    search = memory.search(base, shape) if most else None
    if search is not None:
        return [search]
    poses, urgent = memory.candidates(found)
    return plan(poses, urgent, base, shape, (most + 1) // 2)
