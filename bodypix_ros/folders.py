"""Where the user's own files are kept."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from bodypix_ros import NAME


def user_cache() -> Path | None:
    """The user's cache of this package, on Linux in XDG_CACHE_HOME or ~/.cache; not made yet.

    None where there is neither: a container's user may have no home and no entry among the users.
    """
    try:
        folder = user_cache_path(NAME, appauthor=False)
    except RuntimeError:
        return None
    # Versions of platformdirs differ: some leave the ~ for which there is no home as it is.
    return folder if folder.is_absolute() else None


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path as a user writes it, with ~ for the home; as it is where there is none."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises without a home
