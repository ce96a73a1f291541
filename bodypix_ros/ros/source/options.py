"""The parameters of the source node."""

from dataclasses import dataclass

from bodypix_ros.options import check_all, option


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The parameters, all of them set at the start; out of range: OptionError."""

    source: str = option(
        "0", "a picture, a folder of pictures and videos, a video, the index of a camera, or an address",
        live=False, dynamic=True,
    )  # fmt: skip
    rate: float = option(
        0.0, "frames per second; 0: a video's own, 1 for pictures, as they come where it is live",
        low=0.0, high=1000.0, live=False,
    )  # fmt: skip
    loop: bool = option(True, "begin again at the end; false: the node ends then", live=False)
    frame_id: str = option("camera_optical_frame", "of every header", live=False)
    parent_frame: str = option(
        "", "publish on /tf_static that the camera stands in this frame, a metre high, looking along x; "
        "empty: publish nothing", live=False,
    )  # fmt: skip
    camera_info_url: str = option(
        "", "calibration in YAML: file:///..., package://NAME/..., or a path; empty: guessed from fov",
        live=False,
    )  # fmt: skip
    fov: float = option(
        60.0, "horizontal angle of view for the guess, degrees", low=1.0, high=179.0, live=False
    )

    def __post_init__(self) -> None:
        """Check all of them."""
        check_all(self)
