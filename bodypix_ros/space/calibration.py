"""What a camera sees along which ray: from a calibration file, or guessed. Without rclpy."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bodypix_ros.errors import CalibrationError

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a sensor_msgs/CameraInfo says; matrices row by row."""

    width: int
    height: int
    model: str
    d: Numbers
    k: Numbers
    r: Numbers
    p: Numbers


def guess(width: int, height: int, fov_deg: float) -> Calibration:
    """Calibrate a pinhole camera without distortion that looks through the middle of its image.

    Args:
        width: Of its images, in pixels.
        height: Of its images, in pixels.
        fov_deg: The horizontal angle of view, above 0 and below 180.
    """
    f = width / 2 / math.tan(math.radians(fov_deg) / 2)
    cx, cy = (width - 1) / 2, (height - 1) / 2  # the middle of a pixel has whole coordinates
    return Calibration(
        width, height, "plumb_bob", (0.0,) * 5,
        (f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        (f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0),
    )  # fmt: skip


def path_of(url: str, share: Callable[[str], str]) -> Path:
    """The file that a URL of a calibration means: file:///..., package://NAME/..., or a path.

    Args:
        url: As ROS's camera drivers take it.
        share: Gives the share folder of a package, or raises LookupError.

    Raises:
        CalibrationError: Another kind of URL, or no such package.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Path(url)
    if scheme == "file":
        return Path(unquote(rest))
    if scheme != "package":
        raise CalibrationError(f"{url}: must be file:///..., package://NAME/... or a path")
    package, _, inside = unquote(rest).partition("/")
    try:
        return Path(share(package)) / inside
    except (LookupError, ValueError) as error:
        raise CalibrationError(
            f"{url}: there is no package '{package}' here; is its workspace sourced?"
        ) from error


def read(path: Path) -> Calibration:
    """Read a calibration as camera_calibration writes it, in YAML.

    Raises:
        CalibrationError: There is no such file, or something in it is missing or wrong.
    """
    yaml: Any = import_module("yaml")  # comes with ROS
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: no YAML: {error}") from error
    if not isinstance(content, Mapping):
        raise CalibrationError(f"{path}: no calibration: image_width, camera_matrix and others are missing")
    try:
        return Calibration(
            width=int(content["image_width"]),
            height=int(content["image_height"]),
            model=str(content["distortion_model"]),
            d=_numbers(content, "distortion_coefficients", None),
            k=_numbers(content, "camera_matrix", 9),
            r=_numbers(content, "rectification_matrix", 9),
            p=_numbers(content, "projection_matrix", 12),
        )
    except KeyError as error:
        raise CalibrationError(f"{path}: {error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise CalibrationError(f"{path}: no calibration: {error}") from error


def _numbers(content: Mapping[str, Any], name: str, count: int | None) -> Numbers:
    numbers = tuple(float(value) for value in content[name]["data"])
    if count is not None and len(numbers) != count:
        raise ValueError(f"{name} has {len(numbers)} numbers, but must have {count}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} has something that is not finite")
    return numbers
