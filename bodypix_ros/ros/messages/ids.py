"""Ids of people in messages: a prefix, which says whose numbers they are, and the number of the track."""

import re
from typing import Final

from bodypix_ros.errors import OptionError

_CAMERA: Final = "{camera}"
_PREFIX: Final = re.compile(r"[^0-9]*|.*[^0-9A-Za-z]", re.DOTALL)
"""Without digits, or with an end that is told from a number and from the hashes that other trackers give."""
_ID: Final = re.compile(rf"(?:{_PREFIX.pattern})([0-9]+)", re.DOTALL)


def checked_prefix(prefix: str, camera: str) -> str:
    """The prefix of a camera's ids.

    Args:
        prefix: The parameter `id_prefix`; "{camera}" in it stands for the camera's name.
        camera: That name, empty where there is one camera without a name.

    Raises:
        OptionError: It has digits and ends in one, or in a letter: where the number begins would not be seen.
    """
    of_camera = prefix.replace(_CAMERA, camera.replace("/", "_"))
    if not _PREFIX.fullmatch(of_camera):
        raise OptionError(
            "id_prefix",
            f"id_prefix is {prefix!r:.80}, so that a camera's ids begin with {of_camera!r:.80}; where that "
            "has digits it must end in another character than letters and digits, such as _",
        )
    return of_camera


def text_of(track_id: int | None, prefix: str) -> str:
    """A track's id in messages; empty where there is none yet."""
    return "" if track_id is None else f"{prefix}{track_id}"


def number_of(text: str) -> int | None:
    """The number of a track from its id, whatever its prefix; None where there is none."""
    found = _ID.fullmatch(text)
    return int(found[1]) if found else None
