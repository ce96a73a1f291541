"""BodyPix 2: one image's way from pixels to a Scene."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.errors import CheckpointError
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.resize import resize
from bodypix_ros.models import tfjs
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime.network import Graph, Networks, Request
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.scene import Box, Person, Scene, Timings
from bodypix_ros.segmenters.base import Memory, Seer, Sight, keypoint_box, ranges_for
from bodypix_ros.segmenters.bodypix import masks, poses
from bodypix_ros.segmenters.bodypix.filling import fill
from bodypix_ros.segmenters.bodypix.geometry import Geometry, geometry
from bodypix_ros.segmenters.bodypix.instances import BLOCKS
from bodypix_ros.segmenters.bodypix.options import BodyPixOptions
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread

Boxes = list[Box]

_K, _E = len(KEYPOINTS), len(KEYPOINTS) - 1
_OUTPUTS = {
    "float_segments": 1,
    "float_part_heatmaps": len(PARTS),
    "float_heatmaps": _K,
    "float_short_offsets": 2 * _K,
    "float_long_offsets": 2 * _K,
    "displacement_fwd_2/BiasAdd": 2 * _E,
    "displacement_bwd_2/BiasAdd": 2 * _E,
}
"""Outputs in use (the last two carry the architecture's name in front) and their channels."""

_NORMALIZATION = {
    "mobilenet": (1 / 127.5, np.full(3, -1, np.float32)),
    "resnet50": (1.0, np.array([-123.15, -115.90, -103.06], np.float32)),
}
"""Scale and bias (red, green, blue) that each architecture was trained with."""

_WORTH_HALVING = 1_000_000
"""Pixels times people from which two threads are sooner done with the masks than one."""
_HEAD_START = 600_000
"""Pixels of a picture of one person that the first thread fills before the second one begins (0.08 ms)."""

_FIRST_IMAGE = (480, 640)  # the camera size that most people have: loading compiles for it


class BodyPix(Seer[BodyPixOptions, Memory]):
    """BodyPix 2 with MobileNetV1 or ResNet50."""

    def __init__(
        self, model: Model, files: Mapping[str, Path], placement: Placement, options: BodyPixOptions
    ) -> None:
        """Read the checkpoint and compile it for the size of camera that most people have.

        Raises:
            CheckpointError: It is broken, or not BodyPix's.
            OptionError: Unknown device, or a precision that it does not run in.
            DeviceError: No device compiles the model.
        """
        if model.architecture is None or model.output_stride is None:
            raise CheckpointError(f"{model.name} is not a BodyPix model")
        self._resolution, self._stride = options.resolution, model.output_stride
        self._scale, self._bias = _NORMALIZATION[model.architecture]
        graph = tfjs.read_model(files[model.files[0].path], reference_dilation=options.reference_dilation)
        self._names = _output_names(graph, model.name)
        self._network = Networks(
            graph,
            self._names,
            placement,
            first_size=self.input_size(*_FIRST_IMAGE),
            ranges=ranges_for(model.name, placement),
        )
        self.networks = (self._network,)
        # The cores that the network leaves idle afterwards; with many requests there are none.
        alone = placement.performance_hint == "LATENCY" and (os.cpu_count() or 1) > 1
        self._second = SecondThread() if alone else None

    def close(self) -> None:
        """End the second thread."""
        if self._second is not None:
            self._second.close()

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input."""
        where = self._geometry(height, width)
        return where.y.internal, where.x.internal

    def see(self, pixels: Pixels, options: BodyPixOptions, stamp: object, memory: Memory | None) -> Sight:  # noqa: ARG002
        """See people: the original's formulas, exact but for the instances' borders."""
        where = self._geometry(*pixels.shape)
        network = self._network.network(where.y.internal, where.x.internal)
        with network.request() as request:
            started = time.perf_counter()
            resize(
                pixels.array, pixels.channels, where.y.samples, where.x.samples,
                self._scale, self._bias, request.input,
            )  # fmt: skip
            ready = time.perf_counter()
            request.infer()
            inferred = time.perf_counter()
            scene = self._decode(request, where, options)
        done = time.perf_counter()
        return Sight(
            scene, Timings((ready - started) * 1e3, (inferred - ready) * 1e3, (done - inferred) * 1e3)
        )

    def _geometry(self, height: int, width: int) -> Geometry:
        return geometry(height, width, self._resolution, self._stride)

    def _by_halves(
        self, fill_rows: Callable[[tuple[int, int] | None], Boxes], height: int, ahead: int
    ) -> Boxes:
        """Fill the upper and the lower rows at once, where there are two cores, and join the boxes.

        The second thread begins when the first has filled `ahead` rows.
        """
        middle = (height + ahead) // 2 // BLOCKS[0] * BLOCKS[0]
        if self._second is None or not 0 < middle < height:
            return fill_rows(None)
        lower_half = self._second.submit(fill_rows, (middle, height))
        upper, lower = fill_rows((0, middle)), lower_half.result()
        return [_joined(above, below) for above, below in zip(upper, lower, strict=True)]

    def _decode(self, request: Request, where: Geometry, options: BodyPixOptions) -> Scene:
        segments, parts, heatmaps, short, long, forward, backward = (request.outputs[n] for n in self._names)
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

        def fill_rows(rows: tuple[int, int] | None) -> Boxes:
            boxes = fill(
                segments, parts if options.parts else None, long, keypoints, where,
                options.segmentation_threshold, options.min_keypoint_score, options.refine_steps,
                person_mask, part_mask, instance_mask, rows,
            )  # fmt: skip
            return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()]

        if len(keypoints) * person_mask.size > _WORTH_HALVING:
            # Several people take so long that the second thread's late start counts for little.
            ahead = _HEAD_START // where.x.size if len(keypoints) == 1 else 0
            boxes = self._by_halves(fill_rows, where.y.size, ahead)
        else:
            boxes = fill_rows(None)
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
        scene = Scene(person_mask.view(np.bool_), instance_mask, part_mask, confidence, persons, KEYPOINTS)
        return scene.mirrored() if options.flip_horizontal else scene


def _joined(upper: Box, lower: Box) -> Box:
    """The box around two, either of which may be zeros: nobody's."""
    if not upper[2] or not lower[2]:
        return upper if upper[2] else lower
    return min(upper[0], lower[0]), upper[1], max(upper[2], lower[2]), lower[3]


def _output_names(graph: Graph, model: str) -> list[str]:
    """The graph's names of the outputs in use, in the order of _OUTPUTS.

    Raises:
        CheckpointError: The graph is not BodyPix's.
    """
    channels = {port.get_any_name(): port.get_partial_shape()[3] for port in graph.outputs}
    names = []
    for wanted, count in _OUTPUTS.items():
        found = [name for name in channels if name == wanted or name.endswith(f"/{wanted}")]
        if len(found) != 1 or channels[found[0]].is_dynamic or channels[found[0]].get_length() != count:
            raise CheckpointError(
                f"the checkpoint of {model} is not a BodyPix graph: no output {wanted} of {count} channels"
            )
        names.append(found[0])
    return names
