"""Segmenters: image -> Scene. `load` finds the one for a model's name."""

from pathlib import Path
from typing import Any

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.models import catalogue
from bodypix_ros.runtime import Hint
from bodypix_ros.segmenters.base import ENCODINGS, Segmenter

__all__ = ["ENCODINGS", "Segmenter", "load"]


def load(
    model: str = DEFAULT_MODEL,
    *,
    device: str = "AUTO",
    precision: str | None = None,
    model_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    reference_dilation: bool = False,
    performance_hint: Hint = "LATENCY",
    **options: Any,
) -> Segmenter:
    """Load a model and compile it for a device.

    Args:
        model: A name of the catalogue (`bodypix models` lists them).
        device: "AUTO" (the first of GPU, NPU and CPU that compiles the model), a device, or several in order
            of preference: "GPU,CPU".
        precision: "f32", "f16", or None: f32 on a CPU, f16 on a GPU or NPU.
        model_dir: Where to look for the model's files first; then BODYPIX_ROS_MODELS, the package's share
            folder and the user's cache.
        cache_dir: Where networks compiled for a GPU or NPU are kept; None: the user's cache.
        reference_dilation: Read the dilations of stride-8 checkpoints (and ResNet50's at stride 16) as
            TensorFlow.js does, 2x1, instead of as they were trained, 2x2. Only to compare with the original.
        performance_hint: "LATENCY" for one camera, "THROUGHPUT" for several.
        options: The model's own, for BodyPix those of `segmenters.bodypix.options.BodyPixOptions`.

    Raises:
        MissingModelError: The model's files are not here; names what to get, from where, and where to put it.
        ValueError: An unknown model, option or device, a value out of range, a precision that the device does
            not run in, or a checkpoint that is broken.
        RuntimeError: No device compiles the model.
    """
    entry = catalogue.model(model)
    if entry.family == "bodypix":
        from bodypix_ros.segmenters.bodypix.segmenter import BodyPix

        return BodyPix(
            entry,
            device=device,
            precision=precision,
            model_dir=model_dir,
            cache_dir=cache_dir,
            reference_dilation=reference_dilation,
            performance_hint=performance_hint,
            options=options,
        )
    if reference_dilation:
        raise ValueError(f"reference_dilation is for BodyPix models only, not for {model}")
    common: dict[str, Any] = {
        "device": device,
        "precision": precision,
        "model_dir": model_dir,
        "cache_dir": cache_dir,
        "performance_hint": performance_hint,
        "options": options,
    }
    if entry.family == "selfie":
        from bodypix_ros.segmenters.selfie.segmenter import Selfie

        return Selfie(entry, **common)
    from bodypix_ros.segmenters.blazepose.segmenter import BlazePose

    return BlazePose(entry, **common)
