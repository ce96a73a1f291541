"""See people: instance masks, body parts and keypoints through OpenVINO.

The public names are loaded when first used, so that `import bodypix_ros` costs nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bodypix_ros.errors import MissingModelError
    from bodypix_ros.perception.load import load
    from bodypix_ros.perception.segmenter import Segmenter
    from bodypix_ros.rendering import draw
    from bodypix_ros.scene import Person, Scene

__all__ = [
    "DEFAULT_MODEL",
    "MissingModelError",
    "Person",
    "Scene",
    "Segmenter",
    "__version__",
    "draw",
    "load",
]
__version__ = "0.1.0"

NAME = "bodypix_ros"
DEFAULT_MODEL = "bodypix-mobilenet-075-s16-q2"

# `import openvino` forks a process that tells Google Analytics of it, unless this module cannot be imported:
# OpenVINO goes on without. Whoever wants it imports it before this package.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_HOME = {
    "MissingModelError": "bodypix_ros.errors",
    "Person": "bodypix_ros.scene",
    "Scene": "bodypix_ros.scene",
    "Segmenter": "bodypix_ros.perception.segmenter",
    "draw": "bodypix_ros.rendering.modes",
    "load": "bodypix_ros.perception.load",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'bodypix_ros' has no attribute '{name}'")
