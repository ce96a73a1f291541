"""One image's way from pixels to a Scene by the original's formulas, exact but for the instances' borders."""

import time

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.resize import resize
from bodypix_ros.runtime.network import Networks, Request
from bodypix_ros.scene import Box, Person, Scene, Timings
from bodypix_ros.segmenters.base import Sight, keypoint_box
from bodypix_ros.segmenters.bodypix.architecture import Architecture
from bodypix_ros.segmenters.bodypix.halves import by_halves
from bodypix_ros.segmenters.bodypix.options import OriginalOptions
from bodypix_ros.segmenters.bodypix.original import masks, poses
from bodypix_ros.segmenters.bodypix.original.filling import fill
from bodypix_ros.segmenters.bodypix.original.geometry import Geometry, geometry
from bodypix_ros.segmenters.bodypix.original.instances import BLOCKS
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

_WORTH_HALVING = 1_000_000
"""Pixels times people from which two threads are sooner done with the masks than one."""
_HEAD_START = 600_000
"""Pixels of a picture of one person that the first thread fills before the second one begins (0.08 ms)."""


class Original:
    """The algorithm as published."""

    def __init__(self, architecture: Architecture, options: OriginalOptions) -> None:
        """Fix what does not change while running."""
        self._architecture, self._resolution = architecture, options.resolution

    def input_sizes(self, height: int, width: int) -> tuple[tuple[int, int], ...]:
        """Height and width of the network's input."""
        where = self._geometry(height, width)
        return ((where.y.internal, where.x.internal),)

    def see(
        self,
        pixels: Pixels,
        options: OriginalOptions,
        networks: Networks,
        second: SecondThread | None,
        memory: None,  # noqa: ARG002
    ) -> Sight:
        """See people: every image for itself."""
        where = self._geometry(*pixels.shape)
        network = networks.network(where.y.internal, where.x.internal)
        with network.request() as request:
            started = time.perf_counter()
            resize(
                pixels.array, pixels.channels, where.y.samples, where.x.samples,
                self._architecture.scale, self._architecture.bias, request.input,
            )  # fmt: skip
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            scene = self._decode(request, where, options, second)
        done = time.perf_counter()
        return Sight(
            scene, Timings((ready - started) * 1e3, (inferred - ready) * 1e3, (done - inferred) * 1e3)
        )

    def remember(self) -> None:
        """Nothing is known of the images before."""

    def _geometry(self, height: int, width: int) -> Geometry:
        return geometry(height, width, self._resolution, self._architecture.stride)

    def _decode(
        self, request: Request, where: Geometry, options: OriginalOptions, second: SecondThread | None
    ) -> Scene:
        segments, parts, heatmaps, short, long, forward, backward = (
            request.outputs[name] for name in self._architecture.outputs
        )
        shape = (where.y.size, where.x.size)
        # One block, which malloc hands out again for the next image; several would be given back to the
        # system and cost page faults every time.
        block = np.empty((2 + options.parts + options.confidence, *shape), np.uint8)
        person_mask, instance_mask = block[0], block[1]
        part_mask = block[2] if options.parts else None
        confidence = block[-1] if options.confidence else None
        keypoints, scores = poses.decode(
            heatmaps, short, forward, backward, where,
            options.max_detections, options.score_threshold, options.nms_radius,
        )  # fmt: skip

        def fill_rows(rows: tuple[int, int]) -> list[Box]:
            boxes = fill(
                segments, parts if options.parts else None, long, keypoints, where,
                options.segmentation_threshold, options.min_keypoint_score, options.refine_steps,
                person_mask, part_mask, instance_mask, rows,
            )  # fmt: skip
            return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()]

        if len(keypoints) * person_mask.size > _WORTH_HALVING:
            # Several people take so long that the second thread's late start counts for little.
            ahead = _HEAD_START // where.x.size if len(keypoints) == 1 else 0
            middle = (where.y.size + ahead) // 2 // BLOCKS[0] * BLOCKS[0]
            boxes = by_halves(second, fill_rows, where.y.size, middle)
        else:
            boxes = fill_rows((0, where.y.size))
        if confidence is not None:
            masks.confidence(segments, where, confidence)
        persons = tuple(
            Person(
                score,
                box if box[2] else keypoint_box(points, options.min_keypoint_score, shape),
                points,
            )
            for score, box, points in zip(scores.tolist(), boxes, keypoints, strict=True)
        )
        return Scene(person_mask.view(np.bool_), instance_mask, part_mask, confidence, persons, KEYPOINTS)
