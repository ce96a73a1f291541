"""The parameters of the renderer node: what there is, what it may be, and which topics a mode needs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from bodypix_ros.rendering import BLUR_MAX, MODES, PRIVACY_MODES, part_ids_of
from bodypix_ros.ros.renderer.joining import IMAGE
from bodypix_ros.ros.segmenter.parameters import NodeOptions
from bodypix_ros.segmenters.base import check_ranges, option, replace_options

DETECTIONS: Final = ("persons", "keypoints")

# What a mode falls back to counts as needed: without parts "parts" shows persons, and whom nobody recognised
# as a person is still in the part mask.
_NEEDED: Final = MappingProxyType(
    {
        "parts": ("part_mask", "instance_mask", "persons"),
        "instances": ("instance_mask", "persons"),
        "skeleton": ("keypoints", "persons"),
        "mask": ("instance_mask", "part_mask"),
        "bokeh": ("instance_mask", "part_mask"),
        "pixelated": ("part_mask", "instance_mask", "persons"),
        "blur_parts": ("part_mask",),
        "pixelate_parts": ("part_mask",),
    }
)


def inputs_of(mode: str) -> tuple[str, ...]:
    """The inputs that a mode draws with, the image first."""
    return (IMAGE, *_NEEDED[mode])


def required_of(mode: str) -> tuple[str, ...]:
    """The inputs without which a mode shows nothing."""
    return inputs_of(mode) if mode in PRIVACY_MODES else (IMAGE,)


@dataclass(frozen=True, slots=True)
class RendererOptions:
    """The parameters; out of range: ValueError naming parameter, value and range."""

    cameras: tuple[str, ...] = option(
        ("",),
        "a topic prefix for each camera, as the segmenter has them: [front, rear] reads front/image",
        live=False,
        checked_elsewhere=True,
    )
    input_transport: str = option(
        "raw", "raw reads image, compressed reads image/compressed", live=False, checked_elsewhere=True
    )
    mode: str = option("instances", f"what is drawn: {', '.join(MODES)}", checked_elsewhere=True)
    opacity: float = option(0.5, "of what is laid over the image", low=0.0, high=1.0)
    blur: float = option(
        10.0, "of the background in bokeh and of parts in blur_parts, pixels", low=0.0, high=BLUR_MAX
    )
    edge_blur: float = option(
        3.0, "softness of edges, pixels; privacy modes hide three times as much around parts",
        low=0.0, high=BLUR_MAX,
    )  # fmt: skip
    flip: bool = option(False, "mirror the picture")
    min_keypoint_score: float = option(0.3, "keypoints below are not drawn", low=0.0, high=1.0)
    hide: tuple[str, ...] = option(
        ("face",),
        "what the privacy modes hide: part ids, names, or words of names such as face or left_hand; or all",
        checked_elsewhere=True,
        dynamic=True,
    )
    pixel_size: float = option(10.0, "width of the cells of mosaics, pixels", low=1.0, high=1000.0)
    jpeg_quality: int = option(80, "of debug_image/compressed", low=1, high=100)
    max_rate: float = option(0.0, "frames per second and camera at most, 0: no limit", low=0.0, high=1000.0)
    mono16_max: int = option(65535, "value of a mono16 image that is white", low=1, high=65535)
    wait_s: float = option(
        0.5, "seconds that an image waits for masks and persons that do not come", low=0.05, high=60.0
    )
    buffer_size: int = option(30, "images per camera that wait for masks and persons", low=1, high=1000)

    def __post_init__(self) -> None:
        """Check all of them."""
        check_ranges(self)
        self._segmenters_own()
        if self.mode not in MODES:
            raise ValueError(f"mode is '{self.mode}', but must be one of {', '.join(MODES)}")
        if not self.part_ids:
            raise ValueError("hide is empty, but a privacy mode must hide something, such as face")

    def _segmenters_own(self) -> NodeOptions:
        """The parameters that mean the same to both nodes, checked."""
        return NodeOptions(cameras=self.cameras, input_transport=self.input_transport)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return self._segmenters_own().camera_names

    @property
    def part_ids(self) -> tuple[int, ...]:
        """The parts to hide."""
        return part_ids_of(self.hide)

    def changed(self, changes: Mapping[str, Any]) -> "RendererOptions":
        """The options after changes; names that are no parameters of ours are left aside.

        Raises:
            ValueError: The reason to refuse them.
        """
        ours = {name: _plain(changes[name], field) for name, field in FIELDS.items() if name in changes}
        result: RendererOptions = replace_options(self, ours)
        return result


FIELDS: Final[Mapping[str, "dataclasses.Field[Any]"]] = MappingProxyType(
    {field.name: field for field in dataclasses.fields(RendererOptions)}
)
"""All parameters: default and, in the metadata, text, low, high and live."""


def _plain(value: Any, field: "dataclasses.Field[Any]") -> Any:
    """Lists of words as tuples; a single word, or numbers, for such a list as well."""
    if not isinstance(field.default, tuple):
        return value
    several = value if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else [value]
    return tuple(str(item) for item in several)
