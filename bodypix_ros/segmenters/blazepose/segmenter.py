"""BlazePose GHUM: one frame's way from image to Scene."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import openvino.opset13 as ops

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from bodypix_ros.imaging.warp import fill_input
from bodypix_ros.models import store, tflite
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime import Hint, Request, Runtime, Timings
from bodypix_ros.scene import Person, Scene
from bodypix_ros.segmenters.base import NetworkSegmenter, Stream, as_pixels, keypoint_box, replace_options
from bodypix_ros.segmenters.blazepose import detector, landmarks, masks
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import Region, parts_of_image, whole_image
from bodypix_ros.segmenters.blazepose.tracking import Track, Tracker

_LANDMARK_SHAPES = {
    "landmarks": [1, landmarks.LANDMARKS * landmarks.VALUES],
    "presence": [1, 1],
    "mask": [1, landmarks.SIZE, landmarks.SIZE, 1],
    "heatmap": [1, landmarks.HEATMAP, landmarks.HEATMAP, landmarks.LANDMARKS],
    "world": [1, landmarks.LANDMARKS * 3],
}
_DETECTOR_SHAPES = {
    "values": [1, detector.ANCHORS, detector.VALUES],
    "logits": [1, detector.ANCHORS, 1],
}


class BlazePose(NetworkSegmenter):
    """BlazePose GHUM lite, full or heavy; made by `bodypix_ros.load`."""

    size = (landmarks.SIZE, landmarks.SIZE)

    def __init__(
        self,
        model: Model,
        *,
        device: str,
        precision: str | None,
        model_dir: str | Path | None,
        cache_dir: str | Path | None,
        performance_hint: Hint,
        options: dict[str, Any],
    ) -> None:
        """See `bodypix_ros.load`."""
        self.model = model.name
        self.timings = Timings()
        self._options: BlazePoseOptions = replace_options(BlazePoseOptions(), options)
        paths = store.find(model, model_dir)
        for file in model.files:
            store.verify(file, paths[file.path])
        finder, reader = (tflite.read_model(paths[file.path]) for file in model.files)
        found = _output_names(finder, _DETECTOR_SHAPES, detector.SIZE, model.files[0].path)
        self.detector_names = found["values"], found["logits"]
        named = _output_names(reader, _LANDMARK_SHAPES, landmarks.SIZE, model.files[1].path)
        reader = _with_probabilities(reader, named["mask"])
        self.landmark_names = landmarks.OutputNames(**named)
        common: dict[str, Any] = {
            "precision": precision, "cache_dir": cache_dir, "performance_hint": performance_hint,
        }  # fmt: skip
        main = Runtime(reader, list(named.values()), device=device, first_size=self.size, **common)
        side = (detector.SIZE, detector.SIZE)
        # The detector goes where the landmark network runs, so that there is one device to name.
        second = Runtime(finder, list(found.values()), device=main.chosen, first_size=side, **common)
        self.networks = (main, second)

    @property
    def options(self) -> BlazePoseOptions:
        """The options in force."""
        return self._options

    def update(self, **options: Any) -> None:
        """Change options while running."""
        self._options = replace_options(self._options, options)

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: Any = None) -> Scene:
        """See people in a picture of its own; to follow them from image to image use `stream`."""
        return self._see(image, encoding, stamp, Tracker(), numbered=False)

    def stream(self) -> Stream:
        """A stream for the images of one camera or video: people are followed, and numbered."""
        return _PoseStream(self)

    def _see(
        self,
        image: npt.NDArray[np.uint8],
        encoding: str,
        stamp: Any,
        tracker: Tracker,
        *,
        numbered: bool,
    ) -> Scene:
        pixels, _ = as_pixels(image, encoding)
        options, shape = self._options, (pixels.shape[0], pixels.shape[1])
        looks = _Looks(self, pixels, encoding, options)
        started = time.perf_counter()
        tracks = tracker.follow(shape, stamp, looks.detect, looks.look, options)
        tracks = sorted(tracks, key=lambda track: -track.pose.score)
        scene = _scene(tracks, shape, options, stamp, numbered)
        total_ms = (time.perf_counter() - started) * 1e3
        self.timings = Timings(looks.pre_ms, looks.infer_ms, total_ms - looks.pre_ms - looks.infer_ms)
        return scene


class _PoseStream(Stream):
    def __init__(self, segmenter: BlazePose) -> None:
        super().__init__(segmenter)
        self._blazepose = segmenter
        self._tracker = Tracker()

    def segment(self, image: npt.NDArray[np.uint8], encoding: str = "bgr8", *, stamp: Any = None) -> Scene:
        if not self._blazepose.options.tracking:
            self._tracker.reset()
            return self._blazepose.segment(image, encoding, stamp=stamp)
        return self._blazepose._see(image, encoding, stamp, self._tracker, numbered=True)

    def reset(self) -> None:
        self._tracker.reset()


@dataclass(slots=True)
class _Looks:
    """The two networks on one image, and the time they take."""

    segmenter: BlazePose
    pixels: npt.NDArray[np.uint8]
    encoding: str
    options: BlazePoseOptions
    pre_ms: float = 0.0
    infer_ms: float = 0.0

    def detect(self, turn: int | None) -> list[detector.Detection]:
        """Run the detector on the whole image and, if there may be several people, on its parts.

        The parts add those whom the whole image does not show: the others stay where MediaPipe sees them.

        Args:
            turn: Run it on one of these views only, the next one when this is one more.
        """
        height, width = self.pixels.shape[:2]
        views = [whole_image(height, width)]
        if self.options.max_detections > 1:
            views += parts_of_image(height, width)
        if turn is not None:
            views = [views[turn % len(views)]]
        return detector.distinct(found for view in views for found in self._detect(view))

    def _detect(self, view: Region) -> list[detector.Detection]:
        way = view.to_image(detector.SIZE)
        names = self.segmenter.detector_names
        with self.segmenter.open_networks[1].network(detector.SIZE, detector.SIZE).request() as request:
            self._infer(request, way, scale=1 / 127.5, bias=-1.0)
            values, logits = request.outputs[names[0]], request.outputs[names[1]]
            return detector.detections(values, logits, self.options.detection_threshold, way)

    def look(self, region: Region) -> landmarks.Pose:
        """Run the landmark network."""
        with self.segmenter.open_networks[0].network(landmarks.SIZE, landmarks.SIZE).request() as request:
            self._infer(request, region.to_image(landmarks.SIZE), replicate=True)
            return landmarks.decode(request.outputs, self.segmenter.landmark_names, region)

    def _infer(self, request: Request, way: npt.NDArray[np.float64], **normalization: Any) -> None:
        started = time.perf_counter()
        fill_input(self.pixels, self.encoding, way, request.input, **normalization)
        ready = time.perf_counter()
        request.infer()
        self.pre_ms += (ready - started) * 1e3
        self.infer_ms += (time.perf_counter() - ready) * 1e3


def _scene(
    tracks: Sequence[Track], shape: tuple[int, int], options: BlazePoseOptions, stamp: Any, numbered: bool
) -> Scene:
    poses = [track.pose for track in tracks]
    instance_mask, boxes = masks.paint(poses, shape, options.segmentation_threshold)
    persons = []
    for track, box in zip(tracks, boxes.tolist(), strict=True):
        pose = track.pose
        keypoints = np.column_stack([pose.points, pose.visibility]).astype(np.float32)
        in_metres = np.column_stack([pose.world, pose.visibility]).astype(np.float32)
        bounds = tuple(box) if box[2] else keypoint_box(keypoints, options.min_keypoint_score, shape)
        number = track.track_id if numbered else None
        persons.append(Person(pose.score, bounds, keypoints, in_metres, number))
    confidence = masks.confidence(poses, shape) if options.confidence else None
    return Scene(
        instance_mask.astype(np.bool_), instance_mask, None, confidence,
        tuple(persons), BLAZEPOSE_KEYPOINTS, stamp,
    )  # fmt: skip


def _output_names(graph: Any, shapes: dict[str, list[int]], size: int, file: str) -> dict[str, str]:
    """The tensors of a graph's outputs, found by their shapes.

    Raises:
        ValueError: The graph is not the one that is expected.
    """
    there = {
        tuple(port.get_partial_shape().to_shape()): port.get_any_name()
        for port in graph.outputs
        if port.get_partial_shape().is_static
    }
    inputs = [str(port.get_partial_shape()) for port in graph.inputs]
    missing = [name for name, shape in shapes.items() if tuple(shape) not in there]
    if missing or inputs != [f"[1,{size},{size},3]"]:
        raise ValueError(
            f"{file} is not the network that is expected there: inputs {', '.join(inputs)}, "
            f"outputs {', '.join(map(str, there))}"
        )
    return {name: there[tuple(shape)] for name, shape in shapes.items()}


def _with_probabilities(graph: Any, mask: str) -> Any:
    """The graph with a sigmoid behind its mask, where it costs least; the names of outputs stay."""
    logits = graph.output(mask).get_node().input_value(0)
    logits.get_tensor().set_names(set())
    probability = ops.sigmoid(logits).output(0)
    probability.get_tensor().set_names({mask})
    ports = [port for port in graph.outputs if port.get_node().input_value(0) != logits]
    return ov.Model([*ports, probability], graph.get_parameters(), graph.get_friendly_name())
