"""Our `segment` beside other programs' calls for the same, in turns.

A turn is one call of ours that is not counted and one that is, then the same of the peer: as in a camera's
stream each finds the processor's caches as it left them, and slow phases of the computer hit both.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import bodypix_ros
from bodypix_ros.benchmarks import Figures
from bodypix_ros.benchmarks.machine import cores, machine
from bodypix_ros.benchmarks.peers import MEDIAPIPE_MODELS, Peer
from bodypix_ros.benchmarks.seeing import seeing
from bodypix_ros.errors import MissingModelError
from bodypix_ros.media import Image
from bodypix_ros.models import catalogue, store
from bodypix_ros.options import options_of
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.segmenters.bodypix.options import ORIGINAL
from bodypix_ros.segmenters.families import family_of

WARM_UP = 3
_ARCHITECTURES = {"mobilenet": "MobileNetV1", "resnet50": "ResNet50"}
_REFERENCE_OPTIONS = {
    "internal_resolution": "internalResolution",
    "segmentation_threshold": "segmentationThreshold",
    "max_detections": "maxDetections",
    "score_threshold": "scoreThreshold",
    "nms_radius": "nmsRadius",
    "min_keypoint_score": "minKeypointScore",
    "refine_steps": "refineSteps",
    "flip_horizontal": "flipHorizontal",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A model of ours against a peer's call.

    Attributes:
        model: Ours.
        peer: The other one.
        call: What to tell it; None: our options, in the original's names.
        options: What `load` takes.
    """

    model: str
    peer: Peer
    call: Any
    options: Mapping[str, Any]


def reference_model(model: str, model_dir: Any) -> Figures:
    """What the original BodyPix needs to know to load the same files.

    Raises:
        ValueError: Not a BodyPix model.
        MissingModelError: The model's files are not here.
    """
    entry = catalogue.model(model)
    if entry.architecture is None:
        raise ValueError(f"the original BodyPix has no {model}")
    return {
        "model": str(store.find(entry, model_dir)[entry.files[0].path].resolve()),
        "architecture": _ARCHITECTURES[entry.architecture],
        "multiplier": entry.multiplier,
        "outputStride": entry.output_stride,
        "quantBytes": entry.quant_bytes,
        "threads": cores(),
    }


def matches(peers: Mapping[str, Peer], model: str, options: Mapping[str, Any]) -> list[Match]:
    """Everything that the peers do as well.

    Args:
        peers: Those that are here: "reference" and "mediapipe".
        model: The BodyPix model for the reference.
        options: What `load` takes for it, but for the algorithm, which is the reference's; of these device,
            precision and folders hold for all models.
    """
    found = []
    if "reference" in peers:
        found.append(Match(model, peers["reference"], None, {**options, "algorithm": ORIGINAL}))
    if "mediapipe" in peers:
        everywhere = ("device", "precision", "model_dir", "cache_dir", "performance_hint")
        common = {name: options[name] for name in everywhere if name in options}
        for name in MEDIAPIPE_MODELS:
            # MediaPipe's pose sees one person.
            alone = {"max_detections": 1} if "max_detections" in options_of(family_of(name).options) else {}
            found.append(Match(name, peers["mediapipe"], name, {**common, **alone}))
    return found


def measure(
    found: list[Match],
    pictures: Mapping[str, Image],
    turns: int,
    tick: Callable[[], object] = lambda: None,
) -> Figures:
    """Let each of the matches take turns on each picture.

    Args:
        found: From `matches`.
        pictures: uint8 (H, W, 3), BGR, by name.
        turns: Counted calls of each.
        tick: Called after each turn: len(found) * len(pictures) * turns times.

    Returns:
        Plain data: machine, versions of the peers, and `rows` with medians, p95 and how many times as long
        the peer takes; under `missing` the matches whose own model is not here.

    Raises:
        PeerError: A peer failed.
        RuntimeError: No device runs a model.
    """
    rows, missing = [], []
    for match in found:
        try:
            segmenter = bodypix_ros.load(match.model, **match.options)
        except MissingModelError as error:
            missing.append({"peer": match.peer.title, "model": match.model, "reason": str(error)})
            continue
        with closing(segmenter):
            rows += [_row(match, segmenter, name, image, turns, tick) for name, image in pictures.items()]
    versions = {match.peer.title: match.peer.versions for match in found}
    return {
        "kind": "compare",
        "machine": machine(),
        "versions": versions,
        "turns": turns,
        "rows": rows,
        "missing": missing,
    }


def _row(
    match: Match, segmenter: Segmenter, name: str, image: Image, turns: int, tick: Callable[[], object]
) -> Figures:
    see, peer = seeing(segmenter), match.peer
    call = _reference_options(asdict(segmenter.options)) if match.call is None else match.call
    peer.show(image)
    for _ in range(WARM_UP):
        see(image)
        peer.call(call)
    ours, theirs = np.zeros(turns), np.zeros(turns)
    for turn in range(turns):
        see(image)
        started = time.perf_counter()
        scene = see(image)
        ours[turn] = (time.perf_counter() - started) * 1e3
        peer.call(call)
        theirs[turn], people = peer.call(call)
        tick()
    height, width = image.shape[:2]
    own, other = _times(ours), _times(theirs)
    return {
        "model": match.model,
        "peer": peer.title,
        "picture": name,
        "width": width,
        "height": height,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "people": {"ours": len(scene.persons), "peer": people},
        "ms": {"ours": own, "peer": other},
        "ratio": round(other["median"] / max(own["median"], 1e-9), 3),
    }


def _times(ms: Any) -> dict[str, float]:
    median, p95 = np.percentile(ms, [50, 95])
    return {"median": round(float(median), 3), "p95": round(float(p95), 3)}


def _reference_options(options: Mapping[str, Any]) -> Figures:
    """Ours in the names of segmentMultiPersonParts."""
    return {theirs: options[ours] for ours, theirs in _REFERENCE_OPTIONS.items()}
