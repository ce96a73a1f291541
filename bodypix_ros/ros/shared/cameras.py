"""The cameras that a node serves: their names, prefixes of topics, and how their images are read."""

import re
from dataclasses import dataclass
from typing import Final

from bodypix_ros.errors import OptionError
from bodypix_ros.options import option

TRANSPORTS: Final = ("raw", "compressed")
"""What the parameter `input_transport` may be."""

WHITE: Final = 65535
"""The parameter `mono16_max` by default: 16 bits of light, while 16UC1 is taken for depth."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """The parameters of every node that reads cameras, for `like`; each node says what its `cameras` are."""

    input_transport: str = option(
        "raw", "raw reads image, compressed reads image/compressed", choices=TRANSPORTS, live=False
    )
    max_rate: float = option(0.0, "frames per second and camera at most, 0: no limit", low=0.0, high=1000.0)
    mono16_max: int = option(
        WHITE,
        "value of a mono16 image that is white; 16UC1, which is depth as a rule, is not read unless this is "
        "another than 65535",
        low=1,
        high=WHITE,
    )


def white_of(mono16_max: int) -> int | None:
    """What `messages.images` takes: None where the parameter is as it is by default."""
    return None if mono16_max == WHITE else mono16_max


def camera_names(cameras: object) -> tuple[str, ...]:
    """The topic prefixes that the parameter `cameras` says; one empty prefix where it names none.

    Raises:
        OptionError: A name is no relative topic prefix, or there twice.
    """
    if not isinstance(cameras, tuple) or not all(isinstance(name, str) for name in cameras):
        raise OptionError(
            "cameras", f"cameras is {cameras!r:.80}, but must be a list of names, like [front, rear]"
        )
    names = tuple(name for name in cameras if name) or ("",)
    for name in names:
        if name and not _NAME.fullmatch(name):
            raise OptionError(
                "cameras",
                f"cameras has {name!r:.80}, but a camera's name must be a relative topic prefix: "
                "letters, digits and _ with / between, such as front or robot/front",
            )
    if len(set(names)) != len(names):
        raise OptionError("cameras", f"cameras has a name twice: {', '.join(names):.80}")
    return names
