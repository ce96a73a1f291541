"""The parameters of the renderer node: what there is, what it may be, and which topics a mode needs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bodypix_ros.options import Option, check_all, like, option, options_of, replace
from bodypix_ros.rendering import LABELS, MODES, Style
from bodypix_ros.ros.renderer.joining import IMAGE
from bodypix_ros.ros.shared.cameras import CameraOptions, camera_names


def inputs_of(mode: str) -> tuple[str, ...]:
    """The inputs that a mode draws with, the image first."""
    return (IMAGE, *MODES[mode].needs)


def required_of(mode: str) -> tuple[str, ...]:
    """The inputs without which a mode shows nothing."""
    return inputs_of(mode) if MODES[mode].privacy else (IMAGE,)


@dataclass(frozen=True, slots=True)
class RendererOptions(Style):
    """The parameters: those of the style, and the node's own; out of range: OptionError."""

    cameras: tuple[str, ...] = option(
        ("",),
        "a topic prefix for each camera, as the segmenter has them: [front, rear] reads front/image",
        live=False,
    )
    input_transport: str = like(CameraOptions, "input_transport")
    mode: str = option("instances", "what is drawn")
    labels: str = option("instance_mask", "the mask that label_image shows", choices=LABELS)
    jpeg_quality: int = option(80, "of debug_image/compressed", low=1, high=100)
    max_rate: float = like(CameraOptions, "max_rate")
    mono16_max: int = like(CameraOptions, "mono16_max")
    wait_s: float = option(
        0.5, "seconds that an image waits for masks and persons that do not come", low=0.05, high=60.0
    )
    buffer_size: int = option(30, "images per camera that wait for masks and persons", low=1, high=1000)

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
        Style.__post_init__(self)  # super() knows the class that slots=True has replaced
        camera_names(self.cameras)
        parameters()["mode"].check(self.mode)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return camera_names(self.cameras)

    def changed(self, changes: Mapping[str, Any]) -> "RendererOptions":
        """The options after changes; names that are no parameters of ours are left aside.

        Raises:
            OptionError: The reason to refuse them.
        """
        known = options_of(self)
        return replace(self, {name: _plain(v, known[name]) for name, v in changes.items() if name in known})


def parameters() -> dict[str, Option]:
    """All parameters by name; `mode` may be whatever the table of modes has by now."""
    known = options_of(RendererOptions)
    mode = known["mode"]
    text = f"{mode.text}: {', '.join(MODES)}"
    return {**known, "mode": dataclasses.replace(mode, text=text, choices=tuple(MODES))}


def _plain(value: Any, known: Option) -> Any:
    """Lists of words as tuples; a single word, or numbers, for such a list as well."""
    if known.kind is not tuple:
        return value
    several = value if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else [value]
    return tuple(str(item) for item in several)
