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
from bodypix_ros.segmenters.bodypix.people.planning import EVERYBODY, USUAL, plan
from bodypix_ros.segmenters.bodypix.people.views import CROP, whole
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
        base = whole(*pixels.shape, self._base_size)
        look = Look(self._architecture, networks, pixels, base, options.crops, second)
        most, crops = options.crops, []
        if memory is not None:
            memory.meet(pixels.array)
            # By what the frame before has shown: so they need not wait for the pass of the whole picture.
            crops = memory.crops(base, pixels.shape, most)
            most = (most + 1) // 2
        look.at(base, *crops)
        if not crops:
            worth = EVERYBODY if options.faces else USUAL
            look.at(*plan(look.found[0].poses, look.found[0].scores, base, pixels.shape, most, worth))
        poses, trusted = merge(
            np.concatenate([found.poses for found in look.found]),
            np.concatenate([found.trusted for found in look.found]),
            _MOST_POSES,
        )
        if memory is not None:
            poses, trusted = memory.remember(poses, trusted, look.found[0], look.views[1:])
        scene = compose(look.passes.tables, poses, trusted, pixels.shape, options, second)
        spent = (time.perf_counter() - started) * 1e3
        return Sight(scene, Timings(look.pre_ms, look.infer_ms, spent - look.pre_ms - look.infer_ms))
