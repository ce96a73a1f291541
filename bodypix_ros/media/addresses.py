"""Addresses that a user typed instead of a file's name."""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from bodypix_ros.errors import MediaError

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_READ: Final = ("rtsp", "rtsps", "http", "https")


def is_address(text: str) -> bool:
    """Whether it begins as an address does, such as rtsp://; other colons may stand in names of files."""
    return _ADDRESS.match(text) is not None


def file_of(address: str) -> Path | None:
    """The file that an address names; None for one of a server that can be read.

    Raises:
        MediaError: It is of another kind, or broken.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port  # may be no number
    except ValueError:
        # Not why: that quotes what may be a password.
        raise MediaError(
            f"{_after_login(address)}: no address: its host or port cannot be read; write special characters "
            "of a password as %XX"
        ) from None
    if parts.scheme == "file" and host in (None, "localhost"):
        return Path(os.fsdecode(unquote_to_bytes(parts.path)))
    if parts.scheme not in _READ or host is None:
        kinds = " or ".join(f"{kind}://" for kind in _READ)
        raise MediaError(
            f"{shown(address)}: cannot be read; give {kinds}HOST/..., file:///..., or the name of a file"
        )
    return None


def shown(address: str) -> str:
    """An address without who logs in, and with what password: it stands in messages and results."""
    # A password with a slash in it is no valid address, but is a password all the same.
    return _after_login(address) if "@" in urlsplit(address).netloc else address


def _after_login(address: str) -> str:
    return re.sub(r"(?<=://).*@", "", address, count=1)


def stem_of(address: str) -> str:
    """A name for files, from the host and the last part of the path."""
    parts = urlsplit(address)
    name = f"{parts.hostname or ''}_{Path(parts.path).stem}"
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("._") or "address"
