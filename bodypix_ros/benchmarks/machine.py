"""The computer and the software that figures depend on, and pictures to measure with."""

import os
import platform
from pathlib import Path

import cv2
import numpy as np

from bodypix_ros.benchmarks import Figures
from bodypix_ros.media import Image

GREY = (127, 127, 127)
"""What pictures are filled up with."""


def machine() -> Figures:
    """Describe this computer and the software that the figures depend on."""
    import openvino as ov

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores_usable": cores(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openvino": ov.__version__.split("-", 1)[0],
        "numpy": np.__version__,
    }


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fitted(image: Image, width: int, height: int) -> Image:
    """Scale a picture into a size, with grey where its proportions leave room: nobody is cut off.

    Args:
        image: uint8 (H, W, 3).
        width: Of the result, in pixels.
        height: Of the result, in pixels.
    """
    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((height, width, 3), GREY, np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=method)
    return canvas
