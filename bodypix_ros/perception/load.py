"""A model's name -> a Segmenter."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.errors import OptionError
from bodypix_ros.models import catalogue, store
from bodypix_ros.perception.detailing import Details
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.segmenters.families import changed, family_of


def load(
    model: str = DEFAULT_MODEL,
    *,
    device: str = "AUTO",
    preset: str | None = None,
    precision: str | None = None,
    ranges: str | Path | None = None,
    model_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    performance_hint: str = "LATENCY",
    threads: int | None = None,
    reference_dilation: bool = False,
    **options: Any,
) -> Segmenter:
    """Load a model and compile it for a device.

    Args:
        model: A name of the catalogue (`bodypix models` lists them).
        device: "AUTO" (the first of GPU, NPU and CPU that compiles the model), a device, or several in order
            of preference: "GPU,CPU".
        preset: Settings by name, those of `segmenters.bodypix.presets`; options given besides win.
        precision: "f32", "f16", "int8" (of models that there are ranges for), or None: f16 on a GPU or NPU;
            on a CPU f32, but "int8" for BodyPix's `algorithm="people"` where it has AMX or VNNI.
        ranges: A file of ranges for "int8", as `bodypix models calibrate` makes it; None: the model's own.
        model_dir: Where to look for the model's files first; then BODYPIX_ROS_MODELS, the package's share
            folder and the user's cache.
        cache_dir: Where networks compiled for a GPU or NPU are kept; None: the user's cache.
        performance_hint: "LATENCY" for one camera, "THROUGHPUT" for several.
        threads: That a CPU computes with; None: as OpenVINO chooses.
        reference_dilation: Read the dilations of stride-8 checkpoints (and ResNet50's at stride 16) as
            TensorFlow.js does, 2x1, instead of as they were trained, 2x2. Only to compare with the original;
            models without such checkpoints refuse it.
        options: The model's own; for BodyPix those of `segmenters.bodypix.options.PeopleOptions`, with
            `algorithm="original"` those of `OriginalOptions`.

    Raises:
        MissingModelError: The model's files, or those that an option needs, are not here; names what to get,
            from where, and where to put it.
        OptionError: A ValueError: an unknown model, option or device, an option of another algorithm, a value
            out of range, a precision that the device does not run in, or that there are no ranges for.
        RangesError: A ValueError: the file of ranges is damaged, or of another model.
        CheckpointError: A ValueError: the model's files are broken.
        DeviceError: A RuntimeError: no device compiles the model.
    """
    entry, family = catalogue.model(model), family_of(model)
    placement = Placement(
        device=device,
        precision=precision or "",
        ranges=str(ranges) if ranges is not None else "",
        cache_dir=str(cache_dir) if cache_dir is not None else "",
        performance_hint=performance_hint,
        threads=threads or 0,
    )
    if reference_dilation:
        options["reference_dilation"] = reference_dilation
    if preset:
        if preset not in family.presets:
            there = ", ".join(family.presets) or "none"
            raise OptionError("preset", f"preset is {preset!r:.80}, but of {model} there are: {there}")
        options |= family.preset(preset, options)
    checked = changed(family.options_for(options)(), options)
    files = store.find(entry, model_dir)
    module, _, name = family.seer.partition(":")
    make = getattr(import_module(module), name)
    seer = make(entry, files, placement, checked)
    # Details go where the model runs, so that there is one device to name.
    details = Details(replace(placement, device=seer.networks[0].chosen), model_dir, family.gives)
    return Segmenter(entry.name, seer, checked, family.gives, details)
