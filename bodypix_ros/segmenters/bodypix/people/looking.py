"""The passes of one image: each a view, resized, inferred and decoded."""

import time

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.resize import resize
from bodypix_ros.runtime.network import Networks
from bodypix_ros.segmenters.bodypix.architecture import Architecture
from bodypix_ros.segmenters.bodypix.people.decoding import Found, decode
from bodypix_ros.segmenters.bodypix.people.passes import Passes
from bodypix_ros.segmenters.bodypix.people.views import View

_THUMBNAIL = 8
"""Pixels of input from one to the next of the thumbnail."""


class Look:
    """What was seen of an image so far.

    Attributes:
        pixels: The image.
        views: What was looked at, the whole picture first.
        found: The poses of each.
        passes: What the masks are made of.
        thumbnail: float32 (h, w, 3), the whole picture's pixel values, 0 to 255.
        pre_ms: Spent on the networks' inputs.
        infer_ms: Spent in the network.
    """

    passes: Passes
    thumbnail: npt.NDArray[np.float32]

    def __init__(self, architecture: Architecture, networks: Networks, pixels: Pixels, crops: int) -> None:
        """Have seen nothing yet.

        Args:
            architecture: The network's numbers.
            networks: What runs.
            pixels: The image.
            crops: How many views may follow that of the whole picture.
        """
        self._architecture, self._networks, self._crops = architecture, networks, crops
        self.pixels = pixels
        self.views: list[View] = []
        self.found: list[Found] = []
        self.pre_ms = self.infer_ms = 0.0

    def at(self, view: View) -> None:
        """Look at a part of the image, at the whole picture first.

        Raises:
            DeviceError: The device failed.
        """
        known, shape = self._architecture, self.pixels.shape
        with self._networks.network(view.height, view.width).request() as request:
            started = time.perf_counter()
            rows, columns = view.samples(*shape)
            resize(
                self.pixels.array, self.pixels.channels, rows, columns, known.scale, known.bias, request.input
            )
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            segments, parts, heatmaps, short, long, forward, backward = (
                request.outputs[name] for name in known.outputs
            )
            if not self.views:
                self.passes = Passes(view, known.stride, self._crops)
                self.thumbnail = (request.input[::_THUMBNAIL, ::_THUMBNAIL] - known.bias) / known.scale
            self.found.append(decode(heatmaps, short, forward, backward, view, shape, known.stride))
            self.passes.add(view, segments, parts, long)
        self.views.append(view)
        self.pre_ms += (ready - started) * 1e3
        self.infer_ms += (inferred - ready) * 1e3
