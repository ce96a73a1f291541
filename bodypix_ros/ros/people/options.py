"""The parameters of the people node: what there is, and what is refused and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bodypix_ros.errors import OptionError
from bodypix_ros.options import check_all, option, options_of, replace
from bodypix_ros.ros.shared.cameras import camera_names


@dataclass(frozen=True, slots=True)
class PlacesOptions:
    """The parameters; a value that may not be is an OptionError that names it."""

    cameras: tuple[str, ...] = option(
        ("",),
        "a topic prefix for each camera, as the segmenter has them: [front, rear] reads front/persons and "
        "front/depth/image",
        live=False,
    )
    slop: float = option(
        0.05,
        "seconds that an image and its depth may differ; the difference is in diagnostics",
        low=0.0,
        high=10.0,
    )
    target_frame: str = option("", "frame of the outputs; empty: the camera's optical frame", live=False)
    fixed_frame: str = option(
        "odom",
        "frame of the filter, which stands; where tf does not have it the camera's is taken",
        live=False,
    )
    follow: str = option(
        "nearest",
        "whom to follow: nearest, largest (in the picture), none, or an id; kept until lost",
        dynamic=True,
    )
    follow_timeout: float = option(
        2.0, "seconds until who is followed and not seen is lost", low=0.0, high=3600.0
    )
    publish_tf: bool = option(False, "publish the frames body_<id> on tf, whoever listens", live=False)
    ros4hri: bool = option(
        False, "publish /humans/bodies/... as REP-155 says, whoever listens; needs hri_msgs", live=False
    )
    stride: int = option(4, "persons_3d/points has one of so many pixels across and down", low=1, high=64)
    organized: bool = option(
        False, "persons_3d/points has the image's size, and NaN where nobody is; stride does nothing then"
    )
    depth_unit: float = option(
        0.0, "metres per unit of depth; 0: by encoding, 0.001 of 16UC1 and 1 of 32FC1", low=0.0, high=100.0
    )
    max_age: float = option(1.0, "seconds that a track is kept unseen", low=0.0, high=60.0)
    autostart: bool = option(
        True, "configure and activate by itself; false: wait for lifecycle transitions", live=False
    )

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
        if not isinstance(self.follow, str) or not self.follow.strip():
            raise OptionError(
                "follow", f"follow is {self.follow!r:.80}, but must be nearest, largest, none or an id"
            )
        camera_names(self.cameras)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The topic prefixes; one empty prefix where no camera is named."""
        return camera_names(self.cameras)

    @property
    def is_always_wanted(self) -> bool:
        """Whether everything is computed though nobody subscribes to an output."""
        return self.publish_tf or self.ros4hri

    def changed(self, changes: Mapping[str, Any], *, configured: bool = False) -> "PlacesOptions":
        """The options after changes; names that are no parameters of ours are left aside.

        Args:
            changes: New values by name.
            configured: Only live parameters may change then.

        Raises:
            OptionError: The reason to refuse them.
        """
        known = options_of(self)
        ours = {
            name: tuple(value) if isinstance(value, (list, tuple)) else value
            for name, value in changes.items()
            if name in known
        }
        if isinstance(ours.get("follow"), int) and not isinstance(ours["follow"], bool):
            ours["follow"] = str(ours["follow"])  # ros2 param set /people follow 7
        for name, value in ours.items():
            if configured and not known[name].live and value != getattr(self, name):
                raise OptionError(
                    name,
                    f"{name} can only be set while the node is unconfigured; "
                    "deactivate and clean it up first",
                )
        return replace(self, ours)
