"""What a model is loaded with, whatever its family. Imports neither OpenVINO nor a kernel."""

from dataclasses import dataclass

from bodypix_ros import DEFAULT_MODEL
from bodypix_ros.options import option
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.segmenters.families import presets


@dataclass(frozen=True, slots=True)
class LoadOptions(Placement):
    """Which model, from where, running where."""

    model: str = option(DEFAULT_MODEL, "the model's name; `bodypix models` lists them", live=False, short="m")
    preset: str = option(
        "",
        "settings by name, of bodypix models: near, far, fast, original, or faces for privacy; what is set"
        " besides wins",
        choices=("", *presets()),
        live=False,
    )
    model_dir: str = option(
        "", "folder to look for model files in first; empty: only the usual ones", live=False, folder=True
    )
