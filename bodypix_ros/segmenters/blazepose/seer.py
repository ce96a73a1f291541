"""BlazePose GHUM: one image's way from pixels to a Scene."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.region import Region
from bodypix_ros.imaging.warp import fill_input
from bodypix_ros.models import store, tflite
from bodypix_ros.models.catalogue import Model
from bodypix_ros.runtime.network import Networks, Request
from bodypix_ros.runtime.placement import USUAL, Placement
from bodypix_ros.scene import Person, Scene, Timings
from bodypix_ros.segmenters.base import Seer, Sight, example, keypoint_box, rounding_for
from bodypix_ros.segmenters.blazepose import detector, landmarks, masks
from bodypix_ros.segmenters.blazepose.following import Follower, Track
from bodypix_ros.segmenters.blazepose.options import BlazePoseOptions
from bodypix_ros.segmenters.blazepose.region import parts_of_image, tiles_of_image, whole_image

_SIZE = (landmarks.SIZE, landmarks.SIZE)
_PREFERRED: Final = {**USUAL, "GPU": ("f32",)}
"""A GPU adds up in f16 what it computes in f16: keypoints are lost, see docs/devices.md."""
_BOUNDS: Final = {
    "landmarks": 0.04,
    "presence": 0.01,
    "mask": 0.04,
    "heatmap": 0.05,
    "world": 0.05,
    "values": 0.02,
    "logits": 0.02,
}
"""What a sound device's results may differ by in f16, see docs/devices.md."""
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


class BlazePose(Seer[BlazePoseOptions, Follower]):
    """BlazePose GHUM lite, full or heavy."""

    smooths = True

    def __init__(
        self, model: Model, files: Mapping[str, Path], placement: Placement, options: BlazePoseOptions
    ) -> None:
        """Read detector and landmark network, and compile them for one device.

        Raises:
            CheckpointError: One of them is broken, or not the network that is expected.
            DigestError: A file is not the one that is published.
            OptionError: Unknown device, or a precision that it does not run in.
            DeviceError: No device compiles the model.
        """
        del options  # all of them change while running
        rounding_for(model.name, placement)  # has none: it is refused in 8 bits
        for file in model.files:
            store.verify(file, files[file.path])
        finder, reader = (tflite.read_model(files[file.path]) for file in model.files)
        found = tflite.output_names(finder, _DETECTOR_SHAPES, detector.SIZE, model.files[0].path)
        self.detector_names = found["values"], found["logits"]
        named = tflite.output_names(reader, _LANDMARK_SHAPES, landmarks.SIZE, model.files[1].path)
        reader = tflite.with_sigmoid(reader, named["mask"])
        self.landmark_names = landmarks.OutputNames(**named)
        main = Networks(
            reader,
            list(named.values()),
            placement,
            first_size=_SIZE,
            preferred=_PREFERRED,
            example=example(1 / 255, 0, _bounds(named)),
        )
        side = (detector.SIZE, detector.SIZE)
        # The detector goes where the landmark network runs, so that there is one device to name.
        beside = replace(placement, device=main.chosen)
        detecting = Networks(
            finder,
            list(found.values()),
            beside,
            first_size=side,
            preferred=_PREFERRED,
            example=example(1 / 127.5, -1, _bounds(found)),
        )
        self.networks = (main, detecting)

    def input_size(self, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002
        """Height and width of the landmark network's input, whatever the image's."""
        return _SIZE

    def remember(self) -> Follower:
        """The people that a camera sees."""
        return Follower()

    def see(self, pixels: Pixels, options: BlazePoseOptions, stamp: object, memory: Follower | None) -> Sight:
        """See people: those of the images before are looked for where they were."""
        if memory is not None and not options.tracking:
            memory.reset()
        follower = memory if memory is not None and options.tracking else Follower()
        looks = _Looks(self, pixels, options)
        started = time.perf_counter()
        tracks = follower.follow(pixels.shape, stamp, looks.detect, looks.look, options)
        tracks = sorted(tracks, key=lambda track: -track.pose.score)
        scene = _scene(tracks, pixels.shape, options)
        total_ms = (time.perf_counter() - started) * 1e3
        return Sight(scene, Timings(looks.pre_ms, looks.infer_ms, total_ms - looks.pre_ms - looks.infer_ms))


@dataclass(slots=True)
class _Looks:
    """The two networks on one image, and the time they take."""

    seer: BlazePose
    pixels: Pixels
    options: BlazePoseOptions
    pre_ms: float = 0.0
    infer_ms: float = 0.0

    def detect(self, turn: int | None, lost: bool) -> Iterator[detector.Detection]:
        """Run the detector on the whole image and, if there may be several people, on its parts and tiles.

        Smaller views add those whom larger ones do not show: the others stay where MediaPipe sees them. A
        view is only looked at when those before it have been used up.

        Args:
            turn: Run it on one of these views only, the next one when this is one more. None: on all.
            lost: Run it on the whole image and its parts all the same.
        """
        height, width = self.pixels.shape
        large, tiles = [whole_image(height, width)], []
        if self.options.max_detections > 1:
            large += parts_of_image(height, width)
            tiles = tiles_of_image(height, width)
        views, least = large + tiles, self.options.detection_threshold
        for k, view in enumerate(views):
            is_tile = k >= len(large)
            if turn is not None and k != turn % len(views) and (is_tile or not lost):
                continue
            found = self._detect(view, least * detector.WEAK if k else least)
            found = [one for one in found if one.score >= least]
            yield from detector.in_tile(found, view) if is_tile else found

    def _detect(self, view: Region, least: float) -> list[detector.Detection]:
        crop_to_image = view.to_image(detector.SIZE)
        names = self.seer.detector_names
        with self.seer.networks[1].network(detector.SIZE, detector.SIZE).request() as request:
            self._infer(request, crop_to_image, scale=1 / 127.5, bias=-1.0)
            values, logits = request.outputs[names[0]], request.outputs[names[1]]
            return detector.detections(values, logits, least, crop_to_image)

    def look(self, region: Region) -> landmarks.Pose:
        """Run the landmark network."""
        with self.seer.networks[0].network(landmarks.SIZE, landmarks.SIZE).request() as request:
            self._infer(request, region.to_image(landmarks.SIZE), replicate=True)
            return landmarks.decode(request.outputs, self.seer.landmark_names, region)

    def _infer(self, request: Request, crop_to_image: npt.NDArray[np.float64], **normalization: Any) -> None:
        started = time.perf_counter()
        fill_input(self.pixels, crop_to_image, request.input, **normalization)
        ready = time.perf_counter()
        request.infer()
        self.pre_ms += (ready - started) * 1e3
        self.infer_ms += (time.perf_counter() - ready) * 1e3


def _scene(tracks: Sequence[Track], shape: tuple[int, int], options: BlazePoseOptions) -> Scene:
    poses = [track.pose for track in tracks]
    instance_mask, boxes = masks.paint(poses, shape, options.segmentation_threshold)
    persons = []
    for track, box in zip(tracks, boxes.tolist(), strict=True):
        pose = track.pose
        keypoints = np.column_stack([pose.points, pose.visibility]).astype(np.float32)
        in_metres = np.column_stack([pose.world, pose.visibility]).astype(np.float32)
        bounds = tuple(box) if box[2] else keypoint_box(keypoints, options.min_keypoint_score, shape)
        persons.append(Person(pose.score, bounds, keypoints, in_metres))
    confidence = masks.confidence(poses, shape) if options.confidence else None
    return Scene(
        instance_mask.astype(np.bool_), instance_mask, None, confidence,
        tuple(persons), BLAZEPOSE_KEYPOINTS,
    )  # fmt: skip


def _bounds(names: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """_BOUNDS by the outputs' names in a graph."""
    return {name: {"f16": _BOUNDS[output]} for output, name in names.items()}
