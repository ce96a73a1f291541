"""The passes of one image: each a view, resized, inferred and decoded."""

import time
from typing import NamedTuple

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.resize import resize
from bodypix_ros.runtime.network import Networks
from bodypix_ros.segmenters.bodypix.architecture import Architecture
from bodypix_ros.segmenters.bodypix.people.decoding import Found, decode
from bodypix_ros.segmenters.bodypix.people.passes import Passes
from bodypix_ros.segmenters.bodypix.people.views import View
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread


class _Glance(NamedTuple):
    """One pass: whom it found, and the seconds before and after its inference."""

    found: Found
    before_s: float
    after_s: float


class Look:
    """What was seen of an image so far.

    Attributes:
        views: What was looked at, the whole picture first.
        found: The poses of each.
        passes: What the masks are made of.
        pre_ms: Spent on the networks' inputs.
        infer_ms: Spent in the network; of two passes at once, until both are done.
    """

    def __init__(
        self,
        architecture: Architecture,
        networks: Networks,
        pixels: Pixels,
        base: View,
        crops: int,
        second: SecondThread | None,
    ) -> None:
        """Have seen nothing yet.

        Args:
            architecture: The network's numbers.
            networks: What runs.
            pixels: The image.
            base: The view of the whole picture, which comes first.
            crops: How many may follow.
            second: Sees the other one of two at once; None: there is one thread.
        """
        self._architecture, self._networks, self._second = architecture, networks, second
        self._pixels = pixels
        self.passes = Passes(base, architecture.stride, crops)
        self.views: list[View] = []
        self.found: list[Found] = []
        self.pre_ms = self.infer_ms = 0.0

    def at(self, *views: View) -> None:
        """Look at parts of the image, at two at once where that is sooner done.

        Raises:
            DeviceError: The device failed.
        """
        at_once = self._networks.at_once if self._second is not None else 1
        for begin in range(0, len(views), at_once):
            started = time.perf_counter()
            first, *others = self._together(views[begin : begin + at_once])
            spent = time.perf_counter() - started
            self.pre_ms += first.before_s * 1e3
            self.infer_ms += (spent - first.before_s - first.after_s) * 1e3
            self.found += [glance.found for glance in (first, *others)]
        self.views += views

    def _together(self, views: tuple[View, ...]) -> list[_Glance]:
        """Look at one or two parts of the image."""
        numbers, count = [self.passes.add(view) for view in views], len(views)
        if count == 1 or self._second is None:
            return [self._glance(view, number, 1) for view, number in zip(views, numbers, strict=True)]
        other = self._second.submit(self._glance, views[1], numbers[1], count)
        try:
            first = self._glance(views[0], numbers[0], count)
        finally:
            other.exception()  # it reads the image, which is the caller's again after a failure
        return [first, other.result()]

    def _glance(self, view: View, number: int, at_once: int) -> _Glance:
        """One pass."""
        known = self._architecture
        with self._networks.network(view.height, view.width, at_once).request() as request:
            started = time.perf_counter()
            rows, columns = view.samples(*self._pixels.shape)
            resize(
                self._pixels.array, self._pixels.channels, rows, columns, known.scale, known.bias,
                request.input,
            )  # fmt: skip
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            segments, parts, heatmaps, short, long, forward, backward = (
                request.outputs[name] for name in known.outputs
            )
            found = decode(heatmaps, short, forward, backward, view, self._pixels.shape, known.stride)
            self.passes.take(number, segments, parts, long)
        return _Glance(found, ready - started, time.perf_counter() - inferred)
